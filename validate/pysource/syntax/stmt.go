package syntax

// statements reads up to the token end, which stays the current one.
func (p *parser) statements(end kind) []Statement {
	mark := len(p.stmts)
	for p.tok.kind != end {
		p.enter()
		p.statement()
		p.leave()
	}
	return p.takeStmts(mark)
}

// statement reads a compound statement, or a line of simple ones.
func (p *parser) statement() {
	switch p.tok.kind {
	case kDef:
		p.add(p.function(p.tok, nil))
	case kClass:
		p.add(p.class(nil))
	case tAt:
		p.add(p.decorated())
	case kAsync:
		p.add(p.async(nil))
	case kIf:
		p.add(p.ifs())
	case kFor:
		p.add(p.forLoop(p.tok))
	case kWhile:
		p.add(p.while())
	case kTry:
		p.add(p.try())
	case kWith:
		p.add(p.with(p.tok))
	case tIndent:
		p.unexpected("unexpected indent")
	default:
		if m := p.match(); m != nil {
			p.add(m)
			return
		}
		p.simpleLine()
	}
}

func (p *parser) add(s Statement) { p.stmts = append(p.stmts, s) }

// simpleLine reads simple statements up to the end of the line.
func (p *parser) simpleLine() {
	for {
		p.add(p.simple())
		if !p.eat(tSemi) || p.tok.kind == tNewline {
			break
		}
	}
	p.expect(tNewline, "the end of the statement")
}

// block reads what belongs to a compound statement, from its colon.
func (p *parser) block() []Statement {
	p.expect(tColon, "':'")
	if !p.eat(tNewline) {
		mark := len(p.stmts)
		p.simpleLine()
		return p.takeStmts(mark)
	}
	p.expect(tIndent, "an indented block")
	body := p.statements(tDedent)
	p.advance()
	return body
}

func (p *parser) simple() Statement {
	start := p.tok
	switch p.tok.kind {
	case kPass:
		p.advance()
		return &Pass{p.from(start)}
	case kBreak:
		p.advance()
		return &Break{p.from(start)}
	case kContinue:
		p.advance()
		return &Continue{p.from(start)}
	case kReturn:
		p.advance()
		r := &Return{}
		if p.startsExpression() {
			r.Value = p.starExpressions()
		}
		r.Pos = p.from(start)
		return r
	case kRaise:
		return p.raise()
	case kGlobal:
		names := p.names()
		return &Global{Names: names, Pos: p.from(start)}
	case kNonlocal:
		names := p.names()
		return &Nonlocal{Names: names, Pos: p.from(start)}
	case kDel:
		return p.del()
	case kAssert:
		return p.assert()
	case kImport:
		return p.importNames()
	case kFrom:
		return p.importFrom()
	}
	if p.soft("type") && p.ahead().kind == tName {
		return p.typeAlias()
	}
	return p.assignment()
}

func (p *parser) raise() Statement {
	start := p.tok
	p.advance()
	r := &Raise{}
	if p.startsExpression() {
		r.Exc = p.expression()
		if p.eat(kFrom) {
			r.Cause = p.expression()
		}
	}
	r.Pos = p.from(start)
	return r
}

func (p *parser) names() []string {
	p.advance()
	list := []string{p.ident()}
	for p.eat(tComma) {
		list = append(list, p.ident())
		p.charge(32)
	}
	return list
}

func (p *parser) del() Statement {
	start := p.tok
	p.advance()
	mark := len(p.exprs)
	for {
		at := p.tok
		e := p.bitOr()
		p.assignable(at, e, Del, true)
		p.exprs = append(p.exprs, e)
		if !p.eat(tComma) || !p.startsExpression() {
			break
		}
	}
	return &Delete{Targets: p.takeExprs(mark), Pos: p.from(start)}
}

func (p *parser) assert() Statement {
	start := p.tok
	p.advance()
	a := &Assert{Test: p.expression()}
	if p.eat(tComma) {
		a.Msg = p.expression()
	}
	a.Pos = p.from(start)
	return a
}

func (p *parser) typeAlias() Statement {
	start := p.tok
	p.newer(start, "type statement", "3.12")
	p.advance()
	t := &TypeAlias{Name: p.nameNode(Store)}
	t.TypeParams = p.typeParams()
	p.expect(tAssign, "'='")
	t.Value = p.expression()
	t.Pos = p.from(start)
	return t
}

// right reads the right side of an assignment.
func (p *parser) right() Expression {
	if p.tok.kind == kYield {
		return p.yield()
	}
	return p.starExpressions()
}

// assignment reads an assignment of any kind, or an expression.
func (p *parser) assignment() Statement {
	start := p.tok
	first := p.right()
	switch p.tok.kind {
	case tColon:
		return p.annotated(start, first)
	case tAugAssign:
		p.assignable(start, first, Store, false)
		op := augmented[p.src[p.tok.off:p.tok.end]]
		p.advance()
		return &AugAssign{Target: first, Op: op, Value: p.right(), Pos: p.from(start)}
	case tAssign:
	default:
		return &Expr{Value: first, Pos: p.from(start)}
	}
	mark := len(p.exprs)
	value := first
	for at := start; p.eat(tAssign); {
		p.assignable(at, value, Store, true)
		p.exprs = append(p.exprs, value)
		at = p.tok
		value = p.right()
	}
	return &Assign{Targets: p.takeExprs(mark), Value: value, Pos: p.from(start)}
}

var augmented = map[string]Operator{
	"+=": Add, "-=": Sub, "*=": Mult, "@=": MatMult, "/=": Div, "%=": Mod, "&=": BitAnd, "|=": BitOr, "^=": BitXor,
	"<<=": LShift, ">>=": RShift, "**=": Pow, "//=": FloorDiv,
}

func (p *parser) annotated(start token, target Expression) Statement {
	p.assignable(start, target, Store, false)
	_, name := target.(*Name)
	a := &AnnAssign{Target: target, Simple: name && target.Position().Off == start.off}
	p.advance()
	a.Annotation = p.expression()
	if p.eat(tAssign) {
		a.Value = p.right()
	}
	a.Pos = p.from(start)
	return a
}
