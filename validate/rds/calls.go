package rds

import (
	"bufio"
	_ "embed" // the list
	"fmt"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
)

//go:embed calls.txt
var callsText string

// verdict on a function that an expression calls.
type verdict struct {
	allowed bool
	why     string
}

var loadCalls = sync.OnceValues(func() (map[string]verdict, error) { return readCalls(callsText) })

func readCalls(text string) (map[string]verdict, error) {
	out := map[string]verdict{}
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		s := sc.Text()
		if s == "" || s[0] == '#' {
			continue
		}
		i := strings.LastIndex(s, " : ")
		f := strings.Fields(s[:max(i, 0)])
		if len(f) < 2 || f[0] != "allow" && f[0] != "deny" {
			return nil, fmt.Errorf("calls.txt:%d: want allow or deny, names, a colon, why", line)
		}
		for _, name := range f[1:] {
			if _, twice := out[name]; twice {
				return nil, fmt.Errorf("calls.txt:%d: %s is listed twice", line, name)
			}
			out[name] = verdict{f[0] == "allow", s[i+3:]}
		}
	}
	return out, sc.Err()
}

// call reads an expression: what it calls is judged, its arguments are items like others.
func (r *reader) call(at, before int64) error {
	if err := r.push(1); err != nil { // the arguments
		return err
	}
	r.todo = append(r.todo, step{do: func(r *reader) error { return r.callee(at) }})
	return r.push(before)
}

// callee reads what an expression calls. A symbol is complete when its item has been read; anything else is not one.
func (r *reader) callee(at int64) error {
	r.symbolRead = ""
	if err := r.item(); err != nil {
		return err
	}
	name := r.symbolRead
	switch v, known := r.calls[name]; {
	case v.allowed:
	case known:
		r.report(program, at, fmt.Sprintf("an expression that calls %s, which does this: %s", name, v.why))
	case name == "":
		r.report(expression, at, "an expression that calls something without a name")
	default:
		r.report(expression, at, "an expression that calls "+validate.Quote(name, maxSymbol))
	}
	return nil
}
