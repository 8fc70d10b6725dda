package pysource

import (
	"strconv"
	"strings"
)

// convert is a built-in function from a value to a text or number.
func (m *module) convert(name string, g arguments) value {
	x := g.at(0, "")
	if len(g.pos) == 0 {
		switch name {
		case "str":
			return only(text(""))
		case "bytes", "bytearray":
			return only(&atom{kind: isBytes})
		}
	}
	if name == "int" {
		return m.toInt(x, g)
	}
	return m.mapAtoms(x, func(a *atom) *atom {
		switch {
		case name == "chr" && a.kind == isInt:
			return &atom{kind: isStr, text: string(rune(a.n)), built: true}
		case name == "ord" && a.textual():
			if r := runes(a.text); len(r) == 1 {
				return number(int64(r[0]))
			}
		case name == "hex" && a.kind == isInt:
			return m.made(isStr, "0x"+strconv.FormatInt(a.n, 16))
		case name == "bin" && a.kind == isInt:
			return m.made(isStr, "0b"+strconv.FormatInt(a.n, 2))
		case name == "oct" && a.kind == isInt:
			return m.made(isStr, "0o"+strconv.FormatInt(a.n, 8))
		case name == "len" && a.textual():
			return number(int64(len(runes(a.text))))
		case name == "len" && (a.kind == isSeq || a.kind == isDict):
			return number(int64(max(len(a.items), len(a.keys))))
		case name == "abs" && a.kind == isInt && a.n > -1<<62:
			return number(max(a.n, -a.n))
		case name == "bool" && (a.kind == isInt || a.textual()):
			if a.n != 0 || a.text != "" {
				return number(1)
			}
			return number(0)
		case name == "bool" || name == "float" || name == "sum":
			return nil
		case name == "format":
			spec := ""
			if s, ok := g.at(1, "").str(); ok {
				spec = s
			} else if len(g.pos) > 1 {
				return nil
			}
			return formatted(a, spec, -1)
		case name == "bytes" || name == "bytearray" || name == "memoryview":
			return m.toBytes(a)
		case a.kind == isBytes && name == "str" && g.has(1, "encoding"):
			return m.recode(a, "decode", arguments{pos: g.pos[min(1, len(g.pos)):], named: g.named})
		case name == "repr" || name == "ascii":
			return plain(a, 'r')
		case name == "str":
			if a.kind == isStr {
				return a
			}
			return plain(a, 's')
		}
		return nil
	})
}

func (m *module) toInt(x value, g arguments) value {
	base := int64(10)
	if b, ok := g.intArg(1, "base", 10); ok {
		base = b
	}
	return m.mapAtoms(x, func(a *atom) *atom {
		if a.kind == isInt {
			return a
		}
		if a.textual() && (base == 0 || base >= 2 && base <= 36) {
			s := strings.ToLower(strings.TrimSpace(a.text))
			if base == 16 {
				s = strings.TrimPrefix(s, "0x")
			}
			if base == 2 {
				s = strings.TrimPrefix(s, "0b")
			}
			if n, err := strconv.ParseInt(s, int(base), 64); err == nil {
				return number(n)
			}
		}
		return nil
	})
}

func (m *module) toBytes(a *atom) *atom {
	switch a.kind {
	case isStr, isBytes:
		return &atom{kind: isBytes, text: a.text, built: a.built}
	case isInt:
		if a.n >= 0 && a.n <= 4096 {
			return &atom{kind: isBytes, text: strings.Repeat("\x00", int(a.n))}
		}
	case isSeq:
		b := make([]byte, 0, len(a.items))
		for _, v := range a.items {
			n, ok := v.constant()
			if !ok || n.kind != isInt {
				return &atom{kind: isComputed}
			}
			b = append(b, byte(n.n))
		}
		return m.made(isBytes, string(b))
	}
	return nil
}
