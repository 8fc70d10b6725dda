package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// arguments evaluates what a call passes.
func (m *module) arguments(c *syntax.Call, s *scope, v *env) arguments {
	g := arguments{named: map[string]value{}}
	for _, e := range c.Args {
		x := m.eval(e, s, v)
		if _, star := e.(*syntax.Starred); star {
			a, ok := x.constant()
			if !ok || g.more || !a.each(func(el value) { g.pos = append(g.pos, el) }) {
				g.more = true
			}
			continue
		}
		if !g.more {
			g.pos = append(g.pos, x)
		}
	}
	for _, k := range c.Keywords {
		x := m.eval(k.Value, s, v)
		if k.Arg != "" {
			g.named[k.Arg] = x
			continue
		}
		g.more = g.more || x.open
		for _, a := range x.atoms {
			for i, key := range a.keys {
				g.named[key.text] = union(g.named[key.text], a.items[i])
			}
		}
	}
	return g
}

// call is what a call may give.
func (m *module) call(c *syntax.Call, s *scope, v *env) value {
	callee := m.eval(c.Func, s, v)
	if len(callee.atoms) == 0 {
		return value{open: true, atoms: m.methodOfUnknown(c, s, v)}
	}
	g := m.arguments(c, s, v)
	return m.apply(callee, g, c.Line, v)
}

// methodOfUnknown: what is decoded from something unknown is computed text.
func (m *module) methodOfUnknown(c *syntax.Call, s *scope, v *env) []*atom {
	a, ok := c.Func.(*syntax.Attribute)
	if !ok || a.Attr != "decode" && a.Attr != "fromhex" && a.Attr != "translate" {
		return nil
	}
	return nil
}

// apply is what calling any of the callees with these arguments gives.
func (m *module) apply(callee value, g arguments, line uint32, v *env) value {
	if m.steps++; m.applied > maxApplied {
		return unknown
	}
	m.applied++
	out := value{open: callee.open}
	for _, f := range callee.atoms {
		switch f.kind {
		case isRef:
			out = union(out, m.applyRef(f, g, line, v))
		case isMethod:
			out = union(out, m.applyMethod(f, g, line))
		case isFunc:
			out = union(out, m.follow(f.fn, g, v))
		case isPartial:
			out = union(out, m.applyPartial(f, g, line, v))
		default:
			out.open = true
		}
	}
	return out
}

func (m *module) applyMethod(f *atom, g arguments, line uint32) value {
	r := f.recv
	switch r.kind {
	case isStr, isBytes:
		if f.text == "__getitem__" {
			return indexed(r, g.at(0, ""))
		}
		if a := m.textMethod(r, f.text, g); a != nil {
			return only(a)
		}
		switch f.text {
		case "find", "index", "count", "startswith", "endswith", "rfind", "isdigit", "isalpha":
			return unknown
		}
		return value{open: true, atoms: []*atom{{kind: isComputed}}}
	case isComputed:
		return value{open: true, atoms: []*atom{r}}
	case isSeq:
		switch f.text {
		case "copy", "__iter__":
			return only(r)
		case "pop", "__next__":
			return only(r).elements()
		case "__getitem__":
			return indexed(r, g.at(0, ""))
		}
	case isDict:
		return m.dictMethod(r, f.text, g)
	case isNamespace:
		switch f.text {
		case "get", "pop", "setdefault", "__getitem__":
			return m.namespaced(r, g.at(0, ""), line)
		case "copy":
			return only(r)
		}
		if r.text != "" {
			return only(ref(r.text+".?", &step{line: line, what: "all names", prev: r.how}))
		}
	case isRef:
		if f.text == "__getattribute__" || f.text == "__getattr__" {
			if len(g.pos) == 2 { // object.__getattribute__(x, name)
				return m.named(g.pos[0], g.pos[1], line)
			}
			return m.named(only(r), g.at(0, ""), line)
		}
	}
	return unknown
}

func (m *module) dictMethod(d *atom, name string, g arguments) value {
	switch name {
	case "get", "pop", "setdefault", "__getitem__":
		out := m.looked(d, g.at(0, ""))
		if len(g.pos) > 1 {
			out = union(out, g.pos[1])
		}
		return out
	case "values":
		return only(seq(d.items))
	case "keys", "__iter__":
		items := make([]value, len(d.keys))
		for i, k := range d.keys {
			items[i] = only(k)
		}
		return only(seq(items))
	case "items":
		items := make([]value, len(d.keys))
		for i, k := range d.keys {
			items[i] = only(seq([]value{only(k), d.items[i]}))
		}
		return only(seq(items))
	case "copy":
		return only(d)
	}
	return unknown
}

// follow runs a function of this module with known arguments as far as its returns are expressions.
func (m *module) follow(fn *function, g arguments, v *env) value {
	depth := 1
	if v != nil {
		depth = v.depth + 1
	}
	if depth > maxCalls || fn.inner == nil || v.has(fn.inner) {
		return unknown
	}
	vars := map[string]value{}
	a := fn.args
	plain := append(append([]*syntax.Arg{}, a.PosOnlyArgs...), a.Args...)
	shift := 0
	if fn.method {
		shift = 1
	}
	for i, p := range plain {
		if at := i - shift; at >= 0 && at < len(g.pos) {
			vars[p.Arg] = g.pos[at]
		} else if x, ok := g.named[p.Arg]; ok {
			vars[p.Arg] = x
		} else if k := i - (len(plain) - len(a.Defaults)); k >= 0 && k < len(a.Defaults) && !g.more {
			vars[p.Arg] = m.eval(a.Defaults[k], fn.outer, nil)
		}
	}
	for i, p := range a.KwOnlyArgs {
		if x, ok := g.named[p.Arg]; ok {
			vars[p.Arg] = x
		} else if i < len(a.KwDefaults) && a.KwDefaults[i] != nil {
			vars[p.Arg] = m.eval(a.KwDefaults[i], fn.outer, nil)
		}
	}
	if a.Vararg != nil && !g.more {
		var rest []value
		if n := len(plain) - shift; len(g.pos) > n && n >= 0 {
			rest = g.pos[n:]
		}
		vars[a.Vararg.Arg] = only(seq(rest))
	}
	if a.Kwarg != nil && !g.more {
		d := &atom{kind: isDict}
		for _, k := range sortedKeys(g.named) {
			d.keys, d.items = append(d.keys, text(k)), append(d.items, g.named[k])
		}
		vars[a.Kwarg.Arg] = only(d)
	}
	in := &env{scope: fn.inner, vars: vars, up: v, depth: depth}
	if m.followed++; m.followed > maxFollowed || fn.expr == nil && !telling(vars) {
		in = nil // nothing to follow: what the function gives for any caller
	}
	if fn.expr != nil {
		return m.eval(fn.expr, fn.inner, in)
	}
	out := value{}
	if len(fn.yields) > 0 {
		var e value
		for _, y := range fn.yields {
			e = union(e, m.eval(y, fn.inner, in))
		}
		return value{open: true, atoms: []*atom{seq([]value{e})}}
	}
	for _, r := range fn.returns[:min(len(fn.returns), 8)] {
		out = union(out, m.eval(r, fn.inner, in))
	}
	if len(fn.returns) == 0 {
		return unknown
	}
	return out
}

// maxFollowed bounds the calls that are followed with the values of their arguments.
const maxFollowed = 20_000

// maxApplied bounds all calls that are evaluated.
const maxApplied = 400_000

// telling reports whether anything is known of the arguments.
func telling(vars map[string]value) bool {
	for _, x := range vars {
		for _, a := range x.atoms {
			if a.kind != isNone && a.kind != isInt && a.kind != isClass {
				return true
			}
		}
	}
	return false
}

// applyPartial calls what functools.partial, operator.attrgetter and the like made.
func (m *module) applyPartial(p *atom, g arguments, line uint32, v *env) value {
	switch p.text {
	case "functools.partial", "functools.partialmethod":
		all := arguments{pos: append(append([]value{}, p.items[1:]...), g.pos...), named: g.named, more: g.more}
		for i, k := range p.keys {
			if _, ok := all.named[k.text]; !ok {
				all.named[k.text] = p.recv.items[i]
			}
		}
		return m.apply(p.items[0], all, line, v)
	case "operator.attrgetter":
		out := value{}
		for _, name := range p.items {
			s, ok := name.str()
			if !ok {
				x := m.named(g.at(0, ""), name, line)
				out = union(out, m.named(x, unknown, line)) // the name may have dots
				continue
			}
			x := g.at(0, "")
			for _, part := range strings.Split(s, ".")[:min(16, strings.Count(s, ".")+1)] {
				x = m.attribute(x, part, line)
			}
			out = union(out, x)
		}
		return out
	case "operator.itemgetter":
		return m.item(g.at(0, ""), p.items[0], line)
	case "operator.methodcaller":
		f := m.named(g.at(0, ""), p.items[0], line)
		return m.apply(f, arguments{pos: p.items[1:], named: map[string]value{}}, line, v)
	}
	return unknown
}
