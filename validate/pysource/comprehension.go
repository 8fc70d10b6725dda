package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// comprehend follows a comprehension over known elements.
func (m *module) comprehend(n syntax.Expression, gens []*syntax.Comprehension, elt syntax.Expression, s *scope, v *env) value {
	items := []value{}
	open := m.turns(n, gens, s, v, func(in *scope, ev *env) {
		items = append(items, m.eval(elt, in, ev))
	})
	if open {
		in := m.scopes[n]
		x := m.eval(elt, in, v)
		return value{open: true, atoms: []*atom{seq(append(items, x))}}
	}
	return only(seq(items))
}

func (m *module) comprehendDict(n *syntax.DictComp, s *scope, v *env) value {
	d := &atom{kind: isDict}
	open := m.turns(n, n.Generators, s, v, func(in *scope, ev *env) {
		val := m.eval(n.Value, in, ev)
		for _, k := range m.eval(n.Key, in, ev).atoms {
			d.keys, d.items = append(d.keys, k), append(d.items, val)
		}
	})
	return value{open: open, atoms: []*atom{d}}
}

// turns runs f for every turn of a comprehension. It is true when the turns are not all known.
func (m *module) turns(n syntax.Node, gens []*syntax.Comprehension, s *scope, v *env, f func(*scope, *env)) (open bool) {
	in := m.scopes[n]
	if in == nil || v != nil && v.depth > maxDepth {
		return true
	}
	count := 0
	allowed := func() bool {
		m.turned++
		return count <= maxItems && m.turned <= maxTurns && !open
	}
	var loop func(k int, ev *env)
	loop = func(k int, ev *env) {
		if k == len(gens) {
			if count++; count <= maxItems {
				f(in, ev)
			}
			return
		}
		from := in
		if k == 0 {
			from = s
		}
		a, ok := m.eval(gens[k].Iter, from, ev).constant()
		if !ok || gens[k].IsAsync {
			open = true
			return
		}
		if !a.each(func(x value) {
			if !allowed() {
				return
			}
			vars := map[string]value{}
			if ev != nil && ev.scope == in {
				for name, y := range ev.vars {
					vars[name] = y
				}
			}
			if !m.destructure(gens[k].Target, x, vars) {
				open = true
				return
			}
			depth := 1
			if ev != nil {
				depth = ev.depth + 1
			}
			next := &env{scope: in, vars: vars, up: ev, depth: depth}
			for _, c := range gens[k].Ifs {
				if m.isFalse(c, in, next) {
					return
				}
			}
			loop(k+1, next)
		}) {
			open = true
		}
	}
	loop(0, v)
	return open || count > maxItems || m.turned > maxTurns
}

func (m *module) destructure(t syntax.Expression, x value, vars map[string]value) bool {
	switch t := t.(type) {
	case *syntax.Name:
		vars[t.Id] = x
		return true
	case *syntax.Tuple:
		for i, e := range t.Elts {
			if !m.destructure(e, m.unpack(x, []int{i}), vars) {
				return false
			}
		}
		return true
	}
	return false
}

// isFalse reports whether a condition of a comprehension is certainly false.
func (m *module) isFalse(e syntax.Expression, s *scope, v *env) bool {
	c, ok := e.(*syntax.Compare)
	if !ok || len(c.Ops) != 1 {
		a, ok := m.eval(e, s, v).constant()
		return ok && (a.kind == isInt && a.n == 0 || a.kind == isStr && a.text == "")
	}
	x, ok1 := m.eval(c.Left, s, v).constant()
	y, ok2 := m.eval(c.Comparators[0], s, v).constant()
	if !ok1 || !ok2 {
		return false
	}
	equal := x.kind == y.kind && x.text == y.text && x.n == y.n
	simple := (x.textual() || x.kind == isInt) && x.kind == y.kind
	switch c.Ops[0] {
	case syntax.Eq:
		return simple && !equal
	case syntax.NotEq:
		return simple && equal
	case syntax.Lt:
		return simple && x.kind == isInt && x.n >= y.n
	case syntax.Gt:
		return simple && x.kind == isInt && x.n <= y.n
	case syntax.In:
		return x.textual() && y.kind == x.kind && !strings.Contains(y.text, x.text)
	case syntax.NotIn:
		return x.textual() && y.kind == x.kind && strings.Contains(y.text, x.text)
	}
	return false
}
