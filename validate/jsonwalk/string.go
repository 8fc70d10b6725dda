package jsonwalk

import (
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// str reads the rest of a string into buf, unescaped.
func (w *walker) str() error {
	w.buf = w.buf[:0]
	max := min(w.p.Limits().MaxHeaderSizeMB<<20, maxString)
	for {
		c, err := w.byte()
		switch {
		case err != nil:
			return err
		case c == '"':
			return nil
		case c < ' ':
			return validate.Malformed(w.off-1, "control character %#02x in a string", c)
		case c == '\\':
			if err := w.escape(); err != nil {
				return err
			}
		default:
			w.buf = append(w.buf, c)
		}
		if int64(len(w.buf)) > max {
			return w.tooMuch("a string of more than %d bytes", max)
		}
	}
}

func (w *walker) escape() error {
	c, err := w.byte()
	if err != nil {
		return err
	}
	switch c {
	case '"', '\\', '/':
		w.buf = append(w.buf, c)
	case 'b':
		w.buf = append(w.buf, '\b')
	case 'f':
		w.buf = append(w.buf, '\f')
	case 'n':
		w.buf = append(w.buf, '\n')
	case 'r':
		w.buf = append(w.buf, '\r')
	case 't':
		w.buf = append(w.buf, '\t')
	case 'u':
		return w.unicode()
	default:
		return validate.Malformed(w.off-2, "escape \\%c", c)
	}
	return nil
}

// unicode reads the four digits of \u. Halves of a surrogate pair are joined; a half without its partner, which
// Python accepts, is kept as its three bytes so that different keys stay different.
func (w *walker) unicode() error {
	var r rune
	for range 4 {
		c, err := w.byte()
		if err != nil {
			return err
		}
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return validate.Malformed(w.off-1, "%q in a \\u escape", c)
		}
	}
	if n := len(w.buf); 0xDC00 <= r && r <= 0xDFFF && n >= 3 && w.buf[n-3] == 0xED && w.buf[n-2] >= 0xA0 && w.buf[n-2] < 0xB0 {
		high := rune(w.buf[n-2]&0x0F)<<6 | rune(w.buf[n-1]&0x3F)
		w.buf = utf8.AppendRune(w.buf[:n-3], 0x10000+high<<10+(r-0xDC00))
		return nil
	}
	if 0xD800 <= r && r <= 0xDFFF {
		w.buf = append(w.buf, 0xED, 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
		return nil
	}
	w.buf = utf8.AppendRune(w.buf, r)
	return nil
}
