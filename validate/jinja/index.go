package jinja

import (
	"strconv"
	"strings"
)

// literal is the number that a node is, as text, or "".
func literal(n *node) string {
	if n.form == fUnary && n.s == "-" && n.kids[0].form == fConst {
		return "-" + n.kids[0].s
	}
	if n.form == fConst {
		return n.s
	}
	return ""
}

// at is an item with a known index: a character of a known string, or an element of a known list.
func (j *judge) at(base value, i int) value {
	if base.list != nil {
		if i < 0 {
			i += len(base.list)
		}
		if 0 <= i && i < len(base.list) {
			return known(base.list[i])
		}
	}
	if base.nature&holder != 0 || len(base.strs) == 0 {
		return j.parts(base).join(of(number))
	}
	out := value{strs: base.strs}.fold(func(s string) (string, bool) {
		r := []rune(s)
		k := i
		if k < 0 {
			k += len(r)
		}
		if k < 0 || k >= len(r) {
			return "", true
		}
		return string(r[k]), true
	})
	out.nature |= base.nature
	return out
}

// slice is base[a:b:c].
func (j *judge) slice(n *node, base value) value {
	j.expr(n)
	if base.nature&holder != 0 || len(base.strs) == 0 {
		base.list = nil
		return base
	}
	var bounds [3]*int
	for i, k := range n.kids {
		if k == nil {
			continue
		}
		v, err := strconv.Atoi(literal(k))
		if err != nil {
			return value{nature: base.nature | built, strs: base.strs}
		}
		bounds[i] = &v
	}
	out := value{strs: base.strs}.fold(func(s string) (string, bool) { return sliceOf(s, bounds), true })
	out.nature |= base.nature
	return out
}

// sliceOf follows Python's slice.indices.
func sliceOf(s string, bounds [3]*int) string {
	r := []rune(s)
	step := 1
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return ""
	}
	low, high := 0, len(r)
	if step < 0 {
		low, high = -1, len(r)-1
	}
	clip := func(p *int, or int) int {
		if p == nil {
			return or
		}
		v := *p
		if v < 0 {
			v += len(r)
		}
		return max(low, min(v, high))
	}
	from, to := low, high
	if step < 0 {
		from, to = high, low
	}
	from, to = clip(bounds[0], from), clip(bounds[1], to)
	var b strings.Builder
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		b.WriteRune(r[i])
		if step > len(r) || -step > len(r) {
			break
		}
	}
	return b.String()
}
