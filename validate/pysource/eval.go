package pysource

import (
	"strings"

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

// lookup is what a name may be.
func (m *module) lookup(n *syntax.Name, s *scope, v *env) value {
	home := s.find(n.Id)
	if home == nil {
		return m.unbound(n.Id)
	}
	if known, ok := v.get(home, n.Id); ok {
		return known
	}
	var out value
	for _, b := range home.names[n.Id] {
		out = union(out, m.bound(b, v, home))
	}
	if m.mutated[n.Id] {
		out = changedInPlace(out)
	}
	if home.fn == nil && sensitiveBuiltin(n.Id) && !m.firm(home, n) {
		out = union(out, m.unbound(n.Id))
	}
	return out
}

// changedInPlace: the elements that are written down are not all there is.
func changedInPlace(x value) value {
	for _, a := range x.atoms {
		switch a.kind {
		case isBytes:
			return union(x, value{open: true, atoms: []*atom{{kind: isComputed}}})
		case isSeq, isDict:
			x.open = true
		}
	}
	return x
}

// firm reports whether a name of a module or class certainly hides the built-in one where n uses it.
func (m *module) firm(home *scope, n *syntax.Name) bool {
	if m.dels[n.Id] {
		return false
	}
	for _, b := range home.names[n.Id] {
		if b.firm && (b.off < n.Off || b.way == byFunc || b.way == byClass) {
			return true
		}
	}
	return false
}

// unbound is a name that the module binds nowhere: a built-in one, or one that a star import brought.
func (m *module) unbound(name string) value {
	switch name {
	case "__builtins__":
		return only(ref("builtins", nil))
	case "__name__", "__file__", "__doc__", "__package__", "__path__":
		return unknown
	case "__loader__", "__spec__", "__build_class__", "__import__":
		return only(ref("builtins."+name, nil))
	}
	if builtinNames[name] {
		return only(ref("builtins."+name, nil))
	}
	out := unknown
	for _, star := range m.stars {
		if !strings.HasPrefix(star, ".") {
			out = union(out, only(ref(star+"."+name, &step{what: "from " + star + " import *", line: 1})))
		}
	}
	return out
}

// bound is what one binding gives.
func (m *module) bound(b binding, v *env, home *scope) value {
	if v != nil && !v.has(home) {
		v = nil // the names of that scope are not those of the call that is followed
	}
	switch b.way {
	case byModule:
		return only(ref(b.path, &step{line: b.line, what: "import " + b.path}))
	case byMember:
		return only(m.canonical(ref(b.path, &step{line: b.line, what: "from … import " + b.path})))
	case byFunc:
		return m.wrapped(b.fn)
	case byClass:
		return only(&atom{kind: isClass, scope: b.class})
	case byValue:
		return m.unpack(m.eval(b.expr, b.scope, v), b.index)
	case byElement:
		return m.unpack(m.eval(b.expr, b.scope, v).elements(), b.index)
	case byEnter:
		return m.unpack(m.entered(m.eval(b.expr, b.scope, v)), b.index)
	case byAttr:
		return m.matched(m.eval(b.expr, b.scope, v), b.path, b.line)
	case byParam:
		return m.passed(b)
	case byUpdate:
		// += of text in a loop: what it comes to is not followed
		x := m.eval(b.expr, b.scope, v)
		if m.updatable(home, b) {
			return m.updated(home, b, v)
		}
		return value{open: true, atoms: computedIfText(x)}
	}
	return unknown
}

func computedIfText(x value) []*atom {
	for _, a := range x.atoms {
		if a.textual() || a.kind == isComputed {
			return []*atom{{kind: isComputed}}
		}
	}
	return nil
}

// updatable: the name is set once and then extended, each time in the straight line of its scope.
func (m *module) updatable(home *scope, b binding) bool {
	path := ""
	for _, list := range home.names {
		for _, x := range list {
			if x.off == b.off && x.line == b.line && x.way == byUpdate {
				for _, y := range list {
					if !y.firm || y.way != byValue && y.way != byUpdate {
						return false
					}
				}
				return list[0].way == byValue && path == ""
			}
		}
	}
	return false
}

// updated is the text that a straight line of += comes to at the binding b.
func (m *module) updated(home *scope, b binding, v *env) value {
	for _, list := range home.names {
		found := false
		for _, x := range list {
			found = found || x.off == b.off && x.way == byUpdate
		}
		if !found {
			continue
		}
		var at value
		for _, x := range list {
			y := m.eval(x.expr, x.scope, v)
			if x.way == byValue {
				at = y
			} else {
				at = m.binary(x.op, at, y)
			}
			if x.off == b.off {
				return at
			}
		}
	}
	return unknown
}

// entered is what a with statement binds.
func (m *module) entered(x value) value {
	out := value{open: true}
	for _, a := range x.atoms {
		if a.kind == isRef {
			out.atoms = append(out.atoms, a)
		}
	}
	for _, b := range append(append([]binding{}, m.fields["__enter__"]...), m.fields["__aenter__"]...) {
		if b.way == byFunc {
			out = union(out, m.follow(b.fn, arguments{named: map[string]value{}}, nil))
		}
	}
	return out
}

// unpack follows the steps of an unpacking.
func (m *module) unpack(x value, index []int) value {
	for _, i := range index {
		if i == -2 { // a starred target collects elements
			x = value{open: x.open, atoms: []*atom{seq([]value{x})}}
			continue
		}
		if i < 0 {
			x = x.elements()
			continue
		}
		out := value{open: x.open}
		for _, a := range x.atoms {
			k, hit := 0, false
			a.each(func(e value) {
				if k == i {
					out, hit = union(out, e), true
				}
				k++
			})
			out.open = out.open || !hit
		}
		x = out
	}
	return x
}

// matched follows a pattern from its subject to a capture.
func (m *module) matched(x value, path string, line uint32) value {
	if path == "" {
		return x
	}
	for _, p := range strings.Split(path, ".") {
		switch {
		case strings.HasPrefix(p, "["):
			x = m.item(x, only(text(p[1:])), line)
		case strings.HasPrefix(p, "#"):
			x = x.elements()
		default:
			x = m.attribute(x, p, line)
		}
	}
	return x
}

// passed is what a parameter may be: its default, and what the calls in this module pass.
func (m *module) passed(b binding) value {
	out := unknown
	if b.expr != nil {
		out = union(out, m.eval(b.expr, b.scope, nil))
	}
	shift := 0
	if b.fn.method {
		shift = 1
	}
	if b.index[0] < -1 {
		return m.rest(b, shift)
	}
	if !b.fn.method || b.index[0] != 0 {
		out = union(out, m.handedTo(b.fn))
	}
	for _, c := range b.fn.calls {
		if at := b.index[0] - shift; b.index[0] >= 0 && at >= 0 && at < len(c.call.Args) {
			if _, star := c.call.Args[at].(*syntax.Starred); !star {
				out = union(out, m.eval(c.call.Args[at], c.scope, nil))
			}
		}
		for _, k := range c.call.Keywords {
			if k.Arg == b.path {
				out = union(out, m.eval(k.Value, c.scope, nil))
			}
		}
	}
	return out
}

// rest is what *args or **kwargs may hold.
func (m *module) rest(b binding, shift int) value {
	items := []value{}
	d := &atom{kind: isDict}
	for _, c := range b.fn.calls {
		if b.index[0] == -2 {
			for _, e := range c.call.Args[min(len(c.call.Args), max(0, b.index[1]-shift)):] {
				items = append(items, m.eval(e, c.scope, nil))
			}
			continue
		}
		for _, k := range c.call.Keywords {
			if k.Arg != "" {
				d.keys, d.items = append(d.keys, text(k.Arg)), append(d.items, m.eval(k.Value, c.scope, nil))
			}
		}
	}
	if b.index[0] == -2 {
		return value{open: true, atoms: []*atom{seq(items)}}
	}
	return value{open: true, atoms: []*atom{d}}
}

// handedTo: whoever is given the function may call it with what it is given beside; modules matter here.
func (m *module) handedTo(fn *function) value {
	out := unknown
	take := func(a *atom) {
		if m.names.isModule(a.text) {
			out = union(out, only(a))
		}
	}
	for _, c := range fn.handed {
		for _, e := range c.call.Args {
			m.deep(m.eval(e, c.scope, nil), take)
		}
		for _, k := range c.call.Keywords {
			m.deep(m.eval(k.Value, c.scope, nil), take)
		}
	}
	return out
}

// wrapped is a function with its decorators.
func (m *module) wrapped(fn *function) value {
	out := only(&atom{kind: isFunc, fn: fn})
	for _, d := range fn.wraps {
		for _, w := range m.eval(d, fn.outer, nil).atoms {
			switch {
			case w.kind == isRef && strings.HasSuffix(w.text, "property"):
				out = union(out, m.follow(fn, arguments{named: map[string]value{}}, nil))
			case w.kind == isFunc && w.fn != fn:
				out = union(out, m.follow(w.fn, arguments{pos: []value{only(&atom{kind: isFunc, fn: fn})}, named: map[string]value{}}, nil))
			}
		}
	}
	return out
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

// comprehend follows a comprehension over known elements.
func (m *module) comprehend(n syntax.Expression, gens []*syntax.Comprehension, elt syntax.Expression, s *scope, v *env) value {
	items := []value{}
	open := m.turns(n, gens, s, v, func(in *scope, ev *env) {
		items = append(items, m.eval(elt, in, ev))
	})
	if open {
		in := m.scopes[n]
		x := m.eval(elt, in, v)
		return value{open: true, atoms: []*atom{seq(append(items, x))}}
	}
	return only(seq(items))
}

func (m *module) comprehendDict(n *syntax.DictComp, s *scope, v *env) value {
	d := &atom{kind: isDict}
	open := m.turns(n, n.Generators, s, v, func(in *scope, ev *env) {
		val := m.eval(n.Value, in, ev)
		for _, k := range m.eval(n.Key, in, ev).atoms {
			d.keys, d.items = append(d.keys, k), append(d.items, val)
		}
	})
	return value{open: open, atoms: []*atom{d}}
}

// turns runs f for every turn of a comprehension. It is true when the turns are not all known.
func (m *module) turns(n syntax.Node, gens []*syntax.Comprehension, s *scope, v *env, f func(*scope, *env)) (open bool) {
	in := m.scopes[n]
	if in == nil || v != nil && v.depth > maxDepth {
		return true
	}
	count := 0
	allowed := func() bool {
		m.turned++
		return count <= maxItems && m.turned <= maxTurns && !open
	}
	var loop func(k int, ev *env)
	loop = func(k int, ev *env) {
		if k == len(gens) {
			if count++; count <= maxItems {
				f(in, ev)
			}
			return
		}
		from := in
		if k == 0 {
			from = s
		}
		a, ok := m.eval(gens[k].Iter, from, ev).constant()
		if !ok || gens[k].IsAsync {
			open = true
			return
		}
		if !a.each(func(x value) {
			if !allowed() {
				return
			}
			vars := map[string]value{}
			if ev != nil && ev.scope == in {
				for name, y := range ev.vars {
					vars[name] = y
				}
			}
			if !m.destructure(gens[k].Target, x, vars) {
				open = true
				return
			}
			depth := 1
			if ev != nil {
				depth = ev.depth + 1
			}
			next := &env{scope: in, vars: vars, up: ev, depth: depth}
			for _, c := range gens[k].Ifs {
				if m.isFalse(c, in, next) {
					return
				}
			}
			loop(k+1, next)
		}) {
			open = true
		}
	}
	loop(0, v)
	return open || count > maxItems || m.turned > maxTurns
}

func (m *module) destructure(t syntax.Expression, x value, vars map[string]value) bool {
	switch t := t.(type) {
	case *syntax.Name:
		vars[t.Id] = x
		return true
	case *syntax.Tuple:
		for i, e := range t.Elts {
			if !m.destructure(e, m.unpack(x, []int{i}), vars) {
				return false
			}
		}
		return true
	}
	return false
}

// isFalse reports whether a condition of a comprehension is certainly false.
func (m *module) isFalse(e syntax.Expression, s *scope, v *env) bool {
	c, ok := e.(*syntax.Compare)
	if !ok || len(c.Ops) != 1 {
		a, ok := m.eval(e, s, v).constant()
		return ok && (a.kind == isInt && a.n == 0 || a.kind == isStr && a.text == "")
	}
	x, ok1 := m.eval(c.Left, s, v).constant()
	y, ok2 := m.eval(c.Comparators[0], s, v).constant()
	if !ok1 || !ok2 {
		return false
	}
	equal := x.kind == y.kind && x.text == y.text && x.n == y.n
	simple := (x.textual() || x.kind == isInt) && x.kind == y.kind
	switch c.Ops[0] {
	case syntax.Eq:
		return simple && !equal
	case syntax.NotEq:
		return simple && equal
	case syntax.Lt:
		return simple && x.kind == isInt && x.n >= y.n
	case syntax.Gt:
		return simple && x.kind == isInt && x.n <= y.n
	case syntax.In:
		return x.textual() && y.kind == x.kind && !strings.Contains(y.text, x.text)
	case syntax.NotIn:
		return x.textual() && y.kind == x.kind && strings.Contains(y.text, x.text)
	}
	return false
}
