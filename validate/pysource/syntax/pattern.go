package syntax

// literal reads a number with its sign, a complex number, or strings, in a pattern.
func (p *parser) literal() Expression {
	start := p.tok
	if p.tok.kind == tString || p.tok.kind == tFString {
		return p.strings()
	}
	left := p.signed()
	if p.tok.kind != tPlus && p.tok.kind != tMinus {
		return left
	}
	op := Add
	if p.tok.kind == tMinus {
		op = Sub
	}
	p.advance()
	if p.tok.kind != tNumber {
		p.unexpected("expected an imaginary number")
	}
	right := p.atom()
	if p.isComplex(left) || !p.isComplex(right) {
		p.failTok(start, "expected a real number and an imaginary number")
	}
	return &BinOp{Op: op, Left: left, Right: right, Pos: p.from(start)}
}

func (p *parser) isComplex(e Expression) bool {
	if u, ok := e.(*UnaryOp); ok {
		e = u.Operand
	}
	return e.(*Constant).Kind == Complex
}

func (p *parser) signed() Expression {
	start := p.tok
	minus := p.eat(tMinus)
	if p.tok.kind != tNumber {
		p.unexpected("expected a number")
	}
	n := p.atom()
	if minus {
		return &UnaryOp{Op: USub, Operand: n, Pos: p.from(start)}
	}
	return n
}

// classPattern reads Class(pattern, name=pattern).
func (p *parser) classPattern(start token, class Expression) Pattern {
	p.advance()
	c := &MatchClass{Cls: class}
	for p.tok.kind != tRPar {
		p.charge(48)
		if p.tok.kind == tName && p.ahead().kind == tAssign {
			c.KwdAttrs = append(c.KwdAttrs, p.ident())
			p.advance()
			c.KwdPatterns = append(c.KwdPatterns, p.asPattern())
		} else {
			if c.KwdAttrs != nil {
				p.unexpected("positional patterns follow keyword patterns")
			}
			c.Patterns = append(c.Patterns, p.asPattern())
		}
		if !p.eat(tComma) {
			break
		}
	}
	p.expect(tRPar, "')' or ','")
	c.Pos = p.from(start)
	return c
}

// mapping reads {key: pattern, **rest}.
func (p *parser) mapping() Pattern {
	start := p.tok
	p.advance()
	m := &MatchMapping{}
	for p.tok.kind != tRBrace {
		p.charge(64)
		if p.eat(tDoubleStar) {
			if p.soft("_") {
				p.unexpected("'**_' is not allowed")
			}
			m.Rest = p.ident()
			p.eat(tComma)
			break
		}
		m.Keys = append(m.Keys, p.key())
		p.expect(tColon, "':'")
		m.Patterns = append(m.Patterns, p.asPattern())
		if !p.eat(tComma) {
			break
		}
	}
	p.expect(tRBrace, "'}' or ','")
	m.Pos = p.from(start)
	return m
}

// key reads a literal or a dotted name.
func (p *parser) key() Expression {
	start := p.tok
	switch start.kind {
	case tNumber, tMinus, tString, tFString:
		return p.literal()
	case kNone:
		return p.constant(None)
	case kTrue:
		return p.constant(True)
	case kFalse:
		return p.constant(False)
	}
	var e Expression = p.nameNode(Load)
	if p.tok.kind != tDot {
		p.unexpected("expected '.'")
	}
	for p.eat(tDot) {
		attr := p.ident()
		e = &Attribute{Value: e, Attr: attr, Pos: p.from(start)}
	}
	return e
}
