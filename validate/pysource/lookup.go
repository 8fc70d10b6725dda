package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// lookup is what a name may be.
func (m *module) lookup(n *syntax.Name, s *scope, v *env) value {
	home := s.find(n.Id)
	if home == nil {
		return m.unbound(n.Id)
	}
	if known, ok := v.get(home, n.Id); ok {
		return known
	}
	var out value
	for _, b := range home.names[n.Id] {
		out = union(out, m.bound(b, v, home))
	}
	if m.mutated[n.Id] {
		out = changedInPlace(out)
	}
	if home.fn == nil && sensitiveBuiltin(n.Id) && !m.firm(home, n) {
		out = union(out, m.unbound(n.Id))
	}
	return out
}

// changedInPlace: the elements that are written down are not all there is.
func changedInPlace(x value) value {
	for _, a := range x.atoms {
		switch a.kind {
		case isBytes:
			return union(x, value{open: true, atoms: []*atom{{kind: isComputed}}})
		case isSeq, isDict:
			x.open = true
		}
	}
	return x
}

// firm reports whether a name of a module or class certainly hides the built-in one where n uses it.
func (m *module) firm(home *scope, n *syntax.Name) bool {
	if m.dels[n.Id] {
		return false
	}
	for _, b := range home.names[n.Id] {
		if b.firm && (b.off < n.Off || b.way == byFunc || b.way == byClass) {
			return true
		}
	}
	return false
}

// unbound is a name that the module binds nowhere: a built-in one, or one that a star import brought.
func (m *module) unbound(name string) value {
	switch name {
	case "__builtins__":
		return only(ref("builtins", nil))
	case "__name__", "__file__", "__doc__", "__package__", "__path__":
		return unknown
	case "__loader__", "__spec__", "__build_class__", "__import__":
		return only(ref("builtins."+name, nil))
	}
	if builtinNames[name] {
		return only(ref("builtins."+name, nil))
	}
	out := unknown
	for _, star := range m.stars {
		if strings.HasPrefix(star, ".") && doors[name] { // another file of the model imports the module
			out = union(out, only(ref(name, &step{what: "from " + star + " import *", line: 1})))
		}
		if !strings.HasPrefix(star, ".") {
			out = union(out, only(ref(star+"."+name, &step{what: "from " + star + " import *", line: 1})))
		}
	}
	return out
}
