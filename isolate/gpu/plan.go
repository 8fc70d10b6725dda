package gpu

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/loadlock/loadlock/seccomp"
)

// Plan is what a grant adds to a box. The zero value adds nothing: no GPU.
type Plan struct {
	Nodes  []Node            `json:"nodes"`            // device nodes, bound from the host
	Mounts []Mount           `json:"mounts,omitempty"` // files and folders of the host, read-only
	Links  map[string]string `json:"links,omitempty"`  // link inside → target
	Files  map[string]string `json:"files,omitempty"`  // written for this run, by path inside: the slice of /sys
	Proc   map[string]string `json:"proc,omitempty"`   // all that /proc/driver holds inside, by path below it ("nvidia/params")
	Env    []string          `json:"env,omitempty"`    // "K=V"; stronger than the caller's and --env
	Ioctls seccomp.Ioctls    `json:"ioctls"`           // commands that the filter lets through
	Closed []string          `json:"closed,omitempty"` // system calls that stay refused although the grant opens them; see Without
}

// MarshalJSON is for people and records: a file that is no text (a PCI device's config) is "hex:" and its bytes.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	shown := plain(p)
	shown.Files = maps.Clone(p.Files)
	for name, content := range shown.Files {
		if !utf8.ValidString(content) || strings.ContainsRune(content, 0) {
			shown.Files[name] = "hex:" + hex.EncodeToString([]byte(content))
		}
	}
	return json.Marshal(shown)
}

// Granted reports whether there is a GPU in it.
func (p Plan) Granted() bool { return len(p.Nodes) > 0 }

// Node is a character device of the host that exists inside under the same path.
type Node struct {
	Path   string `json:"path"`             // inside: "/dev/nvidia0"
	Source string `json:"source,omitempty"` // on the host, where that is elsewhere (a test's folder)
	Major  uint32 `json:"major"`            // as the host shows them, checked against the driver's;
	Minor  uint32 `json:"minor"`            // the box is refused when the node inside has others
	Why    string `json:"why"`
}

// Mount is a file or folder of the host, visible read-only.
type Mount struct {
	Source string `json:"source"` // on the host, without links
	Target string `json:"target"` // inside
	Exec   bool   `json:"exec"`   // may be mapped executable: a library
	Why    string `json:"why"`
}
