package pysource

import (
	"strings"
)

// attribute is x.name.
func (m *module) attribute(x value, name string, line uint32) value {
	out := value{}
	plain := x.open
	for _, a := range x.atoms {
		switch a.kind {
		case isRef:
			out = union(out, m.refAttribute(a, name, line))
		case isNamespace:
			out = union(out, only(&atom{kind: isMethod, recv: a, text: name, how: a.how}))
		case isStr, isBytes, isInt, isSeq, isDict, isPartial, isComputed:
			if strings.HasPrefix(name, "__") && name != "__add__" && name != "__getitem__" && name != "__mod__" && name != "__mul__" && name != "__format__" {
				plain = true
				continue
			}
			if name == "value" || name == "_value_" {
				out = union(out, only(a)) // a member of an enumeration
			}
			out = union(out, only(&atom{kind: isMethod, recv: a, text: name}))
		case isMethod:
			if name == "__call__" {
				out = union(out, only(a))
			}
		case isClass:
			out = union(out, m.classAttribute(a, name))
		default:
			plain = true
		}
	}
	if plain {
		out = union(out, m.field(name), unknown)
	}
	return out
}

func (m *module) classAttribute(a *atom, name string) value {
	var out value
	for _, b := range a.scope.names[name] {
		out = union(out, m.bound(b, nil, a.scope))
	}
	return union(out, unknown, m.field(name))
}

// field is what was ever stored under an attribute of that name.
func (m *module) field(name string) value {
	var out value
	for _, b := range m.fields[name] {
		for _, a := range m.bound(b, nil, b.scope).atoms {
			out = union(out, only(a))
		}
	}
	out.open = true
	return out
}

// refAttribute is an attribute of an object of a library.
func (m *module) refAttribute(a *atom, name string, line uint32) value {
	how := &step{line: line, what: "." + name, prev: a.how}
	if a.text == "." && m.top.names[name] != nil { // sys.modules[__name__]
		return m.global(name)
	}
	switch name {
	case "__dict__":
		if m.names.isModule(a.text) {
			return only(&atom{kind: isNamespace, text: a.text, how: how})
		}
	case "__builtins__":
		return only(ref("builtins", how))
	case "__call__", "__wrapped__", "__func__":
		return only(a)
	case "__self__":
		if i := strings.LastIndexByte(a.text, '.'); i > 0 {
			return only(m.canonical(ref(a.text[:i], how)))
		}
	case "__getattribute__", "__getattr__":
		return only(&atom{kind: isMethod, recv: a, text: name, how: how})
	case "__path__":
		if m.names.isModule(a.text) {
			return only(seq([]value{{open: true, atoms: []*atom{text(strings.TrimSuffix(installed(a.text).text, ".py"))}}}))
		}
	case "__file__":
		if m.names.isModule(a.text) || !strings.Contains(a.text, "()") && !strings.HasPrefix(a.text, ".") {
			return value{open: true, atoms: []*atom{installed(a.text)}}
		}
	case "__name__":
		if m.names.isModule(a.text) {
			return only(&atom{kind: isStr, text: a.text, built: true})
		}
	}
	if s, ok := stringConstants[a.text+"."+name]; ok {
		return only(text(s))
	}
	r := m.canonical(ref(member(a.text, name), how))
	if a.recv != nil && strings.HasPrefix(a.text, "pathlib.") {
		return only(m.ofPath(a, r, name))
	}
	return only(r)
}

// stringConstants are the letters that the standard library spells out.
var stringConstants = map[string]string{
	"string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz", "string.ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"string.ascii_letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "string.digits": "0123456789",
	"string.punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "string.hexdigits": "0123456789abcdefABCDEF",
	"string.printable": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\x0b\x0c",
	"os.sep":           "/", "os.path.sep": "/", "os.curdir": ".", "os.pardir": "..", "os.linesep": "\n", "os.devnull": "/dev/null", "os.name": "posix",
}

// maxPath bounds the path of a reference.
const maxPath = 300

// canonical replaces the names under which a module is reached by its own.
func (m *module) canonical(a *atom) *atom {
	path := m.names.canonical(a.text)
	if len(path) > maxPath {
		path = path[:maxPath]
	}
	if path == a.text {
		return a
	}
	return &atom{kind: isRef, text: path, how: a.how}
}

// named is getattr(x, name).
func (m *module) named(x, name value, line uint32) value {
	out := value{open: x.open}
	for _, n := range name.atoms {
		if n.kind == isStr {
			out = union(out, m.attribute(x, n.text, line))
		}
	}
	if !allText(name) {
		for _, a := range x.atoms {
			if a.kind == isRef {
				out = union(out, only(ref(a.text+".?", &step{line: line, what: "getattr with a computed name", prev: a.how})))
			}
		}
		out.open = true
	}
	return out
}

// allText: the value is one of several known texts.
func allText(x value) bool {
	for _, a := range x.atoms {
		if a.kind != isStr {
			return false
		}
	}
	return !x.open && len(x.atoms) > 0
}

func hasComputed(x value) bool {
	for _, a := range x.atoms {
		if a.kind == isComputed {
			return true
		}
	}
	return false
}
