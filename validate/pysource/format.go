package pysource

import (
	"strconv"
	"strings"
)

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
