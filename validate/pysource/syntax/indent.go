package syntax

// indentation measures the white space in front of the first token of a logical line, over lines that are blank or
// only a comment, and notes how many blocks begin or end there.
func (l *lexer) indentation() {
	for {
		in, tabs, spaces := l.measure()
		c := l.at(0)
		if n := l.newline(0); n > 0 {
			l.endLine(n)
			continue
		}
		if c == '#' {
			l.comment()
			continue
		}
		if l.pos >= len(l.src) {
			return
		}
		if tabs && spaces {
			l.facts.MixedTabs = true
		}
		l.indent(in)
		return
	}
}

func (l *lexer) measure() (in indent, tabs, spaces bool) {
	joined := -1
	var first indent
	for {
		switch l.at(0) {
		case ' ':
			in.col, in.alt, spaces = in.col+1, in.alt+1, true
		case '\t':
			in.col, in.alt, tabs = in.col/8*8+8, in.alt+1, true
		case '\f':
			l.mark(&l.facts.FormFeeds)
			in = indent{}
		case '\\':
			if joined < 0 {
				joined, first = l.pos, in
			}
			l.join()
			continue
		default:
			if joined < 0 {
				return in, tabs, spaces
			}
			// The line in front of the first backslash decides; but when it has no white space, Python 3.8 and
			// later versions count differently.
			if first.col == 0 && in.col != 0 && l.newline(0) == 0 && l.at(0) != '#' {
				l.fail(joined, "indentation behind a joined line, which Python versions read differently")
			}
			return indent{first.col, first.col}, tabs, spaces
		}
		l.pos++
	}
}

func (l *lexer) indent(in indent) {
	var top indent
	if l.depth > 0 {
		top = l.indents[l.depth-1]
	}
	switch {
	case in.col == top.col:
		if in.alt != top.alt {
			l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
		}
	case in.col > top.col:
		if l.depth+1 >= maxIndents {
			l.exceed(l.pos, "more than %d indentation levels", maxIndents)
		}
		if in.alt <= top.alt {
			l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
		}
		l.indents[l.depth] = in
		l.depth++
		l.pending = 1
	default:
		l.dedent(in)
	}
}

func (l *lexer) dedent(in indent) {
	for l.depth > 0 && in.col < l.indents[l.depth-1].col {
		l.depth--
		l.pending--
	}
	var top indent
	if l.depth > 0 {
		top = l.indents[l.depth-1]
	}
	if in.col != top.col {
		l.fail(l.pos, "unindent does not match any outer indentation level")
	}
	if in.alt != top.alt {
		l.fail(l.pos, "inconsistent use of tabs and spaces in indentation")
	}
}
