package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

func (m *module) display(e syntax.Expression, s *scope, v *env) value {
	switch e := e.(type) {
	case *syntax.Tuple:
		return m.sequence(e.Elts, s, v)
	case *syntax.List:
		return m.sequence(e.Elts, s, v)
	case *syntax.Set:
		return m.sequence(e.Elts, s, v)
	case *syntax.Dict:
		return m.dictionary(e, s, v)
	case *syntax.ListComp:
		return m.comprehend(e, e.Generators, e.Elt, s, v)
	case *syntax.SetComp:
		return m.comprehend(e, e.Generators, e.Elt, s, v)
	case *syntax.GeneratorExp:
		return m.comprehend(e, e.Generators, e.Elt, s, v)
	case *syntax.DictComp:
		return m.comprehendDict(e, s, v)
	}
	return unknown
}

const maxItems = 1 << 16

func (m *module) sequence(elts []syntax.Expression, s *scope, v *env) value {
	items := make([]value, 0, len(elts))
	open := false
	for _, e := range elts {
		x := m.eval(e, s, v)
		if _, star := e.(*syntax.Starred); star {
			a, ok := x.constant()
			if !ok || !a.each(func(el value) { items = append(items, el) }) {
				open = true
				items = append(items, x.elements())
			}
			continue
		}
		items = append(items, x)
	}
	return value{atoms: []*atom{seq(items)}, open: open}
}

func (m *module) dictionary(e *syntax.Dict, s *scope, v *env) value {
	d := &atom{kind: isDict}
	open := false
	for i, k := range e.Keys {
		x := m.eval(e.Values[i], s, v)
		if k == nil { // **other
			for _, a := range x.atoms {
				if a.kind == isDict {
					d.keys, d.items = append(d.keys, a.keys...), append(d.items, a.items...)
				}
				open = open || a.kind != isDict
			}
			open = open || x.open
			continue
		}
		key := m.eval(k, s, v)
		open = open || key.open
		for _, a := range key.atoms {
			d.keys, d.items = append(d.keys, a), append(d.items, x)
		}
		if len(key.atoms) == 0 {
			d.keys, d.items = append(d.keys, &atom{kind: isComputed}), append(d.items, x)
		}
	}
	return value{atoms: []*atom{d}, open: open}
}

// joined is the text of an f-string.
func (m *module) joined(e *syntax.JoinedStr, s *scope, v *env) value {
	parts := []value{}
	for _, x := range e.Values {
		switch x := x.(type) {
		case *syntax.FormattedValue:
			f := m.eval(x.Value, s, v)
			spec := ""
			if x.FormatSpec != nil {
				var ok bool
				if spec, ok = m.joined(x.FormatSpec, s, v).str(); !ok {
					f = unknown
				}
			}
			parts = append(parts, m.mapAtoms(f, func(a *atom) *atom { return formatted(a, spec, x.Conversion) }))
		default:
			parts = append(parts, m.eval(x, s, v))
		}
	}
	out := only(text(""))
	for _, p := range parts {
		out = m.binary(syntax.Add, out, p)
	}
	return out
}

// mapAtoms applies a folding to each possible value; nil results are open.
func (m *module) mapAtoms(x value, f func(*atom) *atom) value {
	out := value{open: x.open}
	for _, a := range x.atoms {
		if b := f(a); b != nil {
			out = union(out, only(b))
		} else if a.textual() || a.kind == isComputed {
			out = union(out, only(&atom{kind: isComputed}))
		} else {
			out.open = true
		}
	}
	return out
}
