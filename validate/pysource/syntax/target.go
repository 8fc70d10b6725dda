package syntax

// targets reads what a for assigns to; it ends in front of in.
func (p *parser) targets() Expression {
	start := p.tok
	e := p.list(p.starTarget)
	p.assignable(start, e, Store, true)
	return e
}

func (p *parser) starTarget() Expression {
	if p.tok.kind == tStar {
		return p.starred(p.bitOr)
	}
	return p.bitOr()
}

// assignable makes e, which was read as a value, a target. The grammar of CPython lets only these forms be one.
func (p *parser) assignable(start token, e Expression, ctx Context, many bool) {
	switch e := e.(type) {
	case *Name:
		e.Ctx = ctx
	case *Attribute:
		e.Ctx = ctx
	case *Subscript:
		e.Ctx = ctx
	case *Starred:
		if _, twice := e.Value.(*Starred); twice || !many || ctx == Del {
			p.failAt(int(e.Off), "cannot use starred expression here")
		}
		e.Ctx = ctx
		p.assignable(start, e.Value, ctx, true)
	case *Tuple:
		e.Ctx = ctx
		p.assignAll(start, e.Elts, e.Pos, ctx, many)
	case *List:
		e.Ctx = ctx
		p.assignAll(start, e.Elts, e.Pos, ctx, many)
	default:
		p.failAt(int(e.Position().Off), "cannot assign to this expression")
	}
}

func (p *parser) assignAll(start token, elts []Expression, at Pos, ctx Context, many bool) {
	if !many {
		p.failAt(int(at.Off), "only single targets are allowed here")
	}
	for _, e := range elts {
		p.assignable(start, e, ctx, true)
	}
}
