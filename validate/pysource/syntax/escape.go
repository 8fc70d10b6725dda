package syntax

import (
	"strings"
	"unicode/utf8"
)

// decoder turns the inside of a literal into its value.
type decoder struct {
	p       *parser
	q       quote
	out     []byte
	unknown bool
	plain   string // the value while it is a part of the source
	copied  bool   // out holds it
}

// add decodes the text src[start:end] and appends it.
func (d *decoder) add(start, end int) {
	raw := d.p.src[start:end]
	if !d.copied && d.plain == "" && !d.needsWork(raw) {
		d.plain = raw
		return
	}
	if raw == "" {
		return
	}
	d.copy()
	d.p.charge(len(raw))
	for i := 0; i < len(raw); {
		i += d.char(raw[i:], start+i)
	}
}

func (d *decoder) needsWork(raw string) bool {
	if !d.q.raw && strings.IndexByte(raw, '\\') >= 0 || strings.IndexByte(raw, '\r') >= 0 {
		return true
	}
	if !d.p.latin1 && !d.q.bytes {
		return false
	}
	for i := range len(raw) {
		if raw[i] >= 0x80 {
			return true
		}
	}
	return false
}

func (d *decoder) copy() {
	if !d.copied {
		d.copied = true
		d.out = append(d.out, d.plain...)
		d.plain = ""
	}
}

// value is what was added; the decoder is empty afterwards.
func (d *decoder) value() string {
	s := d.plain
	if d.copied {
		s = string(d.out)
	}
	d.plain, d.copied, d.out = "", false, d.out[:0]
	return s
}

func (d *decoder) empty() bool { return d.plain == "" && len(d.out) == 0 }

// char decodes one character at offset off and returns its length.
func (d *decoder) char(s string, off int) int {
	switch c := s[0]; {
	case c == '\\' && !d.q.raw:
		return d.escape(s, off)
	case c == '\r':
		d.out = append(d.out, '\n')
		if len(s) > 1 && s[1] == '\n' {
			return 2
		}
	case c >= 0x80 && d.q.bytes:
		d.p.failAt(off, "bytes can only contain ASCII literal characters")
	case c >= 0x80 && d.p.latin1:
		d.out = utf8.AppendRune(d.out, rune(c))
	default:
		d.out = append(d.out, c)
	}
	return 1
}

var simpleEscapes = [256]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escape decodes a sequence of the language reference, section "Escape sequences". CPython keeps the backslash of
// one it does not know.
func (d *decoder) escape(s string, off int) int {
	if len(s) < 2 {
		d.p.failAt(off, "a backslash at the end of a string")
	}
	c := s[1]
	switch {
	case simpleEscapes[c] != 0:
		d.out = append(d.out, simpleEscapes[c])
		return 2
	case c == '\n':
		return 2
	case c == '\r':
		if len(s) > 2 && s[2] == '\n' {
			return 3
		}
		return 2
	case octal(c):
		return d.octal(s)
	case c == 'x':
		return d.hex(s, off, 2)
	case c == 'u' && !d.q.bytes:
		return d.hex(s, off, 4)
	case c == 'U' && !d.q.bytes:
		return d.hex(s, off, 8)
	case c == 'N' && !d.q.bytes:
		return d.named(s, off)
	}
	if f := d.p.facts; len(f.BadEscapes) < maxMarks {
		f.BadEscapes = append(f.BadEscapes, uint32(off))
	}
	d.out = append(d.out, '\\')
	return 1
}

func (d *decoder) octal(s string) int {
	n, i := 0, 1
	for ; i < len(s) && i < 4 && octal(s[i]); i++ {
		n = n*8 + int(s[i]-'0')
	}
	if d.q.bytes {
		d.out = append(d.out, byte(n))
	} else {
		d.rune(rune(n))
	}
	return i
}

func (d *decoder) hex(s string, off, digits int) int {
	if len(s) < 2+digits {
		d.p.failAt(off, "truncated escape sequence")
	}
	n := 0
	for i := 2; i < 2+digits; i++ {
		c := s[i]
		switch {
		case digit(c):
			n = n<<4 | int(c-'0')
		case hexDigit(c):
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			d.p.failAt(off, "truncated escape sequence")
		}
	}
	switch {
	case n > utf8.MaxRune:
		d.p.failAt(off, "illegal Unicode character")
	case d.q.bytes:
		d.out = append(d.out, byte(n))
	default:
		d.rune(rune(n))
	}
	return 2 + digits
}

// rune appends a character; surrogates, which Python has in strings, as the three bytes that UTF-8 would have.
func (d *decoder) rune(r rune) {
	if 0xD800 <= r && r <= 0xDFFF {
		d.out = append(d.out, 0xED, 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
		return
	}
	d.out = utf8.AppendRune(d.out, r)
}

// named decodes \N{NAME}.
func (d *decoder) named(s string, off int) int {
	end := strings.IndexByte(s, '}')
	if len(s) < 3 || s[2] != '{' || end <= 3 {
		d.p.failAt(off, "malformed \\N character escape")
	}
	if r, ok := d.p.chars.lookup(s[3:end]); ok {
		d.rune(r)
	} else {
		d.unknown = true
		d.rune(utf8.RuneError)
	}
	return end + 1
}
