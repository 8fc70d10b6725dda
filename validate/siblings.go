package validate

import (
	"path"
	"strings"
)

// maxSources bounds the names of Sources, in bytes.
const maxSources = 64 << 10

// Sources are the paths of the model's Python files. An import may mean one of them, or what is installed on the
// machine, and the file alone does not tell. Names that no import can spell, and those beyond 64 KiB, are left out:
// then the import is of something unknown.
func (s *Snapshot) Sources() (paths []string) {
	left := maxSources
	for _, f := range s.Files {
		if Ext(f.Path) != ".py" || strings.ContainsFunc(f.Path, odd) {
			continue
		}
		if left -= len(f.Path) + 4; left < 0 {
			break
		}
		paths = append(paths, f.Path)
	}
	return paths
}

func odd(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_-./", c))
}

// siblings are the Python files of a model and the folders that have some.
func siblings(sources []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range sources {
		for ; name != "." && name != "/" && !out[name]; name = path.Dir(name) {
			out[name] = true
		}
	}
	return out
}

// Sibling reports whether the model has a Python file at a slash-separated path, or a folder with one. Inside a
// container it has none: no import reaches the other files from there.
func (p *Pass) Sibling(path string) bool { return p.Depth == 0 && p.run.siblings[path] }
