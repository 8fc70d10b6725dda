package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// expr evaluates an expression and judges what it reaches.
func (j *judge) expr(n *node) value {
	if n == nil {
		return of(number)
	}
	switch n.form {
	case fConst:
		return of(number)
	case fStr:
		v := known(n.s)
		if n.dim {
			v.nature |= built
		}
		return v
	case fName:
		v := j.variable(n)
		if v.nature&taboo != 0 {
			j.say(Unlisted, n.pos, "%s is an object of the program that renders the template", n.s)
		}
		return v
	case fAttr:
		base := j.expr(n.kids[0])
		j.attribute(n.pos, base, n.s)
		return j.read(base, n.s)
	case fItem:
		base, key := j.expr(n.kids[0]), j.expr(n.kids[1])
		return j.item(n, base, key)
	case fSlice:
		for _, k := range n.kids {
			j.expr(k)
		}
		return of(number)
	case fCall:
		return j.call(n)
	case fFilter:
		return j.filter(n, j.expr(n.kids[0]))
	case fTest:
		return j.test(n)
	case fBinary:
		return j.binary(n)
	case fUnary:
		j.expr(n.kids[0])
		return of(number)
	case fList:
		return j.list(n)
	case fDict:
		return all(j.each(n.kids)).join(of(holder))
	case fCond:
		j.expr(n.kids[1])
		return j.expr(n.kids[0]).join(j.expr(n.kids[2]))
	}
	return of(built)
}

func (j *judge) each(nodes []*node) []value {
	out := make([]value, len(nodes))
	for i, k := range nodes {
		out[i] = j.expr(k)
	}
	return out
}

func (j *judge) list(n *node) value {
	vs := j.each(n.kids)
	out := value{}
	var list []string
	for _, v := range vs {
		out = out.join(value{nature: v.nature, strs: v.strs})
		if v.exact() && len(v.strs) == 1 && len(list) < 256 {
			list = append(list, v.strs[0])
		}
	}
	out.nature |= holder
	if out.list = nil; len(list) == len(vs) && !j.mutates {
		out.list = list
	}
	return out
}

func (j *judge) binary(n *node) value {
	v, w := j.expr(n.kids[0]), j.expr(n.kids[1])
	switch n.s {
	case "and", "or":
		return v.join(w)
	case "==":
		return of(number)
	case "~":
		return concat(v, w)
	case "+":
		return j.plus(v, w)
	case "*":
		if !v.textual() && !w.textual() || v.nature == number && w.nature&^data == number && len(w.strs) == 0 {
			return v.join(w)
		}
		return j.times(n, v, w)
	case "%":
		if len(v.strs) == 0 && v.nature&(built|plain|holder) == 0 {
			return of(number)
		}
		return v.fold(func(s string) (string, bool) { return percent(s, w) })
	}
	return of(number)
}

func (j *judge) plus(v, w value) value {
	switch {
	case v.nature&holder != 0 || w.nature&holder != 0: // of lists
		out := v.join(w).join(of(holder))
		if out.list = nil; v.list != nil && w.list != nil && len(v.list)+len(w.list) < 256 {
			out.list = slices.Concat(v.list, w.list)
		}
		return out
	case v.nature == number && len(v.strs) == 0, w.nature == number && len(w.strs) == 0:
		return of(number) // a number is added to numbers only
	}
	return concat(v, w)
}

// times repeats a string.
func (j *judge) times(n *node, v, w value) value {
	count, text := n.kids[1], v
	if len(w.strs) > 0 {
		count, text = n.kids[0], w
	}
	times, err := strconv.Atoi(count.s)
	if count.form != fConst || err != nil || times < 0 || times > maxFolded {
		return value{nature: built, strs: text.strs}
	}
	return text.fold(func(s string) (string, bool) {
		if len(s)*times > maxFolded {
			return "", false
		}
		return strings.Repeat(s, times), true
	})
}

// percent is the printf-like formatting of one string.
func percent(s string, w value) (string, bool) {
	args := w.list
	if args == nil && w.exact() && len(w.strs) == 1 {
		args = w.strs
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '%':
			b.WriteByte(s[i])
			continue
		case i+1 < len(s) && s[i+1] == '%':
			b.WriteByte('%')
		case i+1 < len(s) && s[i+1] == 's' && len(args) > 0:
			b.WriteString(args[0])
			args = args[1:]
		default:
			return "", false
		}
		if i++; b.Len() > maxFolded {
			return "", false
		}
	}
	return b.String(), true
}

// attribute judges the name of an attribute that is read or set.
func (j *judge) attribute(pos int, base value, name string) {
	switch {
	case internal(name):
		j.say(Escape, pos, "attribute %s", quote(name))
	case base.nature&foreign != 0:
		j.say(Unlisted, pos, "attribute %s of another template", quote(name))
	}
}

// read is the value of an attribute or item with a known name.
func (j *judge) read(base value, name string) value {
	if base.nature&space != 0 {
		v, ok := j.vars["."+name]
		if !ok {
			v = of(number)
		}
		if base.nature == space {
			return v
		}
		return v.join(j.parts(value{nature: base.nature &^ space, strs: base.strs}))
	}
	switch {
	case base.nature&(macro|caller) != 0: // name and arguments are text of the template
		return j.vars[macroNames].join(of(number | holder))
	case base.nature&^number == looping && (name == "previtem" || name == "nextitem"):
		return j.vars[loopItems].join(of(number))
	case base.nature&^number == looping:
		return of(number)
	case base.nature&taboo != 0:
		return of(taboo)
	}
	if base.nature&holder == 0 { // text has methods, and no attribute that is text
		return of(base.nature&^(built|plain) | number)
	}
	return j.parts(base).join(of(number))
}

// item is base[key].
func (j *judge) item(n *node, base, key value) value {
	if n.kids[1].form == fSlice {
		return j.slice(n.kids[1], base)
	}
	if i, err := strconv.Atoi(literal(n.kids[1])); err == nil {
		return j.at(base, i)
	}
	out := of(number)
	for _, s := range key.strs {
		j.attribute(n.kids[1].pos, base, s)
		out = out.join(j.read(base, s))
	}
	if key.nature&built != 0 {
		j.say(Unlisted, n.kids[1].pos, "an attribute whose name is put together in a way that was not followed")
	}
	if key.nature&data != 0 && len(base.strs) > 0 && base.nature&(data|holder|space) == 0 {
		j.say(Unlisted, n.kids[1].pos, "an attribute of text whose name is not known")
	}
	if key.nature&data != 0 && base.nature&(function|macro|looping|caller|taboo|foreign) != 0 {
		j.say(Unlisted, n.kids[1].pos, "an attribute of a function whose name is not known")
	}
	if base.nature&space != 0 && key.nature&^number != 0 {
		out = out.join(of(built))
	}
	if key.exact() {
		return out
	}
	return out.join(j.parts(base))
}
