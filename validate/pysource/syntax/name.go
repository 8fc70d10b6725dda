package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// name reads an identifier, a keyword, or a string with a prefix.
func (l *lexer) name() token {
	start := l.pos
	ascii := true
	for identifierByte(l.at(0)) {
		ascii = ascii && l.at(0) < 0x80
		l.pos++
	}
	if c := l.at(0); (c == '"' || c == '\'') && l.pos-start <= 2 && isPrefix(l.src[start:l.pos]) {
		n := l.pos - start
		l.pos = start
		return l.quoted(n)
	}
	k := tName
	if ascii {
		k = keyword(l.src[start:l.pos])
	} else if at := badIdentifier(l.text(start, l.pos)); at >= 0 {
		l.fail(start, "invalid character in identifier")
	}
	return l.token(k, start)
}

// isPrefix tells whether a word in front of a quote belongs to the string.
func isPrefix(w string) bool {
	switch strings.ToLower(w) {
	case "r", "b", "u", "f", "t", "br", "rb", "fr", "rf", "tr", "rt":
		return true
	}
	return false
}

// text is a part of the source in UTF-8.
func (l *lexer) text(start, end int) string {
	s := l.src[start:end]
	if !l.latin1 {
		return s
	}
	return latin1(s)
}

func latin1(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			b := []byte(s[:i])
			for ; i < len(s); i++ {
				b = utf8.AppendRune(b, rune(s[i]))
			}
			return string(b)
		}
	}
	return s
}

// identifier is the name that a NAME token stands for: its NFKC form, as in CPython.
func (p *parser) identifier(t token) (id string, respelled bool) {
	raw := p.src[t.off:t.end]
	if isASCII(raw) {
		return raw, false
	}
	id, ok := p.respelled[raw]
	if ok {
		return id, id != p.text(int(t.off), int(t.end))
	}
	text := p.text(int(t.off), int(t.end))
	id = norm.NFKC.String(text)
	p.charge(len(text) + len(id) + 64)
	p.respelled[raw] = id
	if f := p.facts; id != text && len(f.Respelled) < maxMarks {
		f.Respelled = append(f.Respelled, Respelled{Pos: t.pos(), Raw: text, Id: id})
	}
	return id, id != text
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// badIdentifier is the offset of the first character that does not belong into an identifier (PEP 3131), or -1.
func badIdentifier(s string) int {
	for i, r := range s {
		if i == 0 && !xidStart(r) || i > 0 && !xidContinue(r) {
			return i
		}
	}
	return -1
}

// xidStart and xidContinue are the properties of UAX #31: letters and so on, without the characters whose NFKC form
// is not an identifier.
func xidStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	if unicode.Is(notXIDStart, r) || unicode.In(r, unicode.Pattern_Syntax, unicode.Pattern_White_Space) {
		return false
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start)
}

func xidContinue(r rune) bool {
	if xidStart(r) || digit(byte(r)) && r < utf8.RuneSelf {
		return true
	}
	if r < utf8.RuneSelf || unicode.Is(notXIDContinue, r) || unicode.In(r, unicode.Pattern_Syntax, unicode.Pattern_White_Space) {
		return false
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
}

var notXIDContinue = &unicode.RangeTable{R16: []unicode.Range16{
	{0x037A, 0x037A, 1}, {0x309B, 0x309C, 1}, {0xFC5E, 0xFC63, 1}, {0xFDFA, 0xFDFB, 1}, {0xFE70, 0xFE7E, 2},
}}

var notXIDStart = &unicode.RangeTable{R16: []unicode.Range16{
	{0x037A, 0x037A, 1}, {0x0E33, 0x0E33, 1}, {0x0EB3, 0x0EB3, 1}, {0x309B, 0x309C, 1}, {0xFC5E, 0xFC63, 1},
	{0xFDFA, 0xFDFB, 1}, {0xFE70, 0xFE7E, 2}, {0xFF9E, 0xFF9F, 1},
}}
