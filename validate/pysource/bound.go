package pysource

import (
	"strings"
)

// bound is what one binding gives.
func (m *module) bound(b binding, v *env, home *scope) value {
	if v != nil && !v.has(home) {
		v = nil // the names of that scope are not those of the call that is followed
	}
	switch b.way {
	case byModule:
		return only(ref(b.path, &step{line: b.line, what: "import " + b.path}))
	case byMember:
		return only(m.canonical(ref(b.path, &step{line: b.line, what: "from … import " + b.path})))
	case byFunc:
		return m.wrapped(b.fn)
	case byClass:
		return only(&atom{kind: isClass, scope: b.class})
	case byValue:
		return m.unpack(m.eval(b.expr, b.scope, v), b.index)
	case byElement:
		return m.unpack(m.eval(b.expr, b.scope, v).elements(), b.index)
	case byEnter:
		return m.unpack(m.entered(m.eval(b.expr, b.scope, v)), b.index)
	case byAttr:
		return m.matched(m.eval(b.expr, b.scope, v), b.path, b.line)
	case byParam:
		return m.passed(b)
	case byUpdate:
		// += of text in a loop: what it comes to is not followed
		x := m.eval(b.expr, b.scope, v)
		if m.updatable(home, b) {
			return m.updated(home, b, v)
		}
		return value{open: true, atoms: computedIfText(x)}
	}
	return unknown
}

func computedIfText(x value) []*atom {
	for _, a := range x.atoms {
		if a.textual() || a.kind == isComputed {
			return []*atom{{kind: isComputed}}
		}
	}
	return nil
}

// updatable: the name is set once and then extended, each time in the straight line of its scope.
func (m *module) updatable(home *scope, b binding) bool {
	path := ""
	for _, list := range home.names {
		for _, x := range list {
			if x.off == b.off && x.line == b.line && x.way == byUpdate {
				for _, y := range list {
					if !y.firm || y.way != byValue && y.way != byUpdate {
						return false
					}
				}
				return list[0].way == byValue && path == ""
			}
		}
	}
	return false
}

// updated is the text that a straight line of += comes to at the binding b.
func (m *module) updated(home *scope, b binding, v *env) value {
	for _, list := range home.names {
		found := false
		for _, x := range list {
			found = found || x.off == b.off && x.way == byUpdate
		}
		if !found {
			continue
		}
		var at value
		for _, x := range list {
			y := m.eval(x.expr, x.scope, v)
			if x.way == byValue {
				at = y
			} else {
				at = m.binary(x.op, at, y)
			}
			if x.off == b.off {
				return at
			}
		}
	}
	return unknown
}

// entered is what a with statement binds.
func (m *module) entered(x value) value {
	out := value{open: true}
	for _, a := range x.atoms {
		if a.kind == isRef {
			out.atoms = append(out.atoms, a)
		}
	}
	for _, b := range append(append([]binding{}, m.fields["__enter__"]...), m.fields["__aenter__"]...) {
		if b.way == byFunc {
			out = union(out, m.follow(b.fn, arguments{named: map[string]value{}}, nil))
		}
	}
	return out
}

// unpack follows the steps of an unpacking.
func (m *module) unpack(x value, index []int) value {
	for _, i := range index {
		if i == -2 { // a starred target collects elements
			x = value{open: x.open, atoms: []*atom{seq([]value{x})}}
			continue
		}
		if i < 0 {
			x = x.elements()
			continue
		}
		out := value{open: x.open}
		for _, a := range x.atoms {
			k, hit := 0, false
			a.each(func(e value) {
				if k == i {
					out, hit = union(out, e), true
				}
				k++
			})
			out.open = out.open || !hit
		}
		x = out
	}
	return x
}

// matched follows a pattern from its subject to a capture.
func (m *module) matched(x value, path string, line uint32) value {
	if path == "" {
		return x
	}
	for _, p := range strings.Split(path, ".") {
		switch {
		case strings.HasPrefix(p, "["):
			x = m.item(x, only(text(p[1:])), line)
		case strings.HasPrefix(p, "#"):
			x = x.elements()
		default:
			x = m.attribute(x, p, line)
		}
	}
	return x
}
