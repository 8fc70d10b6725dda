package syntax

import "strings"

// quote describes an opening quote.
type quote struct {
	char   byte
	triple bool
	raw    bool
	bytes  bool
	fields bool // f or t
	tmpl   bool // t
	u      bool
	length int // of prefix and quote
}

// openQuote reads the prefix and the opening quote of a string token.
func openQuote(text string) quote {
	var q quote
	i := 0
	for ; text[i] != '"' && text[i] != '\''; i++ {
		switch text[i] | 0x20 {
		case 'r':
			q.raw = true
		case 'b':
			q.bytes = true
		case 'u':
			q.u = text[i] == 'u'
		case 'f':
			q.fields = true
		case 't':
			q.fields, q.tmpl = true, true
		}
	}
	q.char = text[i]
	q.triple = strings.HasPrefix(text[i:], strings.Repeat(text[i:i+1], 3))
	q.length = i + 1
	if q.triple {
		q.length = i + 3
	}
	return q
}

// closes tells whether the closing quote stands at pos, and its length.
func (q quote) closes(l *lexer) (n int, ok bool) {
	switch {
	case l.at(0) != q.char:
		return 0, false
	case !q.triple:
		return 1, true
	}
	return 3, l.at(1) == q.char && l.at(2) == q.char
}

// quoted reads a string whose prefix has n bytes; of an f-string only the opening quote.
func (l *lexer) quoted(n int) token {
	t := token{off: uint32(l.pos), line: l.line, col: uint32(l.pos - l.lineStart), kind: tString}
	end := min(l.pos+n+3, len(l.src))
	q := openQuote(l.src[l.pos:end])
	l.pos += q.length
	if q.fields {
		t.kind = tFString
	} else {
		l.body(q, int(t.off))
	}
	done := l.token(t.kind, int(t.off))
	t.end = done.end
	return t
}

// body steps over the rest of a string without fields.
func (l *lexer) body(q quote, start int) {
	for l.pos < len(l.src) {
		if n, ok := q.closes(l); ok {
			l.pos += n
			return
		}
		l.char(q, start)
	}
	l.fail(start, "unterminated string literal")
}

// char steps over one character of a string, an escaped one included.
func (l *lexer) char(q quote, start int) {
	if l.at(0) == '\\' {
		l.pos++
	} else if l.newline(0) > 0 && !q.triple {
		l.fail(start, "unterminated string literal")
	}
	if n := l.newline(0); n > 0 {
		l.endLine(n)
	} else {
		l.pos++
	}
}
