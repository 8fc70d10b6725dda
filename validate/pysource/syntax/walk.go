package syntax

// Walk visits n and every node below in the order of the source, as far as the tree keeps it. Where visit returns
// false the nodes below are left out. It keeps its own stack, so no depth of the tree exhausts that of the program.
func Walk(n Node, visit func(Node) bool) {
	walkDepth(n, func(n Node, _ int) bool { return visit(n) })
}

// Inspect visits n with its ancestors, outermost first; parents is valid during the call only.
func Inspect(n Node, visit func(n Node, parents []Node) bool) {
	var path []Node
	walkDepth(n, func(n Node, depth int) bool {
		path = append(path[:depth], n)
		return visit(n, path[:depth])
	})
}

func walkDepth(n Node, visit func(n Node, depth int) bool) {
	type entry struct {
		n     Node
		depth int
	}
	stack := []entry{{n, 0}}
	for len(stack) > 0 {
		e := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !visit(e.n, e.depth) {
			continue
		}
		first := len(stack)
		Children(e.n, func(c Node) { stack = append(stack, entry{c, e.depth + 1}) })
		for i, j := first, len(stack)-1; i < j; i, j = i+1, j-1 {
			stack[i], stack[j] = stack[j], stack[i]
		}
	}
}

// Children gives the nodes directly below n; none is nil.
func Children(n Node, f func(Node)) {
	switch n := n.(type) {
	case Statement:
		ofStatement(n, f)
	case Expression:
		ofExpression(n, f)
	case Pattern:
		ofPattern(n, f)
	case TypeParam:
		ofTypeParam(n, f)
	default:
		ofPart(n, f)
	}
}

func one(e Expression, f func(Node)) {
	if e != nil {
		f(e)
	}
}

func each[T Node](list []T, f func(Node)) {
	for _, n := range list {
		f(n)
	}
}

func ofPart(n Node, f func(Node)) {
	switch n := n.(type) {
	case *Module:
		each(n.Body, f)
	case *Comprehension:
		f(n.Target)
		f(n.Iter)
		each(n.Ifs, f)
	case *ExceptHandler:
		one(n.Type, f)
		each(n.Body, f)
	case *Arguments:
		ofArguments(n, f)
	case *Arg:
		one(n.Annotation, f)
	case *Keyword:
		f(n.Value)
	case *WithItem:
		f(n.ContextExpr)
		one(n.OptionalVars, f)
	case *MatchCase:
		f(n.Pattern)
		one(n.Guard, f)
		each(n.Body, f)
	}
}

func ofArguments(n *Arguments, f func(Node)) {
	each(n.PosOnlyArgs, f)
	each(n.Args, f)
	if n.Vararg != nil {
		f(n.Vararg)
	}
	each(n.KwOnlyArgs, f)
	for _, d := range n.KwDefaults {
		one(d, f)
	}
	if n.Kwarg != nil {
		f(n.Kwarg)
	}
	each(n.Defaults, f)
}

func ofPattern(n Pattern, f func(Node)) {
	switch n := n.(type) {
	case *MatchValue:
		f(n.Value)
	case *MatchSequence:
		each(n.Patterns, f)
	case *MatchMapping:
		each(n.Keys, f)
		each(n.Patterns, f)
	case *MatchClass:
		f(n.Cls)
		each(n.Patterns, f)
		each(n.KwdPatterns, f)
	case *MatchAs:
		if n.Pattern != nil {
			f(n.Pattern)
		}
	case *MatchOr:
		each(n.Patterns, f)
	}
}

func ofTypeParam(n TypeParam, f func(Node)) {
	switch n := n.(type) {
	case *TypeVar:
		one(n.Bound, f)
		one(n.DefaultValue, f)
	case *ParamSpec:
		one(n.DefaultValue, f)
	case *TypeVarTuple:
		one(n.DefaultValue, f)
	}
}
