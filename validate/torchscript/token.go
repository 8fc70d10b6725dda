package torchscript

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

type kind byte

const (
	tEnd kind = iota
	tName
	tNumber
	tString
	tSign
)

type token struct {
	kind kind
	text []byte // a string's content without its quotes, not unescaped
	off  int64
	line int
}

func (t token) is(sign string) bool { return t.kind == tSign && string(t.text) == sign }

// lexer cuts source as torch's lexer does (torch/csrc/jit/frontend/lexer.h). White space, line ends and comments
// separate tokens and mean nothing here: what is judged are names, and where a statement ends changes no name.
type lexer struct {
	b    []byte
	i    int
	line int
}

func (l *lexer) next() (token, error) {
	l.skip()
	t := token{off: int64(l.i), line: l.line}
	if l.i >= len(l.b) {
		return t, nil
	}
	start := l.i
	switch c := l.b[l.i]; {
	case isLetter(c):
		for l.i < len(l.b) && (isLetter(l.b[l.i]) || isDigit(l.b[l.i])) {
			l.i++
		}
		t.kind, t.text = tName, l.b[start:l.i]
	case isDigit(c), c == '.' && l.i+1 < len(l.b) && isDigit(l.b[l.i+1]):
		l.number()
		t.kind, t.text = tNumber, l.b[start:l.i]
	case c == '"' || c == '\'':
		text, err := l.str(c)
		t.kind, t.text = tString, text
		return t, err
	case bytes.IndexByte([]byte("()[]{}.,:;=+-*/%@&|^~<>!"), c) >= 0:
		l.i++
		t.kind, t.text = tSign, l.b[start:l.i]
	default:
		return t, validate.Malformed(t.off, "byte %#02x is not TorchScript", c)
	}
	return t, nil
}

// skip passes white space and comments. torch reads the words of a "# type:" comment as source, so they are here too.
func (l *lexer) skip() {
	for ; l.i < len(l.b); l.i++ {
		switch c := l.b[l.i]; {
		case c == '\n':
			l.line++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == '\\':
		case c == '#':
			rest := bytes.TrimLeft(l.b[l.i+1:], " \t")
			if bytes.HasPrefix(rest, []byte("type:")) {
				continue
			}
			n := bytes.IndexByte(l.b[l.i:], '\n')
			if n < 0 {
				l.i = len(l.b)
				return
			}
			l.i += n - 1
		default:
			return
		}
	}
}

// number takes digits, a fraction and an exponent; the digits that follow a sign in it are part of it.
func (l *lexer) number() {
	for l.i < len(l.b) {
		c := l.b[l.i]
		sign := (c == '+' || c == '-') && (l.b[l.i-1]|0x20) == 'e'
		if !isDigit(c) && c != '.' && !(c|0x20 == 'e') && c != 'j' && c != 'x' && !sign {
			return
		}
		l.i++
	}
}

// str takes a string of one line, or between three quotes.
func (l *lexer) str(quote byte) ([]byte, error) {
	start, width := l.i, 1
	if bytes.HasPrefix(l.b[l.i:], []byte{quote, quote, quote}) {
		width = 3
	}
	end := bytes.Repeat([]byte{quote}, width)
	for l.i += width; l.i < len(l.b); l.i++ {
		switch c := l.b[l.i]; {
		case bytes.HasPrefix(l.b[l.i:], end):
			text := l.b[start+width : l.i]
			l.i += width
			return text, nil
		case c == '\\':
			if l.i++; l.i < len(l.b) && l.b[l.i] == '\n' {
				l.line++
			}
		case c == '\n' && width == 1:
			return nil, validate.Malformed(int64(start), "a string that its line does not end")
		case c == '\n':
			l.line++
		}
	}
	return nil, validate.Malformed(int64(start), "a string without an end")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
