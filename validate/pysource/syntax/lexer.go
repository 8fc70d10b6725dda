package syntax

import (
	"fmt"
	"strings"
)

const (
	maxBrackets = 200 // CPython's MAXLEVEL
	maxIndents  = 100 // CPython's MAXINDENT
	maxMarks    = 64  // how many places of one kind Facts keeps
	field       = 'F' // the bracket that a replacement field opens
)

// lexer reads one token after the other. It is a plain value, so that a copy taken outside of brackets is a mark to
// return to.
type lexer struct {
	src       string
	pos       int
	line      uint32
	lineStart int // where column 0 is
	latin1    bool
	tokens    int
	limits    Limits
	mem       int
	facts     *Facts

	lineBegin bool // the next token is the first of a logical line
	last      kind
	pending   int // indentations to report, dedentations if negative
	indents   [maxIndents]indent
	depth     int // of indents
	open      [maxBrackets]byte
	level     int // of open
}

// indent is an indentation, counted with tabs to multiples of 8 and with tabs as one column. CPython compares both,
// so that no width of tabs changes what belongs to a block.
type indent struct{ col, alt int }

func (l *lexer) fail(off int, format string, args ...any) {
	panic(&SyntaxError{Offset: int64(off), What: fmt.Sprintf(format, args...)})
}

func (l *lexer) exceed(off int, format string, args ...any) {
	panic(&SyntaxError{Offset: int64(off), What: fmt.Sprintf(format, args...), Limit: true})
}

// charge counts memory that the result will hold.
func (l *lexer) charge(n int) {
	if l.mem += n; l.mem > l.limits.Memory {
		l.exceed(l.pos, "the tree needs more than %d bytes", l.limits.Memory)
	}
}

// at is the byte at pos+i, or 0 behind the end; the source contains no NUL.
func (l *lexer) at(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

// newline is the length of a line end at pos+i: \n, \r\n or, as in CPython, \r alone.
func (l *lexer) newline(i int) int {
	switch l.at(i) {
	case '\n':
		return 1
	case '\r':
		if l.at(i+1) == '\n' {
			return 2
		}
		return 1
	}
	return 0
}

// endLine steps over a line end of n bytes.
func (l *lexer) endLine(n int) {
	l.pos += n
	l.line++
	l.lineStart = l.pos
}

func (l *lexer) token(k kind, start int) token {
	l.last = k
	if l.tokens++; l.tokens > l.limits.Tokens {
		l.exceed(start, "more than %d tokens", l.limits.Tokens)
	}
	return token{off: uint32(start), end: uint32(l.pos), line: l.line, col: uint32(start - l.lineStart), kind: k}
}

// next is the next token. At the end of the source it closes what is open and repeats EOF.
func (l *lexer) next() token {
	if l.lineBegin && l.level == 0 {
		l.lineBegin = false
		l.indentation()
	}
	if l.pending > 0 {
		l.pending--
		return l.token(tIndent, l.pos)
	}
	if l.pending < 0 {
		l.pending++
		return l.token(tDedent, l.pos)
	}
	for l.space() {
	}
	if l.pos >= len(l.src) {
		return l.end()
	}
	if n := l.newline(0); n > 0 {
		t := l.token(tNewline, l.pos)
		l.endLine(n)
		l.lineBegin = true
		return t
	}
	return l.word()
}

// space skips one piece of white space, a comment, a joined line, or a line end inside of brackets.
func (l *lexer) space() bool {
	switch c := l.at(0); c {
	case ' ', '\t':
		l.pos++
	case '\f':
		l.mark(&l.facts.FormFeeds)
		l.pos++
	case '#':
		l.comment()
	case '\\':
		l.join()
	case '\n', '\r':
		if l.level == 0 {
			return false
		}
		l.endLine(l.newline(0))
	default:
		return false
	}
	return true
}

func (l *lexer) mark(list *[]uint32) {
	if len(*list) < maxMarks {
		*list = append(*list, uint32(l.pos))
	}
}

func (l *lexer) comment() {
	n := strings.IndexAny(l.src[l.pos:], "\r\n")
	if n < 0 {
		n = len(l.src) - l.pos
	}
	l.charge(32)
	l.facts.Comments = append(l.facts.Comments, Pos{uint32(l.pos), uint32(l.pos + n), l.line, uint32(l.pos - l.lineStart)})
	l.pos += n
}

// join steps over a backslash at the end of a line.
func (l *lexer) join() {
	n := l.newline(1)
	if n == 0 {
		l.fail(l.pos, "unexpected character after line continuation character")
	}
	l.mark(&l.facts.Joined)
	l.endLine(1 + n)
	if l.pos >= len(l.src) && n == 1 { // behind \r\n CPython's translation of line ends adds another line
		l.fail(l.pos, "end of file after a backslash")
	}
}

// end is the sequence at the end: a NEWLINE if the last line has none, a DEDENT for each open block, EOF.
func (l *lexer) end() token {
	switch {
	case l.level > 0:
		l.fail(l.pos, "%q was never closed", l.open[l.level-1])
	case l.last != tNewline && l.last != tDedent && l.last != tEOF:
		return l.token(tNewline, l.pos)
	case l.depth > 0:
		l.depth--
		return l.token(tDedent, l.pos)
	}
	return l.token(tEOF, l.pos)
}

func (l *lexer) word() token {
	c := l.at(0)
	switch {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80:
		return l.name()
	case '0' <= c && c <= '9' || c == '.' && '0' <= l.at(1) && l.at(1) <= '9':
		start := l.pos
		l.number()
		return l.token(tNumber, start)
	case c == '"' || c == '\'':
		return l.quoted(0)
	}
	return l.punctuation(c)
}

func (l *lexer) punctuation(c byte) token {
	start := l.pos
	if l.level > 0 && l.open[l.level-1] == field {
		switch {
		case c == ':':
			l.pos++
			return l.token(tSpec, start)
		case c == '!' && l.at(1) != '=':
			l.pos++
			return l.token(tBang, start)
		case c == '}':
			l.pos++
			l.level--
			return l.token(tFieldEnd, start)
		}
	}
	for _, p := range punctuation[c] {
		if strings.HasPrefix(l.src[l.pos:], p.text) {
			l.bracket(c)
			l.pos += len(p.text)
			return l.token(p.kind, start)
		}
	}
	l.fail(start, "invalid character %q", c)
	return token{}
}

// bracket opens or closes a bracket.
func (l *lexer) bracket(c byte) {
	switch c {
	case '(', '[', '{':
		l.push(c)
	case ')', ']', '}':
		want := map[byte]byte{')': '(', ']': '[', '}': '{'}[c]
		if l.level == 0 || l.open[l.level-1] != want {
			l.fail(l.pos, "unmatched %q", c)
		}
		l.level--
	}
}

func (l *lexer) push(c byte) {
	if l.level >= maxBrackets {
		l.exceed(l.pos, "more than %d nested brackets", maxBrackets)
	}
	l.open[l.level] = c
	l.level++
}
