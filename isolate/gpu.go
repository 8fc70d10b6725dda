package isolate

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// What a GPU's plan adds to a box, layer by layer; package gpu makes the plan. Nothing of it replaces what the box has of
// its own: checkGPU refuses such a plan, whoever made it.

// ownPlaces belong to the box: no file, link or mount of a plan lies there. Device nodes lie below /dev.
var ownPlaces = []string{"/proc", "/dev", "/tmp", "/.loadlock"}

// ownDevices are what every box has in /dev.
var ownDevices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm", "/dev/pts",
	"/dev/ptmx", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/console", "/dev/mqueue", "/dev/core"}

// checkGPU refuses a plan that would put something over what the box has, or over another part of the plan.
func checkGPU(s Spec) error {
	if !s.GPU.Granted() && len(s.GPU.Mounts)+len(s.GPU.Links)+len(s.GPU.Files)+len(s.GPU.Proc) > 0 {
		return fmt.Errorf("a GPU plan without a device node")
	}
	var placed []string
	for _, n := range s.GPU.Nodes {
		if !strings.HasPrefix(n.Path, "/dev/") || !path.IsAbs(nodeSource(n)) || overlaps(n.Path, ownDevices) {
			return fmt.Errorf("device node %q is not one of a GPU", n.Path)
		}
		placed = append(placed, n.Path)
	}
	for _, m := range s.GPU.Mounts {
		if !path.IsAbs(m.Source) || path.Clean(m.Source) != m.Source {
			return fmt.Errorf("mount of %q: not an absolute path", m.Source)
		}
		placed = append(placed, m.Target)
	}
	placed = slices.Concat(placed, slices.Sorted(maps.Keys(s.GPU.Links)), slices.Sorted(maps.Keys(s.GPU.Files)))
	others := slices.Concat(ownPlaces, slices.Collect(maps.Keys(s.Etc)), slices.Collect(maps.Keys(s.Symlinks)))
	for i, p := range placed {
		switch {
		case !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsAny(p, "\x00\n"):
			return fmt.Errorf("%q: not a path of a GPU", p)
		case i >= len(s.GPU.Nodes) && (overlaps(p, ownPlaces) || slices.Contains(others, p)):
			return fmt.Errorf("%q is the sandbox's own", p)
		case overlaps(p, placed[:i]):
			return fmt.Errorf("%q overlaps another part of the GPU's plan", p)
		}
	}
	for name := range s.GPU.Proc {
		if !filepath.IsLocal(name) || path.Clean(name) != name || name == "." {
			return fmt.Errorf("%q: not a path below /proc/driver", name)
		}
	}
	return nil
}

// overlaps reports whether p is one of the paths, lies below one, or has one below it.
func overlaps(p string, paths []string) bool {
	return slices.ContainsFunc(paths, func(q string) bool { return under(p, q) || under(q, p) })
}

// gpuMounts are the device nodes, bound from the host and never made: a node that is made inside a user namespace cannot be
// opened. Read-only keeps the node's mode and owner as they are, and does not stop what is done through it.
func gpuMounts(p gpu.Plan, h Host) (out []specs.Mount) {
	for _, n := range p.Nodes {
		out = append(out, specs.Mount{Destination: n.Path, Type: "bind", Source: nodeSource(n), Options: []string{"bind", "nosuid", "noexec", "ro"}})
	}
	for _, m := range p.Mounts {
		b := bind(Bind{Source: m.Source, Target: m.Target, Exec: m.Exec}, h)
		if m.Target == "/sys" { // with what is mounted below it, which cannot be left out (mount_namespaces(7)); Linux 5.12
			b.Options = []string{"rbind", "rro", "rnosuid", "rnodev", "rnoexec"}
		}
		out = append(out, b)
	}
	return out
}

// nodeSource is where a node is on the host.
func nodeSource(n gpu.Node) string { return cmp.Or(n.Source, n.Path) }

// gpuDevices let the group read and write the granted nodes, by number. None lets it make one.
func gpuDevices(p gpu.Plan) (out []specs.LinuxDeviceCgroup) {
	for _, n := range p.Nodes {
		major, minor := int64(n.Major), int64(n.Minor)
		out = append(out, specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: &major, Minor: &minor, Access: "rw"})
	}
	return out
}
