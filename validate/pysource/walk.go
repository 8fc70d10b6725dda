package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// place is where a node stands: in which scope, below which node.
type place struct {
	scope  *scope
	parent syntax.Node
	branch bool // inside a statement that need not run, or not now
}

// walker visits every node of a module with its scope, in the order of the source. In its first walk it makes the
// scopes; later walks find them again.
type walker struct {
	scopes map[syntax.Node]*scope
	visit  func(n syntax.Node, at place)
	enter  func(n syntax.Node, s *scope) // a scope was made for n; nil in later walks
}

func (w *walker) inside(n syntax.Node, at place) *scope {
	if s := w.scopes[n]; s != nil {
		return s
	}
	s := newScope(at.scope)
	w.scopes[n] = s
	if w.enter != nil {
		w.enter(n, s)
	}
	return s
}

func (w *walker) node(n syntax.Node, at place) {
	w.visit(n, at)
	switch n := n.(type) {
	case *syntax.FunctionDef:
		w.function(n, n, at)
	case *syntax.AsyncFunctionDef:
		w.function(n, (*syntax.FunctionDef)(n), at)
	case *syntax.Lambda:
		w.node(n.Args, place{at.scope, n, at.branch})
		w.node(n.Body, place{w.inside(n, at), n, true})
	case *syntax.ClassDef:
		w.class(n, at)
	case *syntax.ListComp:
		w.comprehension(n, at, n.Generators, n.Elt)
	case *syntax.SetComp:
		w.comprehension(n, at, n.Generators, n.Elt)
	case *syntax.GeneratorExp:
		w.comprehension(n, at, n.Generators, n.Elt)
	case *syntax.DictComp:
		w.comprehension(n, at, n.Generators, n.Key, n.Value)
	case *syntax.If, *syntax.While, *syntax.For, *syntax.AsyncFor, *syntax.Try, *syntax.TryStar, *syntax.Match, *syntax.With, *syntax.AsyncWith:
		w.children(n, place{at.scope, n, true})
	default:
		w.children(n, place{at.scope, n, at.branch})
	}
}

func (w *walker) children(n syntax.Node, at place) {
	syntax.Children(n, func(c syntax.Node) { w.node(c, at) })
}

func (w *walker) function(n syntax.Node, f *syntax.FunctionDef, at place) {
	out := place{at.scope, n, at.branch}
	for _, d := range f.DecoratorList {
		w.node(d, out)
	}
	for _, p := range f.TypeParams {
		w.node(p, out)
	}
	w.node(f.Args, out)
	if f.Returns != nil {
		w.node(f.Returns, out)
	}
	in := place{w.inside(n, at), n, false}
	for _, s := range f.Body {
		w.node(s, in)
	}
}

func (w *walker) class(n *syntax.ClassDef, at place) {
	out := place{at.scope, n, at.branch}
	for _, d := range n.DecoratorList {
		w.node(d, out)
	}
	for _, p := range n.TypeParams {
		w.node(p, out)
	}
	for _, b := range n.Bases {
		w.node(b, out)
	}
	for _, k := range n.Keywords {
		w.node(k, out)
	}
	in := place{w.inside(n, at), n, false}
	for _, s := range n.Body {
		w.node(s, in)
	}
}

func (w *walker) comprehension(n syntax.Node, at place, gens []*syntax.Comprehension, elts ...syntax.Expression) {
	in := place{w.inside(n, at), n, true}
	for i, g := range gens {
		w.visit(g, in)
		iter := in
		if i == 0 {
			iter.scope = at.scope
		}
		w.node(g.Iter, iter)
		w.node(g.Target, in)
		for _, c := range g.Ifs {
			w.node(c, in)
		}
	}
	for _, e := range elts {
		w.node(e, in)
	}
}
