package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// enclosing is the function in which a scope lies.
func enclosing(s *scope) *function {
	for ; s != nil; s = s.parent {
		if s.fn != nil {
			return s.fn
		}
	}
	return nil
}

func with(b binding, w way, e syntax.Expression) binding {
	b.way, b.expr = w, e
	return b
}

// bindName binds in a scope; a name of a class is an attribute as well.
func (m *module) bindName(name string, s *scope, b binding) {
	s.bind(name, b)
	if s != m.top {
		m.inner[name] = bounded(m.inner[name], b)
	}
	if s.class {
		m.fields[name] = bounded(m.fields[name], b)
	}
}

func bounded(list []binding, b binding) []binding {
	if len(list) < maxBindings {
		return append(list, b)
	}
	return list
}

func (m *module) bindTarget(t syntax.Expression, at place, b binding) {
	switch t := t.(type) {
	case *syntax.Name:
		m.bindName(t.Id, at.scope, b)
	case *syntax.Attribute:
		m.fields[t.Attr] = bounded(m.fields[t.Attr], b)
	case *syntax.Subscript:
		if name, ok := t.Value.(*syntax.Name); ok {
			m.mutated[name.Id] = true
		}
		key := "?"
		if c, ok := t.Slice.(*syntax.Constant); ok && c.Kind == syntax.Str {
			key = c.Text
		}
		m.items[key] = bounded(m.items[key], b)
	case *syntax.Starred:
		b.index = append(append([]int{}, b.index...), -2)
		m.bindTarget(t.Value, at, b)
	case *syntax.Tuple:
		m.bindElements(t.Elts, at, b)
	case *syntax.List:
		m.bindElements(t.Elts, at, b)
	}
}

func (m *module) bindElements(elts []syntax.Expression, at place, b binding) {
	for i, e := range elts {
		in := b
		if _, star := e.(*syntax.Starred); star {
			i = -1
		}
		for _, prev := range elts[:max(i, 0)] {
			if _, star := prev.(*syntax.Starred); star {
				i = -1 // behind a star the place is not known
			}
		}
		in.index = append(append([]int{}, b.index...), i)
		m.bindTarget(e, at, in)
	}
}

func (m *module) bindImport(n *syntax.Import, at place, b binding) {
	for _, a := range n.Names {
		b.way, b.path = byModule, a.Name
		name := a.Asname
		if name == "" {
			name, _, _ = strings.Cut(a.Name, ".")
			b.path = name
		}
		if m.beside(b.path) {
			b.path = "." + b.path
		}
		m.bindName(name, at.scope, b)
	}
}

func (m *module) bindFrom(n *syntax.ImportFrom, at place, b binding) {
	from := m.importedFrom(n)
	if n.Level == 0 && n.Module == "__future__" {
		for _, a := range n.Names {
			m.lazy = m.lazy || a.Name == "annotations"
		}
	}
	for _, a := range n.Names {
		if a.Name == "*" {
			m.stars = append(m.stars, from)
			continue
		}
		name := a.Asname
		if name == "" {
			name = a.Name
		}
		b.way, b.path = byMember, member(from, a.Name)
		m.bindName(name, at.scope, b)
	}
}

// member is the path of a name of a module; relative modules begin with dots.
func member(module, name string) string {
	if strings.Trim(module, ".") == "" {
		return module + name
	}
	return module + "." + name
}

func (m *module) bindFunction(n syntax.Node, f *syntax.FunctionDef, at place, b binding) {
	fn := &function{name: f.Name, args: f.Args, body: f.Body, outer: at.scope, method: at.scope.class, wraps: f.DecoratorList}
	for _, d := range f.DecoratorList {
		if name, ok := d.(*syntax.Name); ok && name.Id == "staticmethod" {
			fn.method = false
		}
	}
	m.funcs[n] = fn
	b.way, b.fn = byFunc, fn
	m.bindName(f.Name, at.scope, b)
}

// parameters binds the parameters of a function to their defaults; calls add what they pass.
func (m *module) parameters(fn *function) {
	a := fn.args
	plain := append(append([]*syntax.Arg{}, a.PosOnlyArgs...), a.Args...)
	for i, p := range plain {
		b := binding{way: byParam, scope: fn.outer, line: p.Line, fn: fn, path: p.Arg, index: []int{i}}
		if k := i - (len(plain) - len(a.Defaults)); k >= 0 && k < len(a.Defaults) {
			b.expr = a.Defaults[k]
		}
		fn.inner.bind(p.Arg, b)
	}
	for i, p := range a.KwOnlyArgs {
		b := binding{way: byParam, scope: fn.outer, line: p.Line, fn: fn, path: p.Arg, index: []int{-1}}
		if i < len(a.KwDefaults) {
			b.expr = a.KwDefaults[i]
		}
		fn.inner.bind(p.Arg, b)
	}
	if a.Vararg != nil {
		fn.inner.bind(a.Vararg.Arg, binding{way: byParam, scope: fn.outer, line: a.Vararg.Line, fn: fn, index: []int{-2, len(plain)}})
	}
	if a.Kwarg != nil {
		fn.inner.bind(a.Kwarg.Arg, binding{way: byParam, scope: fn.outer, line: a.Kwarg.Line, fn: fn, index: []int{-3}})
	}
}

func (m *module) bindPattern(p syntax.Pattern, subject syntax.Expression, attrs []string, at place, b binding) {
	switch p := p.(type) {
	case *syntax.MatchAs:
		if p.Pattern != nil {
			m.bindPattern(p.Pattern, subject, attrs, at, b)
		}
		if p.Name != "" {
			b.way, b.expr, b.path = byAttr, subject, strings.Join(attrs, ".")
			m.bindName(p.Name, at.scope, b)
		}
	case *syntax.MatchOr:
		for _, q := range p.Patterns {
			m.bindPattern(q, subject, attrs, at, b)
		}
	case *syntax.MatchClass:
		for i, q := range p.KwdPatterns {
			m.bindPattern(q, subject, append(append([]string{}, attrs...), p.KwdAttrs[i]), at, b)
		}
	case *syntax.MatchMapping:
		for i, q := range p.Patterns {
			key := "?"
			if c, ok := p.Keys[i].(*syntax.Constant); ok && c.Kind == syntax.Str {
				key = c.Text
			}
			m.bindPattern(q, subject, append(append([]string{}, attrs...), "["+key), at, b)
		}
	case *syntax.MatchSequence:
		for i, q := range p.Patterns {
			m.bindPattern(q, subject, append(append([]string{}, attrs...), "#"+itoa(uint32(i))), at, b)
		}
	}
}
