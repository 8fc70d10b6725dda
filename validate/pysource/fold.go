package pysource

import (
	"math"
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

func runes(s string) []rune { return []rune(s) }

// made is a text that was computed; it is charged.
func (m *module) made(k kind, s string) *atom {
	m.bytes += len(s)
	if len(s) > maxText || m.bytes > maxBytes {
		return &atom{kind: isComputed}
	}
	return &atom{kind: k, text: s, built: true}
}

// maxPairs bounds the combinations of two unions.
const maxPairs = 36

func (m *module) binary(op syntax.Operator, x, y value) value {
	out := value{open: x.open || y.open}
	pairs := 0
	for _, a := range x.atoms {
		for _, b := range y.atoms {
			if pairs++; pairs > maxPairs {
				out.open = true
				return out
			}
			if c := m.operate(op, a, b); c != nil {
				out = union(out, only(c))
			} else {
				out.open = true
			}
		}
	}
	if op != syntax.Div && out.open && len(out.atoms) == 0 && (textIn(x) || textIn(y)) {
		out.atoms = []*atom{{kind: isComputed}}
	}
	return out
}

func textIn(x value) bool {
	for _, a := range x.atoms {
		if a.textual() || a.kind == isComputed {
			return true
		}
	}
	return false
}

func (m *module) operate(op syntax.Operator, a, b *atom) *atom {
	switch {
	case a.kind == isInt && b.kind == isInt:
		return arithmetic(op, a.n, b.n)
	case op == syntax.Mod && a.textual():
		return m.percent(a, b)
	case op == syntax.Add && a.textual() && a.kind == b.kind:
		if a.text == "" || b.text == "" {
			if b.text == "" {
				return a
			}
			return b
		}
		if len(a.text)+len(b.text) > maxText || m.bytes+len(a.text)+len(b.text) > maxBytes {
			return &atom{kind: isComputed}
		}
		return m.made(a.kind, a.text+b.text)
	case op == syntax.Add && a.kind == isSeq && b.kind == isSeq && len(a.items)+len(b.items) <= maxItems:
		return seq(append(append([]value{}, a.items...), b.items...))
	case op == syntax.Mult && a.kind == isInt:
		return m.repeat(b, a.n)
	case op == syntax.Mult && b.kind == isInt:
		return m.repeat(a, b.n)
	case op == syntax.Div && a.kind == isRef && b.kind == isStr: // pathlib
		return m.joinedPath(a, b)
	case a.kind == isComputed || b.kind == isComputed:
		return &atom{kind: isComputed}
	case op == syntax.BitOr && a.kind == isDict && b.kind == isDict && len(a.keys)+len(b.keys) <= maxItems:
		return &atom{kind: isDict, keys: append(append([]*atom{}, b.keys...), a.keys...), items: append(append([]value{}, b.items...), a.items...)}
	}
	return nil
}

func (m *module) repeat(a *atom, n int64) *atom {
	n = max(n, 0)
	switch {
	case a.textual() && m.bytes <= maxBytes && (n == 0 || int64(len(a.text)) <= maxText/n):
		return m.made(a.kind, strings.Repeat(a.text, int(n)))
	case a.kind == isSeq && (n == 0 || int64(len(a.items)) <= 4096/n):
		var items []value
		for range n {
			items = append(items, a.items...)
		}
		return seq(items)
	case a.textual():
		return &atom{kind: isComputed}
	}
	return nil
}

func arithmetic(op syntax.Operator, a, b int64) *atom {
	big := func(x int64) bool { return x > math.MaxInt32 || x < math.MinInt32 }
	switch op {
	case syntax.Add:
		if a > 0 && b > math.MaxInt64-a || a < 0 && b < math.MinInt64-a {
			return nil
		}
		return number(a + b)
	case syntax.Sub:
		if b == math.MinInt64 || b < 0 && a > math.MaxInt64+b || b > 0 && a < math.MinInt64+b {
			return nil
		}
		return number(a - b)
	case syntax.Mult:
		if big(a) || big(b) {
			return nil
		}
		return number(a * b)
	case syntax.BitXor:
		return number(a ^ b)
	case syntax.BitAnd:
		return number(a & b)
	case syntax.BitOr:
		return number(a | b)
	case syntax.RShift:
		if b >= 0 && b < 64 {
			return number(a >> uint(b))
		}
	case syntax.LShift:
		if b >= 0 && b < 31 && !big(a) {
			return number(a << uint(b))
		}
	case syntax.FloorDiv, syntax.Mod:
		if b == 0 || a == math.MinInt64 {
			return nil
		}
		q, r := a/b, a%b
		if r != 0 && (r < 0) != (b < 0) {
			q, r = q-1, r+b
		}
		if op == syntax.Mod {
			return number(r)
		}
		return number(q)
	case syntax.Pow:
		r := int64(1)
		for range min(max(b, 0), 64) {
			if big(r) || big(a) {
				return nil
			}
			r *= a
		}
		if b < 0 || b > 64 {
			return nil
		}
		return number(r)
	}
	return nil
}

func unary(op syntax.UnaryOperator, x value) value {
	out := value{open: x.open}
	for _, a := range x.atoms {
		switch {
		case a.kind == isInt && op == syntax.USub && a.n != math.MinInt64:
			out = union(out, only(number(-a.n)))
		case a.kind == isInt && op == syntax.Not:
			n := int64(0)
			if a.n == 0 {
				n = 1
			}
			out = union(out, only(number(n)))
		case a.kind == isInt && op == syntax.UAdd:
			out = union(out, only(a))
		case a.kind == isInt && op == syntax.Invert:
			out = union(out, only(number(^a.n)))
		default:
			out.open = true
		}
	}
	return out
}
