package pysource

import (
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
	spelled     *string              // what spells found
	said        map[string]bool      // what says found
	decodings   int                  // names that decodedName followed
	sibling     func(string) bool
	scripts     [][2]uint32 // where if __name__ == "__main__" begins and what follows it
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

// mutators are methods that change a list, dictionary or bytearray in place.
var mutators = words("append extend insert pop remove reverse sort clear update setdefault appendleft popleft add __setitem__ __iadd__")
