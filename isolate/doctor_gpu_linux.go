package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/cdi"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"golang.org/x/sys/unix"
)

// DoctorGPU says what the host below root ("/", or a test's folder) has for a GPU in a box, piece by piece. It reads files
// and changes nothing: no module is loaded, no node is made, no tool of a vendor runs.
func DoctorGPU(root string) []Check {
	host, err := gpu.Discover(root)
	if err != nil {
		return []Check{{Name: "gpu", Status: Missing, Detail: err.Error(), Remedy: "run loadlock where /proc, /sys and /dev of the host are visible"}}
	}
	return gpuChecks(host)
}

func gpuChecks(host gpu.Host) (out []Check) {
	if len(host.Drivers)+len(host.GPUs)+len(host.Problems) == 0 {
		return []Check{{Name: "gpu", Status: Missing, Detail: "no GPU: no driver of NVIDIA, AMD or Intel is loaded and there is no /dev/dxg; runs without --gpu need none"}}
	}
	for _, d := range host.Drivers {
		out = append(out, driverChecks(host, d)...)
	}
	for _, g := range host.GPUs {
		out = append(out, deviceChecks(host, g)...)
	}
	for _, p := range host.Problems {
		name := strings.TrimSpace("gpu " + string(p.Vendor))
		for _, g := range host.GPUs {
			if p.BusID != "" && g.Vendor == p.Vendor && g.BusID == p.BusID {
				name = gpuName(g)
			}
		}
		out = append(out, Check{Name: name, Status: Missing, Detail: p.What, Remedy: p.Remedy})
	}
	return append(out, cdiCheck(host.Root))
}

func gpuName(g gpu.GPU) string { return fmt.Sprintf("%s %d", g.Vendor, g.Index) }

// driverChecks are what all GPUs of a vendor share.
func driverChecks(host gpu.Host, d gpu.Driver) (out []Check) {
	name := string(d.Vendor)
	version := d.Version
	if version == "" {
		version = "of unknown version"
	}
	out = append(out, Check{Name: name + " driver", Status: Fine, Detail: "loaded, " + version})
	if d.Vendor == gpu.NVIDIA {
		out = append(out, libraryCheck(d))
	}
	for _, n := range d.Nodes {
		out = append(out, nodeCheck(n, n.Why, true))
	}
	for _, n := range d.Extra {
		out = append(out, nodeCheck(n, n.Why+"; granted only where gpu.extra_nodes names it", false))
	}
	list, notes := host.Ioctls([]gpu.GPU{{Vendor: d.Vendor}})
	c := Check{Name: name + " ioctls", Status: Fine, Detail: fmt.Sprintf("%d commands pass, list %s", len(list.Words)+len(list.Masked), list.Profile)}
	if list.Mode != "" {
		c.Detail += ", mode " + string(list.Mode)
	}
	if len(notes) > 0 {
		c.Status, c.Detail = Warning, c.Detail+"; "+strings.Join(notes, "; ")
	}
	return append(out, c)
}

// libraryCheck names the libraries that programs load, and those that are worth having.
func libraryCheck(d gpu.Driver) Check {
	var have []string
	for _, l := range d.Libraries {
		have = append(have, l.Soname)
	}
	if len(have) == 0 {
		return Check{Name: "nvidia libs", Status: Warning, Detail: "none of version " + d.Version + " found", Remedy: "install the driver's libraries of version " + d.Version + ", and run ldconfig"}
	}
	c := Check{Name: "nvidia libs", Status: Fine, Detail: strings.Join(have, " ") + " in " + filepath.Dir(d.Libraries[0].Path)}
	for _, l := range []struct{ soname, use string }{{"libnvidia-ml.so.1", "nvidia-smi and a watcher of memory need it"}, {"libnvidia-ptxjitcompiler.so.1", "kernels that are compiled at run time need it"}} {
		if !slices.Contains(have, l.soname) {
			c.Status, c.Detail = Warning, c.Detail+"; "+l.soname+" is missing: "+l.use
			c.Remedy = "install the driver's compute libraries of version " + d.Version
		}
	}
	return c
}

// deviceChecks are one GPU: the word that grants it, its nodes, and what can limit its memory.
func deviceChecks(host gpu.Host, g gpu.GPU) (out []Check) {
	c := Check{Name: gpuName(g), Status: Fine, Detail: strings.Join(slices.DeleteFunc([]string{g.Model, g.UUID, g.BusID}, func(s string) bool { return s == "" }), ", ")}
	switch {
	case !slices.ContainsFunc(host.Usable(), func(u gpu.GPU) bool { return u.Vendor == g.Vendor && u.Index == g.Index }):
		c.Status, c.Detail = Warning, c.Detail+"; it cannot be granted: see below"
	case len(g.MIG) > 0:
		c.Detail += "; divided: one of --gpu " + strings.Join(g.Instances(), ", --gpu ")
	default:
		c.Detail += "; --gpu " + grantWord(host, g)
	}
	out = append(out, c)
	for _, n := range g.Nodes {
		out = append(out, nodeCheck(n, n.Why, true))
	}
	for _, m := range g.MIG {
		for _, n := range m.Nodes {
			out = append(out, nodeCheck(n, n.Why, true))
		}
	}
	return append(out, memoryCheck(host.Root, g))
}

// grantWord is the shortest name that means this GPU and no other vendor's.
func grantWord(host gpu.Host, g gpu.GPU) string {
	index := fmt.Sprint(g.Index)
	if found, err := host.Select([]string{index}); err == nil && len(found) == 1 && found[0].Vendor == g.Vendor {
		return index
	}
	return g.Word()
}

// nodeCheck says who may open a node. Its numbers were compared with the driver's by Discover; what was wrong there is a
// Problem. One that is not needed is no lack.
func nodeCheck(n gpu.Node, why string, needed bool) Check {
	c := Check{Name: filepath.Base(n.Path), Status: Fine}
	lacking := map[bool]CheckStatus{true: Missing, false: Warning}[needed]
	var st unix.Stat_t
	if err := unix.Lstat(nodeSource(n), &st); err != nil {
		c.Status, c.Detail, c.Remedy = lacking, n.Path+" does not exist: "+why, "see the line about it below"
		return c
	}
	c.Detail = fmt.Sprintf("%s, %d:%d, mode %04o of %d:%d: %s", n.Path, n.Major, n.Minor, st.Mode&0o777, st.Uid, st.Gid, why)
	if who := keptOut(nodeSource(n), st.Mode, st.Gid); who != "" {
		c.Status, c.Detail, c.Remedy = lacking, c.Detail+"; "+who, remedyMode
	}
	return c
}

// keptOut says whom a node's mode keeps out, if that is the workload: Host.reach refuses such a run.
func keptOut(name string, mode, gid uint32) string {
	if os.Geteuid() != 0 {
		if err := unix.Faccessat(unix.AT_FDCWD, name, unix.R_OK|unix.W_OK, unix.AT_EACCESS); err != nil {
			return "it is not this user's to open"
		}
		return ""
	}
	if mode&0o006 == 0o006 || mode&0o060 == 0o060 && gid != 0 && idMap("gid").has(gid) {
		return ""
	}
	return "its mode keeps everybody but root out, and the command never runs as root"
}

// memoryCheck prints which limits of a GPU's memory the host has.
func memoryCheck(root string, g gpu.GPU) Check {
	group := ""
	if cg, err := FindCgroup("doctor"); err == nil && cg.Kind == "v2" && !cg.Systemd {
		group = cg.Path
	}
	d := memory.Device{Name: gpuName(g), Vendor: string(g.Vendor), UUID: g.UUID, BusID: g.BusID, MIG: len(g.MIG) > 0}
	if len(g.Nodes) > 0 {
		d.Node = g.Nodes[0].Path
	}
	var ways []string
	best := "none: gpu.memory_limit_mb refuses a run on it"
	for _, w := range slices.Backward(memory.Ways(root, group, d)) {
		has := "no"
		if w.Has {
			has, best = "yes", string(w.Mechanism)
		}
		ways = append(ways, fmt.Sprintf("%s %s (%s)", w.Mechanism, has, w.Why))
	}
	slices.Reverse(ways)
	return Check{Name: gpuName(g) + " limit", Status: Fine, Detail: best + "; " + strings.Join(ways, "; ")}
}

// cdiCheck reads the specs of the system's folders.
func cdiCheck(root string) Check {
	c := Check{Name: "cdi", Status: Fine}
	specs, err := cdi.Load(root)
	switch names := specs.Names(); {
	case err != nil:
		c.Status, c.Detail, c.Remedy = Warning, err.Error(), "see /etc/cdi and /var/run/cdi; none is needed to grant a GPU"
		return c
	case len(names) == 0:
		c.Detail = "no specs in " + strings.Join(cdi.DefaultDirs, " and ") + "; none is needed"
	default:
		c.Detail = "specs offer " + strings.Join(names, " ") + "; their hooks are never run"
	}
	for _, p := range specs.Problems {
		c.Status, c.Detail = Warning, c.Detail+"; not believed: "+p.String()
		c.Remedy = "make the file root's and writable by nobody else, or take it away; nvidia-ctk cdi generate writes a new one"
	}
	return c
}
