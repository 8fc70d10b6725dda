package pysource

import (
	"strings"
)

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
