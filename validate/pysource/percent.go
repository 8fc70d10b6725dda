package pysource

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// percent is text % values for the conversions that texts are assembled with.
func (m *module) percent(a, b *atom) *atom {
	args := []value{only(b)}
	if b.kind == isSeq {
		args = b.items
	}
	var out strings.Builder
	s := a.text
	for k := 0; ; {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			out.WriteString(s)
			return m.made(a.kind, out.String())
		}
		out.WriteString(s[:i])
		s = s[i+1:]
		var arg *atom
		if strings.HasPrefix(s, "(") && b.kind == isDict {
			key, rest, ok := strings.Cut(s[1:], ")")
			if !ok {
				return nil
			}
			s = rest
			arg, ok = m.looked(b, only(text(key))).constant()
			if !ok {
				return nil
			}
		}
		j := strings.IndexAny(s, "sdcrxXbi%ua")
		if j < 0 || j > 8 {
			return nil
		}
		flags, conv := s[:j], s[j]
		s = s[j+1:]
		if conv == '%' {
			out.WriteByte('%')
			continue
		}
		if arg == nil {
			if k >= len(args) {
				return nil
			}
			var ok bool
			if arg, ok = args[k].constant(); !ok {
				return nil
			}
			k++
		}
		p := plain(arg, conv)
		if p == nil || strings.Trim(flags, "-+0123456789. #") != "" {
			return nil
		}
		width, _ := strconv.Atoi(strings.TrimLeft(flags, "-+0 #"))
		if pad := min(width, 256) - utf8.RuneCountInString(p.text); pad > 0 {
			fill := " "
			if strings.HasPrefix(flags, "0") {
				fill = "0"
			}
			out.WriteString(strings.Repeat(fill, pad))
		}
		out.WriteString(p.text)
		if out.Len() > maxText {
			return &atom{kind: isComputed}
		}
	}
}

// plain is the text of a value under a conversion.
func plain(a *atom, conv byte) *atom {
	switch {
	case a.kind == isInt:
		switch conv {
		case 'c':
			return text(string(rune(a.n)))
		case 'x':
			return text(strconv.FormatInt(a.n, 16))
		case 'X':
			return text(strings.ToUpper(strconv.FormatInt(a.n, 16)))
		case 'b':
			return text(strconv.FormatInt(a.n, 2))
		}
		return text(strconv.FormatInt(a.n, 10))
	case a.kind == isStr && (conv == 'r' || conv == 'a'):
		return text("'" + a.text + "'")
	case a.kind == isStr, a.kind == isBytes && conv != 'd':
		return text(a.text)
	}
	return nil
}

// formatted is format(value, spec) for plain specs.
func formatted(a *atom, spec string, conversion int8) *atom {
	conv := byte('s')
	if conversion > 0 {
		conv = byte(conversion)
	}
	if a.kind == isBytes {
		return text("b'" + a.text + "'")
	}
	rest := spec
	if n := len(rest); n > 0 && strings.IndexByte("sdcxXb", rest[n-1]) >= 0 {
		conv, rest = rest[n-1], rest[:n-1]
	}
	p := plain(a, conv)
	if p == nil {
		return nil
	}
	if strings.HasPrefix(rest, ".") { // precision cuts a text
		n, err := strconv.Atoi(rest[1:])
		r := runes(p.text)
		if err != nil || n < 0 {
			return nil
		}
		return &atom{kind: isStr, text: string(r[:min(n, len(r))]), built: true}
	}
	fill, align := " ", ""
	if len(rest) > 1 && strings.ContainsRune("<>^=", rune(rest[1])) {
		fill, align, rest = rest[:1], rest[1:2], rest[2:]
	} else if rest != "" && strings.ContainsRune("<>^=", rune(rest[0])) {
		align, rest = rest[:1], rest[1:]
	}
	if strings.HasPrefix(rest, "0") {
		fill, align = "0", ">"
	}
	if rest == "" {
		return &atom{kind: isStr, text: p.text, built: true}
	}
	width, err := strconv.Atoi(rest)
	if err != nil || width < 0 || width > 4096 {
		return nil
	}
	pad := max(0, width-utf8.RuneCountInString(p.text))
	left := 0
	if align == ">" || align == "=" || align == "" && a.kind == isInt {
		left = pad
	} else if align == "^" {
		left = pad / 2
	}
	return &atom{kind: isStr, text: strings.Repeat(fill, left) + p.text + strings.Repeat(fill, pad-left), built: true}
}
