package syntax

import "slices"

func (p *parser) decorated() Statement {
	mark := len(p.exprs)
	for p.tok.kind == tAt {
		at := p.tok
		p.advance()
		e := p.named()
		if !plainDecorator(e) {
			p.newer(at, "decorator that is not a call of a dotted name", "3.9")
		}
		p.exprs = append(p.exprs, e)
		p.expect(tNewline, "the end of the line")
	}
	list := p.takeExprs(mark)
	switch p.tok.kind {
	case kDef:
		return p.function(p.tok, list)
	case kClass:
		return p.class(list)
	case kAsync:
		return p.async(list)
	}
	p.unexpected("expected a function or class behind a decorator")
	return nil
}

func plainDecorator(e Expression) bool {
	if c, ok := e.(*Call); ok {
		e = c.Func
	}
	for {
		switch n := e.(type) {
		case *Attribute:
			e = n.Value
		case *Name:
			return true
		default:
			return false
		}
	}
}

func (p *parser) async(decorators []Expression) Statement {
	start := p.tok
	p.advance()
	switch {
	case p.tok.kind == kDef:
		return (*AsyncFunctionDef)(p.function(start, decorators))
	case p.tok.kind == kFor && decorators == nil:
		return (*AsyncFor)(p.forLoop(start))
	case p.tok.kind == kWith && decorators == nil:
		return (*AsyncWith)(p.with(start))
	}
	p.unexpected("invalid syntax behind 'async'")
	return nil
}

func (p *parser) function(start token, decorators []Expression) *FunctionDef {
	p.advance()
	f := &FunctionDef{DecoratorList: decorators, Name: p.ident()}
	f.TypeParams = p.typeParams()
	p.expect(tLPar, "'('")
	f.Args = p.parameters(tRPar)
	p.advance()
	if p.eat(tArrow) {
		f.Returns = p.expression()
	}
	f.Body = p.block()
	f.Pos = p.from(start)
	p.charge(128)
	return f
}

func (p *parser) class(decorators []Expression) Statement {
	start := p.tok
	p.advance()
	c := &ClassDef{DecoratorList: decorators, Name: p.ident()}
	c.TypeParams = p.typeParams()
	if p.tok.kind == tLPar {
		c.Bases, c.Keywords = p.arguments(false)
	}
	c.Body = p.block()
	c.Pos = p.from(start)
	p.charge(128)
	return c
}

// ifs reads an if with its elifs in a loop, because a file may have many.
func (p *parser) ifs() Statement {
	var chain []*If
	var starts []token
	var orelse []Statement
	for {
		starts = append(starts, p.tok)
		p.advance()
		n := &If{Test: p.named()}
		n.Body = p.block()
		chain = append(chain, n)
		if p.tok.kind != kElif {
			break
		}
	}
	if p.eat(kElse) {
		orelse = p.block()
	}
	for i := len(chain) - 1; ; i-- {
		chain[i].Orelse = orelse
		chain[i].Pos = p.from(starts[i])
		if i == 0 {
			return chain[0]
		}
		p.charge(64)
		orelse = []Statement{chain[i]}
	}
}

func (p *parser) orelse() []Statement {
	if !p.eat(kElse) {
		return nil
	}
	return p.block()
}

func (p *parser) while() Statement {
	start := p.tok
	p.advance()
	n := &While{Test: p.named()}
	n.Body = p.block()
	n.Orelse = p.orelse()
	n.Pos = p.from(start)
	return n
}

func (p *parser) forLoop(start token) *For {
	p.advance()
	n := &For{Target: p.targets()}
	p.expect(kIn, "'in'")
	at := p.tok
	n.Iter = p.starExpressions()
	if t, ok := n.Iter.(*Tuple); ok && t.Off == at.off && anyStarred(t.Elts) {
		p.newer(at, "unpacking in the head of a for", "3.9")
	}
	n.Body = p.block()
	n.Orelse = p.orelse()
	n.Pos = p.from(start)
	return n
}

func anyStarred(list []Expression) bool {
	return slices.ContainsFunc(list, func(e Expression) bool { _, ok := e.(*Starred); return ok })
}

func (p *parser) with(start token) *With {
	p.advance()
	w := &With{}
	if p.tok.kind != tLPar || !p.attempt(func() { w.Items = p.enclosedItems() }) {
		w.Items = []*WithItem{p.withItem()}
		for p.eat(tComma) {
			w.Items = append(w.Items, p.withItem())
		}
	}
	w.Body = p.block()
	w.Pos = p.from(start)
	return w
}

// enclosedItems reads all items in one pair of parentheses. Before Python 3.9, two items without as were a tuple,
// which is no context manager.
func (p *parser) enclosedItems() []*WithItem {
	open := p.tok
	p.advance()
	var items []*WithItem
	for {
		items = append(items, p.withItem())
		if !p.eat(tComma) || p.tok.kind == tRPar {
			break
		}
	}
	p.expect(tRPar, "')'")
	if p.tok.kind != tColon {
		p.unexpected("expected ':'")
	}
	if len(items) > 1 || items[0].OptionalVars != nil {
		p.newer(open, "with items in parentheses", "3.9")
	}
	return items
}

func (p *parser) withItem() *WithItem {
	start := p.tok
	w := &WithItem{ContextExpr: p.expression()}
	if p.eat(kAs) {
		at := p.tok
		w.OptionalVars = p.starTarget()
		p.assignable(at, w.OptionalVars, Store, true)
	}
	w.Pos = p.from(start)
	p.charge(16)
	return w
}

func (p *parser) try() Statement {
	start := p.tok
	p.advance()
	t := &Try{Body: p.block()}
	star := false
	for p.tok.kind == kExcept {
		h, s := p.handler()
		if t.Handlers != nil && s != star {
			p.failAt(int(h.Off), "cannot have both 'except' and 'except*' on the same 'try'")
		}
		star = s
		t.Handlers = append(t.Handlers, h)
	}
	if t.Handlers != nil {
		t.Orelse = p.orelse()
	}
	if p.eat(kFinally) {
		t.Finalbody = p.block()
	} else if t.Handlers == nil {
		p.unexpected("expected 'except' or 'finally' block")
	}
	t.Pos = p.from(start)
	p.charge(80)
	if star {
		p.newer(start, "except*", "3.11")
		return (*TryStar)(t)
	}
	return t
}

func (p *parser) handler() (h *ExceptHandler, star bool) {
	start := p.tok
	p.advance()
	star = p.eat(tStar)
	h = &ExceptHandler{}
	if star || p.tok.kind != tColon {
		at, comma := p.tok, false
		h.Type = p.list(func() Expression {
			e := p.expression()
			comma = comma || p.tok.kind == tComma
			return e
		})
		if comma {
			p.newer(at, "except without parentheses", "3.14")
			if p.tok.kind == kAs {
				p.unexpected("multiple exception types must be parenthesized when using 'as'")
			}
		}
	}
	if h.Type != nil && p.eat(kAs) {
		h.Name = p.ident()
	}
	h.Body = p.block()
	h.Pos = p.from(start)
	return h, star
}
