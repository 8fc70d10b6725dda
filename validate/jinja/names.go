package jinja

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// names.txt is the vetted list: kind, name, and why it is harmless.
//
//go:embed names.txt
var namesText string

// vetted are the names that a template may use, by kind.
type vetted map[string]map[string]bool

var names = sync.OnceValue(func() vetted { return mustRead(namesText) })

func mustRead(s string) vetted {
	v, err := readNames(s)
	if err != nil {
		panic(err) // the list is part of the program; a test reads it
	}
	return v
}

// readNames reads lines "kind name reason". A repeated name, an unknown kind and a missing reason are errors.
func readNames(s string) (vetted, error) {
	v := vetted{"function": {}, "method": {}, "test": {}, "internal": {}, "taboo": {}, "filter-same": {}, "filter-text": {}, "filter-number": {}, "filter-by": {}}
	for i, line := range strings.Split(s, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 || v[f[0]] == nil {
			return nil, fmt.Errorf("line %d: want a known kind, a name and a reason", i+1)
		}
		for kind := range v {
			if v[kind][f[1]] && (kind == f[0] || strings.HasPrefix(kind, "filter") && strings.HasPrefix(f[0], "filter")) {
				return nil, fmt.Errorf("line %d: %s %s exists twice", i+1, f[0], f[1])
			}
		}
		v[f[0]][f[1]] = true
	}
	return v, nil
}

func (v vetted) filter(name string) bool {
	return v["filter-same"][name] || v["filter-text"][name] || v["filter-number"][name] || v["filter-by"][name]
}

// internal reports whether an attribute of that name leads to Python's internals. White space is ignored, since a
// block of text can have it around.
func internal(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "_") || names()["internal"][s]
}

// internalPath is internal for the dotted and comma-separated paths of map(attribute=…) and of str.format.
func internalPath(s string) bool {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".,[]{}!:", r) }) {
		if internal(part) {
			return true
		}
	}
	return false
}
