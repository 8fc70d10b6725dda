package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// module is one analysed file.
type module struct {
	name   string // of the file
	src    []byte
	tree   *syntax.Module
	top    *scope
	scopes map[syntax.Node]*scope
	names  *table
	funcs  map[syntax.Node]*function
	stars  []string // modules of which everything is imported
	// what is ever stored in an attribute or item of this name, in any object: objects are not told apart
	fields   map[string][]binding
	items    map[string][]binding
	lazy     bool // annotations are not evaluated
	memo     map[syntax.Node]value
	steps    int
	followed int // calls
	turned   int // turns of comprehensions
	applied  int // calls evaluated
	nested   int // evaluations inside each other
	bytes    int
	docs     map[syntax.Node]bool
	dels     map[string]bool
	evals    int // depth of eval of texts

	report      reporter
	usedModules map[string]bool // denied modules of which a use was reported
	pending     []pendingImport
	exempt      map[syntax.Node]bool // references that take nothing
	inner       map[string][]binding // names of functions and classes, for locals()
	mutated     map[string]bool      // names whose object is changed in place
}

// collect makes the scopes and remembers every binding.
func (m *module) collect() {
	w := &walker{scopes: m.scopes, visit: m.bindNode, enter: m.enter}
	m.top = newScope(nil)
	m.top.early = true
	m.declare(m.tree.Body, m.top)
	for _, s := range m.tree.Body {
		w.node(s, place{m.top, m.tree, false})
	}
	m.docstring(m.tree.Body)
}

// enter prepares the scope of a function, class or comprehension before its body is walked.
func (m *module) enter(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.FunctionDef:
		m.enterFunction(n, n, s)
	case *syntax.AsyncFunctionDef:
		m.enterFunction(n, (*syntax.FunctionDef)(n), s)
	case *syntax.Lambda:
		s.fn = m.funcs[n]
		s.fn.inner = s
		s.early = false
		m.parameters(s.fn)
	case *syntax.ClassDef:
		s.class = true
		m.declare(n.Body, s)
		m.docstring(n.Body)
	}
}

func (m *module) enterFunction(n syntax.Node, f *syntax.FunctionDef, s *scope) {
	s.fn = m.funcs[n]
	s.fn.inner = s
	s.early = false
	m.declare(f.Body, s)
	m.docstring(f.Body)
	m.parameters(s.fn)
}

// docstring remembers the strings that are statements; nothing can read them but as text.
func (m *module) docstring(body []syntax.Statement) {
	for _, s := range body {
		if e, ok := s.(*syntax.Expr); ok {
			if c, ok := e.Value.(*syntax.Constant); ok {
				m.docs[c] = true
			}
		}
	}
}

// declare finds the global and nonlocal statements of a scope before its names are bound.
func (m *module) declare(body []syntax.Statement, s *scope) {
	for _, st := range body {
		syntax.Walk(st, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.FunctionDef, *syntax.AsyncFunctionDef, *syntax.ClassDef, *syntax.Lambda:
				return false
			case *syntax.Global:
				s.declareFar(n.Names, true)
			case *syntax.Nonlocal:
				s.declareFar(n.Names, false)
			}
			_, expr := n.(syntax.Expression)
			return !expr
		})
	}
}

func (s *scope) declareFar(names []string, global bool) {
	if s.far == nil {
		s.far = map[string]bool{}
	}
	for _, name := range names {
		s.far[name] = global
	}
}

// bindNode remembers what a node binds.
func (m *module) bindNode(n syntax.Node, at place) {
	pos := n.Position()
	b := binding{scope: at.scope, line: pos.Line, off: pos.Off, firm: !at.branch}
	switch n := n.(type) {
	case *syntax.Import:
		m.bindImport(n, at, b)
	case *syntax.ImportFrom:
		m.bindFrom(n, at, b)
	case *syntax.FunctionDef:
		m.bindFunction(n, n, at, b)
	case *syntax.AsyncFunctionDef:
		m.bindFunction(n, (*syntax.FunctionDef)(n), at, b)
	case *syntax.Lambda:
		m.funcs[n] = &function{name: "lambda", args: n.Args, expr: n.Body, outer: at.scope}
	case *syntax.ClassDef:
		// the scope of the class is made when its body is walked
		s := newScope(at.scope)
		s.class = true
		m.scopes[n] = s
		m.enter(n, s)
		b.way, b.class = byClass, s
		m.bindName(n.Name, at.scope, b)
	case *syntax.Assign:
		for _, t := range n.Targets {
			m.bindTarget(t, at, with(b, byValue, n.Value))
		}
	case *syntax.AnnAssign:
		if n.Value != nil {
			m.bindTarget(n.Target, at, with(b, byValue, n.Value))
		}
	case *syntax.AugAssign:
		b.op = n.Op
		m.bindTarget(n.Target, at, with(b, byUpdate, n.Value))
	case *syntax.NamedExpr:
		s := at.scope
		for s.fn == nil && !s.class && s.parent != nil { // a walrus in a comprehension binds outside of it
			s = s.parent
		}
		m.bindName(n.Target.Id, s, with(b, byValue, n.Value))
	case *syntax.For:
		m.bindTarget(n.Target, at, with(b, byElement, n.Iter))
	case *syntax.AsyncFor:
		m.bindTarget(n.Target, at, with(b, byElement, n.Iter))
	case *syntax.Comprehension:
		in := with(b, byElement, n.Iter)
		m.bindTarget(n.Target, at, in)
	case *syntax.WithItem:
		if n.OptionalVars != nil {
			m.bindTarget(n.OptionalVars, at, with(b, byEnter, n.ContextExpr))
		}
	case *syntax.Delete:
		for _, t := range n.Targets {
			if name, ok := t.(*syntax.Name); ok {
				m.dels[name.Id] = true
			}
		}
	case *syntax.ExceptHandler:
		if n.Name != "" {
			m.bindName(n.Name, at.scope, binding{way: byOther, line: pos.Line})
		}
	case *syntax.Return:
		if fn := at.scope.fn; fn != nil && n.Value != nil {
			fn.returns = append(fn.returns, n.Value)
		}
	case *syntax.Yield:
		if fn := enclosing(at.scope); fn != nil && n.Value != nil && len(fn.yields) < 8 {
			fn.yields = append(fn.yields, n.Value)
		}
	case *syntax.Match:
		for _, c := range n.Cases {
			m.bindPattern(c.Pattern, n.Subject, nil, at, b)
		}
	case *syntax.Call:
		if f, ok := n.Func.(*syntax.Attribute); ok && mutators[f.Attr] {
			if name, ok := f.Value.(*syntax.Name); ok {
				m.mutated[name.Id] = true
			}
			if len(n.Args) > 0 { // what is put into a container may be any of its items
				m.items["?"] = bounded(m.items["?"], with(b, byValue, n.Args[len(n.Args)-1]))
			}
		}
		if f, ok := n.Func.(*syntax.Name); ok && f.Id == "setattr" && len(n.Args) == 3 {
			if c, ok := n.Args[1].(*syntax.Constant); ok {
				m.fields[c.Text] = bounded(m.fields[c.Text], with(b, byValue, n.Args[2]))
			}
		}
	case *syntax.TypeVar:
		m.bindName(n.Name, at.scope, binding{way: byOther})
	}
}

// enclosing is the function in which a scope lies.
func enclosing(s *scope) *function {
	for ; s != nil; s = s.parent {
		if s.fn != nil {
			return s.fn
		}
	}
	return nil
}

func with(b binding, w way, e syntax.Expression) binding {
	b.way, b.expr = w, e
	return b
}

// bindName binds in a scope; a name of a class is an attribute as well.
func (m *module) bindName(name string, s *scope, b binding) {
	s.bind(name, b)
	if s != m.top {
		m.inner[name] = bounded(m.inner[name], b)
	}
	if s.class {
		m.fields[name] = bounded(m.fields[name], b)
	}
}

func bounded(list []binding, b binding) []binding {
	if len(list) < maxBindings {
		return append(list, b)
	}
	return list
}

func (m *module) bindTarget(t syntax.Expression, at place, b binding) {
	switch t := t.(type) {
	case *syntax.Name:
		m.bindName(t.Id, at.scope, b)
	case *syntax.Attribute:
		m.fields[t.Attr] = bounded(m.fields[t.Attr], b)
	case *syntax.Subscript:
		if name, ok := t.Value.(*syntax.Name); ok {
			m.mutated[name.Id] = true
		}
		key := "?"
		if c, ok := t.Slice.(*syntax.Constant); ok && c.Kind == syntax.Str {
			key = c.Text
		}
		m.items[key] = bounded(m.items[key], b)
	case *syntax.Starred:
		b.index = append(append([]int{}, b.index...), -2)
		m.bindTarget(t.Value, at, b)
	case *syntax.Tuple:
		m.bindElements(t.Elts, at, b)
	case *syntax.List:
		m.bindElements(t.Elts, at, b)
	}
}

func (m *module) bindElements(elts []syntax.Expression, at place, b binding) {
	for i, e := range elts {
		in := b
		if _, star := e.(*syntax.Starred); star {
			i = -1
		}
		for _, prev := range elts[:max(i, 0)] {
			if _, star := prev.(*syntax.Starred); star {
				i = -1 // behind a star the place is not known
			}
		}
		in.index = append(append([]int{}, b.index...), i)
		m.bindTarget(e, at, in)
	}
}

func (m *module) bindImport(n *syntax.Import, at place, b binding) {
	for _, a := range n.Names {
		b.way, b.path = byModule, a.Name
		name := a.Asname
		if name == "" {
			name, _, _ = strings.Cut(a.Name, ".")
			b.path = name
		}
		m.bindName(name, at.scope, b)
	}
}

func (m *module) bindFrom(n *syntax.ImportFrom, at place, b binding) {
	from := strings.Repeat(".", n.Level) + n.Module
	if n.Level == 0 && n.Module == "__future__" {
		for _, a := range n.Names {
			m.lazy = m.lazy || a.Name == "annotations"
		}
	}
	for _, a := range n.Names {
		if a.Name == "*" {
			m.stars = append(m.stars, from)
			continue
		}
		name := a.Asname
		if name == "" {
			name = a.Name
		}
		b.way, b.path = byMember, member(from, a.Name)
		m.bindName(name, at.scope, b)
	}
}

// member is the path of a name of a module; relative modules begin with dots.
func member(module, name string) string {
	if strings.Trim(module, ".") == "" {
		return module + name
	}
	return module + "." + name
}

func (m *module) bindFunction(n syntax.Node, f *syntax.FunctionDef, at place, b binding) {
	fn := &function{name: f.Name, args: f.Args, body: f.Body, outer: at.scope, method: at.scope.class, wraps: f.DecoratorList}
	for _, d := range f.DecoratorList {
		if name, ok := d.(*syntax.Name); ok && name.Id == "staticmethod" {
			fn.method = false
		}
	}
	m.funcs[n] = fn
	b.way, b.fn = byFunc, fn
	m.bindName(f.Name, at.scope, b)
}

// parameters binds the parameters of a function to their defaults; calls add what they pass.
func (m *module) parameters(fn *function) {
	a := fn.args
	plain := append(append([]*syntax.Arg{}, a.PosOnlyArgs...), a.Args...)
	for i, p := range plain {
		b := binding{way: byParam, scope: fn.outer, line: p.Line, fn: fn, path: p.Arg, index: []int{i}}
		if k := i - (len(plain) - len(a.Defaults)); k >= 0 && k < len(a.Defaults) {
			b.expr = a.Defaults[k]
		}
		fn.inner.bind(p.Arg, b)
	}
	for i, p := range a.KwOnlyArgs {
		b := binding{way: byParam, scope: fn.outer, line: p.Line, fn: fn, path: p.Arg, index: []int{-1}}
		if i < len(a.KwDefaults) {
			b.expr = a.KwDefaults[i]
		}
		fn.inner.bind(p.Arg, b)
	}
	if a.Vararg != nil {
		fn.inner.bind(a.Vararg.Arg, binding{way: byParam, scope: fn.outer, line: a.Vararg.Line, fn: fn, index: []int{-2, len(plain)}})
	}
	if a.Kwarg != nil {
		fn.inner.bind(a.Kwarg.Arg, binding{way: byParam, scope: fn.outer, line: a.Kwarg.Line, fn: fn, index: []int{-3}})
	}
}

func (m *module) bindPattern(p syntax.Pattern, subject syntax.Expression, attrs []string, at place, b binding) {
	switch p := p.(type) {
	case *syntax.MatchAs:
		if p.Pattern != nil {
			m.bindPattern(p.Pattern, subject, attrs, at, b)
		}
		if p.Name != "" {
			b.way, b.expr, b.path = byAttr, subject, strings.Join(attrs, ".")
			m.bindName(p.Name, at.scope, b)
		}
	case *syntax.MatchOr:
		for _, q := range p.Patterns {
			m.bindPattern(q, subject, attrs, at, b)
		}
	case *syntax.MatchClass:
		for i, q := range p.KwdPatterns {
			m.bindPattern(q, subject, append(append([]string{}, attrs...), p.KwdAttrs[i]), at, b)
		}
	case *syntax.MatchMapping:
		for i, q := range p.Patterns {
			key := "?"
			if c, ok := p.Keys[i].(*syntax.Constant); ok && c.Kind == syntax.Str {
				key = c.Text
			}
			m.bindPattern(q, subject, append(append([]string{}, attrs...), "["+key), at, b)
		}
	case *syntax.MatchSequence:
		for i, q := range p.Patterns {
			m.bindPattern(q, subject, append(append([]string{}, attrs...), "#"+itoa(uint32(i))), at, b)
		}
	}
}

// mutators are methods that change a list, dictionary or bytearray in place.
var mutators = words("append extend insert pop remove reverse sort clear update setdefault appendleft popleft add __setitem__ __iadd__")
