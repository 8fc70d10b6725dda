package textconf

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// reader cuts text into words, quoted texts and lines, with memory for one of each.
type reader struct {
	judge *judge
	off   int64
	line  int
	quote byte // of the open text; 0 outside
	note  bool // in a comment
	slash bool // the last byte was a backslash in a text
	text  piece
	word  piece
	whole piece // the line
}

// piece is a part of the file.
type piece struct {
	b    []byte
	at   int64
	line int
	long bool // more than is held
}

// held bounds what is judged at once: names and expressions are short.
const held = 4096

func (p *piece) add(c byte, at int64, line int) {
	if len(p.b) == 0 {
		p.at, p.line = at, line
	}
	if len(p.b) < held {
		p.b = append(p.b, c)
	} else {
		p.long = true
	}
}

func (p *piece) reset() { p.b, p.long = p.b[:0], false }

// read takes the next chunk.
func (r *reader) read(off int64, chunk []byte) {
	for i, c := range chunk {
		r.off = off + int64(i)
		r.byte(c)
	}
}

func (r *reader) byte(c byte) {
	if c == '\n' || c == '\r' {
		r.lineEnd()
		if c == '\n' {
			r.line++
		}
		return
	}
	if !r.judge.data {
		r.whole.add(c, r.off, r.line)
	}
	switch {
	case r.note:
	case r.quote == 0 && c == '#' && !r.judge.data:
		r.wordEnd() // a text may go on behind the comment
		r.note = true
	case r.quote != 0 && r.slash:
		r.slash = false
		r.text.add(c, r.off, r.line)
	case r.quote != 0 && c == '\\':
		r.slash = true
		r.text.add(c, r.off, r.line)
	case r.quote != 0 && c == r.quote:
		r.quote = 0
	case r.quote != 0:
		r.text.add(c, r.off, r.line)
	case c == '"' || c == '\'':
		r.wordEnd()
		r.quote = c // a text that follows another continues it
	case inWord(c):
		r.textEnd()
		r.word.add(c, r.off, r.line)
	default:
		r.wordEnd()
		if c != ' ' && c != '\t' {
			r.textEnd()
		}
	}
}

func inWord(c byte) bool {
	return c >= utf8.RuneSelf || c == '_' || c == '.' || c == '@' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// lineEnd ends what a line can hold. A quoted text goes on to the next line only where one follows another, as in
// protocol buffers.
func (r *reader) lineEnd() {
	r.wordEnd()
	r.note = false
	if r.quote != 0 {
		r.textEnd()
		r.quote, r.slash = 0, false
	}
	if len(r.whole.b) > 0 && !r.whole.long {
		r.judge.value(string(r.whole.b), r.whole.at, r.whole.line+1)
	}
	r.whole.reset()
}

func (r *reader) wordEnd() {
	if len(r.word.b) > 0 && !r.word.long {
		r.judge.word(strings.Trim(string(r.word.b), "@."), r.word.at, r.word.line+1)
	}
	r.word.reset()
}

func (r *reader) textEnd() {
	if len(r.text.b) > 0 && !r.text.long {
		r.judge.text(unescape(string(r.text.b)), r.text.at, r.text.line+1)
	}
	r.text.reset()
}

func (r *reader) end() {
	r.lineEnd()
	r.textEnd()
}

// unescape gives the text of a quoted one: the escapes of C, JSON and TOML. What is none stays.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		digits, base := 0, 16
		switch c := s[i]; {
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case '0' <= c && c <= '7':
			digits, base = 3, 8
			i--
		default:
			b.WriteByte(c)
			continue
		}
		n := 0
		for n < digits && i+1+n < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i+1+n]) >= 0 && (base == 16 || s[i+1+n] <= '7') {
			n++
		}
		if v, err := strconv.ParseUint(s[i+1:i+1+n], base, 32); err == nil {
			b.WriteRune(rune(v))
		}
		i += n
	}
	return b.String()
}
