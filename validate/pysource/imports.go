package pysource

import (
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// pendingImport is an import of a denied module; it is a finding of its own unless the module's use is one.
type pendingImport struct {
	e  *entry
	n  syntax.Node
	at place
}

// beside reports whether an absolute import means a file of the model: one that nothing vetted has the name of, in the
// folder of the importing file or in that of the model. That file is judged by itself, as one of a relative import is.
func (m *module) beside(module string) bool {
	root, _, _ := strings.Cut(module, ".")
	if e, _ := m.names.find(root); e != nil || root == "" {
		return false
	}
	for _, dir := range []string{path.Dir(m.name), "."} {
		if m.sibling(path.Join(dir, root)) || m.sibling(path.Join(dir, root+".py")) {
			return true
		}
	}
	return false
}

// importModule judges that a module is imported, by whatever means.
func (m *module) importModule(path string, n syntax.Node, at place) {
	if strings.HasPrefix(path, ".") || m.beside(path) {
		return
	}
	path = m.names.canonical(path)
	root, _, _ := strings.Cut(path, ".")
	e, _ := m.names.find(path)
	switch {
	case e == nil && root == "":
	case e == nil:
		m.say(unknownModule, "", n, at, "module %s is not vetted", quoted(root))
	case e.name == "antigravity":
		m.say(process, e.capability, n, at, "import of %s: %s", path, e.reason)
	case e.verdict == deny:
		if len(m.pending) < 256 {
			m.pending = append(m.pending, pendingImport{e, n, at})
		}
	case e.verdict == note && e.name != "multiprocessing":
		m.say(used, e.capability, n, at, "import of %s: %s", path, e.reason)
	case path == "__main__":
		m.say(unsettled, e.capability, n, at, "import of %s: %s", path, e.reason)
	}
}

// importedFrom is the module of from … import …, with a dot before one of the model's own.
func (m *module) importedFrom(n *syntax.ImportFrom) string {
	if n.Level == 0 && m.beside(n.Module) {
		return "." + n.Module
	}
	return strings.Repeat(".", n.Level) + n.Module
}

// importFrom judges from … import ….
func (m *module) importFrom(n *syntax.ImportFrom, at place) {
	from := m.importedFrom(n)
	if n.Level == 0 {
		m.importModule(n.Module, n, at)
	}
	for _, a := range n.Names {
		if a.Name == "*" {
			if e, _ := m.names.find(m.names.canonical(from)); !strings.HasPrefix(from, ".") && (e == nil || e.verdict >= ask) {
				m.say(starImport, "", n, at, "from %s import *", clip(from, 80))
			}
			continue
		}
		m.attributeName(a.Name, syntax.Load, n, at)
		path := m.names.canonical(member(from, a.Name))
		if m.names.isModule(path) {
			if n.Level == 0 || !strings.HasPrefix(path, ".") {
				m.importModule(path, n, at)
			}
			continue
		}
		e, _ := m.names.find(path)
		if e != nil && e.verdict == byCall {
			continue // its uses are judged
		}
		m.refer(ref(path, nil), n, nil, at)
	}
}

// judgeImports reports the denied modules that this file imports but does not use in plain sight.
func (m *module) judgeImports() {
	for _, p := range m.pending {
		root, _, _ := strings.Cut(p.e.name, ".")
		if s, ok := p.n.(*syntax.Import); ok && m.untouched(s, p.e.name) {
			m.say(used, p.e.capability, p.n, p.at, "module %s is imported and not used", p.e.name)
			continue
		}
		if !m.usedModules[root] {
			m.say(imported, p.e.capability, p.n, p.at, "module %s: %s", p.e.name, p.e.reason)
		}
	}
}

// untouched reports whether an import binds a module under its own name, and the file says that name nowhere else, not
// even as a text: a left-over. Another file that takes the module from here names it, and is judged.
func (m *module) untouched(n *syntax.Import, module string) bool {
	root, _, _ := strings.Cut(module, ".")
	for _, a := range n.Names {
		if first, _, _ := strings.Cut(a.Name, "."); first == root && (a.Asname != "" || a.Name != root || !doors[root]) {
			return false
		}
	}
	return len(m.stars) == 0 && !m.says(root)
}

// says reports whether the file has a word as a name, or in a text, or may have it in a text that it makes.
func (m *module) says(word string) bool {
	if m.said == nil {
		m.said = map[string]bool{}
		reach := words("globals locals vars eval exec")
		syntax.Walk(m.tree, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Name:
				m.said[n.Id] = true
				m.said["?"] = m.said["?"] || reach[n.Id]
			case *syntax.Constant:
				if n.Kind == syntax.Str && !m.docs[n] {
					for _, w := range identifier.FindAllString(clip(n.Text, 1<<16), -1) {
						m.said[w] = true
					}
				}
			}
			return len(m.said) < 1<<16
		})
	}
	return m.said[word] || m.said["?"] || len(m.said) >= 1<<16
}
