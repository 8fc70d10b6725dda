package syntax

import "strings"

func digit(c byte) bool { return '0' <= c && c <= '9' }
func octal(c byte) bool { return '0' <= c && c <= '7' }
func binary(c byte) bool {
	return c == '0' || c == '1'
}
func hexDigit(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// identifierByte tells whether c may stand in an identifier, before the letters are looked at.
func identifierByte(c byte) bool {
	return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

// number steps over a number.
func (l *lexer) number() {
	start := l.pos
	if l.at(0) == '0' {
		switch l.at(1) | 0x20 {
		case 'x':
			l.radix(hexDigit, "hexadecimal")
			return
		case 'o':
			l.radix(octal, "octal")
			return
		case 'b':
			l.radix(binary, "binary")
			return
		}
	}
	if digit(l.at(0)) {
		l.digits()
	}
	whole := l.pos - start
	zero := strings.Trim(l.src[start:l.pos], "0_") == ""
	float := false
	if l.at(0) == '.' {
		float = true
		l.pos++
		if digit(l.at(0)) {
			l.digits()
		}
	}
	if l.exponent() {
		float = true
	}
	if l.at(0)|0x20 == 'j' {
		l.pos++
		l.numberEnd("imaginary")
		return
	}
	if !float && whole > 1 && l.src[start] == '0' && !zero {
		l.fail(start, "leading zeros in decimal integer literals are not permitted")
	}
	l.numberEnd("decimal")
}

// radix reads 0x, 0o or 0b and what follows; an underscore may stand in front of every digit.
func (l *lexer) radix(is func(byte) bool, name string) {
	l.pos += 2
	for more := true; more; more = l.at(0) == '_' {
		if l.at(0) == '_' {
			l.pos++
		}
		if !is(l.at(0)) {
			l.fail(l.pos, "invalid %s literal", name)
		}
		for is(l.at(0)) {
			l.pos++
		}
	}
	if digit(l.at(0)) {
		l.fail(l.pos, "invalid digit %q in %s literal", l.at(0), name)
	}
	l.numberEnd(name)
}

func (l *lexer) digits() {
	for {
		for digit(l.at(0)) {
			l.pos++
		}
		if l.at(0) != '_' {
			return
		}
		l.pos++
		if !digit(l.at(0)) {
			l.fail(l.pos, "invalid decimal literal")
		}
	}
}

func (l *lexer) exponent() bool {
	if l.at(0)|0x20 != 'e' {
		return false
	}
	n := 1
	if c := l.at(1); c == '+' || c == '-' {
		n = 2
	}
	if !digit(l.at(n)) {
		if n == 2 {
			l.fail(l.pos, "invalid decimal literal")
		}
		return false
	}
	l.pos += n
	l.digits()
	return true
}

// numberEnd refuses letters directly behind a number, apart from the keywords that CPython lets stand there.
func (l *lexer) numberEnd(name string) {
	if !identifierByte(l.at(0)) {
		return
	}
	for _, w := range []string{"and", "else", "for", "if", "in", "is", "or", "not"} {
		if strings.HasPrefix(l.src[l.pos:], w) {
			return
		}
	}
	l.fail(l.pos, "invalid %s literal", name)
}

// numeric makes the constant of a number token.
func numeric(text string) (string, ConstantKind) {
	text = strings.ToLower(strings.ReplaceAll(text, "_", ""))
	if len(text) > 1 && text[0] == '0' && strings.IndexByte("xob", text[1]) >= 0 {
		return text, Int
	}
	if s, ok := strings.CutSuffix(text, "j"); ok {
		return s, Complex
	}
	if strings.ContainsAny(text, ".e") {
		return text, Float
	}
	return text, Int
}
