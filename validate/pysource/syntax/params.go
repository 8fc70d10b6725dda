package syntax

// parameters reads those of a function up to the token end, which is ')' with annotations or ':' (lambda) without.
func (p *parser) parameters(end kind) *Arguments {
	start := p.tok
	a := &Arguments{}
	star := false // behind * or *args
	mark := len(p.exprs)
	for p.tok.kind != end {
		switch {
		case p.tok.kind == tSlash:
			if star || a.PosOnlyArgs != nil || len(a.Args) == 0 {
				p.unexpected("'/' out of place")
			}
			a.PosOnlyArgs, a.Args = a.Args, nil
			p.advance()
		case p.tok.kind == tStar:
			if star {
				p.unexpected("* argument may appear only once")
			}
			star = true
			p.star(a, end)
		case p.eat(tDoubleStar):
			a.Kwarg = p.parameter(end, false)
			p.eat(tComma)
			if p.tok.kind != end {
				p.unexpected("arguments cannot follow var-keyword argument")
			}
			continue
		default:
			p.plain(a, end, star, len(p.exprs) > mark)
		}
		if !p.eat(tComma) {
			break
		}
	}
	if p.tok.kind != end {
		p.unexpected("expected ',' or the end of the parameters")
	}
	a.Defaults = p.takeExprs(mark)
	a.Pos = p.from(start)
	p.charge(160)
	return a
}

// star reads * alone, behind which a parameter must follow, or *args.
func (p *parser) star(a *Arguments, end kind) {
	p.advance()
	if p.tok.kind != tComma {
		a.Vararg = p.parameter(end, true)
		return
	}
	if p.ahead().kind != tName {
		p.unexpected("named arguments must follow bare *")
	}
}

// plain reads a parameter with its default.
func (p *parser) plain(a *Arguments, end kind, kwOnly, defaults bool) {
	arg := p.parameter(end, false)
	var value Expression
	if p.eat(tAssign) {
		value = p.expression()
	}
	p.charge(16)
	if kwOnly {
		a.KwOnlyArgs = append(a.KwOnlyArgs, arg)
		a.KwDefaults = append(a.KwDefaults, value)
		return
	}
	if value == nil && defaults {
		p.unexpected("parameter without a default follows parameter with a default")
	}
	a.Args = append(a.Args, arg)
	if value != nil {
		p.exprs = append(p.exprs, value)
	}
}

func (p *parser) parameter(end kind, vararg bool) *Arg {
	start := p.tok
	a := &Arg{Arg: p.ident()}
	if end == tRPar && p.eat(tColon) {
		if vararg && p.tok.kind == tStar {
			p.newer(p.tok, "unpacking in an annotation", "3.11")
			a.Annotation = p.starred(p.bitOr)
		} else {
			a.Annotation = p.expression()
		}
	}
	a.Pos = p.from(start)
	return a
}

// typeParams reads [T: bound = default, *Ts, **P] if it stands there (PEP 695, PEP 696).
func (p *parser) typeParams() []TypeParam {
	if p.tok.kind != tLBrack {
		return nil
	}
	p.newer(p.tok, "type parameters", "3.12")
	p.advance()
	var list []TypeParam
	for {
		list = append(list, p.typeParam())
		p.charge(16)
		if !p.eat(tComma) || p.tok.kind == tRBrack {
			break
		}
	}
	p.expect(tRBrack, "']' or ','")
	return list
}

func (p *parser) typeParam() TypeParam {
	start := p.tok
	switch {
	case p.eat(tStar):
		t := &TypeVarTuple{Name: p.ident()}
		t.DefaultValue = p.typeDefault(p.starExpression)
		t.Pos = p.from(start)
		return t
	case p.eat(tDoubleStar):
		t := &ParamSpec{Name: p.ident()}
		t.DefaultValue = p.typeDefault(p.expression)
		t.Pos = p.from(start)
		return t
	}
	t := &TypeVar{Name: p.ident()}
	if p.eat(tColon) {
		t.Bound = p.expression()
	}
	t.DefaultValue = p.typeDefault(p.expression)
	t.Pos = p.from(start)
	return t
}

func (p *parser) typeDefault(value func() Expression) Expression {
	if p.tok.kind != tAssign {
		return nil
	}
	p.newer(p.tok, "default of a type parameter", "3.13")
	p.advance()
	return value()
}
