package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kind says what a problem is.
type Kind byte

// The kinds.
const (
	Escape   Kind = iota // a way to Python's internals
	Reach                // another template is read
	Unlisted             // something that is not known to be harmless
	Broken               // the template could not be read
)

// Problem is one thing in a template that keeps it from being cleared.
type Problem struct {
	Kind   Kind
	Offset int // bytes into the template
	Line   int // of the template, from 1
	What   string
}

// Check reads a template and says everything in it that is not known to be harmless.
func Check(src string) []Problem {
	tree, tokens, err := parse(src)
	var problems []Problem
	if err != nil {
		problems = salvage(tokens, err)
	} else {
		problems = judgeTree(tree)
	}
	for i := range problems {
		problems[i].Line = 1 + strings.Count(src[:problems[i].Offset], "\n")
	}
	return problems
}

// say states a problem once.
func (j *judge) say(k Kind, pos int, format string, args ...any) {
	if j.quiet || len(j.problems) >= maxProblems && (k != Escape || len(j.problems) >= 2*maxProblems) {
		return
	}
	p := Problem{Kind: k, Offset: pos, What: fmt.Sprintf(format, args...)}
	if !j.found[p] {
		j.found[p] = true
		j.problems = append(j.problems, p)
	}
}

// salvage looks at the tokens of a template that could not be parsed. A renderer may forgive what stopped us.
func salvage(tokens []token, err error) []Problem {
	var out []Problem
	for i, t := range tokens {
		dotted := t.kind == name && i > 0 && tokens[i-1].kind == op && tokens[i-1].s == "."
		if (dotted || t.kind == str) && internalPath(t.s) && len(out) < maxProblems {
			out = append(out, Problem{Kind: Escape, Offset: t.pos, What: "the name " + quote(t.s)})
		}
	}
	broken := Problem{Kind: Broken, What: err.Error()}
	var s *syntaxError
	if errors.As(err, &s) {
		broken.Offset = s.pos
	}
	return append(out, broken)
}

// quote shows a string of the template, shortened.
func quote(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 80)]) }
