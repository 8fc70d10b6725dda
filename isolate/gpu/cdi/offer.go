package cdi

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"tags.cncf.io/container-device-interface/pkg/parser"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// Offer is what a name stands for on this host. It goes into the record as it is.
type Offer struct {
	Name    string    `json:"name"`             // "nvidia.com/gpu=0"
	Specs   []Source  `json:"specs"`            // the files that say so
	Nodes   []Node    `json:"nodes"`            // checked: they are there and belong to GPU drivers
	Mounts  []string  `json:"mounts,omitempty"` // driver libraries: real paths on the host
	Env     []string  `json:"env,omitempty"`    // "K=V"
	GIDs    []uint32  `json:"gids,omitempty"`   // supplementary groups
	Refused []Refusal `json:"refused,omitempty"`
	Note    string    `json:"note,omitempty"` // why there is nothing of the above, or which specs were not read

	root string // below which all of it lies: "/", or a test's folder
}

// Source is a file of which an offer is made.
type Source struct {
	Path   string `json:"path"`
	Digest string `json:"digest"` // SHA-256, hexadecimal
}

// Node is a character device of the host.
type Node struct {
	Path   string `json:"path"` // "/dev/nvidia0"
	Major  uint32 `json:"major"`
	Minor  uint32 `json:"minor"`
	Driver string `json:"driver"` // of its major number in /proc/devices: "nvidia", "nvidia-uvm", "kfd", "drm" …
}

// Refusal says what of a spec is not taken, and how often for the same reason.
type Refusal struct {
	What   string `json:"what"`   // "hook", "mount", "env", "gid", "netDevice", "intelRdt"
	Reason string `json:"reason"` // "is not a library of a GPU's driver"
	Count  int    `json:"count"`
	First  string `json:"first"` // the first of them, quoted when it has unprintable characters
}

func (r Refusal) String() string {
	s := fmt.Sprintf("%s %s: %s", r.What, r.First, r.Reason)
	if r.Count > 1 {
		s += fmt.Sprintf(" (and %d more)", r.Count-1)
	}
	return s
}

// IsName reports whether a word of --gpu is a name of CDI, "vendor/class=device".
func IsName(word string) bool { return parser.IsQualifiedName(word) }

// Offer resolves a name on a host; of the host it takes the folders of the drivers' libraries. "vendor/class=all" is the device of that name, or every device of the kind when none is called
// so. It is an error when nobody offers the name, when two files of a folder do, when a node of it breaks a rule, when
// it has no node, and, with s.Strict, when anything of it is refused.
func (s Specs) Offer(name string, h gpu.Host) (Offer, error) {
	devices, err := s.lookup(name)
	if err != nil {
		return Offer{}, err
	}
	o := Offer{Name: name, root: s.root}
	j := judge{root: s.root, look: s.look, offer: &o}
	if j.drivers, err = drivers(s.root); err != nil {
		return Offer{}, err
	}
	for _, d := range h.Drivers {
		for _, l := range d.Libraries {
			j.libraries = append(j.libraries, path.Dir(l.Path))
		}
	}
	var seen []*file // the edits of a spec itself hold for each of its devices, once
	for _, d := range devices {
		if !slices.Contains(seen, d.file) {
			seen = append(seen, d.file)
			o.Specs = append(o.Specs, d.file.Source)
			if err := j.edits(d.file.spec.ContainerEdits); err != nil {
				return Offer{}, fmt.Errorf("CDI %s: %s: %w", name, shown(d.file.Path), err)
			}
		}
		if err := j.edits(d.edits); err != nil {
			return Offer{}, fmt.Errorf("CDI %s: %s: %w", name, shown(d.file.Path), err)
		}
	}
	slices.SortFunc(o.Nodes, func(a, b Node) int { return strings.Compare(a.Path, b.Path) })
	if len(o.Nodes) == 0 {
		return Offer{}, fmt.Errorf("CDI %s: %s: names no device node", name, shown(o.Specs[0].Path))
	}
	if len(s.Problems) > 0 { // one of them may define it too, and be stronger
		o.Note = s.unread()
	}
	if s.Strict && len(o.Refused) > 0 {
		return Offer{}, fmt.Errorf("CDI %s: %s: refused because of strict reading: %w", name, shown(o.Specs[0].Path), o.refusals())
	}
	return o, nil
}

func (o Offer) refusals() error {
	var all []error
	for _, r := range o.Refused {
		all = append(all, errors.New(r.String()))
	}
	return errors.Join(all...)
}

// device is one entry of a spec.
type device struct {
	file  *file
	edits specs.ContainerEdits
}

// lookup finds the entries that a name stands for.
func (s Specs) lookup(name string) ([]device, error) {
	vendor, class, one, err := parser.ParseQualifiedName(name)
	if err != nil {
		return nil, fmt.Errorf("CDI: %q is not vendor/class=device, as in nvidia.com/gpu=0", name)
	}
	kind := vendor + "/" + class
	if entry, ok := s.devices[name]; ok {
		if entry.conflict != nil {
			return nil, fmt.Errorf("CDI %s: both %s and %s define it\n  fix:  remove one of the two", name, shown(entry.file.Path), shown(entry.conflict.Path))
		}
		return []device{entry.device}, nil
	}
	if one != "all" {
		return nil, s.unknown(name)
	}
	var all []device
	for _, n := range s.Names() {
		if strings.HasPrefix(n, kind+"=") {
			found, err := s.lookup(n)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	if len(all) == 0 {
		return nil, s.unknown(name)
	}
	return all, nil
}

// Names are the names that somebody offers, sorted.
func (s Specs) Names() []string { return slices.Sorted(maps.Keys(s.devices)) }

// listMax bounds a message: a host has a handful of GPUs under two or three names each.
const listMax = 12

// list is the beginning of a list.
func list(items []string) string {
	if more := len(items) - listMax; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(items[:listMax], ", "), more)
	}
	return strings.Join(items, ", ")
}

// unread says which files were left out, and why.
func (s Specs) unread() string {
	var problems []string
	for _, p := range s.Problems {
		problems = append(problems, p.String())
	}
	return "not read: " + list(problems)
}

// unknown says who offers what, why files were left out, and what to do.
func (s Specs) unknown(name string) error {
	what := fmt.Sprintf("CDI %s: no spec in %s offers it", shown(name), strings.Join(s.dirs, ", "))
	if names := s.Names(); len(names) > 0 {
		what += "; offered: " + list(names)
	}
	if len(s.Problems) > 0 {
		what += "; " + s.unread()
	}
	return fmt.Errorf("%s\n  fix:  %s, or name the GPU itself, which needs no spec: --gpu 0 (see loadlock doctor --gpu)", what, Command(name))
}

// Command is what writes the spec for a name. It is the user's to run: we start no vendor's tool.
func Command(name string) string {
	switch vendor, _, _ := strings.Cut(name, "/"); vendor {
	case "nvidia.com":
		return "write it with sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
	case "amd.com":
		return "write it with sudo amd-ctk cdi generate --output=/etc/cdi/amd.json"
	}
	return "put the vendor's spec into /etc/cdi"
}
