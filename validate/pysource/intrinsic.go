package pysource

import (
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// operators of the module operator, by their names.
var operatorNames = map[string]syntax.Operator{"add": syntax.Add, "concat": syntax.Add, "iadd": syntax.Add, "iconcat": syntax.Add, "mod": syntax.Mod, "mul": syntax.Mult,
	"xor": syntax.BitXor, "sub": syntax.Sub, "and_": syntax.BitAnd, "or_": syntax.BitOr, "floordiv": syntax.FloorDiv, "lshift": syntax.LShift, "rshift": syntax.RShift}

// applyRef is what a call of a library's function gives, for the functions that select or assemble.
func (m *module) applyRef(f *atom, g arguments, line uint32, v *env) value {
	if how, ok := decoders[f.text]; ok {
		out := value{}
		for _, a := range g.at(0, "s").atoms {
			if a.textual() {
				out = union(out, only(m.decoded(how, a)))
			}
		}
		if len(out.atoms) == 0 || g.at(0, "s").open {
			out = union(out, value{open: true, atoms: []*atom{{kind: isComputed}}})
		}
		return out
	}
	switch root, name, _ := strings.Cut(f.text, "."); root {
	case "builtins":
		if out, ok := m.builtin(f, name, g, line, v); ok {
			return out
		}
	case "operator":
		if out, ok := m.operatorCall(name, g, line, v); ok {
			return out
		}
	case "functools", "itertools", "importlib", "sys", "codecs", "os", "pathlib", "types", "inspect", "ast", "copy", "string", "collections", "io", "contextlib", "array", "struct":
		if out, ok := m.library(f, g, line, v); ok {
			return out
		}
	}
	path := f.text
	if !strings.HasSuffix(path, ")") && len(path) < maxPath {
		path += "()"
	}
	return value{open: true, atoms: []*atom{ref(path, &step{line: line, what: "call", prev: f.how})}}
}

// builtin is a call of a built-in function.
func (m *module) builtin(f *atom, name string, g arguments, line uint32, v *env) (value, bool) {
	x := g.at(0, "")
	switch name {
	case "getattr":
		out := m.named(x, g.at(1, ""), line)
		if len(g.pos) > 2 {
			out = union(out, g.pos[2])
		}
		return out, true
	case "vars":
		if len(g.pos) == 0 {
			return only(&atom{kind: isNamespace}), true
		}
		return m.attribute(x, "__dict__", line), true
	case "globals":
		return only(&atom{kind: isNamespace, n: 1}), true
	case "locals":
		return only(&atom{kind: isNamespace}), true
	case "__import__":
		return m.imported(g.at(0, "name"), line), true
	case "eval":
		return m.evaluated(x), true
	case "str", "bytes", "bytearray", "memoryview", "repr", "ascii", "format", "chr", "ord", "int", "hex", "bin", "oct", "len", "abs", "sum", "bool", "float":
		return m.convert(name, g), true
	case "list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "enumerate", "zip", "range", "slice", "next", "min", "max", "map", "filter", "dict":
		return m.collection(name, g, line, v), true
	case "str.join", "str.format", "str.lower", "str.upper", "str.replace", "str.strip", "str.encode", "bytes.decode", "str.split", "str.translate", "bytes.join", "str.title",
		"str.swapcase", "bytes.hex", "bytearray.decode", "str.removeprefix", "str.removesuffix", "str.__add__", "str.__mod__", "str.format_map":
		_, method, _ := strings.Cut(name, ".")
		rest := arguments{named: g.named, more: g.more}
		if len(g.pos) > 0 {
			rest.pos = g.pos[1:]
		}
		return m.mapAtoms(x, func(a *atom) *atom {
			if !a.textual() {
				return nil
			}
			return m.textMethod(a, method, rest)
		}), true
	case "str.maketrans", "bytes.maketrans", "bytearray.maketrans":
		if d := maketrans(g, name != "str.maketrans"); d != nil {
			return only(d), true
		}
		return value{open: true, atoms: []*atom{{kind: isComputed}}}, true
	case "object.__getattribute__", "type.__getattribute__", "super.__getattribute__":
		return m.named(x, g.at(1, ""), line), true
	case "dict.get", "dict.__getitem__", "list.__getitem__", "dict.pop":
		return m.item(x, g.at(1, ""), line), true
	case "int.to_bytes":
		return value{open: true, atoms: []*atom{{kind: isComputed}}}, true
	case "type":
		if len(g.pos) == 3 {
			return unknown, true
		}
		for _, a := range x.atoms { // type(x) of a module is the module type
			if a.kind == isRef && m.names.isModule(a.text) {
				return only(ref("types.ModuleType", a.how)), true
			}
		}
		return unknown, true
	}
	return value{}, false
}

// imported is __import__ or import_module of a name.
func (m *module) imported(name value, line uint32) value {
	out := value{}
	for _, a := range name.atoms {
		if a.kind == isStr {
			out = union(out, only(m.canonical(ref(a.text, &step{line: line, what: "import of " + strconv.Quote(clip(a.text, 40))}))))
		}
	}
	if _, ok := name.str(); !ok {
		out.open = true
	}
	return out
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// evaluated is eval of a text that is itself an expression this reader follows.
func (m *module) evaluated(x value) value {
	out := value{open: true}
	for _, a := range x.atoms {
		if !a.textual() || len(a.text) > 4096 {
			continue
		}
		tree, err := syntax.Parse([]byte(strings.TrimSpace(a.text)), syntax.Limits{})
		if err != nil || len(tree.Body) != 1 {
			continue
		}
		if e, ok := tree.Body[0].(*syntax.Expr); ok && m.evals < 16 {
			m.evals++
			out = union(out, m.eval(e.Value, m.top, nil))
			m.evals--
		}
	}
	return out
}

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

// collection is a built-in function over the elements of a value.
func (m *module) collection(name string, g arguments, line uint32, v *env) value {
	list := func(x value) ([]value, bool) {
		a, ok := x.constant()
		var items []value
		if ok {
			ok = a.each(func(e value) { items = append(items, e) })
		}
		return items, ok && len(items) <= maxItems
	}
	x := g.at(0, "")
	items, ok := list(x)
	switch name {
	case "range":
		return ranged(g)
	case "map", "filter":
		return m.mapped(name, g, line, v, list)
	case "dict":
		return m.dictCall(g, x)
	case "zip", "enumerate":
		if name == "enumerate" && ok {
			for i := range items {
				items[i] = only(seq([]value{only(number(int64(i))), items[i]}))
			}
			return only(seq(items))
		}
		if name == "zip" && ok && len(g.pos) > 1 {
			return zipped(g, list)
		}
		return unknown
	case "next", "min", "max":
		return value{open: true, atoms: x.elements().atoms}
	case "slice":
		return unknown
	}
	if !ok {
		if name == "list" && len(g.pos) == 0 {
			return value{open: true}
		}
		e := x.elements()
		e.open = true
		return value{open: true, atoms: []*atom{seq([]value{e})}}
	}
	switch name {
	case "reversed":
		for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
			items[i], items[j] = items[j], items[i]
		}
	case "sorted", "set", "frozenset":
		return value{open: name == "sorted", atoms: []*atom{seq(items)}}
	}
	return only(seq(items))
}

func ranged(g arguments) value {
	from, ok1 := g.intArg(0, "", 0)
	to, ok2 := g.intArg(1, "", 0)
	by, ok3 := g.intArg(2, "", 1)
	if len(g.pos) == 1 {
		from, to = 0, from
	}
	if !ok1 || !ok2 || !ok3 || by == 0 || len(g.pos) == 0 {
		return unknown
	}
	items := []value{}
	for i := from; (by > 0 && i < to || by < 0 && i > to) && len(items) <= 4096; i += by {
		items = append(items, only(number(i)))
	}
	return value{open: len(items) > 4096, atoms: []*atom{seq(items)}}
}

func zipped(g arguments, list func(value) ([]value, bool)) value {
	var columns [][]value
	n := maxItems
	for _, x := range g.pos {
		items, ok := list(x)
		if !ok {
			return unknown
		}
		columns = append(columns, items)
		n = min(n, len(items))
	}
	rows := make([]value, n)
	for i := range rows {
		var row []value
		for _, c := range columns {
			row = append(row, c[i])
		}
		rows[i] = only(seq(row))
	}
	return only(seq(rows))
}

func (m *module) mapped(name string, g arguments, line uint32, v *env, list func(value) ([]value, bool)) value {
	if len(g.pos) < 2 {
		return unknown
	}
	items, ok := list(g.pos[1])
	if !ok || name == "filter" && len(g.pos[0].atoms) > 0 && g.pos[0].atoms[0].kind != isNone {
		e := g.pos[1].elements()
		if name == "map" {
			e = m.apply(g.pos[0], arguments{pos: []value{e}, named: map[string]value{}}, line, v)
		}
		return value{open: true, atoms: []*atom{seq([]value{e})}}
	}
	if name == "filter" {
		return only(seq(items))
	}
	var second []value
	if len(g.pos) > 2 {
		if second, ok = list(g.pos[2]); !ok {
			return unknown
		}
	}
	out := []value{}
	for i, x := range items {
		args := []value{x}
		if len(g.pos) > 2 {
			if i >= len(second) {
				break
			}
			args = append(args, second[i])
		}
		out = append(out, m.apply(g.pos[0], arguments{pos: args, named: map[string]value{}}, line, v))
	}
	return only(seq(out))
}

func (m *module) dictCall(g arguments, x value) value {
	d := &atom{kind: isDict}
	open := g.more
	if len(g.pos) > 0 {
		a, ok := x.constant()
		switch {
		case ok && a.kind == isDict:
			d.keys, d.items = append(d.keys, a.keys...), append(d.items, a.items...)
		case ok && a.kind == isNamespace:
			return only(a)
		case ok && a.kind == isSeq:
			for _, row := range a.items {
				for _, k := range m.unpack(row, []int{0}).atoms {
					d.keys, d.items = append(d.keys, k), append(d.items, m.unpack(row, []int{1}))
				}
			}
		default:
			open = true
		}
	}
	for _, k := range sortedKeys(g.named) {
		d.keys, d.items = append(d.keys, text(k)), append(d.items, g.named[k])
	}
	return value{open: open, atoms: []*atom{d}}
}
