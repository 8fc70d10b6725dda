package jinja

import (
	"strings"
)

// call judges who is called, and binds the arguments.
func (j *judge) call(n *node) value {
	callee := n.kids[0]
	args := j.arguments(n.args)
	switch callee.form {
	case fName:
		return j.callName(n, callee, args)
	case fAttr:
		base := j.expr(callee.kids[0])
		j.attribute(callee.pos, base, callee.s)
		return j.method(n, callee.pos, base, callee.s, args)
	case fItem:
		base, key := j.expr(callee.kids[0]), j.expr(callee.kids[1])
		j.item(callee, base, key)
		out := of(built)
		if base.nature&macro != 0 {
			j.giveAny(anyMacro, n.args, args)
		}
		if !key.exact() {
			j.say(Unlisted, n.pos, "a method whose name is not known is called")
		}
		for _, s := range key.strs {
			out = out.join(j.method(n, callee.kids[1].pos, base, s, args))
		}
		return out
	}
	v := j.expr(callee)
	if v.nature&caller != 0 {
		j.giveAny(anyCaller, n.args, args)
	}
	j.giveAny(anyMacro, n.args, args)
	if v.nature&^(macro|function|caller|number) != 0 || v.nature&(macro|function|caller) == 0 {
		j.say(Unlisted, n.pos, "what an expression gives is called")
	}
	return of(built | data)
}

// callName judges a call by name.
func (j *judge) callName(n, callee *node, args []value) value {
	v := j.expr(callee)
	if names := keywords(n.args); len(names.strs) > 0 {
		j.set("kwargs", names)
	}
	if m := j.macros[callee.s]; m != nil {
		j.give(m.args, n.args, args)
		if j.twice[callee.s] {
			j.giveAny(anyMacro, n.args, args)
		}
		if v.nature&^(macro|number) == 0 {
			return of(built)
		}
	}
	switch {
	case v.nature&^(function|number) == 0 && v.nature&function != 0 && len(v.strs) == 0:
		return j.callFunction(callee.s, n.args, args)
	case v.nature&^(caller|number) == 0 && v.nature&caller != 0:
		j.giveAny(anyCaller, n.args, args)
		return of(built)
	case v.nature&^(looping|number) == 0 && v.nature&looping != 0: // a recursive loop
		return of(built)
	case v.nature&^(macro|function|caller|number) == 0 && v.nature != number && len(v.strs) == 0:
		j.giveAny(anyMacro, n.args, args)
		return of(built).join(all(args))
	}
	j.say(Unlisted, n.pos, "function %s is called", quote(callee.s))
	return of(built | data)
}

func (j *judge) callFunction(name string, args []arg, vs []value) value {
	switch name {
	case "namespace":
		for i, a := range args {
			if a.name != "" {
				j.attribute(a.value.pos, of(space), a.name)
				j.set("."+a.name, vs[i])
			} else {
				j.set(".", vs[i]) // a dict of attributes
				j.spread(a.value, vs[i])
			}
		}
		return of(space)
	case "dict":
		return all(vs).join(keywords(args)).join(of(holder))
	case "range":
		return of(number)
	case "strftime_now":
		return all(vs).join(of(built))
	case "raise_exception":
		return of(number)
	}
	return of(built | data).join(all(vs)) // a variable that holds one of them
}

// keywords are the names of keyword arguments, which dict() and kwargs make strings of.
func keywords(args []arg) value {
	out := value{}
	for _, a := range args {
		if a.name != "" {
			out = out.join(known(a.name))
		}
	}
	return out
}

// spread sets the attributes of a namespace from a dict that is written out.
func (j *judge) spread(n *node, v value) {
	if n.form != fDict {
		return
	}
	for i := 0; i < len(n.kids); i += 2 {
		if n.kids[i].form == fStr {
			j.set("."+n.kids[i].s, v)
		}
	}
}

// method judges base.name(args).
func (j *judge) method(n *node, pos int, base value, name string, args []value) value {
	if base.nature&space != 0 {
		if v := j.vars["."+name]; v.nature&(macro|function|caller) != 0 {
			j.giveAny(anyMacro, n.args, args)
			return of(built | data)
		}
	}
	if !names()["method"][name] {
		if !internal(name) { // which has been said
			j.say(Unlisted, pos, "method %s is called", quote(name))
		}
		return of(built | data)
	}
	if base.nature&(foreign|taboo) != 0 {
		j.say(Unlisted, pos, "method %s of an object that is not the template's own is called", quote(name))
	}
	switch name {
	case "format":
		return j.format(pos, base, args)
	case "append", "extend", "insert", "update", "setdefault":
		j.change(n.kids[0], append(args, keywords(n.args)))
		return all(args).join(base).join(of(number))
	case "get", "pop", "copy", "popitem", "items", "keys", "values":
		out := base.join(all(args)).join(of(number))
		if name != "copy" {
			out = out.join(j.parts(base))
		}
		for _, v := range args[:min(1, len(args))] {
			for _, s := range v.strs {
				out = out.join(j.namespaceItem(base, s))
			}
		}
		out.list = nil
		return out
	case "join":
		if len(args) == 1 && args[0].list != nil {
			return base.fold(func(s string) (string, bool) { return joined(args[0].list, s) })
		}
		return of(built)
	case "startswith", "endswith", "find", "rfind", "index", "rindex", "count", "changed":
		return of(number)
	case "split", "rsplit", "splitlines", "partition", "rpartition":
		return value{nature: built | holder}.join(j.pieces(base, name, args))
	case "cycle":
		return all(args)
	}
	if f, ok := textFolds[name]; ok {
		return base.fold(func(s string) (string, bool) { return f(s, args) })
	}
	return of(built | number)
}

// namespaceItem is what a namespace, seen as a dict, has under a name.
func (j *judge) namespaceItem(base value, s string) value {
	if base.nature&space == 0 {
		return value{}
	}
	return j.vars["."+s]
}

// pieces are the known results of splitting a known string at a known separator.
func (j *judge) pieces(base value, name string, args []value) value {
	out := value{}
	if (name != "split" && name != "rsplit") || len(args) > 1 {
		return out
	}
	for _, s := range base.strs {
		var list []string
		switch {
		case len(args) == 0:
			list = strings.Fields(s)
		case len(args[0].strs) == 1 && args[0].strs[0] != "":
			list = strings.Split(s, args[0].strs[0])
		}
		for _, piece := range list[:min(len(list), maxStrings)] {
			out = out.join(known(piece))
		}
		if base.exact() && len(base.strs) == 1 && len(list) > 0 && len(list) < 256 {
			return value{nature: holder, strs: out.strs, list: list}
		}
	}
	return out
}

// change adds to the variable whose list or dict a method changes.
func (j *judge) change(callee *node, args []value) {
	added := all(args).join(of(holder))
	added.list = nil
	base := j.expr(callee.kids[0])
	if base.nature&data != 0 {
		j.set(addedToData, added)
	}
	if base.nature&^(data|number) != 0 || len(base.strs) > 0 {
		j.set(addedHere, added)
	}
	target := callee.kids[0]
	for target.form == fItem || target.form == fCall || target.form == fAttr && len(target.kids) > 0 {
		if target.form == fAttr {
			j.set("."+target.s, added)
		}
		target = target.kids[0]
	}
	if target.form == fName && target.s != "loop" {
		if old, ok := j.vars[target.s]; ok && old.list != nil {
			old.list = nil
			j.vars[target.s] = old
		}
		if _, ok := j.vars[target.s]; ok || !names()["function"][target.s] {
			j.set(target.s, added)
		}
	}
}
