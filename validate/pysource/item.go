package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

func (m *module) stored(key string) value {
	var out value
	for _, b := range m.items[key] {
		for _, a := range m.bound(b, nil, b.scope).atoms {
			out = union(out, only(a))
		}
	}
	out.open = true
	return out
}

func (m *module) subscript(e *syntax.Subscript, s *scope, v *env) value {
	x := m.eval(e.Value, s, v)
	if sl, ok := e.Slice.(*syntax.Slice); ok {
		return m.slice(x, m.eval2(sl.Lower, s, v), m.eval2(sl.Upper, s, v), m.eval2(sl.Step, s, v))
	}
	if m.ownName(e.Slice, s) && len(x.atoms) == 1 && x.atoms[0].text == "sys.modules" {
		return only(ref(".", &step{line: e.Line, what: "this module", prev: x.atoms[0].how}))
	}
	return m.item(x, m.eval(e.Slice, s, v), e.Line)
}

// ownName: __name__, and the name of the module of an object of a class of this file.
func (m *module) ownName(e syntax.Expression, s *scope) bool {
	switch e := e.(type) {
	case *syntax.Name:
		return e.Id == "__name__" && s.find(e.Id) == nil
	case *syntax.Attribute:
		root, ok := e.Value.(*syntax.Name)
		return ok && e.Attr == "__module__" && (root.Id == "self" || root.Id == "cls")
	}
	return false
}

// eval2 is eval with None for what is left out.
func (m *module) eval2(e syntax.Expression, s *scope, v *env) value {
	if e == nil {
		return only(&atom{kind: isNone})
	}
	return m.eval(e, s, v)
}

// item is x[key].
func (m *module) item(x, key value, line uint32) value {
	out := value{open: x.open}
	plain := x.open
	for _, a := range x.atoms {
		switch a.kind {
		case isSeq, isStr, isBytes:
			out = union(out, indexed(a, key))
		case isDict:
			out = union(out, m.looked(a, key))
		case isNamespace:
			out = union(out, m.namespaced(a, key, line))
		case isRef:
			out = union(out, m.refItem(a, key, line))
		case isComputed:
			out = union(out, only(a))
		default:
			plain = true
		}
	}
	if plain {
		for _, k := range key.atoms {
			if k.kind == isStr {
				out = union(out, m.stored(k.text))
			}
		}
		out = union(out, m.stored("?"), unknown)
	}
	return out
}

func indexed(a *atom, key value) value {
	k, ok := key.constant()
	if !ok || k.kind != isInt {
		x := only(a).elements()
		if a.textual() {
			x.atoms = append(x.atoms[:min(len(x.atoms), maxAtoms)], &atom{kind: isComputed})
		}
		x.open = true
		return x
	}
	switch a.kind {
	case isSeq:
		if i, ok := position(k.n, len(a.items)); ok {
			return a.items[i]
		}
	case isBytes:
		if i, ok := position(k.n, len(a.text)); ok {
			return only(number(int64(a.text[i])))
		}
	case isStr:
		r := runes(a.text)
		if i, ok := position(k.n, len(r)); ok {
			return only(&atom{kind: isStr, text: string(r[i]), built: true})
		}
	}
	return unknown
}

func position(i int64, n int) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// looked is an entry of a dictionary that the code spells out, or may have stored later.
func (m *module) looked(d *atom, key value) value {
	out := value{}
	if k, ok := key.constant(); ok && (k.kind == isStr || k.kind == isInt || k.kind == isBytes) {
		for i, x := range d.keys {
			if x.kind == k.kind && x.text == k.text && x.n == k.n || x.kind == isComputed {
				out = union(out, d.items[i])
			}
		}
		if k.kind == isStr {
			if s := m.stored(k.text); len(s.atoms) > 0 {
				out = union(out, s)
			}
		}
		if len(out.atoms) == 0 {
			return unknown
		}
		return out
	}
	for _, x := range d.items[:min(len(d.items), 64)] {
		out = union(out, x)
	}
	out.open = true
	return out
}

// namespaced is an entry of the dictionary of a module.
func (m *module) namespaced(ns *atom, key value, line uint32) value {
	if ns.text != "" {
		return m.named(only(ref(ns.text, ns.how)), key, line)
	}
	out := unknown
	for _, k := range key.atoms {
		if k.kind == isStr {
			out = union(out, m.global(k.text))
			for _, b := range m.inner[k.text] {
				out = union(out, m.bound(b, nil, b.scope))
			}
		}
	}
	return out
}

// global is a name of this module.
func (m *module) global(name string) value {
	if m.top.names[name] == nil {
		return m.unbound(name)
	}
	var out value
	for _, b := range m.top.names[name] {
		out = union(out, m.bound(b, nil, m.top))
	}
	return out
}

// refItem is an item of an object of a library.
func (m *module) refItem(a *atom, key value, line uint32) value {
	how := &step{line: line, what: "[…]", prev: a.how}
	switch a.text {
	case "sys.modules":
		out := value{}
		for _, k := range key.atoms {
			if k.kind == isStr {
				out = union(out, only(m.canonical(ref(k.text, how))))
			}
		}
		if !allText(key) {
			out = union(out, only(ref("sys.modules.?", how)))
		}
		return out
	case "builtins": // __builtins__ is a dictionary in every module but the first
		return m.named(only(a), key, line)
	}
	return unknown
}
