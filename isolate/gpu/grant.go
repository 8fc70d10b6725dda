package gpu

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/seccomp"
)

// Grant is what a run may have.
type Grant struct {
	Host       Host
	GPUs       []GPU          // from Host.Select; none: no plan
	Ioctls     seccomp.Ioctls // of the driver
	FullSysfs  bool           // the host's whole /sys, read-only
	ExtraNodes []string       // by path, of Driver.Extra: "/dev/nvidia-uvm-tools"
	Libraries  bool           // the box does not show the driver's libraries: bind them
}

// libraries is where a box has the driver's libraries when it does not show them where they lie. No ldconfig runs.
const libraries = "/run/gpu/lib"

// NewPlan says what a grant adds to a box, and is pure: all that it needs was read by Discover. It refuses GPUs with a
// Problem, and never makes a smaller plan than was granted.
func NewPlan(g Grant) (Plan, error) {
	if len(g.GPUs) == 0 {
		return Plan{}, nil
	}
	p := Plan{Links: map[string]string{}, Files: map[string]string{}, Proc: map[string]string{}, Ioctls: g.Ioctls}
	p.add(g.Host.system)
	for _, v := range vendors {
		if err := p.vendor(v, g); err != nil {
			return Plan{}, err
		}
	}
	for _, name := range g.ExtraNodes {
		if !slices.ContainsFunc(p.Nodes, func(n Node) bool { return n.Path == name }) {
			return Plan{}, Problem{What: fmt.Sprintf("the node %q is not one that can be added to these GPUs", name), Remedy: "take it out of gpu.extra_nodes"}
		}
	}
	if g.FullSysfs {
		inSysfs := func(name, _ string) bool { return strings.HasPrefix(name, "/sys/") }
		maps.DeleteFunc(p.Files, inSysfs)
		maps.DeleteFunc(p.Links, inSysfs)
		p.Mounts = slices.DeleteFunc(p.Mounts, func(m Mount) bool { return strings.HasPrefix(m.Target, "/sys/") })
		p.Mounts = append(p.Mounts, Mount{Source: path.Join(g.Host.Root, "/sys"), Target: "/sys", Why: "gpu.sysfs: full"})
	}
	p.Env = environment(g)
	if slices.ContainsFunc(p.Mounts, func(m Mount) bool { return path.Dir(m.Target) == libraries }) {
		p.Env = append(p.Env, "LD_LIBRARY_PATH="+libraries)
	}
	return p, nil
}

// vendor adds the granted GPUs of one vendor, with what they share.
func (p *Plan) vendor(v Vendor, g Grant) error {
	granted := slices.DeleteFunc(slices.Clone(g.GPUs), func(gpu GPU) bool { return gpu.Vendor != v })
	if len(granted) == 0 {
		return nil
	}
	driver, ok := g.Host.Driver(v)
	if !ok {
		return Problem{Vendor: v, What: fmt.Sprintf("no driver of %s is loaded", v), Remedy: "see loadlock doctor --gpu"}
	}
	p.node(driver.Nodes...)
	p.add(driver.view)
	for _, gpu := range granted {
		if problem, bad := g.Host.problem(v, gpu.BusID); bad {
			return problem
		}
		if len(gpu.Nodes) == 0 {
			return Problem{Vendor: v, BusID: gpu.BusID, What: fmt.Sprintf("no device node of GPU %d is known", gpu.Index), Remedy: "see loadlock doctor --gpu"}
		}
		p.node(gpu.Nodes...)
		p.add(gpu.view)
		for _, m := range gpu.MIG {
			p.node(m.Nodes...)
			p.add(m.view)
		}
	}
	for _, n := range driver.Extra {
		if slices.Contains(g.ExtraNodes, n.Path) {
			p.node(n)
		}
	}
	for _, l := range driver.Libraries {
		if g.Libraries {
			p.library(g.Host.Root, l)
		}
	}
	return nil
}

func (p *Plan) node(nodes ...Node) {
	for _, n := range nodes {
		if !slices.ContainsFunc(p.Nodes, func(have Node) bool { return have.Path == n.Path }) {
			p.Nodes = append(p.Nodes, n)
		}
	}
}

// add puts a part of /proc and /sys in. A file of /proc that several instances share (MIG's list of minors) has the lines
// of each.
func (p *Plan) add(v view) {
	maps.Copy(p.Files, v.files)
	maps.Copy(p.Links, v.links)
	for name, text := range v.proc {
		have, shared := p.Proc[name]
		if !shared {
			p.Proc[name] = text
			continue
		}
		for line := range strings.Lines(text) {
			if !strings.Contains("\n"+have, "\n"+line) {
				p.Proc[name] += line
			}
		}
	}
	for _, m := range v.mounts {
		if !slices.Contains(p.Mounts, m) {
			p.Mounts = append(p.Mounts, m)
		}
	}
}

func (p *Plan) library(root string, l Library) {
	file := path.Base(l.Path)
	p.Mounts = append(p.Mounts, Mount{Source: path.Join(root, l.Path), Target: path.Join(libraries, file), Exec: true, Why: "the driver's user space"})
	if l.Soname != file {
		p.Links[path.Join(libraries, l.Soname)] = file
	}
	if l.Soname == "libcuda.so.1" {
		p.Links[path.Join(libraries, "libcuda.so")] = l.Soname // Triton opens the name without a version
	}
}
