package torchscript

import (
	"bufio"
	_ "embed" // the two lists
	"fmt"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
)

//go:embed operators.txt
var operatorsText string

//go:embed denied.txt
var deniedText string

// lists is what the two embedded files say.
type lists struct {
	allowed map[string]map[string]bool
	denied  map[string]string // "namespace name" or "namespace *" → what it does
}

var loadLists = sync.OnceValues(func() (*lists, error) {
	l := &lists{}
	var err error
	if l.allowed, err = readOperators(operatorsText); err != nil {
		return nil, err
	}
	l.denied, err = readDenied(deniedText)
	return l, err
})

// readOperators reads sections "[namespace] why" followed by names.
func readOperators(text string) (map[string]map[string]bool, error) {
	out := map[string]map[string]bool{}
	var section map[string]bool
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		s := strings.TrimSpace(sc.Text())
		switch {
		case s == "" || s[0] == '#':
		case s[0] == '[':
			name, why, ok := strings.Cut(s[1:], "] ")
			if !ok || why == "" || out[name] != nil {
				return nil, fmt.Errorf("operators.txt:%d: a section without a reason, or repeated", line)
			}
			section = map[string]bool{}
			out[name] = section
		default:
			for _, op := range strings.Fields(s) {
				if section == nil || section[op] {
					return nil, fmt.Errorf("operators.txt:%d: %s is repeated or in no section", line, op)
				}
				section[op] = true
			}
		}
	}
	return out, sc.Err()
}

func readDenied(text string) (map[string]string, error) {
	out := map[string]string{}
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		s := sc.Text()
		if s == "" || s[0] == '#' {
			continue
		}
		f := strings.SplitN(s, " ", 3)
		if len(f) != 3 || out[f[0]+" "+f[1]] != "" {
			return nil, fmt.Errorf("denied.txt:%d: want namespace, name, what it does, once", line)
		}
		out[f[0]+" "+f[1]] = f[2]
	}
	return out, sc.Err()
}

// operator judges one name. The mechanism is the list of allowed names; the other one chooses the words.
func (j *judge) operator(at validate.Place, ns, name string) {
	if j.lists.allowed[ns][name] {
		return
	}
	full := ns[:min(len(ns), maxWord)] + "::" + name[:min(len(name), maxWord)]
	if j.seen[full] || len(j.seen) > maxReported {
		return
	}
	j.seen[full] = true
	what := j.lists.denied[ns+" "+name]
	if what == "" {
		what = j.lists.denied[ns+" *"]
	}
	switch {
	case what != "":
		at.Evidence = validate.Quote(full, 80)
		j.p.ReportAt(outside, at, "operator %s %s", validate.Quote(full, 80), what)
	case j.lists.allowed[ns] != nil:
		j.p.ReportAt(unknownOperator, at, "operator %s is not one that was looked at", validate.Quote(full, 80))
	default:
		j.p.ReportAt(unknownOperator, at, "operator %s belongs to a library that must be loaded first", validate.Quote(full, 80))
	}
}

// maxReported bounds how many different names one member can be reported for.
const maxReported = 200
