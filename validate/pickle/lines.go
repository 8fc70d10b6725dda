package pickle

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// textLine reads a line that has at least least bytes with its line feed, and refuses ones too long to judge.
func (m *machine) textLine(off int64, least int64) (string, error) {
	text, n, err := m.r.line()
	switch {
	case err != nil:
		return "", err
	case n+1 < least:
		return "", &broken{off, "an empty line where an argument should be"}
	case n > int64(len(text)):
		return "", &broken{off, "a line too long to be a number or a name"}
	}
	return string(text), nil
}

// decimal reports the one spelling of a number that serializers write.
func decimal(s string, negative bool) bool {
	if negative {
		s = strings.TrimPrefix(s, "-")
	}
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

type long struct {
	v   int64
	big bool
}

const cSpace = " \t\n\v\f\r"

// parseLong reads a number as PyLong_FromString does: space around it, a sign, underscores between digits,
// a prefix when base is 0, and the end at a NUL.
func parseLong(s string, base int) (long, bool) {
	s, _, _ = strings.Cut(s, "\x00")
	s = strings.Trim(s, cSpace)
	if s == "" || base == 10 && strings.Contains(s, "__") {
		return long{}, false
	}
	if base == 10 {
		digits := strings.TrimLeft(s, "+-")
		if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || len(s)-len(digits) > 1 {
			return long{}, false
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	if n, err := strconv.ParseInt(s, base, 64); err == nil {
		return long{v: n}, true
	}
	_, ok := new(big.Int).SetString(s, base)
	return long{big: true}, ok
}

// numberLine reads the line of INT or LONG. A number too long to be parsed is pushed as it is: Python before 3.11 computes
// it, later ones end with an error after 4,300 digits.
func (m *machine) numberLine(off int64) (s string, long bool, err error) {
	text, n, err := m.r.line()
	switch {
	case err != nil:
		return "", false, err
	case n < 1:
		return "", false, &broken{off, "an empty line where an argument should be"}
	case n == int64(len(text)):
		return string(text), false, nil
	}
	m.ev.note(ruleDivergence, off, "a number of %d digits", n)
	return "", true, m.pushNew(&value{kind: kLong, flags: fCut, off: off, n: n})
}

// opInt reads INT. The C unpickler uses strtol with base 0 first, so 010 is eight and 0x10 sixteen; the
// two-digit forms 00 and 01 are False and True.
func opInt(m *machine, _ byte, off int64) error {
	s, long, err := m.numberLine(off)
	if err != nil || long {
		return err
	}
	switch s {
	case "00":
		return m.push(no)
	case "01":
		return m.push(yes)
	}
	n, ok := strtol(s)
	if !ok {
		if n, ok = parseLong(s, 0); !ok {
			return &broken{off, "INT with " + quote(s)}
		}
	}
	if !decimal(s, true) {
		m.ev.note(ruleDivergence, off, "INT with %s", quote(s))
	}
	if len(s) == 2 && !n.big && (n.v == 0 || n.v == 1) {
		return m.push([]*value{no, yes}[n.v])
	}
	if n.big {
		return m.pushNew(&value{kind: kLong, off: off, n: int64(len(s)), text: s[:min(len(s), keepText)]})
	}
	return m.pushInt(off, n.v)
}

// strtol is C's strtol with base 0 that must use the line up to its end or a NUL.
func strtol(s string) (long, bool) {
	s, _, nul := strings.Cut(s, "\x00")
	if s == "" && nul {
		return long{}, true // no digits, but the end is where it should be
	}
	s = strings.TrimLeft(s, cSpace)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.ContainsAny(s, "_oObB") && !strings.HasPrefix(strings.ToLower(digits), "0x") || strings.Contains(s, "_") {
		return long{}, false
	}
	n, err := strconv.ParseInt(s, 0, 64) // a leading 0 is octal here as in C
	return long{v: n}, err == nil
}

func opLong(m *machine, _ byte, off int64) error {
	s, long, err := m.numberLine(off)
	if err != nil || long {
		return err
	}
	digits := strings.TrimSuffix(s, "L")
	n, ok := parseLong(digits, 0)
	if !ok {
		return &broken{off, "LONG with " + quote(s)}
	}
	if !decimal(digits, true) {
		m.ev.note(ruleDivergence, off, "LONG with %s", quote(s))
	}
	if n.big {
		return m.pushNew(&value{kind: kLong, off: off, n: int64(len(s)), text: s[:min(len(s), keepText)]})
	}
	return m.pushInt(off, n.v)
}

// opFloat reads FLOAT (PyOS_string_to_double): no space, no underscores, the end at a NUL.
func opFloat(m *machine, _ byte, off int64) error {
	s, err := m.textLine(off, 2)
	if err != nil {
		return err
	}
	head, _, nul := strings.Cut(s, "\x00")
	f, perr := strconv.ParseFloat(head, 64)
	if perr != nil && !math.IsInf(f, 0) || strings.ContainsAny(head, "_xXpP") {
		return &broken{off, "FLOAT with " + quote(s)}
	}
	if nul || strings.Trim(head, "0123456789.eE+-infa") != "" {
		m.ev.note(ruleDivergence, off, "FLOAT with %s", quote(s))
	}
	return m.pushNew(&value{kind: kFloat, off: off, n: int64(math.Float64bits(f))})
}

// opString reads STRING: quoted, with the escapes of a bytes literal.
func opString(m *machine, _ byte, off int64) error {
	at := m.r.pos
	line, n, err := m.r.line()
	if err != nil {
		return err
	}
	long := n > int64(len(line))
	if n < 2 || line[0] != '\'' && line[0] != '"' || !long && line[n-1] != line[0] {
		return &broken{off, "STRING without quotes"}
	}
	if long {
		return m.pushNew(&value{kind: kStr, flags: fCut | fEncoded | fQuoted, off: at, n: n, text: string(line[1:keepText])})
	}
	text, clean, ok := unescape(line[1 : n-1])
	switch {
	case !ok:
		return &broken{off, "STRING with a bad escape"}
	case !clean:
		m.ev.note(ruleDivergence, off, "STRING with an escape that does not exist: %s", quote(string(line)))
	case !ascii(text):
		m.ev.note(ruleDivergence, off, "text of Python 2 that is not ASCII: %s", quote(text))
	}
	return m.pushNew(keepLong(&value{kind: kStr, flags: fEncoded | fQuoted, off: at, n: n, text: text}))
}

// keepLong cuts the text of a literal that was decoded in memory.
func keepLong(v *value) *value {
	if len(v.text) > keepText {
		v.text, v.flags = strings.Clone(v.text[:keepText]), v.flags|fCut
	}
	return v
}

// unescape decodes as PyBytes_DecodeEscape does. clean is false for an unknown escape, which stays as it is.
func unescape(b []byte) (text string, clean, ok bool) {
	out, clean := make([]byte, 0, len(b)), true
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		if i++; i >= len(b) {
			return "", clean, false // a backslash at the end
		}
		c := b[i]
		if j := strings.IndexByte(`\'"abfnrtv`, c); j >= 0 {
			out = append(out, "\\'\"\a\b\f\n\r\t\v"[j])
			continue
		}
		switch {
		case c == '\n':
		case c >= '0' && c <= '7':
			v, k := 0, 0
			for ; k < 3 && i+k < len(b) && b[i+k] >= '0' && b[i+k] <= '7'; k++ {
				v = v<<3 | int(b[i+k]-'0')
			}
			clean = clean && v < 256
			out, i = append(out, byte(v)), i+k-1
		case c == 'x':
			if i+2 >= len(b) {
				return "", clean, false
			}
			v, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8)
			if err != nil {
				return "", clean, false
			}
			out, i = append(out, byte(v)), i+2
		default:
			out, clean = append(out, '\\', c), false
		}
	}
	return string(out), clean, true
}

// opUnicode reads UNICODE: Latin-1 with \u and \U escapes (raw-unicode-escape).
func opUnicode(m *machine, _ byte, off int64) error {
	at := m.r.pos
	line, n, err := m.r.line()
	if err != nil {
		return err
	}
	text, ok := rawUnicode(line)
	if !ok && n <= int64(len(line)) {
		return &broken{off, "UNICODE with a bad escape"}
	}
	v := keepLong(&value{kind: kStr, flags: fEncoded, off: at, n: n, text: text})
	if n > int64(len(line)) {
		v.flags |= fCut
	}
	return m.pushNew(v)
}

func rawUnicode(b []byte) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 >= len(b) || b[i+1] != 'u' && b[i+1] != 'U' {
			if b[i] == '\\' && i+1 < len(b) { // an escaped backslash protects what follows it
				out.WriteByte('\\')
				i++
				out.WriteRune(rune(b[i]))
				continue
			}
			out.WriteRune(rune(b[i]))
			continue
		}
		n := 4
		if b[i+1] == 'U' {
			n = 8
		}
		if i+2+n > len(b) {
			return out.String(), false
		}
		r, err := strconv.ParseUint(string(b[i+2:i+2+n]), 16, 32)
		if err != nil || r > utf8.MaxRune {
			return out.String(), false
		}
		if r >= 0xd800 && r < 0xe000 {
			r = utf8.RuneError // a lone surrogate names nothing
		}
		out.WriteRune(rune(r))
		i += 1 + n
	}
	return out.String(), true
}

// quote shows text of the model without letting it reach a terminal.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.QuoteToASCII(s[:80]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
