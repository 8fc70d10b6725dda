package pysource

import (
	"strings"
)

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
