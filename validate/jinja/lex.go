package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind byte

const (
	eof kind = iota
	text
	name
	str
	integer
	float
	op         // also the two ends
	varBegin   // {{
	varEnd     // }}
	blockBegin // {%
	blockEnd   // %}
)

type token struct {
	kind kind
	s    string // of a string its value, of everything else its characters
	pos  int
	dim  bool // a string whose value is not known exactly
}

// maxTokens bounds the memory of a template. The longest published chat templates have about six thousand.
const maxTokens = 60_000

// syntaxError says where a template leaves the grammar.
type syntaxError struct {
	pos  int
	what string
}

func (e *syntaxError) Error() string { return e.what }

func wrong(pos int, format string, args ...any) error {
	return &syntaxError{pos, fmt.Sprintf(format, args...)}
}

// lexer follows jinja2/lexer.py: delimiters end code only where no bracket is open, and never inside a string.
type lexer struct {
	src  string
	pos  int
	out  []token
	open []byte // the closing brackets that are awaited
}

// lex cuts a template into tokens. On an error the tokens before it are returned too.
func lex(src string) ([]token, error) {
	l := &lexer{src: src}
	for l.pos < len(src) {
		if err := l.text(); err != nil {
			return l.out, err
		}
		if len(l.out) > maxTokens {
			return l.out, wrong(l.pos, "more than %d tokens", maxTokens)
		}
	}
	l.add(eof, "", len(src))
	return l.out, nil
}

func (l *lexer) add(k kind, s string, pos int) { l.out = append(l.out, token{kind: k, s: s, pos: pos}) }

// text takes the text up to the next tag, and the tag.
func (l *lexer) text() error {
	start := l.pos
	for {
		i := strings.IndexByte(l.src[l.pos:], '{')
		if i < 0 || l.pos+i+1 >= len(l.src) {
			l.pos = len(l.src)
			break
		}
		l.pos += i
		if c := l.src[l.pos+1]; c == '{' || c == '%' || c == '#' {
			break
		}
		l.pos++
	}
	if l.pos > start {
		l.add(text, l.src[start:l.pos], start)
	}
	if l.pos >= len(l.src) {
		return nil
	}
	switch l.src[l.pos+1] {
	case '#':
		end := strings.Index(l.src[l.pos+2:], "#}")
		if end < 0 {
			return wrong(l.pos, "a comment that does not end")
		}
		l.pos += 2 + end + 2
		return nil
	case '%':
		if done, err := l.raw(); done || err != nil {
			return err
		}
		return l.code(blockBegin, blockEnd, "%}")
	}
	return l.code(varBegin, varEnd, "}}")
}

// sign skips what controls white space behind an opening delimiter.
func (l *lexer) sign() {
	if l.pos < len(l.src) && (l.src[l.pos] == '-' || l.src[l.pos] == '+') {
		l.pos++
	}
}

// raw takes {% raw %}…{% endraw %} as text, if that is what stands here.
func (l *lexer) raw() (bool, error) {
	after, ok := tag(l.src, l.pos, "raw")
	if !ok {
		return false, nil
	}
	for i := after; ; {
		next := strings.Index(l.src[i:], "{%")
		if next < 0 {
			return false, wrong(l.pos, "a raw block that does not end")
		}
		i += next
		if end, ok := tag(l.src, i, "endraw"); ok {
			if i > after {
				l.add(text, l.src[after:i], after)
			}
			l.pos = end
			return true, nil
		}
		i += 2
	}
}

// tag recognises {% word %} with its signs and gives the offset behind it.
func tag(src string, pos int, word string) (int, bool) {
	rest := src[pos+2:]
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, spaces), word)
	if !ok {
		return 0, false
	}
	rest = strings.TrimLeft(rest, spaces)
	if rest != "" && (rest[0] == '-' || rest[0] == '+' && word == "endraw") {
		rest = rest[1:]
	}
	rest, ok = strings.CutPrefix(rest, "%}")
	return len(src) - len(rest), ok
}

// spaces are what \s matches, of ASCII.
const spaces = " \t\n\r\f\v\x1c\x1d\x1e\x1f"

// code takes the tokens between two delimiters.
func (l *lexer) code(begin, end kind, closing string) error {
	start := l.pos
	l.add(begin, "", start)
	l.pos += 2
	l.sign()
	l.open = l.open[:0]
	for len(l.out) <= maxTokens {
		l.space()
		if l.pos >= len(l.src) {
			return wrong(start, "%s does not end", map[kind]string{varBegin: "an expression", blockBegin: "a statement"}[begin])
		}
		rest := l.src[l.pos:]
		if len(l.open) == 0 {
			signed := strings.TrimPrefix(strings.TrimPrefix(rest, "-"), "+")
			if strings.HasPrefix(rest, closing) || len(rest)-len(signed) == 1 && strings.HasPrefix(signed, closing) && (rest[0] == '-' || begin == blockBegin) {
				l.add(end, "", l.pos)
				l.pos = len(l.src) - len(signed) + len(closing)
				return nil
			}
		}
		if err := l.token(rest); err != nil {
			return err
		}
	}
	return nil
}

func (l *lexer) space() {
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if !unicode.IsSpace(r) && (r < 0x1c || r > 0x1f) {
			return
		}
		l.pos += n
	}
}

// token takes one token of code.
func (l *lexer) token(rest string) error {
	c := rest[0]
	switch {
	case c == '\'' || c == '"':
		return l.string(rest, c)
	case '0' <= c && c <= '9':
		n, k := numeral(rest)
		l.add(k, rest[:n], l.pos)
		l.pos += n
		return nil
	}
	if n := wordLen(rest); n > 0 {
		l.add(name, rest[:n], l.pos)
		l.pos += n
		return nil
	}
	return l.operator(rest)
}

func wordLen(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.Pc, r) && !unicode.Is(unicode.N, r) {
			return i
		}
	}
	return len(s)
}

var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", "=", ">", "<", ".", ":", "|", ",", ";"}

func (l *lexer) operator(rest string) error {
	for _, o := range operators {
		if !strings.HasPrefix(rest, o) {
			continue
		}
		switch o {
		case "(", "[", "{":
			l.open = append(l.open, map[string]byte{"(": ')', "[": ']', "{": '}'}[o])
		case ")", "]", "}":
			if n := len(l.open); n == 0 || l.open[n-1] != o[0] {
				return wrong(l.pos, "%q without its opening bracket", o)
			}
			l.open = l.open[:len(l.open)-1]
		}
		l.add(op, o, l.pos)
		l.pos += len(o)
		return nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return wrong(l.pos, "%q in an expression", r)
}

func (l *lexer) string(rest string, quote byte) error {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case quote:
			value, exact, err := unescape(rest[1:i])
			if err != nil {
				return wrong(l.pos, "%v", err)
			}
			l.out = append(l.out, token{kind: str, s: value, pos: l.pos, dim: !exact})
			l.pos += i + 1
			return nil
		}
	}
	return wrong(l.pos, "a string that does not end")
}
