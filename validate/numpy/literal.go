package numpy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// node is one value of the header.
type node struct {
	kind  byte // 's' text, 'i' a number, 'b' a truth value, 'n' None, '(' a tuple, '[' a list, '{' a dictionary
	at    int  // in the header
	text  string
	n     int64 // number; 1 for True
	items []*node
}

// Bounds of a header; the deepest that numpy writes are types in types.
const (
	maxNesting = 32
	maxNodes   = 1 << 16
)

// wrong says where a header deviates. expression is set when it is no literal at all.
type wrong struct {
	at         int
	what       string
	expression bool
}

func (w *wrong) Error() string { return fmt.Sprintf("%s at byte %d of the header", w.what, w.at) }

// literals reads the part of Python that headers are made of.
type literals struct {
	s      string
	i      int
	nodes  int
	suffix int // where the first number with the suffix of Python 2 is; -1: there is none
}

// parse reads one literal and the space around it.
func parse(s string) (*node, *literals, error) {
	l := &literals{s: s, suffix: -1}
	n, err := l.value(0)
	if err != nil {
		return nil, l, err
	}
	if l.space(); l.i < len(s) { // an operator makes it an expression, anything else is bad padding
		return nil, l, &wrong{at: l.i, what: "something after the literal", expression: s[l.i] > ' ' && s[l.i] < utf8.RuneSelf}
	}
	return n, l, nil
}

func (l *literals) fail(what string) error { return &wrong{at: l.i, what: what, expression: true} }

func (l *literals) space() {
	for l.i < len(l.s) && (l.s[l.i] == ' ' || l.s[l.i] == '\n') {
		l.i++
	}
}

// peek skips space and returns the next byte, or 0 at the end.
func (l *literals) peek() byte {
	if l.space(); l.i < len(l.s) {
		return l.s[l.i]
	}
	return 0
}

func (l *literals) value(depth int) (*node, error) {
	c := l.peek()
	if l.nodes++; l.nodes > maxNodes || depth > maxNesting {
		return nil, &wrong{at: l.i, what: "a header with more values than any element type has"}
	}
	n := &node{kind: c, at: l.i}
	switch {
	case c == '(' || c == '[' || c == '{':
		return n, l.items(n, depth)
	case c == '\'' || c == '"':
		n.kind = 's'
		return n, l.str(n)
	case c == '-' || c >= '0' && c <= '9':
		n.kind = 'i'
		return n, l.number(n)
	}
	for word, kind := range map[string]byte{"True": 'b', "False": 'b', "None": 'n'} {
		if rest, ok := strings.CutPrefix(l.s[l.i:], word); ok && (rest == "" || !wordByte(rest[0])) {
			if n.kind, n.n = kind, 0; word == "True" {
				n.n = 1
			}
			l.i += len(word)
			return n, nil
		}
	}
	return nil, l.fail("neither a literal nor a container of them")
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf
}

// items reads up to the closing bracket. A dictionary gets its keys and values in turn.
func (l *literals) items(n *node, depth int) error {
	end := map[byte]byte{'(': ')', '[': ']', '{': '}'}[n.kind]
	l.i++
	for comma := true; ; comma = l.comma() {
		if l.peek() == end {
			l.i++
			if n.kind == '(' && len(n.items) == 1 && !comma {
				return l.fail("a parenthesis around one value")
			}
			return nil
		}
		if !comma {
			return l.fail("no comma between values")
		}
		for k := range map[byte]int{'(': 1, '[': 1, '{': 2}[n.kind] {
			if k == 1 {
				if l.peek() != ':' {
					return l.fail("a key without a value")
				}
				l.i++
			}
			v, err := l.value(depth + 1)
			if err != nil {
				return err
			}
			n.items = append(n.items, v)
		}
	}
}

func (l *literals) comma() bool {
	if l.peek() == ',' {
		l.i++
		return true
	}
	return false
}

// number reads a decimal number as repr writes it, or with the suffix of Python 2.
func (l *literals) number(n *node) error {
	start := l.i
	if l.s[l.i] == '-' {
		l.i++
	}
	for l.i < len(l.s) && l.s[l.i] >= '0' && l.s[l.i] <= '9' {
		l.i++
	}
	digits := l.s[start:l.i]
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != digits {
		return &wrong{at: start, what: "the number " + strconv.QuoteToASCII(digits[:min(len(digits), 40)])}
	}
	n.n = v
	if l.i < len(l.s) && l.s[l.i] == 'L' {
		if l.i++; l.suffix < 0 {
			l.suffix = start
		}
	}
	if l.i < len(l.s) && (wordByte(l.s[l.i]) || l.s[l.i] == '.') {
		return l.fail("a number in another notation")
	}
	return nil
}

// str reads quoted text with the escapes that repr writes.
func (l *literals) str(n *node) error {
	quote := l.s[l.i]
	var out strings.Builder
	for l.i++; ; {
		if l.i >= len(l.s) || l.s[l.i] == '\n' {
			return l.fail("text without an end")
		}
		c := l.s[l.i]
		if c == quote {
			l.i++
			break
		}
		if c != '\\' {
			out.WriteByte(c)
			l.i++
			continue
		}
		if l.i+1 >= len(l.s) {
			return l.fail("text without an end")
		}
		if j := strings.IndexByte(`\'"`, l.s[l.i+1]); j >= 0 {
			out.WriteByte(l.s[l.i+1])
			l.i += 2
			continue
		}
		r, _, rest, err := strconv.UnquoteChar(l.s[l.i:], quote)
		if err != nil || strings.IndexByte("tnrxuU", l.s[l.i+1]) < 0 {
			return l.fail("an escape that no writer makes")
		}
		out.WriteRune(r)
		l.i = len(l.s) - len(rest)
	}
	if l.peek() == '\'' || l.peek() == '"' {
		return l.fail("text beside text")
	}
	n.text = out.String()
	return nil
}
