package jinja

import (
	"slices"
	"strings"
)

// chain applies the filters of a block to its text.
func (j *judge) chain(n *node, v value) value {
	if n.kids[0] != nil {
		v = j.chain(n.kids[0], v)
	}
	return j.filter(n, v)
}

// filter judges v | name(args).
func (j *judge) filter(n *node, v value) value {
	args := j.arguments(n.args)
	switch {
	case n.s == "attr":
		return j.attr(n.pos, v, args)
	case !names().filter(n.s):
		j.say(Unlisted, n.pos, "filter %s", quote(n.s))
		return of(built | data)
	case names()["filter-number"][n.s]:
		return of(number)
	case names()["filter-by"][n.s]:
		return j.by(n, v, args)
	case names()["filter-same"][n.s]:
		return j.same(n.s, v, args)
	}
	switch n.s {
	case "join":
		return j.joinFilter(n, v, args)
	case "format":
		if len(v.strs) > 0 && len(args) > 0 {
			return v.fold(func(s string) (string, bool) { return percent(s, listOf(args)) })
		}
		return of(built)
	}
	if f, ok := textFolds[n.s]; ok && v.nature&holder == 0 {
		return v.fold(func(s string) (string, bool) { return f(s, args) })
	}
	return of(built)
}

// listOf is a tuple of values.
func listOf(vs []value) value {
	out := value{nature: holder}
	for _, v := range vs {
		if !v.exact() || len(v.strs) != 1 {
			return of(holder | built)
		}
		out.list = append(out.list, v.strs[0])
	}
	return out
}

// same is a filter that gives its input or a part of it.
func (j *judge) same(name string, v value, args []value) value {
	first, last := 0, -1
	switch name {
	case "default", "d":
		return v.join(all(args))
	case "safe":
		return v
	case "first":
		return j.at(v, first)
	case "last":
		return j.at(v, last)
	case "reverse":
		if v.list != nil {
			list := slices.Clone(v.list)
			slices.Reverse(list)
			v.list = list
			return v
		}
		if v.nature&holder == 0 && len(v.strs) > 0 {
			step := -1
			out := value{strs: v.strs}.fold(func(s string) (string, bool) { return sliceOf(s, [3]*int{2: &step}), true })
			out.nature |= v.nature
			return out
		}
	case "list":
		if v.list != nil || v.nature&holder != 0 {
			return v
		}
		if v.exact() && len(v.strs) == 1 && len(v.strs[0]) < 256 {
			out := value{nature: holder | built}
			for _, r := range v.strs[0] {
				out.list = append(out.list, string(r))
			}
			return out
		}
		return j.parts(v).join(of(holder))
	}
	v.list = nil
	return v.join(j.parts(v)).join(all(args)).join(of(holder)) // batch and slice fill with an argument
}

func (j *judge) joinFilter(n *node, v value, args []value) value {
	by := known("")
	for i, a := range n.args {
		switch {
		case a.name == "attribute" || a.name == "" && i == 1:
			j.path(n.pos, args[i])
		case a.name == "d" || a.name == "" && i == 0:
			by = args[i]
		}
	}
	if v.list != nil {
		return by.fold(func(s string) (string, bool) { return joined(v.list, s) })
	}
	if v.exact() && v.nature&holder == 0 { // the characters of a string
		return v.fold(func(s string) (string, bool) {
			if !by.exact() || len(by.strs) != 1 {
				return "", false
			}
			return joined(strings.Split(s, ""), by.strs[0])
		})
	}
	return value{nature: built, strs: v.strs}
}

// attr judges the filter that takes an attribute's name as a string.
func (j *judge) attr(pos int, base value, args []value) value {
	if len(args) != 1 || !args[0].exact() {
		j.say(Unlisted, pos, "the attr filter with a name that is not known")
	}
	out := of(built | data)
	for _, v := range args {
		for _, s := range v.strs {
			if !internal(s) {
				j.say(Unlisted, pos, "the attr filter with %s", quote(s))
			}
			j.attribute(pos, base, s)
		}
	}
	return out
}

// path judges an attribute path that a filter takes as a string.
func (j *judge) path(pos int, v value) {
	for _, s := range v.strs {
		if internalPath(s) {
			j.say(Escape, pos, "attribute path %s", quote(s))
		}
	}
	if v.nature&(built|data) != 0 {
		j.say(Unlisted, pos, "an attribute path that is not known")
	}
}

// by judges the filters that take an attribute, a filter or a test by its name.
func (j *judge) by(n *node, v value, args []value) value {
	out := v.join(j.parts(v)).join(of(holder))
	out.list = nil
	for i, a := range n.args {
		switch {
		case a.name == "attribute":
			j.path(n.pos, args[i])
			if n.s == "map" {
				return out
			}
		case a.name == "default" || a.name == "start":
			out = out.join(args[i])
		case a.stars > 0:
			j.say(Unlisted, n.pos, "filter %s with arguments that are not written out", n.s)
		}
	}
	if len(n.args) == 0 || n.args[0].name != "" || n.args[0].stars > 0 {
		return out
	}
	switch n.s {
	case "map":
		return j.named(n, args, out, "filter")
	case "select", "reject":
		j.named(n, args, out, "test")
	case "selectattr", "rejectattr":
		j.path(n.pos, args[0])
		if len(args) > 1 {
			j.named(n, args[1:], out, "test")
		}
	case "groupby":
		j.path(n.pos, args[0])
	case "sum", "min", "max", "unique", "sort":
		for _, v := range args { // the position differs; a path in any of them is judged
			v.nature &^= data | built // of flags
			j.path(n.pos, v)
		}
	}
	if n.s == "sum" {
		start := known("")
		if len(args) > 0 {
			start = args[len(args)-1]
		}
		if v.list != nil {
			if s, ok := joined(v.list, ""); ok {
				return concat(start, known(s))
			}
		}
		return out.join(all(args)).join(of(built))
	}
	return out
}

// named judges a filter or test that is given as a string, and applies a filter.
func (j *judge) named(n *node, args []value, elements value, what string) value {
	if !args[0].exact() {
		j.say(Unlisted, n.pos, "a %s whose name is not known", what)
		return of(built | data | holder)
	}
	out := elements
	for _, s := range args[0].strs {
		switch {
		case what == "test" && names()["test"][s]:
		case what == "test":
			j.say(Unlisted, n.pos, "test %s", quote(s))
		case s == "attr":
			j.attr(n.pos, elements, args[1:])
		case names()["filter-by"][s]:
			for _, v := range args[1:] {
				j.path(n.pos, v)
			}
		case !names().filter(s):
			j.say(Unlisted, n.pos, "filter %s", quote(s))
		case names()["filter-number"][s]:
			out = out.join(of(number))
		case s == "string":
			out = out.join(of(holder))
		default:
			if len(elements.strs) > 0 || elements.nature&built != 0 {
				out = out.join(of(built))
			}
		}
	}
	return out
}

// test judges v is name(args).
func (j *judge) test(n *node) value {
	j.expr(n.kids[0])
	j.arguments(n.args)
	if !names()["test"][n.s] {
		j.say(Unlisted, n.pos, "test %s", quote(n.s))
	}
	return of(number)
}
