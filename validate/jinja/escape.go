package jinja

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape gives the value of a string literal: Jinja encodes it as ASCII with backslashreplace and decodes that as
// unicode-escape, so the escapes are Python's and an unknown one keeps its backslash. exact is false for a character
// that is named (\N{…}) and not known here.
func unescape(s string) (value string, exact bool, err error) {
	exact = true
	if strings.IndexByte(s, '\\') < 0 {
		return s, true, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 >= len(s) {
			return "", false, errors.New("a backslash at the end of a string")
		}
		r, width := utf8.DecodeRuneInString(s[i+1:])
		if r >= utf8.RuneSelf { // \é became \\xe9, which is a backslash and text
			b.WriteString(backslashReplace(r))
			i += 1 + width
			continue
		}
		n, known, err := escapeAt(&b, s[i+1:])
		if err != nil {
			return "", false, err
		}
		exact = exact && known
		i += 1 + n
	}
	return b.String(), exact, nil
}

func backslashReplace(r rune) string {
	switch h := strconv.FormatInt(int64(r), 16); {
	case r < 0x100:
		return `\x` + h
	case r < 0x10000:
		return `\u` + strings.Repeat("0", 4-len(h)) + h
	default:
		return `\U` + strings.Repeat("0", 8-len(h)) + h
	}
}

var simpleEscapes = map[byte]string{'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// escapeAt writes the character of the escape whose letters begin s, and says how many they are.
func escapeAt(b *strings.Builder, s string) (n int, exact bool, err error) {
	c := s[0]
	if out, ok := simpleEscapes[c]; ok {
		b.WriteString(out)
		return 1, true, nil
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case width > 0:
		if len(s) <= width {
			return 0, false, errors.New("a short escape in a string")
		}
		v, err := strconv.ParseUint(s[1:1+width], 16, 32)
		if err != nil || v > utf8.MaxRune {
			return 0, false, errors.New("a bad escape in a string")
		}
		writeRune(b, rune(v))
		return 1 + width, true, nil
	case '0' <= c && c <= '7':
		v := rune(0)
		for n < 3 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			v = v<<3 | rune(s[n]-'0')
			n++
		}
		writeRune(b, v)
		return n, true, nil
	case c == 'N':
		end := strings.IndexByte(s, '}')
		if len(s) < 2 || s[1] != '{' || end < 0 {
			return 0, false, errors.New("a bad escape in a string")
		}
		r, known := namedRunes[strings.ToUpper(s[2:end])]
		writeRune(b, r)
		return end + 1, known, nil
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return 1, true, nil
}

// namedRunes are those whose name someone would use to hide an attribute or to be readable.
var namedRunes = map[string]rune{"LOW LINE": '_', "UNDERSCORE": '_', "SPACING UNDERSCORE": '_', "FULL STOP": '.', "SPACE": ' ', "LINE FEED": '\n', "NEW LINE": '\n'}

// writeRune keeps the half of a surrogate pair apart from other characters, as Python does.
func writeRune(b *strings.Builder, r rune) {
	if 0xD800 <= r && r <= 0xDFFF {
		b.Write([]byte{0xED, 0x80 | byte(r>>6&0x3F), 0x80 | byte(r&0x3F)})
		return
	}
	b.WriteRune(r)
}
