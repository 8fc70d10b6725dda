package syntax

// match reads a match statement, or nothing where the word match is a name (PEP 634: it is a keyword only there).
func (p *parser) match() Statement {
	if !p.soft("match") || !p.subjectFollows() {
		return nil
	}
	start := p.tok
	m := &Match{}
	if !p.attempt(func() { m.Subject = p.subject() }) {
		return nil
	}
	p.newer(start, "match", "3.10")
	for p.tok.kind != tDedent {
		if !p.soft("case") {
			p.unexpected("expected 'case'")
		}
		m.Cases = append(m.Cases, p.matchCase())
	}
	p.advance()
	m.Pos = p.from(start)
	return m
}

func (p *parser) subjectFollows() bool {
	switch p.ahead().kind {
	case tName, tNumber, tString, tFString, tLPar, tLBrack, tLBrace, tEllipsis, tPlus, tMinus, tTilde, tStar,
		kFalse, kNone, kTrue, kAwait, kLambda, kNot:
		return true
	}
	return false
}

// subject reads from match to the first case.
func (p *parser) subject() Expression {
	p.advance()
	start := p.tok
	starred := p.tok.kind == tStar
	e := p.starNamed()
	if starred && p.tok.kind != tComma {
		p.unexpected("expected ','")
	}
	if p.tok.kind == tComma {
		mark := len(p.exprs)
		p.exprs = append(p.exprs, e)
		for p.eat(tComma) && p.startsExpression() {
			p.exprs = append(p.exprs, p.starNamed())
		}
		e = &Tuple{Elts: p.takeExprs(mark), Pos: p.from(start)}
	}
	p.expect(tColon, "':'")
	p.expect(tNewline, "the end of the line")
	p.expect(tIndent, "an indented block")
	if !p.soft("case") {
		p.unexpected("expected 'case'")
	}
	return e
}

func (p *parser) matchCase() *MatchCase {
	start := p.tok
	p.advance()
	c := &MatchCase{}
	at := p.tok
	first := p.maybeStar()
	if _, star := first.(*MatchStar); star || p.tok.kind == tComma {
		if p.tok.kind != tComma {
			p.unexpected("expected ','")
		}
		list := p.patterns(first, tColon)
		first = &MatchSequence{Patterns: list, Pos: p.from(at)}
	}
	c.Pattern = first
	if p.eat(kIf) {
		c.Guard = p.named()
	}
	c.Body = p.block()
	c.Pos = p.from(start)
	p.charge(32)
	return c
}

// patterns reads the rest of a sequence behind its first pattern, up to the token end (or if).
func (p *parser) patterns(first Pattern, end kind) []Pattern {
	list := []Pattern{first}
	for p.eat(tComma) && p.tok.kind != end && p.tok.kind != kIf {
		list = append(list, p.maybeStar())
		p.charge(32)
	}
	return list
}

func (p *parser) maybeStar() Pattern {
	start := p.tok
	if !p.eat(tStar) {
		return p.asPattern()
	}
	wild := p.soft("_")
	name := p.ident()
	if wild {
		name = ""
	}
	return &MatchStar{Name: name, Pos: p.from(start)}
}

func (p *parser) asPattern() Pattern {
	p.enter()
	defer p.leave()
	start := p.tok
	left := p.orPattern()
	if !p.eat(kAs) {
		return left
	}
	if p.soft("_") {
		p.unexpected("cannot use '_' as a target")
	}
	name := p.ident()
	return &MatchAs{Pattern: left, Name: name, Pos: p.from(start)}
}

func (p *parser) orPattern() Pattern {
	start := p.tok
	first := p.closedPattern()
	if p.tok.kind != tPipe {
		return first
	}
	list := []Pattern{first}
	for p.eat(tPipe) {
		list = append(list, p.closedPattern())
		p.charge(32)
	}
	return &MatchOr{Patterns: list, Pos: p.from(start)}
}

func (p *parser) closedPattern() Pattern {
	start := p.tok
	switch start.kind {
	case tNumber, tMinus, tString, tFString:
		v := p.literal()
		return &MatchValue{Value: v, Pos: p.from(start)}
	case kNone:
		return p.singleton(None)
	case kTrue:
		return p.singleton(True)
	case kFalse:
		return p.singleton(False)
	case tLBrack:
		p.advance()
		return p.sequence(start, tRBrack)
	case tLPar:
		p.advance()
		return p.sequence(start, tRPar)
	case tLBrace:
		return p.mapping()
	case tName:
		return p.namePattern()
	}
	p.unexpected("invalid pattern")
	return nil
}

func (p *parser) singleton(k ConstantKind) Pattern {
	start := p.tok
	p.advance()
	return &MatchSingleton{Kind: k, Pos: p.from(start)}
}

// sequence reads [a, b], (a, b) or the group (a).
func (p *parser) sequence(start token, end kind) Pattern {
	var list []Pattern
	if p.tok.kind != end {
		first := p.maybeStar()
		if _, star := first.(*MatchStar); end == tRPar && p.tok.kind != tComma && !star {
			p.expect(end, "')'")
			return first
		} else if star && end == tRPar && p.tok.kind != tComma {
			p.unexpected("expected ','")
		}
		list = p.patterns(first, end)
	}
	p.expect(end, "the closing bracket or ','")
	return &MatchSequence{Patterns: list, Pos: p.from(start)}
}

// namePattern: a capture, the wildcard, a dotted value or a class.
func (p *parser) namePattern() Pattern {
	start := p.tok
	wild := p.soft("_")
	n := p.nameNode(Load)
	if wild { // whatever follows: the grammar tries the wildcard before _.name and _(...)
		return &MatchAs{Pos: p.from(start)}
	}
	var e Expression = n
	for p.eat(tDot) {
		attr := p.ident()
		e = &Attribute{Value: e, Attr: attr, Pos: p.from(start)}
	}
	if p.tok.kind == tLPar {
		return p.classPattern(start, e)
	}
	if e != Expression(n) {
		return &MatchValue{Value: e, Pos: p.from(start)}
	}
	return &MatchAs{Name: n.Id, Pos: p.from(start)}
}
