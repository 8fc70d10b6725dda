package syntax

func ofStatement(n Statement, f func(Node)) {
	switch n := n.(type) {
	case *FunctionDef:
		ofFunction(n, f)
	case *AsyncFunctionDef:
		ofFunction((*FunctionDef)(n), f)
	case *ClassDef:
		each(n.DecoratorList, f)
		each(n.TypeParams, f)
		each(n.Bases, f)
		each(n.Keywords, f)
		each(n.Body, f)
	case *Return:
		one(n.Value, f)
	case *Delete:
		each(n.Targets, f)
	case *Assign:
		each(n.Targets, f)
		f(n.Value)
	case *TypeAlias:
		f(n.Name)
		each(n.TypeParams, f)
		f(n.Value)
	case *AugAssign:
		f(n.Target)
		f(n.Value)
	case *AnnAssign:
		f(n.Target)
		f(n.Annotation)
		one(n.Value, f)
	case *Raise:
		one(n.Exc, f)
		one(n.Cause, f)
	case *Assert:
		f(n.Test)
		one(n.Msg, f)
	case *Import:
		each(n.Names, f)
	case *ImportFrom:
		each(n.Names, f)
	case *Expr:
		f(n.Value)
	default:
		ofCompound(n, f)
	}
}

func ofFunction(n *FunctionDef, f func(Node)) {
	each(n.DecoratorList, f)
	each(n.TypeParams, f)
	f(n.Args)
	one(n.Returns, f)
	each(n.Body, f)
}

func ofCompound(n Statement, f func(Node)) {
	switch n := n.(type) {
	case *For:
		ofFor(n, f)
	case *AsyncFor:
		ofFor((*For)(n), f)
	case *While:
		f(n.Test)
		each(n.Body, f)
		each(n.Orelse, f)
	case *If:
		f(n.Test)
		each(n.Body, f)
		each(n.Orelse, f)
	case *With:
		each(n.Items, f)
		each(n.Body, f)
	case *AsyncWith:
		each(n.Items, f)
		each(n.Body, f)
	case *Match:
		f(n.Subject)
		each(n.Cases, f)
	case *Try:
		ofTry(n, f)
	case *TryStar:
		ofTry((*Try)(n), f)
	}
}

func ofFor(n *For, f func(Node)) {
	f(n.Target)
	f(n.Iter)
	each(n.Body, f)
	each(n.Orelse, f)
}

func ofTry(n *Try, f func(Node)) {
	each(n.Body, f)
	each(n.Handlers, f)
	each(n.Orelse, f)
	each(n.Finalbody, f)
}

func ofExpression(n Expression, f func(Node)) {
	switch n := n.(type) {
	case *BoolOp:
		each(n.Values, f)
	case *NamedExpr:
		f(n.Target)
		f(n.Value)
	case *BinOp:
		f(n.Left)
		f(n.Right)
	case *UnaryOp:
		f(n.Operand)
	case *Lambda:
		f(n.Args)
		f(n.Body)
	case *IfExp:
		f(n.Test)
		f(n.Body)
		f(n.Orelse)
	case *Await:
		f(n.Value)
	case *Yield:
		one(n.Value, f)
	case *YieldFrom:
		f(n.Value)
	case *Compare:
		f(n.Left)
		each(n.Comparators, f)
	case *Call:
		f(n.Func)
		each(n.Args, f)
		each(n.Keywords, f)
	case *Attribute:
		f(n.Value)
	case *Subscript:
		f(n.Value)
		f(n.Slice)
	case *Starred:
		f(n.Value)
	case *Slice:
		one(n.Lower, f)
		one(n.Upper, f)
		one(n.Step, f)
	default:
		ofDisplay(n, f)
	}
}

func ofDisplay(n Expression, f func(Node)) {
	switch n := n.(type) {
	case *Dict:
		for i, k := range n.Keys {
			one(k, f)
			f(n.Values[i])
		}
	case *Set:
		each(n.Elts, f)
	case *List:
		each(n.Elts, f)
	case *Tuple:
		each(n.Elts, f)
	case *ListComp:
		f(n.Elt)
		each(n.Generators, f)
	case *SetComp:
		f(n.Elt)
		each(n.Generators, f)
	case *GeneratorExp:
		f(n.Elt)
		each(n.Generators, f)
	case *DictComp:
		f(n.Key)
		f(n.Value)
		each(n.Generators, f)
	case *JoinedStr:
		each(n.Values, f)
	case *TemplateStr:
		each(n.Values, f)
	case *FormattedValue:
		f(n.Value)
		if n.FormatSpec != nil {
			f(n.FormatSpec)
		}
	case *Interpolation:
		f(n.Value)
		if n.FormatSpec != nil {
			f(n.FormatSpec)
		}
	}
}
