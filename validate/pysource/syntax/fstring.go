package syntax

import "strings"

// stringList collects the values of adjacent string literals.
type stringList struct {
	d      decoder
	start  token
	values []Expression // of f- or t-strings
	from   token        // where the pending text begins
	bytes  int
	text   int
	fields int
	tmpls  int
	u      bool
	any    bool // an f- or t-string is among them
}

// strings reads adjacent literals, which are one value.
func (p *parser) strings() Expression {
	s := &stringList{start: p.tok, from: p.tok, d: decoder{p: p}}
	for p.tok.kind == tString || p.tok.kind == tFString {
		t := p.tok
		q := openQuote(p.src[t.off:min(int(t.off)+8, len(p.src))])
		s.d.q = q
		if s.text+s.bytes+s.fields+s.tmpls == 0 {
			s.u = q.u && p.src[t.off] == 'u'
		}
		s.count(q)
		if t.kind == tString {
			end := int(t.end) - 1
			if q.triple {
				end -= 2
			}
			s.d.add(int(t.off)+q.length, end)
		} else {
			s.any = true
			p.enter()
			p.middle(s, q, false)
			p.leave()
		}
		p.advance()
	}
	return p.joined(s)
}

func (s *stringList) count(q quote) {
	switch {
	case q.bytes:
		s.bytes++
	case q.tmpl:
		s.tmpls++
	case q.fields:
		s.fields++
	default:
		s.text++
	}
}

func (p *parser) joined(s *stringList) Expression {
	if s.bytes > 0 && s.text+s.fields+s.tmpls > 0 {
		p.failTok(s.start, "cannot mix bytes and nonbytes literals")
	}
	if s.tmpls > 0 && s.text+s.fields > 0 {
		p.failTok(s.start, "cannot mix t-string literals with string or f-string literals")
	}
	switch {
	case s.tmpls > 0:
		p.newer(s.start, "t-string", "3.14")
		s.flush(p)
		return &TemplateStr{Pos: p.from(s.start), Values: s.take(p)}
	case s.any:
		s.flush(p)
		return &JoinedStr{Pos: p.from(s.start), Values: s.take(p)}
	}
	k := Str
	if s.bytes > 0 {
		k = Bytes
	}
	return &Constant{Pos: p.from(s.start), Kind: k, Text: s.d.value(), U: s.u, Unknown: s.d.unknown}
}

func (s *stringList) take(p *parser) []Expression {
	p.charge(16 * len(s.values))
	return append([]Expression(nil), s.values...)
}

// flush makes a constant of the pending text.
func (s *stringList) flush(p *parser) {
	if s.d.empty() {
		s.d.value()
		return
	}
	s.values = append(s.values, &Constant{Pos: p.from(s.from), Kind: Str, Text: s.d.value(), Unknown: s.d.unknown})
	s.d.unknown = false
}

// middle reads the text and the fields of an f-string (PEP 701) from behind its opening quote, or behind the : of a
// format specification, until the closing quote or the } of the field. The current token becomes the closing quote,
// or stays what it is; the lexer stands behind.
func (p *parser) middle(s *stringList, q quote, spec bool) {
	start := p.pos
	for {
		if p.pos >= len(p.src) {
			p.fail(int(s.start.off), "unterminated f-string literal")
		}
		if n, ok := q.closes(&p.lexer); ok {
			if spec {
				p.fail(p.pos, "f-string: expecting '}'")
			}
			s.d.add(start, p.pos)
			p.pos += n
			p.tok = token{off: s.start.off, end: uint32(p.pos), line: s.start.line, col: s.start.col, kind: tFString}
			return
		}
		switch c := p.at(0); {
		case c == '{' && spec && p.at(1) == '{':
			p.fail(p.pos, "two braces in a format specification, which Python versions read differently")
		case spec && !q.triple && p.newline(0) > 0:
			p.fail(p.pos, "a line end in a format specification, which Python versions read differently")
		case c == '{' && (spec || p.at(1) != '{'):
			s.d.add(start, p.pos)
			p.replacement(s, q, spec)
			s.d.q = q
			start = p.pos
		case c == '}' && spec:
			s.d.add(start, p.pos)
			return
		case c == '{' || c == '}' && p.at(1) == '}':
			s.d.add(start, p.pos+1)
			p.pos += 2
			start = p.pos
		case c == '}':
			p.fail(p.pos, "f-string: single '}' is not allowed")
		case c == '\\' && !q.raw && p.at(1) == 'N' && p.at(2) == '{':
			p.skipName()
		case c == '\\' && (p.at(1) == '{' || p.at(1) == '}'):
			// The backslash stays, with a warning, and the brace has its meaning.
			s.d.add(start, p.pos)
			s.d.copy()
			s.d.out = append(s.d.out, '\\')
			if !q.raw {
				p.mark(&p.facts.BadEscapes)
			}
			p.pos++
			start = p.pos
		default:
			p.char(q, int(s.start.off))
		}
	}
}

// skipName steps over \N{NAME}, whose braces are no field.
func (p *parser) skipName() {
	start := p.pos
	for p.pos += 3; nameByte(p.at(0)); p.pos++ {
	}
	if p.at(0) != '}' {
		p.fail(start, "malformed \\N character escape")
	}
	p.pos++
}

// nameByte tells whether c is in the name of some character.
func nameByte(c byte) bool {
	return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == ' ' || c == '-'
}

// replacement reads a field from its { to behind its }.
func (p *parser) replacement(s *stringList, q quote, spec bool) {
	open := token{off: uint32(p.pos), end: uint32(p.pos + 1), line: p.line, col: uint32(p.pos - p.lineStart)}
	p.push(field)
	p.pos++
	begin, comments := p.pos, len(p.facts.Comments)
	p.advance()
	p.enter()
	value := p.fieldValue()
	text := p.src[begin:p.lastEnd]
	debug := p.tok.kind == tAssign
	if debug {
		p.advance()
		s.debugText(begin, int(p.tok.off), p.facts.Comments[comments:])
	}
	conversion := p.conversion()
	var format *JoinedStr
	if p.tok.kind == tSpec {
		format = p.formatSpec(s, q)
	}
	if p.tok.kind != tFieldEnd {
		p.unexpected("f-string: expecting '}'")
	}
	p.leave()
	if code := p.src[begin:p.tok.off]; len(p.facts.Comments) > comments || strings.IndexByte(code, '\\') >= 0 ||
		!q.triple && strings.ContainsAny(code, "\r\n"+string(q.char)) || q.triple && strings.Contains(code, strings.Repeat(string(q.char), 3)) {
		p.newer(open, "comment, backslash, line end or the same quote in an f-string field", "3.12")
	}
	p.lastEnd = p.tok.end
	if conversion < 0 && debug && format == nil {
		conversion = 'r'
	}
	end := p.from(open)
	s.flushBefore(p, open)
	if q.tmpl && !spec {
		s.values = append(s.values, &Interpolation{Pos: end, Value: value, Str: text, Conversion: conversion, FormatSpec: format})
	} else {
		s.values = append(s.values, &FormattedValue{Pos: end, Value: value, Conversion: conversion, FormatSpec: format})
	}
	s.from = p.tok
}

func (s *stringList) flushBefore(p *parser, open token) {
	end := p.lastEnd
	p.lastEnd = open.off
	s.flush(p)
	p.lastEnd = end
}

// debugText adds the source of a field that ends with =, without its comments. What remains depends on the version
// when there are some.
func (s *stringList) debugText(begin, end int, comments []Pos) {
	s.d.q = quote{raw: true}
	for _, c := range comments {
		if int(c.Off) < end {
			s.d.add(begin, int(c.Off))
			begin, s.d.unknown = int(c.End), true
		}
	}
	s.d.add(begin, end)
}

// fieldValue is the expression of a field. Until 3.11 it was read as if in parentheses, so that a bare generator was
// one too.
func (p *parser) fieldValue() Expression {
	start := p.tok
	if p.tok.kind == kYield {
		return p.yield()
	}
	e := p.starExpressions()
	if _, alone := e.(*Starred); alone {
		p.failTok(start, "cannot use starred expression here")
	}
	if p.tok.kind == kFor || p.tok.kind == kAsync {
		return p.generator(start, e)
	}
	return e
}

func (p *parser) conversion() int8 {
	if p.tok.kind != tBang {
		return -1
	}
	bang := p.tok
	p.advance()
	c := p.src[p.tok.off]
	if p.tok.kind != tName || p.tok.off != bang.end || p.tok.end != p.tok.off+1 || strings.IndexByte("sra", c) < 0 {
		p.unexpected("f-string: invalid conversion character")
	}
	end := p.tok.end
	p.advance()
	if p.tok.off != end {
		p.newer(bang, "space behind the conversion of an f-string field", "3.12")
	}
	return int8(c)
}

// formatSpec reads from the : to the } of the field.
func (p *parser) formatSpec(outer *stringList, q quote) *JoinedStr {
	s := &stringList{start: outer.start, from: p.tok, d: decoder{p: p, q: q}}
	begin := token{off: p.tok.off, line: p.tok.line, col: p.tok.col}
	p.level-- // its text is read without tokens
	p.enter()
	p.middle(s, q, true)
	p.leave()
	p.lastEnd = uint32(p.pos)
	s.flush(p)
	spec := &JoinedStr{Pos: p.from(begin), Values: s.take(p)}
	p.push(field)
	p.advance()
	return spec
}
