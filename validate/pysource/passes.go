package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// throughPartial judges what a methodcaller or partial calls when it is called.
func (m *module) throughPartial(n *syntax.Call, callee value, at place) {
	for _, a := range callee.atoms {
		if a.kind != isPartial {
			continue
		}
		for _, r := range m.eval(n, at.scope, nil).atoms {
			if path, ok := strings.CutSuffix(r.text, "()"); ok && r.kind == isRef {
				m.refer(&atom{kind: isRef, text: path, how: r.how}, n, &syntax.Call{Pos: n.Pos, Func: n.Func}, at)
			}
		}
	}
}

// exemptClasses: asking for the class of an object takes nothing out of the class.
func (m *module) exemptClasses(n *syntax.Call) {
	if len(n.Args) != 2 {
		return
	}
	m.exempt[n.Args[1]] = true
	if t, ok := n.Args[1].(*syntax.Tuple); ok {
		for _, e := range t.Elts {
			m.exempt[e] = true
		}
	}
}

// deep calls f for the references in a value and in its elements, the first few hundred.
func (m *module) deep(x value, f func(*atom)) {
	left := 400
	var walk func(x value, depth int)
	walk = func(x value, depth int) {
		for _, a := range x.atoms {
			if left--; left < 0 {
				return
			}
			switch {
			case a.kind == isRef:
				f(a)
			case depth < 3 && (a.kind == isSeq || a.kind == isDict || a.kind == isPartial):
				for _, e := range a.items {
					if left < 0 {
						return
					}
					walk(e, depth+1)
				}
			}
		}
	}
	walk(x, 0)
}

// addresses looks for addresses of the network among the arguments of a library's function.
func (m *module) addresses(n *syntax.Call, callee value, at place) {
	for _, a := range callee.atoms {
		if a.kind != isRef || textReceiver.MatchString(a.text) {
			continue
		}
		check := func(e syntax.Expression) {
			if s, ok := m.eval(e, at.scope, nil).str(); ok && address.MatchString(s) {
				m.ownAddress(a, s, n, at)
			}
		}
		for _, e := range n.Args {
			check(e)
		}
		for _, k := range n.Keywords {
			check(k.Value)
		}
		return
	}
}

// passes looks for modules with dangerous members among the arguments.
func (m *module) passes(n *syntax.Call, callee value, known bool, at place) {
	for _, a := range callee.atoms {
		if a.kind == isFunc || a.kind == isPartial || a.kind == isRef && harmlessReceiver(a.text) {
			return
		}
	}
	check := func(e syntax.Expression) {
		m.deep(m.eval(e, at.scope, nil), func(a *atom) {
			if !m.names.isModule(a.text) {
				return
			}
			if e2, _ := m.names.find(a.text); e2 != nil && (e2.verdict == ask || e2.verdict == deny) && doors[strings.SplitN(a.text, ".", 2)[0]] {
				m.say(pick(powerful[a.text], obfuscate, passedOn), e2.capability, e, at, "module %s is an argument (%s)", a.text, a.how.trail())
			}
		})
	}
	for _, e := range n.Args {
		check(e)
	}
	for _, k := range n.Keywords {
		check(k.Value)
	}
}

// harmlessReceiver: functions that are followed, or that take nothing out of a module.
func harmlessReceiver(path string) bool {
	switch path {
	case "builtins.getattr", "builtins.hasattr", "builtins.setattr", "builtins.vars", "builtins.dir", "builtins.isinstance", "builtins.print", "builtins.type", "builtins.id",
		"builtins.repr", "builtins.str", "builtins.callable", "builtins.delattr", "importlib.reload", "inspect.getmembers", "inspect.isfunction", "inspect.ismodule",
		"builtins.object.__getattribute__", "inspect.getattr_static", "builtins.map", "builtins.list", "builtins.tuple", "builtins.next", "builtins.iter", "functools.reduce":
		return true
	}
	return strings.HasPrefix(path, "operator.") || strings.HasPrefix(path, "functools.partial")
}
