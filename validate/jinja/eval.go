package jinja

import (
	"slices"
	"strings"
)

// judge walks the tree of a template and follows what its variables may be. A variable is one for the whole template,
// whatever its scope, and has every value that is ever given to it: the walk repeats until nothing new comes.
type judge struct {
	vars     map[string]value // by name; an attribute of a namespace as ".name"
	macros   map[string]*node
	twice    map[string]bool // names of macros that also stand for something else
	changed  bool
	mutates  bool // a list may be changed in its place
	widen    bool // a variable that still changes is no longer followed
	found    map[Problem]bool
	problems []Problem
	quiet    bool
}

const (
	exactRounds = 6  // after so many walks, what still changes is not followed any more
	maxRounds   = 16 // natures only grow, so the walks end; this is against mistakes
	maxProblems = 32
)

func judgeTree(tree *node) []Problem {
	j := &judge{vars: map[string]value{}, macros: map[string]*node{}, twice: map[string]bool{}, found: map[Problem]bool{}, quiet: true}
	j.collect(tree)
	for round := range maxRounds {
		j.changed, j.widen = false, round >= exactRounds
		j.body(tree)
		if !j.changed {
			break
		}
	}
	j.quiet = false
	j.body(tree)
	return j.problems
}

// collect finds the macros, which can be used before they are written.
func (j *judge) collect(n *node) {
	if n == nil {
		return
	}
	for _, a := range n.args {
		if n.form == fMacro || n.form == fCallOf {
			j.vars[macroNames] = j.vars[macroNames].join(known(a.name))
		}
	}
	j.mutates = j.mutates || n.form == fAttr && slices.Contains(mutators, n.s) || n.form == fStr && slices.Contains(mutators, n.s)
	if n.form == fMacro {
		j.vars[macroNames] = j.vars[macroNames].join(known(n.s))
		j.twice[n.s] = j.twice[n.s] || j.macros[n.s] != nil
		j.macros[n.s] = n
		j.vars[n.s] = j.vars[n.s].join(of(macro))
	}
	for _, k := range n.kids {
		j.collect(k)
	}
	for _, a := range n.args {
		j.collect(a.value)
	}
}

// mutators are the methods that change a list in its place. Where a template has one, the order of no list is known,
// since two variables may hold the same list.
var mutators = []string{"append", "extend", "insert", "pop", "reverse", "sort", "remove", "clear"}

// set gives a variable one more value.
func (j *judge) set(name string, v value) {
	old, had := j.vars[name]
	now := old.join(v)
	if had && now.equal(old) {
		return
	}
	if j.widen && len(now.strs) > 0 {
		now.strs, now.list, now.nature = keep(now.strs), nil, now.nature|built
		if had && now.equal(old) {
			return
		}
	}
	j.vars[name], j.changed = now, true
}

// assign binds a target of set, for, with or a macro.
func (j *judge) assign(target *node, v value) {
	switch target.form {
	case fList:
		for _, k := range target.kids {
			j.assign(k, j.parts(v))
		}
	case fAttr:
		j.attribute(target.pos, j.expr(target.kids[0]), target.s)
		j.set("."+target.s, v)
	default:
		if j.macros[target.s] != nil {
			j.twice[target.s] = true
		}
		j.set(target.s, v)
	}
}

// body walks a statement or what a block has in it.
func (j *judge) body(n *node) {
	if n == nil {
		return
	}
	switch n.form {
	case fBody, fScope, fOutput, fDo, fIf:
		for _, k := range n.kids {
			j.body(k)
		}
	case fText, fNoCode:
	case fFor:
		j.loop(n)
	case fSet:
		j.assignAll(n.kids[0], n.kids[1])
	case fSetBody:
		j.body(n.kids[1])
		v := blockText(n.kids[1])
		if n.kids[2] != nil {
			v = j.chain(n.kids[2], v)
		}
		j.assign(n.kids[0], v)
	case fFilterOf:
		j.body(n.kids[1])
		j.chain(n.kids[0], blockText(n.kids[1]))
	case fMacro:
		j.parameters(n.args, anyMacro)
		j.body(n.kids[0])
	case fCallOf:
		j.parameters(n.args, anyCaller)
		j.body(n.kids[0])
		j.body(n.kids[1])
	case fWith:
		last := len(n.kids) - 1
		for i := 0; i+1 < last; i += 2 {
			j.assignAll(n.kids[i], n.kids[i+1])
		}
		j.body(n.kids[last])
	case fOther:
		j.expr(n.kids[0])
		j.say(Reach, n.pos, "%s reads another template", n.s)
		for _, a := range n.args {
			j.set(a.name, of(foreign))
		}
	default:
		j.expr(n)
	}
}

// assignAll binds a target to an expression, part by part where both are written out.
func (j *judge) assignAll(target, source *node) {
	v := j.expr(source)
	if target.form == fList && source.form == fList && len(target.kids) == len(source.kids) {
		for i, k := range target.kids {
			j.assign(k, j.expr(source.kids[i]))
		}
		return
	}
	j.assign(target, v)
}

func (j *judge) loop(n *node) {
	v := j.expr(n.kids[1])
	if n.kids[1].form == fList && n.kids[0].form == fList { // for a, b in [(x, y), …]
		for _, k := range n.kids[1].kids {
			j.assignAll(n.kids[0], k)
		}
	}
	j.assign(n.kids[0], j.parts(v))
	j.set(loopItems, j.parts(v))
	j.set("loop", of(looping))
	j.body(n.kids[2])
	j.body(n.kids[3])
	j.body(n.kids[4])
}

// Variables for what is given to a callee that is not known by name, for the names of macros and parameters, for the items
// of all loops, and for what methods add to lists and dicts of the template and of the data. No template can name them.
const anyMacro, anyCaller, macroNames, loopItems, addedHere, addedToData = "macro()", "caller()", "macro.name", "loop.item", "holder.add", "data.add"

// parameters gives each parameter its default, and what was given to any callee of its kind.
func (j *judge) parameters(params []arg, given string) {
	for _, a := range params {
		v := j.vars[given].join(of(number)) // undefined, when no call gives it
		if a.value != nil {
			v = v.join(j.expr(a.value))
		}
		j.set(a.name, v)
	}
	j.set("varargs", of(holder))
	j.set("kwargs", of(holder))
}

// parts is what iterating over a value gives, or reading an item of it that is not known.
func parts(v value) value {
	out := value{nature: v.nature &^ (holder | built), strs: v.strs}
	if v.nature&built != 0 || v.nature&holder == 0 && (len(v.strs) > 0 || v.nature&plain != 0) {
		out.nature |= built // characters of a string
	}
	if v.nature&holder == 0 {
		out.strs = nil
		for _, s := range v.strs {
			if internal(s) {
				out.strs = append(out.strs, s)
			}
		}
	}
	if out.nature == 0 && len(out.strs) == 0 {
		out.nature = number // of nothing
	}
	if v.nature&holder != 0 {
		out.nature |= holder // a list may hold lists
	}
	return out
}

// parts is the same for a value that the template may have added to under another name.
func (j *judge) parts(v value) value {
	out := parts(v)
	if v.nature&holder != 0 {
		out = out.join(j.vars[addedHere])
	}
	if v.nature&data != 0 {
		out = out.join(j.vars[addedToData])
	}
	return out
}

// blockText is the value of a block: known when it is text and nothing else.
func blockText(n *node) value {
	var b strings.Builder
	for _, k := range n.kids {
		if k.form != fText || b.Len()+len(k.s) > maxFolded {
			return of(built)
		}
		b.WriteString(k.s)
	}
	return known(b.String()).join(known(strings.TrimSpace(b.String())))
}

// variable is what a name stands for.
func (j *judge) variable(n *node) value {
	if v, ok := j.vars[n.s]; ok {
		if names()["taboo"][n.s] {
			v = v.join(of(taboo)) // an assignment elsewhere does not make this use harmless
		}
		return v
	}
	switch {
	case names()["function"][n.s]:
		return of(function)
	case names()["taboo"][n.s]:
		return of(taboo)
	case n.s == "caller":
		return of(caller)
	case n.s == "loop":
		return of(looping)
	case strings.HasSuffix(n.s, "_token"), strings.HasSuffix(n.s, "_tokens"):
		return of(data | built) // the model's own files say what it is
	}
	return of(data)
}

// arguments evaluates each argument of a call.
func (j *judge) arguments(args []arg) []value {
	out := make([]value, len(args))
	for i, a := range args {
		out[i] = j.expr(a.value)
	}
	return out
}

// all is any of the values.
func all(vs []value) value {
	out := value{}
	for _, v := range vs {
		out = out.join(v)
	}
	return out
}

// give binds the arguments of a call to the parameters of what may be called.
func (j *judge) give(params []arg, args []arg, vs []value) {
	spread := slices.ContainsFunc(args, func(a arg) bool { return a.stars > 0 })
	any := all(vs)
	position := 0
	for i, a := range args {
		if a.name != "" {
			j.set(a.name, vs[i])
			continue
		}
		if !spread && position < len(params) {
			j.set(params[position].name, vs[i])
		}
		position++
	}
	if spread {
		for _, p := range params {
			j.set(p.name, any.join(j.parts(any)))
		}
	}
	if position > len(params) || spread || len(args) > len(params) {
		j.set("varargs", any.join(of(holder)))
		j.set("kwargs", any.join(of(holder)))
	}
}

// giveAny is give for a callee that is not known by name: every macro, or every call block, may get any of it.
func (j *judge) giveAny(given string, args []arg, vs []value) {
	any := all(vs)
	j.set(given, any.join(j.parts(any)))
	for i, a := range args {
		if a.name != "" {
			j.set(a.name, vs[i])
		}
	}
	j.set("varargs", any.join(of(holder)))
	j.set("kwargs", any.join(of(holder)))
}
