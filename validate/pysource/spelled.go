package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// spelledModules are modules whose names, as texts of a file that imports what a text names, are no accident.
var spelledModules = words(`os posix nt subprocess builtins __builtin__ pty ctypes socket runpy marshal shutil codeop _posixsubprocess`)

// identifier is a run of letters that a name can be; two underscores separate names, as in os__system.
var identifier = lazyre.New(`[A-Za-z][A-Za-z0-9]*`)

// spells is a module of spelledModules that the file has as a text, or as a part of one, or as a part of an attribute.
// Names in sentences do not count.
func (m *module) spells() string {
	if m.spelled == nil {
		found := ""
		take := func(s string) {
			if found != "" || len(s) > 1<<16 || strings.Count(s, " ") > 24 {
				return
			}
			for _, word := range identifier.FindAllString(s, -1) {
				if spelledModules[word] || spelledModules["_"+word] {
					found = word
				}
			}
		}
		syntax.Walk(m.tree, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Constant:
				if (n.Kind == syntax.Str || n.Kind == syntax.Bytes) && !m.docs[n] {
					take(n.Text)
				}
			case *syntax.Attribute:
				if strings.Contains(n.Attr, "__") {
					take(n.Attr)
				}
			}
			return true
		})
		m.spelled = &found
	}
	return *m.spelled
}

// hiddenName reports whether a name was computed from texts of this file, so that none of it can be read: a name that
// begins with what is written ("transformers.models." + x) tells where it leads.
func hiddenName(e syntax.Expression, name value) bool {
	if !hasComputed(name) {
		return false
	}
	switch e := e.(type) {
	case *syntax.JoinedStr, *syntax.BinOp:
		return false
	case *syntax.Call:
		f, ok := e.Func.(*syntax.Attribute)
		return !ok || f.Attr != "format" && f.Attr != "join" && f.Attr != "replace"
	}
	return true
}

// maxDecodings bounds the names that decodedName follows in one file.
const maxDecodings = 10_000

// decodedName reports whether a name comes out of numbers or bytes: nobody writes names of modules that way.
func (m *module) decodedName(e syntax.Expression, s *scope, depth int) bool {
	if depth--; depth < 0 {
		return false
	}
	found := false
	syntax.Walk(e, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Attribute:
			found = found || n.Attr == "decode" || n.Attr == "tobytes" || n.Attr == "fromhex" || n.Attr == "to_bytes" || n.Attr == "translate" || n.Attr == "b64decode"
		case *syntax.Name:
			if found = found || n.Id == "chr"; found {
				return false
			}
			if home := s.find(n.Id); home != nil && m.decodings < maxDecodings {
				m.decodings++
				for _, b := range home.names[n.Id] {
					if b.way == byValue && b.expr != nil && m.decodedName(b.expr, b.scope, depth) {
						found = true
					}
				}
			}
		}
		return !found
	})
	return found
}

// configured reports whether a name is a member of the configuration, which comes with the model.
func configured(e syntax.Expression) bool {
	for depth := 0; depth < 8; depth++ {
		switch x := e.(type) {
		case *syntax.Attribute:
			if root, ok := x.Value.(*syntax.Name); ok {
				return root.Id == "config" || root.Id == "cfg" || root.Id == "self" && x.Attr != "__module__"
			}
			e = x.Value
		case *syntax.Subscript:
			e = x.Value
		default:
			return false
		}
	}
	return false
}

// allNames judges the dictionary of a module that gives power: whoever wants a member can name it.
func (m *module) allNames(x value, n syntax.Node, at place) {
	for _, a := range x.atoms {
		if a.kind != isNamespace || !powerful[a.text] {
			continue
		}
		if sub, ok := at.parent.(*syntax.Subscript); ok && sub.Value == n {
			return // the member is judged
		}
		if _, ok := at.parent.(*syntax.Attribute); ok {
			return
		}
		m.say(obfuscate, "introspection", n, at, "all names of %s as a dictionary (%s)", a.text, a.how.trail())
	}
}

var (
	// an import inside a text: for eval, or for what evaluates annotations
	importText      = lazyre.New(`__import__\s*\(|\bos\.(system|popen)\s*\(|\bsubprocess\.(run|call|Popen|check_output)\s*\(`)
	otherRepository = lazyre.New(`^[\w.-]+/[\w.-]+--[A-Za-z_]\w*\.[A-Za-z_]\w*$`)
	dottedName      = lazyre.New(`^[A-Za-z_]\w*([.:][A-Za-z_]\w*)+$`)
)

// namesFunction judges a text that is code, or the full name of a function that gives power: something resolves it.
func (m *module) namesFunction(s string, n syntax.Node, at place) {
	switch {
	case len(s) < 256 && otherRepository.MatchString(s):
		m.say(execution, "execution", n, at, "%s: an automatic class of another repository, whose code a library runs", quoted(s))
	case len(s) < 1<<14 && !strings.Contains(strings.TrimSpace(s), "\n") && importText.MatchString(s) && strings.Count(s, " ") < 40:
		m.say(obfuscate, "execution", n, at, "a text that is code: %s", quoted(s))
	case len(s) < 80 && dottedName.MatchString(s):
		path := strings.ReplaceAll(s, ":", ".")
		if root, _, _ := strings.Cut(path, "."); !powerful[root] && root != "__builtin__" {
			return
		}
		path = m.names.canonical(path)
		e, rest := m.names.find(path)
		if e != nil && e.verdict == deny && (e.name == path || rest != "") {
			m.say(obfuscate, e.capability, n, at, "a text names %s, for something that resolves it", quoted(s))
		}
	}
}
