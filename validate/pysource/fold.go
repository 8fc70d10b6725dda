package pysource

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

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

// slice is x[lo:hi:step].
func (m *module) slice(x, lo, hi, step value) value {
	bound := func(v value) (int64, bool, bool) { // value, absent, known
		a, ok := v.constant()
		if !ok {
			return 0, false, false
		}
		if a.kind == isNone {
			return 0, true, true
		}
		return a.n, false, a.kind == isInt
	}
	l, noL, okL := bound(lo)
	h, noH, okH := bound(hi)
	st, noS, okS := bound(step)
	if noS {
		st = 1
	}
	return m.mapAtoms(x, func(a *atom) *atom {
		if !okL || !okH || !okS || st == 0 {
			if a.kind == isSeq {
				return seq([]value{only(a).elements()})
			}
			return nil
		}
		var r []rune
		n := len(a.text)
		switch a.kind {
		case isSeq:
			n = len(a.items)
		case isStr:
			r = runes(a.text)
			n = len(r)
		case isBytes:
		case isRef:
			return a
		default:
			return nil
		}
		var items []value
		var b strings.Builder
		sliced(int64(n), l, noL, h, noH, st, func(i int) {
			switch a.kind {
			case isSeq:
				items = append(items, a.items[i])
			case isStr:
				b.WriteRune(r[i])
			default:
				b.WriteByte(a.text[i])
			}
		})
		if a.kind == isSeq {
			return seq(items)
		}
		return m.made(a.kind, b.String())
	})
}

// sliced gives the indexes of a slice as CPython's PySlice_AdjustIndices does.
func sliced(n, l int64, noL bool, h int64, noH bool, st int64, f func(int)) {
	clip := func(i, low, high int64) int64 {
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if st > 0 {
		from, to := int64(0), n
		if !noL {
			from = clip(l, 0, n)
		}
		if !noH {
			to = clip(h, 0, n)
		}
		for i := from; i < to; i += min(st, n+1) {
			f(int(i))
		}
		return
	}
	from, to := n-1, int64(-1)
	if !noL {
		from = clip(l, -1, n-1)
	}
	if !noH {
		to = clip(h, -1, n-1)
	}
	for i := from; i > to; i += max(st, -n-1) {
		f(int(i))
	}
}

// percent is text % values for the conversions that texts are assembled with.
func (m *module) percent(a, b *atom) *atom {
	args := []value{only(b)}
	if b.kind == isSeq {
		args = b.items
	}
	var out strings.Builder
	s := a.text
	for k := 0; ; {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			out.WriteString(s)
			return m.made(a.kind, out.String())
		}
		out.WriteString(s[:i])
		s = s[i+1:]
		var arg *atom
		if strings.HasPrefix(s, "(") && b.kind == isDict {
			key, rest, ok := strings.Cut(s[1:], ")")
			if !ok {
				return nil
			}
			s = rest
			arg, ok = m.looked(b, only(text(key))).constant()
			if !ok {
				return nil
			}
		}
		j := strings.IndexAny(s, "sdcrxXbi%ua")
		if j < 0 || j > 8 {
			return nil
		}
		flags, conv := s[:j], s[j]
		s = s[j+1:]
		if conv == '%' {
			out.WriteByte('%')
			continue
		}
		if arg == nil {
			if k >= len(args) {
				return nil
			}
			var ok bool
			if arg, ok = args[k].constant(); !ok {
				return nil
			}
			k++
		}
		p := plain(arg, conv)
		if p == nil || strings.Trim(flags, "-+0123456789. #") != "" {
			return nil
		}
		width, _ := strconv.Atoi(strings.TrimLeft(flags, "-+0 #"))
		if pad := min(width, 256) - utf8.RuneCountInString(p.text); pad > 0 {
			fill := " "
			if strings.HasPrefix(flags, "0") {
				fill = "0"
			}
			out.WriteString(strings.Repeat(fill, pad))
		}
		out.WriteString(p.text)
		if out.Len() > maxText {
			return &atom{kind: isComputed}
		}
	}
}

// plain is the text of a value under a conversion.
func plain(a *atom, conv byte) *atom {
	switch {
	case a.kind == isInt:
		switch conv {
		case 'c':
			return text(string(rune(a.n)))
		case 'x':
			return text(strconv.FormatInt(a.n, 16))
		case 'X':
			return text(strings.ToUpper(strconv.FormatInt(a.n, 16)))
		case 'b':
			return text(strconv.FormatInt(a.n, 2))
		}
		return text(strconv.FormatInt(a.n, 10))
	case a.kind == isStr && (conv == 'r' || conv == 'a'):
		return text("'" + a.text + "'")
	case a.kind == isStr, a.kind == isBytes && conv != 'd':
		return text(a.text)
	}
	return nil
}

// formatted is format(value, spec) for plain specs.
func formatted(a *atom, spec string, conversion int8) *atom {
	conv := byte('s')
	if conversion > 0 {
		conv = byte(conversion)
	}
	if a.kind == isBytes {
		return text("b'" + a.text + "'")
	}
	rest := spec
	if n := len(rest); n > 0 && strings.IndexByte("sdcxXb", rest[n-1]) >= 0 {
		conv, rest = rest[n-1], rest[:n-1]
	}
	p := plain(a, conv)
	if p == nil {
		return nil
	}
	if strings.HasPrefix(rest, ".") { // precision cuts a text
		n, err := strconv.Atoi(rest[1:])
		r := runes(p.text)
		if err != nil || n < 0 {
			return nil
		}
		return &atom{kind: isStr, text: string(r[:min(n, len(r))]), built: true}
	}
	fill, align := " ", ""
	if len(rest) > 1 && strings.ContainsRune("<>^=", rune(rest[1])) {
		fill, align, rest = rest[:1], rest[1:2], rest[2:]
	} else if rest != "" && strings.ContainsRune("<>^=", rune(rest[0])) {
		align, rest = rest[:1], rest[1:]
	}
	if strings.HasPrefix(rest, "0") {
		fill, align = "0", ">"
	}
	if rest == "" {
		return &atom{kind: isStr, text: p.text, built: true}
	}
	width, err := strconv.Atoi(rest)
	if err != nil || width < 0 || width > 4096 {
		return nil
	}
	pad := max(0, width-utf8.RuneCountInString(p.text))
	left := 0
	if align == ">" || align == "=" || align == "" && a.kind == isInt {
		left = pad
	} else if align == "^" {
		left = pad / 2
	}
	return &atom{kind: isStr, text: strings.Repeat(fill, left) + p.text + strings.Repeat(fill, pad-left), built: true}
}
