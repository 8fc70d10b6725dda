package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// link finds which calls reach which functions of the module, and what runs while the module is imported.
func (m *module) link() {
	var calls []callSite
	w := &walker{scopes: m.scopes, visit: func(n syntax.Node, at place) {
		if c, ok := n.(*syntax.Call); ok {
			calls = append(calls, callSite{c, at.scope})
			for _, fn := range m.callees(c.Func, at.scope) {
				if len(fn.calls) < 24 {
					fn.calls = append(fn.calls, callSite{c, at.scope})
				}
			}
		}
		m.hooks(n, at)
	}}
	hand := func(c *syntax.Call, e syntax.Expression, s *scope) {
		for _, fn := range m.callees(e, s) {
			if len(fn.handed) < 8 && fn != nil {
				fn.handed = append(fn.handed, callSite{c, s})
			}
		}
	}
	m.findScripts()
	for _, s := range m.tree.Body {
		w.node(s, place{m.top, m.tree, false})
	}
	for _, c := range calls {
		for _, e := range c.call.Args {
			hand(c.call, e, c.scope)
		}
		for _, k := range c.call.Keywords {
			hand(c.call, k.Value, c.scope)
		}
	}
	m.spread(calls)
}

// callees are the functions that an expression names, by name alone.
func (m *module) callees(f syntax.Expression, s *scope) (out []*function) {
	var list []binding
	switch f := f.(type) {
	case *syntax.Name:
		if home := s.find(f.Id); home != nil {
			list = home.names[f.Id]
		}
	case *syntax.Attribute:
		list = m.fields[f.Attr]
	case *syntax.Lambda:
		return []*function{m.funcs[f]}
	}
	for _, b := range list {
		switch {
		case b.way == byFunc:
			out = append(out, b.fn)
		case b.way == byClass:
			for _, name := range []string{"__init__", "__new__", "__call__"} {
				for _, x := range b.class.names[name] {
					if x.way == byFunc {
						out = append(out, x.fn)
					}
				}
			}
		case b.way == byValue && len(b.index) == 0:
			if l, ok := b.expr.(*syntax.Lambda); ok && m.funcs[l] != nil {
				out = append(out, m.funcs[l])
			}
		}
	}
	return out
}

// hooks marks the functions that run without a visible call while the module is imported.
func (m *module) hooks(n syntax.Node, at place) {
	mark := func(list []syntax.Expression) {
		for _, d := range list {
			for _, fn := range m.callees(d, at.scope) {
				fn.early = true
			}
		}
	}
	switch n := n.(type) {
	case *syntax.FunctionDef:
		mark(n.DecoratorList)
		switch n.Name {
		case "__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__", "__mro_entries__":
			m.funcs[n].early = at.scope.class
		case "__getattr__", "__dir__":
			m.funcs[n].early = at.scope == m.top
		}
	case *syntax.AsyncFunctionDef:
		mark(n.DecoratorList)
	case *syntax.ClassDef:
		mark(n.DecoratorList)
		for _, k := range n.Keywords {
			if k.Arg == "metaclass" {
				mark([]syntax.Expression{k.Value})
			}
		}
	}
}

// spread marks what early code calls, until nothing new is found.
func (m *module) spread(calls []callSite) {
	for range 12 {
		changed := false
		for _, c := range calls {
			if !m.atImport(c.call, c.scope) {
				continue
			}
			for _, fn := range m.callees(c.call.Func, c.scope) {
				if !fn.early {
					fn.early, changed = true, true
				}
			}
		}
		if !changed {
			return
		}
	}
}

func (m *module) early(s *scope) bool {
	for ; s != nil; s = s.parent {
		if s.fn != nil {
			return s.fn.early
		}
	}
	return true
}

// findScripts remembers what runs only when the file is the program: the body of if __name__ == "__main__".
func (m *module) findScripts() {
	for i, s := range m.tree.Body {
		n, ok := s.(*syntax.If)
		if !ok || len(n.Orelse) > 0 {
			continue
		}
		test, ok := n.Test.(*syntax.Compare)
		if !ok || len(test.Ops) != 1 || test.Ops[0] != syntax.Eq {
			continue
		}
		name, ok := test.Left.(*syntax.Name)
		c, isText := test.Comparators[0].(*syntax.Constant)
		if !ok || !isText || name.Id != "__name__" || c.Text != "__main__" || m.top.names["__name__"] != nil {
			continue
		}
		end := uint32(len(m.src))
		if i+1 < len(m.tree.Body) {
			end = m.tree.Body[i+1].Position().Off
		}
		m.scripts = append(m.scripts, [2]uint32{n.Off, end})
	}
}

// atImport reports whether a node of a scope runs while the file is imported.
func (m *module) atImport(n syntax.Node, s *scope) bool {
	if !m.early(s) {
		return false
	}
	for at := s; at != nil; at = at.parent {
		if at.fn != nil {
			return true
		}
	}
	off := n.Position().Off
	for _, r := range m.scripts {
		if off >= r[0] && off < r[1] {
			return false
		}
	}
	return true
}
