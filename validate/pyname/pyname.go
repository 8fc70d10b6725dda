// Package pyname judges the dotted Python names by which configurations say what a library shall import and call:
// Hydra's _target_, class_path of jsonargparse, types in serialized objects.
//
// # Security
//
// Whoever instantiates such a configuration calls the name with the arguments beside it (CVE-2025-23304: NeMo). The
// list (names.txt) decides: a class of a listed library, by a path of plain names, is known. What leads to programs,
// files, loaders or resolvers is harmful. Everything else is unknown, which is no clearance: a project's own class is
// code that was not validated.
package pyname

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Verdict is what is known about a name.
type Verdict byte

// The zero value clears nothing.
const (
	Unknown Verdict = iota
	Known           // a class of a vetted library
	Harmful         // leads to programs, files, loaders or resolvers
)

//go:embed names.txt
var namesText string

var list = sync.OnceValue(func() lists { return mustRead(namesText) })

type lists struct{ packages, names, harmful, words map[string]bool }

func mustRead(s string) lists {
	l, err := read(s)
	if err != nil {
		panic(err) // the list is part of the program; a test reads it
	}
	return l
}

// read reads lines "kind name reason": a package whose classes are known, a name that is known itself, a harmful
// top-level module, or a word that is harmful anywhere in a name.
func read(s string) (lists, error) {
	l := lists{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for i, line := range strings.Split(s, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			return l, fmt.Errorf("line %d: want kind, name and reason", i+1)
		}
		m := map[string]map[string]bool{"package": l.packages, "name": l.names, "harmful": l.harmful, "word": l.words}[f[0]]
		if m == nil || m[f[1]] {
			return l, fmt.Errorf("line %d: the kind is unknown or the name exists twice", i+1)
		}
		m[f[1]] = true
	}
	return l, nil
}

// maxName is far above what Python programs have.
const maxName = 512

// Judge says what is known about a dotted name. White space around it and a colon before the last part, which some
// resolvers accept, are read as those resolvers do.
func Judge(name string) Verdict {
	name = strings.ReplaceAll(strings.TrimSpace(name), ":", ".")
	if len(name) > maxName {
		return Unknown
	}
	parts := strings.Split(name, ".")
	if list().harmful[parts[0]] {
		return Harmful
	}
	for _, part := range parts {
		if strings.HasPrefix(part, "__") || list().words[part] {
			return Harmful
		}
	}
	for _, part := range parts {
		if !plain(part) {
			return Unknown
		}
	}
	if list().names[name] {
		return Known
	}
	last, _ := utf8.DecodeRuneInString(parts[len(parts)-1])
	if len(parts) < 2 || !unicode.IsUpper(last) {
		return Unknown
	}
	for i := 1; i < len(parts); i++ {
		if list().packages[strings.Join(parts[:i], ".")] {
			return Known
		}
	}
	return Unknown
}

// plain reports whether a part is an ASCII identifier that is not private.
func plain(s string) bool {
	for i, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}
