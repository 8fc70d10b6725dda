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
	case "functools", "itertools", "importlib", "sys", "codecs", "os", "pathlib", "types", "inspect", "ast", "copy", "string", "collections", "io", "contextlib", "array", "struct", "dataclasses", "sysconfig":
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
