package jinja

import "slices"

// parse reads a whole template. On an error the tree is nil; the tokens are what could be read.
func parse(src string) (tree *node, tokens []token, err error) {
	tokens, err = lex(src)
	if err != nil {
		return nil, tokens, err
	}
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(stop)
			if !ok {
				panic(r)
			}
			tree, err = nil, s.err
		}
	}()
	p := &parser{tokens: tokens}
	tree, _ = p.body()
	return tree, tokens, nil
}

// body reads up to one of the closing words and gives the word; the tag's end is left to the caller. Without
// closing words it reads to the end of the template.
func (p *parser) body(closing ...string) (*node, string) {
	p.enter()
	defer p.leave()
	pos := p.cur().pos
	var kids []*node
	for {
		t := p.next()
		switch t.kind {
		case eof:
			if len(closing) > 0 {
				p.fail(t.pos, "%s is missing", closing[len(closing)-1])
			}
			return p.make(fBody, pos, "", kids...), ""
		case text:
			kids = append(kids, p.make(fText, t.pos, t.s))
		case varBegin:
			kids = append(kids, p.make(fOutput, t.pos, "", p.tuple(true, false, "")))
			p.end(varEnd)
		case blockBegin:
			word := p.wantName()
			if slices.Contains(closing, word.s) {
				return p.make(fBody, pos, "", kids...), word.s
			}
			kids = append(kids, p.statement(word))
		default:
			p.fail(t.pos, "a token outside a tag")
		}
	}
}

func (p *parser) end(k kind) {
	if p.cur().kind != k {
		p.fail(p.cur().pos, "the end of the tag is missing")
	}
	p.at++
}

// block reads the end of an opening tag, the body, and the closing tag.
func (p *parser) block(closing string) *node {
	p.end(blockEnd)
	body, _ := p.body(closing)
	if closing == "endblock" && p.cur().kind == name {
		p.at++ // {% endblock name %}
	}
	p.end(blockEnd)
	return body
}

// statement reads one statement behind its word, with its end.
func (p *parser) statement(word *token) *node {
	switch word.s {
	case "for":
		return p.forLoop(word.pos)
	case "if":
		return p.ifChain(word.pos)
	case "set":
		return p.set(word.pos)
	case "macro":
		n := p.make(fMacro, word.pos, p.wantName().s)
		params := p.parameters()
		n.kids = []*node{p.block("endmacro")}
		n.depth = depthOf(n.kids[0]) + 1
		return p.with(n, params)
	case "call":
		var params []arg
		if p.isOp("(") {
			params = p.parameters()
		}
		call := p.expression(true)
		if call.form != fCall {
			p.fail(word.pos, "a call block without a call")
		}
		return p.with(p.make(fCallOf, word.pos, "", call, p.block("endcall")), params)
	case "filter":
		f := p.filter(nil)
		for p.isOp("|") {
			f = p.filter(f)
		}
		return p.make(fFilterOf, word.pos, "", f, p.block("endfilter"))
	case "with":
		return p.withBlock(word.pos)
	case "block":
		p.wantName()
		for p.skipName("scoped") || p.skipName("required") {
			continue
		}
		return p.make(fScope, word.pos, "", p.block("endblock"))
	case "autoescape":
		e := p.expression(true)
		return p.make(fScope, word.pos, "", e, p.block("endautoescape"))
	case "generation": // transformers: marks what the assistant said
		return p.make(fScope, word.pos, "", p.block("endgeneration"))
	case "do":
		n := p.make(fDo, word.pos, "", p.tuple(true, false, ""))
		p.end(blockEnd)
		return n
	case "break", "continue":
		p.end(blockEnd)
		return p.make(fNoCode, word.pos, "")
	case "include", "import", "from", "extends":
		return p.other(word)
	}
	p.fail(word.pos, "unknown tag %q", word.s[:min(len(word.s), 40)])
	return nil
}

func (p *parser) forLoop(pos int) *node {
	target := p.targets("in")
	if !p.skipName("in") {
		p.fail(p.cur().pos, "in is missing")
	}
	iterable := p.tuple(false, false, "")
	var condition, otherwise *node
	if p.skipName("if") {
		condition = p.expression(true)
	}
	p.skipName("recursive")
	p.end(blockEnd)
	body, word := p.body("else", "endfor")
	if word == "else" {
		p.end(blockEnd)
		otherwise, _ = p.body("endfor")
	}
	p.end(blockEnd)
	return p.make(fFor, pos, "", target, iterable, condition, body, otherwise)
}

func (p *parser) ifChain(pos int) *node {
	var kids []*node
	condition := p.tuple(false, false, "")
	for {
		p.end(blockEnd)
		body, word := p.body("elif", "else", "endif")
		kids = append(kids, condition, body)
		switch {
		case word == "elif" && condition != nil:
			condition = p.tuple(false, false, "")
		case word == "else" && condition != nil:
			condition = nil
		case word == "endif":
			p.end(blockEnd)
			return p.make(fIf, pos, "", kids...)
		default:
			p.fail(p.cur().pos, "endif is missing")
		}
	}
}

func (p *parser) set(pos int) *node {
	target := p.targets("=")
	if p.skipOp("=") {
		n := p.make(fSet, pos, "", target, p.tuple(true, false, ""))
		p.end(blockEnd)
		return n
	}
	var filter *node
	for p.isOp("|") {
		filter = p.filter(filter)
	}
	return p.make(fSetBody, pos, "", target, p.block("endset"), filter)
}

// targets are names, attributes of a namespace, or tuples of those.
func (p *parser) targets(until string) *node {
	pos := p.cur().pos
	var kids []*node
	for {
		kids = append(kids, p.target())
		if !p.skipOp(",") || p.isName(until) || p.isOp(until) {
			break
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return p.make(fList, pos, "(", kids...)
}

func (p *parser) target() *node {
	if p.skipOp("(") {
		p.enter()
		defer p.leave()
		n := p.targets(")")
		p.wantOp(")")
		return n
	}
	t := p.wantName()
	n := p.make(fName, t.pos, t.s)
	if p.skipOp(".") {
		a := p.wantName()
		n = p.make(fAttr, a.pos, a.s, n)
	}
	return n
}

func (p *parser) parameters() []arg {
	p.wantOp("(")
	var params []arg
	for !p.skipOp(")") {
		if len(params) > 0 {
			if p.wantOp(","); p.skipOp(")") {
				break
			}
		}
		a := arg{name: p.wantName().s}
		if p.skipOp("=") {
			a.value = p.expression(true)
		}
		params = append(params, a)
	}
	return params
}

func (p *parser) withBlock(pos int) *node {
	var kids []*node
	for p.cur().kind != blockEnd {
		if len(kids) > 0 {
			p.wantOp(",")
		}
		target := p.target()
		p.wantOp("=")
		kids = append(kids, target, p.expression(true))
	}
	return p.make(fWith, pos, "", append(kids, p.block("endwith"))...)
}

// other reads a statement that reads another template, and the names it binds.
func (p *parser) other(word *token) *node {
	n := p.make(fOther, word.pos, word.s, p.expression(true))
	for p.cur().kind != blockEnd {
		t := p.next()
		switch t.kind {
		case name:
			if !contains([]string{"import", "as", "with", "without", "context", "ignore", "missing"}, t.s) {
				n.args = append(n.args, arg{name: t.s})
			}
		case op:
			if t.s != "," {
				p.fail(t.pos, "%q in a list of names", t.s)
			}
		default:
			p.fail(t.pos, "a name is missing")
		}
	}
	p.end(blockEnd)
	return n
}
