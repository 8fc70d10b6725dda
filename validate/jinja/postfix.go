package jinja

func (p *parser) postfix(n *node) *node {
	for {
		t := p.cur()
		switch {
		case p.skipOp("."):
			n = p.dot(n, t.pos)
		case p.skipOp("["):
			n = p.subscript(n, t.pos)
		case p.isOp("("):
			n = p.with(p.make(fCall, t.pos, "", n), p.arguments())
		default:
			return n
		}
	}
}

func (p *parser) dot(n *node, pos int) *node {
	switch t := p.next(); t.kind {
	case name:
		return p.make(fAttr, t.pos, t.s, n)
	case integer:
		return p.make(fItem, pos, "", n, p.make(fConst, t.pos, t.s))
	default:
		p.fail(t.pos, "a name is missing behind the dot")
		return nil
	}
}

func (p *parser) subscript(n *node, pos int) *node {
	var keys []*node
	for !p.skipOp("]") {
		if len(keys) > 0 {
			p.wantOp(",")
		}
		keys = append(keys, p.subscribed())
	}
	if len(keys) == 1 {
		return p.make(fItem, pos, "", n, keys[0])
	}
	return p.make(fItem, pos, "", n, p.make(fList, pos, "(", keys...))
}

// subscribed is an index or a slice.
func (p *parser) subscribed() *node {
	pos := p.cur().pos
	var parts [3]*node
	colons := 0
	for i := 0; i < len(parts); i++ {
		if !p.isOp(":") && !p.isOp("]") && !p.isOp(",") {
			parts[i] = p.expression(true)
		}
		if i == 2 || !p.skipOp(":") {
			break
		}
		colons++
	}
	if colons == 0 {
		if parts[0] == nil {
			p.fail(pos, "an empty subscript")
		}
		return parts[0]
	}
	return p.make(fSlice, pos, "", parts[0], parts[1], parts[2])
}

// filters takes what may follow any operand: filters, tests and calls.
func (p *parser) filters(n *node) *node {
	for {
		t := p.cur()
		switch {
		case p.isOp("|"):
			n = p.filter(n)
		case p.isName("is"):
			n = p.test(n)
		case p.isOp("("):
			n = p.with(p.make(fCall, t.pos, "", n), p.arguments())
		default:
			return n
		}
	}
}

// filter is | name(args). In a filter block the first has no bar and no operand.
func (p *parser) filter(n *node) *node {
	p.skipOp("|")
	pos, word := p.dotted()
	n = p.make(fFilter, pos, word, n)
	if p.isOp("(") {
		n = p.with(n, p.arguments())
	}
	return n
}

func (p *parser) dotted() (int, string) {
	t := p.wantName()
	word := t.s
	for p.skipOp(".") {
		if word += "." + p.wantName().s; len(word) > maxFolded {
			p.fail(t.pos, "a name of more than %d bytes", maxFolded)
		}
	}
	return t.pos, word
}

func (p *parser) test(n *node) *node {
	p.at++ // is
	p.skipName("not")
	pos, word := p.dotted()
	n = p.make(fTest, pos, word, n)
	if p.isOp("(") {
		return p.with(n, p.arguments())
	}
	if p.argumentFollows() {
		if p.isName("is") {
			p.fail(p.cur().pos, "tests in a row")
		}
		return p.with(n, []arg{{value: p.postfix(p.primary())}})
	}
	return n
}

// argumentFollows reports whether a test has an argument without brackets, as in "is divisibleby 3".
func (p *parser) argumentFollows() bool {
	switch t := p.cur(); t.kind {
	case name:
		return !contains([]string{"else", "or", "and", "if", "in", "not"}, t.s)
	case str, integer, float:
		return true
	case op:
		return t.s == "[" || t.s == "{"
	default:
		return false
	}
}

// arguments are those of a call: positional, keyword, *args, **kwargs.
func (p *parser) arguments() []arg {
	p.wantOp("(")
	var args []arg
	for !p.skipOp(")") {
		if len(args) > 0 {
			if p.wantOp(","); p.skipOp(")") {
				break
			}
		}
		a := arg{}
		switch {
		case p.skipOp("**"):
			a.stars = 2
		case p.skipOp("*"):
			a.stars = 1
		case p.cur().kind == name && p.tokens[p.at+1].kind == op && p.tokens[p.at+1].s == "=":
			a.name = p.next().s
			p.at++
		}
		a.value = p.expression(true)
		args = append(args, a)
	}
	return args
}
