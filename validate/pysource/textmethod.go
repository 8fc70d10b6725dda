package pysource

import (
	"encoding/hex"
	"strings"
	"unicode"
)

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
