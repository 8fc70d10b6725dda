package cdi

import (
	"fmt"
	"strings"

	specs "tags.cncf.io/container-device-interface/specs-go"
)

// DefaultDirs are the folders of CDI: the administrator's and, stronger, that of generated specs (SPEC.md, "CDI JSON
// definition"). They need not exist.
var DefaultDirs = []string{"/etc/cdi", "/var/run/cdi"}

// Specs are the specs of a host that may be believed.
type Specs struct {
	Strict   bool      // an offer of which anything is refused fails
	Problems []Problem // files and folders that were not read

	root    string
	look    lookup
	dirs    []string
	devices map[string]entry // by full name
}

// Problem is a file or folder that was left out, and why. It matters when a name is not found.
type Problem struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

func (p Problem) String() string { return shown(p.Path) + ": " + p.Why }

// file is a spec that was read.
type file struct {
	Source
	spec  specs.Spec
	order int // of its folder; more is stronger
}

// entry is a device and the other file of the same folder that has it too.
type entry struct {
	device
	conflict *file
}

// Load reads the specs of DefaultDirs and of dirs, which are stronger and must exist, below root ("/", or a test's
// folder). A file that may not be believed is a Problem, and what it defines does not exist. A name in two folders is
// that of the later one; a name twice in a folder is nobody's (SPEC.md).
func Load(root string, dirs ...string) (Specs, error) {
	s := Specs{root: root, look: inode, devices: map[string]entry{}}
	s.dirs = append(append(s.dirs, DefaultDirs...), dirs...)
	for order, dir := range s.dirs {
		files, problems, err := readFolder(root, dir)
		if err != nil && order < len(DefaultDirs) {
			if !absent(err) {
				s.Problems = append(s.Problems, Problem{dir, err.Error()})
			}
			continue
		}
		if err != nil {
			return Specs{}, fmt.Errorf("CDI: %s: %w", shown(dir), err)
		}
		s.Problems = append(s.Problems, problems...)
		for _, f := range files {
			f.order = order
			s.add(f)
		}
	}
	return s, nil
}

func (s *Specs) add(f *file) {
	for _, d := range f.spec.Devices {
		name := f.spec.Kind + "=" + d.Name
		e := entry{device: device{f, d.ContainerEdits}}
		if old, ok := s.devices[name]; ok && old.file.order == f.order {
			e = entry{device: old.device, conflict: f}
		}
		s.devices[name] = e
	}
}

// shown is text of a spec or a path for a message: quoted when a terminal would interpret any of it.
func shown(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	q := fmt.Sprintf("%q", text)
	if q[1:len(q)-1] == text && !strings.ContainsAny(text, " ") {
		return text
	}
	return q
}
