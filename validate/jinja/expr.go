package jinja

import "strings"

// parser is a recursive descent over the tokens, as jinja2/parser.py. The first error ends it by a panic that parse
// catches, so that every function reads like its grammar.
type parser struct {
	tokens []token
	at     int
	level  int // of the recursion, which maxNesting bounds
}

// maxNesting bounds brackets in brackets and blocks in blocks. Jinja itself ends at Python's recursion limit.
const maxNesting = 120

type stop struct{ err error }

func (p *parser) fail(pos int, format string, args ...any) { panic(stop{wrong(pos, format, args...)}) }

func (p *parser) enter() {
	if p.level++; p.level > maxNesting {
		p.fail(p.cur().pos, "nested deeper than %d", maxNesting)
	}
}

func (p *parser) leave() { p.level-- }

func (p *parser) cur() *token { return &p.tokens[p.at] }

func (p *parser) next() *token {
	t := p.cur()
	if t.kind != eof {
		p.at++
	}
	return t
}

func (p *parser) isOp(s string) bool   { t := p.cur(); return t.kind == op && t.s == s }
func (p *parser) isName(s string) bool { t := p.cur(); return t.kind == name && t.s == s }

func (p *parser) skipOp(s string) bool {
	if p.isOp(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) skipName(s string) bool {
	if p.isName(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) wantOp(s string) {
	if !p.skipOp(s) {
		p.fail(p.cur().pos, "%q is missing", s)
	}
}

func (p *parser) wantName() *token {
	if p.cur().kind != name {
		p.fail(p.cur().pos, "a name is missing")
	}
	return p.next()
}

// expression is a conditional expression, or without cond what may stand in one.
func (p *parser) expression(cond bool) *node {
	p.enter()
	defer p.leave()
	n := p.or()
	for cond && p.isName("if") {
		pos := p.next().pos
		condition := p.or()
		var other *node
		if p.skipName("else") {
			other = p.expression(true)
		}
		n = p.make(fCond, pos, "", n, condition, other)
	}
	return n
}

func (p *parser) or() *node {
	n := p.and()
	for p.isName("or") {
		pos := p.next().pos
		n = p.make(fBinary, pos, "or", n, p.and())
	}
	return n
}

func (p *parser) and() *node {
	n := p.not()
	for p.isName("and") {
		pos := p.next().pos
		n = p.make(fBinary, pos, "and", n, p.not())
	}
	return n
}

func (p *parser) not() *node {
	if p.isName("not") {
		p.enter()
		defer p.leave()
		pos := p.next().pos
		return p.make(fUnary, pos, "not", p.not())
	}
	return p.compare()
}

func (p *parser) compare() *node {
	n := p.binary(0)
	for {
		t := p.cur()
		switch {
		case t.kind == op && strings.Contains(" == != < <= > >= ", " "+t.s+" "), p.isName("in"):
			p.at++
		case p.isName("not") && p.tokens[p.at+1].kind == name && p.tokens[p.at+1].s == "in":
			p.at += 2
		default:
			return n
		}
		n = p.make(fBinary, t.pos, "==", n, p.binary(0))
	}
}

// levels of binary operators, loosest first: Jinja binds ~ between + and *, and ** from the left.
var levels = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) binary(level int) *node {
	if level == len(levels) {
		return p.unary(true)
	}
	n := p.binary(level + 1)
	for {
		t := p.cur()
		if t.kind != op || !contains(levels[level], t.s) {
			return n
		}
		p.at++
		n = p.make(fBinary, t.pos, t.s, n, p.binary(level+1))
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (p *parser) unary(filters bool) *node {
	var n *node
	if t := p.cur(); t.kind == op && (t.s == "-" || t.s == "+") {
		p.enter()
		defer p.leave()
		p.at++
		n = p.make(fUnary, t.pos, t.s, p.unary(false))
	} else {
		n = p.primary()
	}
	n = p.postfix(n)
	if filters {
		n = p.filters(n)
	}
	return n
}

func (p *parser) primary() *node {
	t := p.next()
	switch {
	case t.kind == name:
		switch t.s {
		case "true", "false", "True", "False", "none", "None":
			return p.make(fConst, t.pos, t.s)
		}
		return p.make(fName, t.pos, t.s)
	case t.kind == str:
		return p.strings(t)
	case t.kind == integer || t.kind == float:
		return p.make(fConst, t.pos, t.s)
	case t.kind == op && t.s == "(":
		n := p.tuple(true, true, ")")
		p.wantOp(")")
		return n
	case t.kind == op && t.s == "[":
		return p.list(t.pos)
	case t.kind == op && t.s == "{":
		return p.dict(t.pos)
	}
	p.fail(t.pos, "an expression is missing")
	return nil
}

// strings joins literals that stand side by side.
func (p *parser) strings(first *token) *node {
	n := p.make(fStr, first.pos, first.s)
	n.dim = first.dim
	for p.cur().kind == str {
		t := p.next()
		if len(n.s)+len(t.s) > maxFolded {
			n.dim = true
			continue
		}
		n.s += t.s
		n.dim = n.dim || t.dim
	}
	return n
}

func (p *parser) list(pos int) *node {
	var kids []*node
	for !p.skipOp("]") {
		if len(kids) > 0 {
			if p.wantOp(","); p.skipOp("]") {
				break
			}
		}
		kids = append(kids, p.expression(true))
	}
	return p.make(fList, pos, "[", kids...)
}

func (p *parser) dict(pos int) *node {
	var kids []*node
	for !p.skipOp("}") {
		if len(kids) > 0 {
			if p.wantOp(","); p.skipOp("}") {
				break
			}
		}
		key := p.expression(true)
		p.wantOp(":")
		kids = append(kids, key, p.expression(true))
	}
	return p.make(fDict, pos, "", kids...)
}

// tuple is one expression, or several with commas. An empty one needs brackets around it.
func (p *parser) tuple(cond, mayBeEmpty bool, closing string) *node {
	pos := p.cur().pos
	ends := func() bool {
		k := p.cur().kind
		return k == varEnd || k == blockEnd || closing != "" && p.isOp(closing)
	}
	var kids []*node
	for !ends() {
		kids = append(kids, p.expression(cond))
		if !p.skipOp(",") {
			if len(kids) == 1 {
				return kids[0]
			}
			return p.make(fList, pos, "(", kids...)
		}
	}
	if len(kids) == 0 && !(mayBeEmpty && closing != "") {
		p.fail(pos, "an expression is missing")
	}
	return p.make(fList, pos, "(", kids...)
}
