package syntax

import "slices"

// primary reads an atom with its attributes, calls and subscripts.
func (p *parser) primary() Expression {
	start := p.tok
	e := p.atom()
	for {
		switch p.tok.kind {
		case tDot:
			p.advance()
			attr := p.ident()
			e = &Attribute{Value: e, Attr: attr, Pos: p.from(start)}
		case tLPar:
			c := &Call{Func: e}
			c.Args, c.Keywords = p.arguments(true)
			c.Pos = p.from(start)
			e = c
		case tLBrack:
			p.advance()
			index := p.slices()
			p.expect(tRBrack, "']'")
			e = &Subscript{Value: e, Slice: index, Pos: p.from(start)}
		default:
			return e
		}
	}
}

func (p *parser) atom() Expression {
	start := p.tok
	switch p.tok.kind {
	case tName:
		return p.nameNode(Load)
	case tNumber:
		p.advance()
		text, k := numeric(p.src[start.off:start.end])
		return &Constant{Text: text, Kind: k, Pos: p.from(start)}
	case tString, tFString:
		return p.strings()
	case tLPar:
		return p.parenthesis()
	case tLBrack:
		return p.square()
	case tLBrace:
		return p.curly()
	case tEllipsis:
		return p.constant(Ellipsis)
	case kNone:
		return p.constant(None)
	case kTrue:
		return p.constant(True)
	case kFalse:
		return p.constant(False)
	}
	p.unexpected("invalid syntax")
	return nil
}

func (p *parser) constant(k ConstantKind) Expression {
	start := p.tok
	p.advance()
	return &Constant{Kind: k, Pos: p.from(start)}
}

func (p *parser) nameNode(ctx Context) *Name {
	start := p.tok
	p.expect(tName, "a name")
	id, respelled := p.identifier(start)
	return &Name{Id: id, Ctx: ctx, Respelled: respelled, Pos: p.from(start)}
}

// parenthesis: a group, a tuple or a generator.
func (p *parser) parenthesis() Expression {
	start := p.tok
	p.advance()
	if p.eat(tRPar) {
		return &Tuple{Pos: p.from(start)}
	}
	if p.tok.kind == kYield {
		e := p.yield()
		p.expect(tRPar, "')'")
		return e
	}
	starred := p.tok.kind == tStar
	first := p.starNamed()
	switch {
	case p.tok.kind == tComma:
		elts := p.elements(first, tRPar)
		return &Tuple{Elts: elts, Pos: p.from(start)}
	case starred:
		p.failTok(start, "cannot use starred expression here")
	case p.tok.kind == kFor || p.tok.kind == kAsync:
		gens := p.generators()
		p.expect(tRPar, "')'")
		return &GeneratorExp{Elt: first, Generators: gens, Pos: p.from(start)}
	}
	p.expect(tRPar, "')'")
	return first
}

// elements reads the rest of a display behind its first element, to behind the closing bracket.
func (p *parser) elements(first Expression, end kind) []Expression {
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.eat(tComma) && p.tok.kind != end {
		p.exprs = append(p.exprs, p.starNamed())
	}
	p.expect(end, "the closing bracket or ','")
	return p.takeExprs(mark)
}

func (p *parser) generator(start token, elt Expression) Expression {
	gens := p.generators()
	return &GeneratorExp{Elt: elt, Generators: gens, Pos: p.from(start)}
}

// square: a list.
func (p *parser) square() Expression {
	start := p.tok
	p.advance()
	if p.eat(tRBrack) {
		return &List{Pos: p.from(start)}
	}
	starred := p.tok.kind == tStar
	first := p.starNamed()
	if !starred && (p.tok.kind == kFor || p.tok.kind == kAsync) {
		gens := p.generators()
		p.expect(tRBrack, "']'")
		return &ListComp{Elt: first, Generators: gens, Pos: p.from(start)}
	}
	elts := p.elements(first, tRBrack)
	return &List{Elts: elts, Pos: p.from(start)}
}

// curly: a set or a dictionary.
func (p *parser) curly() Expression {
	start := p.tok
	p.advance()
	if p.eat(tRBrace) {
		return &Dict{Pos: p.from(start)}
	}
	if p.tok.kind == tDoubleStar {
		return p.dict(start, nil)
	}
	starred, inner := p.tok.kind == tStar, p.tok
	first := p.starNamed()
	_, walrus := first.(*NamedExpr)
	switch {
	case p.tok.kind == tColon && !starred && !(walrus && first.Position().Off == inner.off):
		return p.dict(start, first)
	case !starred && (p.tok.kind == kFor || p.tok.kind == kAsync):
		gens := p.generators()
		p.expect(tRBrace, "'}'")
		if walrus {
			p.newer(start, "assignment expression in a set", "3.9")
		}
		return &SetComp{Elt: first, Generators: gens, Pos: p.from(start)}
	}
	elts := p.elements(first, tRBrace)
	if anyNamed(elts) {
		p.newer(start, "assignment expression in a set", "3.9")
	}
	return &Set{Elts: elts, Pos: p.from(start)}
}

func anyNamed(list []Expression) bool {
	return slices.ContainsFunc(list, func(e Expression) bool { _, ok := e.(*NamedExpr); return ok })
}

// dict reads a dictionary from behind its first key, or from its first **.
func (p *parser) dict(start token, key Expression) Expression {
	mark := len(p.exprs)
	key, value := p.pair(key)
	if key != nil && (p.tok.kind == kFor || p.tok.kind == kAsync) {
		gens := p.generators()
		p.expect(tRBrace, "'}'")
		return &DictComp{Key: key, Value: value, Generators: gens, Pos: p.from(start)}
	}
	p.exprs = append(p.exprs, key, value)
	for p.eat(tComma) && p.tok.kind != tRBrace {
		key = nil
		if p.tok.kind != tDoubleStar {
			key = p.expression()
		}
		key, value = p.pair(key)
		p.exprs = append(p.exprs, key, value)
	}
	p.expect(tRBrace, "'}' or ','")
	both := p.exprs[mark:]
	p.exprs = p.exprs[:mark]
	p.charge(16 * len(both))
	d := &Dict{Keys: make([]Expression, len(both)/2), Values: make([]Expression, len(both)/2)}
	for i := range d.Keys {
		d.Keys[i], d.Values[i] = both[2*i], both[2*i+1]
	}
	d.Pos = p.from(start)
	return d
}

// pair reads : value behind a key, or ** value.
func (p *parser) pair(key Expression) (k, v Expression) {
	if key == nil {
		p.advance()
		return nil, p.bitOr()
	}
	p.expect(tColon, "':' after dictionary key")
	return key, p.expression()
}

// generators: for target in iter if condition ..., any number of times.
func (p *parser) generators() []*Comprehension {
	var list []*Comprehension
	for p.tok.kind == kFor || p.tok.kind == kAsync {
		start := p.tok
		c := &Comprehension{IsAsync: p.eat(kAsync)}
		p.expect(kFor, "'for'")
		c.Target = p.targets()
		p.expect(kIn, "'in'")
		c.Iter = p.disjunction()
		mark := len(p.exprs)
		for p.eat(kIf) {
			p.exprs = append(p.exprs, p.disjunction())
		}
		c.Ifs = p.takeExprs(mark)
		c.Pos = p.from(start)
		list = append(list, c)
	}
	p.charge(32 * len(list))
	return list
}
