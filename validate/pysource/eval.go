package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// env holds what is known of names while one call or one turn of a comprehension is followed. The scope says whose
// names they are.
type env struct {
	scope *scope
	vars  map[string]value
	up    *env
	depth int
	memo  map[syntax.Expression]value
}

func (e *env) get(s *scope, name string) (value, bool) {
	for ; e != nil; e = e.up {
		if e.scope == s {
			v, ok := e.vars[name]
			return v, ok
		}
	}
	return value{}, false
}

func (e *env) has(s *scope) bool {
	for ; e != nil; e = e.up {
		if e.scope == s {
			return true
		}
	}
	return false
}

const (
	maxSteps  = 400_000 // evaluations in one file, before calls are no longer followed
	maxNested = 4000    // of evaluations inside each other; the parser bounds the height of a tree at 3000
	maxDepth  = 24      // of comprehensions that are followed
	maxTurns  = 60_000  // of comprehensions, in one file
	maxCalls  = 6       // of calls that are followed
	maxBytes  = 8 << 20 // of text computed in one file
	maxText   = 1 << 20 // of one text
)

// eval is what an expression may be. Without an env the answer is remembered; an expression that depends on itself
// is open.
func (m *module) eval(e syntax.Expression, s *scope, v *env) value {
	if e == nil {
		return unknown
	}
	if m.steps++; m.steps > maxSteps {
		v = nil // no call is followed any more with the values of its arguments; names that depend on them are computed
	}
	if c, ok := e.(*syntax.Constant); ok {
		return constantOf(c)
	}
	if m.nested++; m.nested > maxNested {
		m.nested--
		return unknown
	}
	defer func() { m.nested-- }()
	if v != nil {
		if known, ok := v.memo[e]; ok {
			return known
		}
		if v.memo == nil {
			v.memo = map[syntax.Expression]value{}
		}
		v.memo[e] = unknown
		out := m.compute(e, s, v)
		v.memo[e] = out
		return out
	}
	if known, ok := m.memo[e]; ok {
		return known
	}
	m.memo[e] = value{open: true, atoms: nil}
	out := m.compute(e, s, nil)
	m.memo[e] = out
	return out
}

func (m *module) compute(e syntax.Expression, s *scope, v *env) value {
	switch e := e.(type) {
	case *syntax.Constant:
		return constantOf(e)
	case *syntax.Name:
		return m.lookup(e, s, v)
	case *syntax.Attribute:
		return m.attribute(m.eval(e.Value, s, v), e.Attr, e.Line)
	case *syntax.Subscript:
		return m.subscript(e, s, v)
	case *syntax.Call:
		return m.call(e, s, v)
	case *syntax.BinOp:
		return m.binary(e.Op, m.eval(e.Left, s, v), m.eval(e.Right, s, v))
	case *syntax.UnaryOp:
		return unary(e.Op, m.eval(e.Operand, s, v))
	case *syntax.BoolOp:
		var out value
		for _, x := range e.Values {
			out = union(out, m.eval(x, s, v))
		}
		return out
	case *syntax.IfExp:
		return union(m.eval(e.Body, s, v), m.eval(e.Orelse, s, v))
	case *syntax.NamedExpr:
		return m.eval(e.Value, s, v)
	case *syntax.Await:
		return m.eval(e.Value, s, v)
	case *syntax.Starred:
		return m.eval(e.Value, s, v)
	case *syntax.JoinedStr:
		return m.joined(e, s, v)
	case *syntax.Lambda:
		if fn := m.funcs[e]; fn != nil {
			return only(&atom{kind: isFunc, fn: fn})
		}
	default:
		return m.display(e, s, v)
	}
	return unknown
}

func constantOf(c *syntax.Constant) value {
	switch c.Kind {
	case syntax.Str:
		if c.Unknown {
			return only(&atom{kind: isComputed})
		}
		return only(text(c.Text))
	case syntax.Bytes:
		return only(&atom{kind: isBytes, text: c.Text})
	case syntax.Int:
		if n, ok := c.Int64(); ok {
			return only(number(n))
		}
		return only(&atom{kind: isNone, text: c.Text}) // a large number; int.to_bytes knows it
	case syntax.True:
		return only(number(1))
	case syntax.False:
		return only(number(0))
	}
	return only(&atom{kind: isNone})
}
