package syntax

// starExpressions: expressions joined by commas, a tuple if there is a comma.
func (p *parser) starExpressions() Expression { return p.list(p.starExpression) }

// list reads items of one kind joined by commas, with one at the end allowed.
func (p *parser) list(item func() Expression) Expression {
	start := p.tok
	first := item()
	if p.tok.kind != tComma {
		return first
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.eat(tComma) && p.startsExpression() {
		p.exprs = append(p.exprs, item())
	}
	return &Tuple{Elts: p.takeExprs(mark), Pos: p.from(start)}
}

// startsExpression tells whether the current token can begin an item of a list.
func (p *parser) startsExpression() bool {
	switch p.tok.kind {
	case tName, tNumber, tString, tFString, tLPar, tLBrack, tLBrace, tEllipsis, tPlus, tMinus, tTilde, tStar,
		kFalse, kNone, kTrue, kAwait, kLambda, kNot:
		return true
	}
	return false
}

func (p *parser) starExpression() Expression {
	if p.tok.kind == tStar {
		return p.starred(p.bitOr)
	}
	return p.expression()
}

func (p *parser) starNamed() Expression {
	if p.tok.kind == tStar {
		return p.starred(p.bitOr)
	}
	return p.named()
}

func (p *parser) starred(value func() Expression) Expression {
	start := p.tok
	p.advance()
	return &Starred{Value: value(), Pos: p.from(start)}
}

// named: NAME := expression, or an expression.
func (p *parser) named() Expression {
	if p.tok.kind != tName || p.ahead().kind != tWalrus {
		return p.expression()
	}
	start := p.tok
	target := p.nameNode(Store)
	p.advance()
	return &NamedExpr{Target: target, Value: p.expression(), Pos: p.from(start)}
}

// expression: a conditional, a lambda, or what is below.
func (p *parser) expression() Expression {
	p.enter()
	defer p.leave()
	if p.tok.kind == kLambda {
		return p.lambda()
	}
	start := p.tok
	body := p.disjunction()
	if p.tok.kind != kIf {
		return body
	}
	p.advance()
	test := p.disjunction()
	p.expect(kElse, "'else' after 'if' expression")
	orelse := p.expression()
	return &IfExp{Test: test, Body: body, Orelse: orelse, Pos: p.from(start)}
}

func (p *parser) lambda() Expression {
	start := p.tok
	p.advance()
	args := p.parameters(tColon)
	p.expect(tColon, "':'")
	return &Lambda{Args: args, Body: p.expression(), Pos: p.from(start)}
}

func (p *parser) disjunction() Expression { return p.boolean(kOr, p.conjunction) }
func (p *parser) conjunction() Expression { return p.boolean(kAnd, p.inversion) }

func (p *parser) boolean(op kind, operand func() Expression) Expression {
	start := p.tok
	first := operand()
	if p.tok.kind != op {
		return first
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.eat(op) {
		p.exprs = append(p.exprs, operand())
	}
	return &BoolOp{And: op == kAnd, Values: p.takeExprs(mark), Pos: p.from(start)}
}

func (p *parser) inversion() Expression {
	if p.tok.kind != kNot {
		return p.comparison()
	}
	p.enter()
	defer p.leave()
	start := p.tok
	p.advance()
	return &UnaryOp{Op: Not, Operand: p.inversion(), Pos: p.from(start)}
}

func (p *parser) comparison() Expression {
	start := p.tok
	left := p.bitOr()
	var ops []CmpOp
	mark := len(p.exprs)
	for {
		op, ok := p.comparisonOp()
		if !ok {
			break
		}
		ops = append(ops, op)
		p.exprs = append(p.exprs, p.bitOr())
	}
	if len(ops) == 0 {
		return left
	}
	p.charge(8 + len(ops))
	return &Compare{Left: left, Ops: ops, Comparators: p.takeExprs(mark), Pos: p.from(start)}
}

func (p *parser) comparisonOp() (CmpOp, bool) {
	op := Eq
	switch p.tok.kind {
	case tEq:
	case tNe:
		op = NotEq
	case tLt:
		op = Lt
	case tLe:
		op = LtE
	case tGt:
		op = Gt
	case tGe:
		op = GtE
	case kIn:
		op = In
	case kIs:
		p.advance()
		if p.eat(kNot) {
			return IsNot, true
		}
		return Is, true
	case kNot:
		if p.ahead().kind != kIn {
			return 0, false
		}
		p.advance()
		op = NotIn
	default:
		return 0, false
	}
	p.advance()
	return op, true
}

// binaries gives each binary operator its precedence.
var binaries = [256]struct {
	level int
	op    Operator
}{
	tPipe: {1, BitOr}, tCaret: {2, BitXor}, tAmp: {3, BitAnd}, tLShift: {4, LShift}, tRShift: {4, RShift},
	tPlus: {5, Add}, tMinus: {5, Sub},
	tStar: {6, Mult}, tSlash: {6, Div}, tDoubleSlash: {6, FloorDiv}, tPercent: {6, Mod}, tAt: {6, MatMult},
}

func (p *parser) bitOr() Expression { return p.binary(1) }

// binary reads operators of at least a level; they associate to the left, in a loop.
func (p *parser) binary(level int) Expression {
	start := p.tok
	left := p.factor()
	for {
		b := binaries[p.tok.kind]
		if b.level < level || b.level == 0 {
			return left
		}
		p.advance()
		right := p.binary(b.level + 1)
		left = &BinOp{Op: b.op, Left: left, Right: right, Pos: p.from(start)}
	}
}

func (p *parser) factor() Expression {
	op := UAdd
	switch p.tok.kind {
	case tPlus:
	case tMinus:
		op = USub
	case tTilde:
		op = Invert
	default:
		return p.power()
	}
	p.enter()
	defer p.leave()
	start := p.tok
	p.advance()
	return &UnaryOp{Op: op, Operand: p.factor(), Pos: p.from(start)}
}

// power: ** binds less than an operator in front of its right side.
func (p *parser) power() Expression {
	start := p.tok
	base := p.await()
	if p.tok.kind != tDoubleStar {
		return base
	}
	p.enter()
	defer p.leave()
	p.advance()
	return &BinOp{Op: Pow, Left: base, Right: p.factor(), Pos: p.from(start)}
}

func (p *parser) await() Expression {
	start := p.tok
	if !p.eat(kAwait) {
		return p.primary()
	}
	return &Await{Value: p.primary(), Pos: p.from(start)}
}

func (p *parser) yield() Expression {
	p.enter()
	defer p.leave()
	start := p.tok
	p.advance()
	if p.eat(kFrom) {
		return &YieldFrom{Value: p.expression(), Pos: p.from(start)}
	}
	y := &Yield{}
	if p.startsExpression() {
		y.Value = p.starExpressions()
	}
	y.Pos = p.from(start)
	return y
}
