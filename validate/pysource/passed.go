package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// passed is what a parameter may be: its default, and what the calls in this module pass.
func (m *module) passed(b binding) value {
	out := unknown
	if b.expr != nil {
		out = union(out, m.eval(b.expr, b.scope, nil))
	}
	shift := 0
	if b.fn.method {
		shift = 1
	}
	if b.index[0] < -1 {
		return m.rest(b, shift)
	}
	if !b.fn.method || b.index[0] != 0 {
		out = union(out, m.handedTo(b.fn))
	}
	for _, c := range b.fn.calls {
		if at := b.index[0] - shift; b.index[0] >= 0 && at >= 0 && at < len(c.call.Args) {
			if _, star := c.call.Args[at].(*syntax.Starred); !star {
				out = union(out, m.eval(c.call.Args[at], c.scope, nil))
			}
		}
		for _, k := range c.call.Keywords {
			if k.Arg == b.path {
				out = union(out, m.eval(k.Value, c.scope, nil))
			}
		}
	}
	return out
}

// rest is what *args or **kwargs may hold.
func (m *module) rest(b binding, shift int) value {
	items := []value{}
	d := &atom{kind: isDict}
	for _, c := range b.fn.calls {
		if b.index[0] == -2 {
			for _, e := range c.call.Args[min(len(c.call.Args), max(0, b.index[1]-shift)):] {
				items = append(items, m.eval(e, c.scope, nil))
			}
			continue
		}
		for _, k := range c.call.Keywords {
			if k.Arg != "" {
				d.keys, d.items = append(d.keys, text(k.Arg)), append(d.items, m.eval(k.Value, c.scope, nil))
			}
		}
	}
	if b.index[0] == -2 {
		return value{open: true, atoms: []*atom{seq(items)}}
	}
	return value{open: true, atoms: []*atom{d}}
}

// handedTo: whoever is given the function may call it with what it is given beside; modules matter here.
func (m *module) handedTo(fn *function) value {
	out := unknown
	take := func(a *atom) {
		if m.names.isModule(a.text) {
			out = union(out, only(a))
		}
	}
	for _, c := range fn.handed {
		for _, e := range c.call.Args {
			m.deep(m.eval(e, c.scope, nil), take)
		}
		for _, k := range c.call.Keywords {
			m.deep(m.eval(k.Value, c.scope, nil), take)
		}
	}
	return out
}

// wrapped is a function with its decorators.
func (m *module) wrapped(fn *function) value {
	out := only(&atom{kind: isFunc, fn: fn})
	for _, d := range fn.wraps {
		for _, w := range m.eval(d, fn.outer, nil).atoms {
			switch {
			case w.kind == isRef && strings.HasSuffix(w.text, "property"):
				out = union(out, m.follow(fn, arguments{named: map[string]value{}}, nil))
			case w.kind == isFunc && w.fn != fn:
				out = union(out, m.follow(w.fn, arguments{pos: []value{only(&atom{kind: isFunc, fn: fn})}, named: map[string]value{}}, nil))
			}
		}
	}
	return out
}
