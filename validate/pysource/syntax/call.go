package syntax

// arguments reads those of a call, or the bases of a class, with the parentheses. Only a call may have a generator
// without parentheses of its own.
func (p *parser) arguments(call bool) (args []Expression, keywords []*Keyword) {
	open := p.tok
	p.advance()
	mark := len(p.exprs)
	named, unpacked := false, false
	for p.tok.kind != tRPar {
		start := p.tok
		switch {
		case p.tok.kind == tStar:
			if unpacked {
				p.unexpected("iterable argument unpacking follows keyword argument unpacking")
			}
			p.exprs = append(p.exprs, p.starred(p.expression))
		case p.eat(tDoubleStar):
			unpacked = true
			keywords = append(keywords, &Keyword{Value: p.expression(), Pos: p.from(start)})
		case p.tok.kind == tName && p.ahead().kind == tAssign:
			named = true
			name := p.ident()
			p.advance()
			keywords = append(keywords, &Keyword{Arg: name, Value: p.expression(), Pos: p.from(start)})
		default:
			if named || unpacked {
				p.unexpected("positional argument follows keyword argument")
			}
			e := p.named()
			if p.tok.kind == kFor || p.tok.kind == kAsync {
				return p.onlyGenerator(open, e, call && len(p.exprs) == mark), nil
			}
			p.exprs = append(p.exprs, e)
		}
		if !p.eat(tComma) {
			break
		}
	}
	p.expect(tRPar, "')' or ','")
	p.charge(16 * len(keywords))
	return p.takeExprs(mark), keywords
}

// onlyGenerator reads the rest of f(x for x in y). Its position is that of the parentheses.
func (p *parser) onlyGenerator(open token, elt Expression, alone bool) []Expression {
	gens := p.generators()
	if !alone || p.tok.kind != tRPar {
		p.unexpected("generator expression must be parenthesized")
	}
	p.advance()
	p.charge(16)
	return []Expression{&GeneratorExp{Elt: elt, Generators: gens, Pos: p.from(open)}}
}

// slices reads what stands in the brackets of a subscript.
func (p *parser) slices() Expression {
	start := p.tok
	starred := p.tok.kind == tStar
	first := p.slice()
	if p.tok.kind != tComma && !starred {
		return first
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.eat(tComma) && p.tok.kind != tRBrack {
		p.exprs = append(p.exprs, p.slice())
	}
	return &Tuple{Elts: p.takeExprs(mark), Pos: p.from(start)}
}

func (p *parser) slice() Expression {
	start := p.tok
	if p.tok.kind == tStar {
		p.newer(start, "unpacking in a subscript", "3.11")
		return p.starred(p.expression)
	}
	if p.tok.kind == tName && p.ahead().kind == tWalrus {
		p.newer(start, "assignment expression in a subscript", "3.10")
		return p.named()
	}
	s := &Slice{}
	if p.tok.kind != tColon {
		e := p.expression()
		if p.tok.kind != tColon {
			return e
		}
		s.Lower = e
	}
	p.expect(tColon, "':'")
	s.Upper = p.bound()
	if p.eat(tColon) {
		s.Step = p.bound()
	}
	s.Pos = p.from(start)
	return s
}

func (p *parser) bound() Expression {
	if k := p.tok.kind; k == tColon || k == tComma || k == tRBrack {
		return nil
	}
	return p.expression()
}
