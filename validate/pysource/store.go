package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// judgeSubscript judges items of namespaces and of the environment.
func (m *module) judgeSubscript(n *syntax.Subscript, at place) {
	base := m.eval(n.Value, at.scope, nil)
	key := m.eval(n.Slice, at.scope, nil)
	for _, a := range base.atoms {
		switch {
		case a.kind == isRef && (a.text == "os.environ" || a.text == "os.environb"):
			m.environment(key, n.Ctx != syntax.Load, m.assigned(n, at), n, at)
		case a.kind == isRef && a.text == "sys.modules":
			m.loadedModules(n, key, at)
		case a.kind == isNamespace && n.Ctx != syntax.Load && a.text != "", a.kind == isRef && a.text == "builtins" && n.Ctx != syntax.Load:
			m.changed(only(ref(a.text, a.how)), key, unknown, n, at)
		case a.kind == isNamespace && a.text == "" && n.Ctx == syntax.Load:
			if !m.ownNames(key) && (called(n, at) || based(n, at)) {
				m.say(computedName, "introspection", n, at, "a name of this module, or of the built-in functions, by a computed key")
			}
		}
	}
	if n.Ctx != syntax.Load || called(n, at) || based(n, at) {
		return
	}
	for _, a := range m.item(onlyNamed(base), key, n.Line).atoms {
		if a.kind == isRef && !m.names.isModule(a.text) && a.text != "sys.modules.?" {
			m.refer(a, n, nil, at)
		}
	}
}

// ownNames: the key is one of several known names.
func (m *module) ownNames(key value) bool {
	return !key.open && len(key.atoms) > 0 && !hasComputed(key)
}

func onlyNamed(x value) value {
	var out value
	for _, a := range x.atoms {
		if a.kind == isRef || a.kind == isNamespace {
			out.atoms = append(out.atoms, a)
		}
	}
	return out
}

// loadedModules judges sys.modules[key].
func (m *module) loadedModules(n *syntax.Subscript, key value, at place) {
	s, known := key.str()
	name, isName := n.Slice.(*syntax.Name)
	own := isName && (name.Id == "__name__" || name.Id == "__package__")
	switch {
	case own && n.Ctx == syntax.Load:
		m.say(used, "import_hooks", n, at, "this module, by sys.modules")
	case n.Ctx != syntax.Load && own:
		m.say(unsettled, "import_hooks", n, at, "the module replaces itself in sys.modules")
	case n.Ctx != syntax.Load:
		m.say(machinery, "import_hooks", n, at, "puts another object in the place of module %q", s)
	case !known:
		m.say(computedImport, "import_hooks", n, at, "a loaded module by a computed name")
	default:
		m.importModule(s, n, at)
	}
}

// assigned is the value that the parent stores in a target.
func (m *module) assigned(n syntax.Node, at place) value {
	switch p := at.parent.(type) {
	case *syntax.Assign:
		return m.eval(p.Value, at.scope, nil)
	case *syntax.AnnAssign:
		if p.Value != nil {
			return m.eval(p.Value, at.scope, nil)
		}
	case *syntax.AugAssign:
		return m.eval(p.Value, at.scope, nil)
	}
	return unknown
}
