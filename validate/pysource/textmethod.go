package pysource

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// arguments are the values of one call.
type arguments struct {
	pos   []value
	named map[string]value
	more  bool // *args or **kwargs that are not known
}

func (g arguments) at(i int, name string) value {
	if i < len(g.pos) {
		return g.pos[i]
	}
	if v, ok := g.named[name]; ok {
		return v
	}
	return unknown
}

func (g arguments) has(i int, name string) bool {
	_, ok := g.named[name]
	return ok || i < len(g.pos)
}

// textArg is a text or bytes argument, if it is the only possibility.
func (g arguments) textArg(i int, name string) (*atom, bool) {
	a, ok := g.at(i, name).constant()
	return a, ok && a.textual()
}

func (g arguments) intArg(i int, name string, absent int64) (int64, bool) {
	if !g.has(i, name) {
		return absent, true
	}
	a, ok := g.at(i, name).constant()
	return a2n(a), ok && a.kind == isInt
}

func a2n(a *atom) int64 {
	if a == nil {
		return 0
	}
	return a.n
}

// textMethod is the result of a method of a text or bytes; nil when it is not followed.
func (m *module) textMethod(r *atom, name string, g arguments) *atom {
	same := func(s string) *atom { // changing case or trimming assembles nothing
		a := m.made(r.kind, s)
		return &atom{kind: a.kind, text: a.text, built: r.built}
	}
	switch name {
	case "lower", "casefold":
		return same(strings.ToLower(r.text))
	case "upper":
		return same(strings.ToUpper(r.text))
	case "swapcase":
		return same(strings.Map(swapCase, r.text))
	case "title":
		return same(title(r.text))
	case "capitalize":
		x := runes(strings.ToLower(r.text))
		if len(x) > 0 {
			x[0] = unicode.ToUpper(x[0])
		}
		return same(string(x))
	case "strip", "lstrip", "rstrip":
		return m.strip(r, name, g)
	case "replace":
		return m.replace(r, g)
	case "removeprefix", "removesuffix":
		a, ok := g.textArg(0, "")
		if !ok {
			return nil
		}
		if name == "removeprefix" {
			return same(strings.TrimPrefix(r.text, a.text))
		}
		return same(strings.TrimSuffix(r.text, a.text))
	case "join":
		return m.join(r, g)
	case "format":
		return m.format(r, g, nil)
	case "format_map":
		if d, ok := g.at(0, "").constant(); ok && d.kind == isDict {
			return m.format(r, arguments{}, d)
		}
	case "__add__":
		if a, ok := g.textArg(0, ""); ok {
			return m.made(r.kind, r.text+a.text)
		}
	case "__mod__":
		if a, ok := g.at(0, "").constant(); ok {
			return m.percent(r, a)
		}
	case "__mul__":
		if n, ok := g.intArg(0, "", 0); ok {
			return m.repeat(r, n)
		}
	case "translate":
		return m.translate(r, g)
	case "split", "rsplit", "splitlines", "partition", "rpartition":
		return m.split(r, name, g)
	case "zfill", "ljust", "rjust", "center":
		if n, ok := g.intArg(0, "", 0); ok && name == "zfill" && n < 4096 && int(n) > len(r.text) {
			return same(strings.Repeat("0", int(n)-len(r.text)) + r.text)
		}
		return r
	case "hex":
		if r.kind == isBytes {
			return m.made(isStr, hex.EncodeToString([]byte(r.text)))
		}
	case "encode", "decode":
		return m.recode(r, name, g)
	case "expandtabs", "copy", "tobytes", "__str__", "getvalue", "read":
		return r
	}
	return nil
}

func swapCase(c rune) rune {
	if unicode.IsUpper(c) {
		return unicode.ToLower(c)
	}
	return unicode.ToUpper(c)
}

func title(s string) string {
	letter := false
	return strings.Map(func(c rune) rune {
		was := letter
		letter = unicode.IsLetter(c)
		if was {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, s)
}

func (m *module) strip(r *atom, name string, g arguments) *atom {
	set := " \t\n\r\v\f"
	if g.has(0, "") {
		a, ok := g.textArg(0, "")
		if !ok {
			return nil
		}
		set = a.text
	}
	s := r.text
	if name != "rstrip" {
		s = strings.TrimLeft(s, set)
	}
	if name != "lstrip" {
		s = strings.TrimRight(s, set)
	}
	return &atom{kind: r.kind, text: s, built: r.built}
}

func (m *module) replace(r *atom, g arguments) *atom {
	from, ok1 := g.textArg(0, "")
	to, ok2 := g.textArg(1, "")
	n, ok3 := g.intArg(2, "count", -1)
	if !ok1 || !ok2 || !ok3 {
		return nil
	}
	if grown := (len(r.text) + 1) * len(to.text); grown > maxText && len(to.text) > len(from.text) {
		return &atom{kind: isComputed}
	}
	return m.made(r.kind, strings.Replace(r.text, from.text, to.text, int(max(min(n, maxText), -1))))
}

func (m *module) join(r *atom, g arguments) *atom {
	list, ok := g.at(0, "").constant()
	if !ok {
		return nil
	}
	var parts []string
	total, good := 0, true
	if !list.each(func(x value) {
		a, ok := x.constant()
		if !ok || a.kind != r.kind {
			good = false
			return
		}
		total += len(a.text) + len(r.text)
		if total <= maxText {
			parts = append(parts, a.text)
		}
	}) || !good {
		return nil
	}
	if total > maxText {
		return &atom{kind: isComputed}
	}
	return m.made(r.kind, strings.Join(parts, r.text))
}

// format is str.format with the fields that texts are assembled with.
func (m *module) format(r *atom, g arguments, dict *atom) *atom {
	var out strings.Builder
	auto := 0
	s := r.text
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			out.WriteString(s)
			break
		}
		out.WriteString(s[:i])
		if i+1 < len(s) && s[i] == s[i+1] {
			out.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if s[i] == '}' || end < 0 {
			return nil
		}
		field := s[i+1 : i+end]
		s = s[i+end+1:]
		p := m.fieldText(field, &auto, g, dict)
		if p == nil {
			return nil
		}
		if out.WriteString(p.text); out.Len() > maxText {
			return &atom{kind: isComputed}
		}
	}
	return m.made(isStr, out.String())
}

func (m *module) fieldText(field string, auto *int, g arguments, dict *atom) *atom {
	name, spec, _ := strings.Cut(field, ":")
	name, conv, _ := strings.Cut(name, "!")
	if strings.ContainsAny(spec, "{}") {
		return nil
	}
	key := name
	if i := strings.IndexAny(name, ".["); i >= 0 {
		key = name[:i]
	}
	rest := name[len(key):]
	var v value
	switch n, err := strconv.Atoi(key); {
	case key == "":
		v = g.at(*auto, "")
		*auto++
	case err == nil && n >= 0:
		v = g.at(n, "")
	case dict != nil:
		v = m.looked(dict, only(text(key)))
	default:
		v = g.at(1<<30, key)
	}
	for rest != "" {
		if rest[0] != '[' {
			return nil
		}
		idx, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return nil
		}
		k := only(text(idx))
		if n, err := strconv.Atoi(idx); err == nil {
			k = only(number(int64(n)))
		}
		v, rest = m.item(v, k, 0), after
	}
	a, ok := v.constant()
	if !ok {
		return nil
	}
	c := int8(-1)
	if conv != "" {
		c = int8(conv[0])
	}
	return formatted(a, spec, c)
}

// translate follows tables that are dictionaries of ordinals, as str.maketrans makes them, or 256 bytes.
func (m *module) translate(r *atom, g arguments) *atom {
	t, ok := g.at(0, "").constant()
	if !ok {
		return nil
	}
	if r.kind == isBytes && t.kind == isBytes && len(t.text) == 256 {
		b := []byte(r.text)
		for i := range b {
			b[i] = t.text[b[i]]
		}
		return m.made(isBytes, string(b))
	}
	if t.kind != isDict {
		return nil
	}
	table := map[rune]string{}
	for i, k := range t.keys {
		a, ok := t.items[i].constant()
		if !ok {
			return nil
		}
		c := rune(k.n)
		if k.kind == isStr {
			for _, x := range k.text {
				c = x
			}
		}
		switch a.kind {
		case isInt:
			table[c] = string(rune(a.n))
		case isStr:
			table[c] = a.text
		case isNone:
			table[c] = ""
		default:
			return nil
		}
	}
	var out strings.Builder
	for _, c := range r.text {
		if to, ok := table[c]; ok {
			out.WriteString(to)
		} else {
			out.WriteRune(c)
		}
		if out.Len() > maxText {
			return &atom{kind: isComputed}
		}
	}
	return m.made(isStr, out.String())
}

// maketrans makes the table of str.maketrans and bytes.maketrans.
func maketrans(g arguments, bytes bool) *atom {
	if d, ok := g.at(0, "").constant(); ok && d.kind == isDict {
		return d
	}
	from, ok1 := g.textArg(0, "")
	to, ok2 := g.textArg(1, "")
	if !ok1 || !ok2 {
		return nil
	}
	if bytes {
		b := make([]byte, 256)
		for i := range b {
			b[i] = byte(i)
		}
		for i := range min(len(from.text), len(to.text)) {
			b[from.text[i]] = to.text[i]
		}
		return &atom{kind: isBytes, text: string(b)}
	}
	d := &atom{kind: isDict}
	f, t := runes(from.text), runes(to.text)
	for i := range min(len(f), len(t), 4096) {
		d.keys, d.items = append(d.keys, number(int64(f[i]))), append(d.items, only(number(int64(t[i]))))
	}
	if drop, ok := g.textArg(2, ""); ok {
		for _, c := range runes(drop.text)[:min(4096, len(runes(drop.text)))] {
			d.keys, d.items = append(d.keys, number(int64(c))), append(d.items, only(&atom{kind: isNone}))
		}
	}
	return d
}

func (m *module) split(r *atom, name string, g arguments) *atom {
	var parts []string
	n, okN := g.intArg(1, "maxsplit", -1)
	sep, has := g.textArg(0, "sep")
	if g.has(0, "sep") && !has && name != "splitlines" || !okN {
		return nil
	}
	if has && sep.text == "" {
		return nil
	}
	switch {
	case name == "splitlines":
		parts = strings.FieldsFunc(r.text, func(c rune) bool { return c == '\n' || c == '\r' })
	case name == "partition" && has:
		a, b, ok := strings.Cut(r.text, sep.text)
		parts = []string{a, sep.text, b}
		if !ok {
			parts = []string{r.text, "", ""}
		}
	case name == "rpartition" && has:
		i := strings.LastIndex(r.text, sep.text)
		parts = []string{"", "", r.text}
		if i >= 0 {
			parts = []string{r.text[:i], sep.text, r.text[i+len(sep.text):]}
		}
	case !has:
		parts = strings.Fields(r.text)
	case name == "rsplit" && n >= 0:
		rest := r.text
		for ; n > 0; n-- {
			i := strings.LastIndex(rest, sep.text)
			if i < 0 {
				break
			}
			parts = append([]string{rest[i+len(sep.text):]}, parts...)
			rest = rest[:i]
		}
		parts = append([]string{rest}, parts...)
	case n >= 0:
		parts = strings.SplitN(r.text, sep.text, int(min(n, maxText))+1)
	default:
		parts = strings.Split(r.text, sep.text)
	}
	if len(parts) > maxItems {
		return &atom{kind: isComputed}
	}
	items := make([]value, len(parts))
	for i, p := range parts {
		items[i] = only(&atom{kind: r.kind, text: p, built: r.built})
	}
	return seq(items)
}

// recode is text.encode(codec) and bytes.decode(codec).
func (m *module) recode(r *atom, name string, g arguments) *atom {
	codec := "utf-8"
	if g.has(0, "encoding") {
		a, ok := g.textArg(0, "encoding")
		if !ok {
			return nil
		}
		codec = a.text
	}
	return m.codec(r, codec, name == "decode")
}

// codec is what a codec of Python makes of a text; nil when it is not followed.
func (m *module) codec(r *atom, name string, decode bool) *atom {
	to := isBytes
	if decode {
		to = isStr
	}
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "utf-8", "utf8", "ascii", "us-ascii", "u8", "utf", "utf-8-sig":
		return m.made(to, r.text)
	case "latin-1", "latin1", "iso-8859-1", "l1", "8859":
		if decode {
			x := make([]rune, len(r.text))
			for i := range len(r.text) {
				x[i] = rune(r.text[i])
			}
			return m.made(isStr, string(x))
		}
		b := []byte{}
		for _, c := range r.text {
			b = append(b, byte(c))
		}
		return m.made(isBytes, string(b))
	case "rot13", "rot-13":
		return m.made(isStr, strings.Map(rot13, r.text))
	case "hex", "hex-codec":
		if !decode {
			return m.made(isBytes, hex.EncodeToString([]byte(r.text)))
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(r.text), ""))
		if err != nil {
			return nil
		}
		return m.made(isBytes, string(b))
	case "base64", "base64-codec":
		if decode {
			return m.decoded("base64", r)
		}
	case "zlib", "zlib-codec", "zip":
		if decode {
			return m.decoded("zlib", r)
		}
	case "bz2", "bz2-codec":
		if decode {
			return m.decoded("bz2", r)
		}
	case "uu", "uu-codec", "quopri", "quopri-codec", "quoted-printable":
		return &atom{kind: isComputed}
	case "utf-16", "utf-16-le", "utf-16le", "u16":
		if decode && len(r.text)%2 == 0 {
			u := make([]uint16, len(r.text)/2)
			for i := range u {
				u[i] = uint16(r.text[2*i]) | uint16(r.text[2*i+1])<<8
			}
			return m.made(isStr, strings.TrimPrefix(string(utf16.Decode(u)), "\ufeff"))
		}
	case "unicode-escape", "raw-unicode-escape", "string-escape":
		if decode {
			if s, ok := unescape(r.text); ok {
				return m.made(isStr, s)
			}
		}
	}
	return &atom{kind: isComputed}
}

func rot13(c rune) rune {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case 'A' <= c && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}

// unescape reads the escapes of a string literal, as the codec unicode_escape does.
func unescape(s string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		switch {
		case width > 0 && i+width < len(s):
			n, err := strconv.ParseUint(s[i+1:i+1+width], 16, 32)
			if err != nil {
				return "", false
			}
			out.WriteRune(rune(n))
			i += width
		case '0' <= s[i] && s[i] <= '7':
			j := i
			for j < len(s) && j < i+3 && '0' <= s[j] && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(s[i:j], 8, 16)
			out.WriteRune(rune(n))
			i = j - 1
		case strings.IndexByte("ntrabfv", s[i]) >= 0:
			out.WriteByte("\n\t\r\a\b\f\v"[strings.IndexByte("ntrabfv", s[i])])
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String(), true
}
