package gpu

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/seccomp"
)

// Without leaves pieces out of a plan, to find out what a driver cannot do without (testdata/gpu/selftest.sh). It only
// ever narrows: what remains is part of what was granted, and a piece that is not in the plan is an error. A piece is
//
//	/dev/nvidia-uvm       a device node
//	/proc/driver/nvidia   a file of /proc/driver, or a folder with all that is in it
//	/sys/bus              a file, link or mount of the plan, or a folder with all that is in it
//	env:CUDA_CACHE_PATH   a variable
//	ioctl:0xc0304629      a command of the list, in hexadecimal
//	call:memfd_create     a system call that is open because a GPU is granted
func (p Plan) Without(pieces []string) (Plan, error) {
	for _, piece := range pieces {
		less := p.without(piece)
		if less.size() == p.size() {
			return Plan{}, fmt.Errorf("%q is no piece of this grant", piece)
		}
		p = less
	}
	if len(pieces) > 0 && !p.Granted() {
		return Plan{}, fmt.Errorf("without %s no device node is left", strings.Join(pieces, " and "))
	}
	return p, nil
}

func (p Plan) without(piece string) Plan {
	kind, name, named := strings.Cut(piece, ":")
	below := func(at string) bool { return at == piece || strings.HasPrefix(at, piece+"/") }
	switch {
	case strings.HasPrefix(piece, "/"):
		p.Nodes = drop(p.Nodes, func(n Node) bool { return below(n.Path) })
		p.Mounts = drop(p.Mounts, func(m Mount) bool { return below(m.Target) })
		p.Links, p.Files = dropKeys(p.Links, below), dropKeys(p.Files, below)
		p.Proc = dropKeys(p.Proc, func(at string) bool { return below("/proc/driver/" + at) })
	case named && kind == "env":
		p.Env = drop(p.Env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	case named && kind == "ioctl":
		if word, err := strconv.ParseUint(name, 0, 32); err == nil {
			p.Ioctls.Words = drop(p.Ioctls.Words, func(w uint32) bool { return w == uint32(word) })
			p.Ioctls.Masked = drop(p.Ioctls.Masked, func(w seccomp.IoctlWord) bool { return w.Value == uint32(word) })
		}
	case named && kind == "call":
		if slices.Contains(seccomp.GPUCalls(), name) && !slices.Contains(p.Closed, name) {
			p.Closed = append(slices.Clip(p.Closed), name)
		}
	}
	return p
}

// Pieces are all that Without can leave out, one by one.
func (p Plan) Pieces() (out []string) {
	for _, n := range p.Nodes {
		out = append(out, n.Path)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Proc)) {
		out = append(out, "/proc/driver/"+name)
	}
	for _, m := range p.Mounts {
		out = append(out, m.Target)
	}
	out = slices.Concat(out, slices.Sorted(maps.Keys(p.Files)), slices.Sorted(maps.Keys(p.Links)))
	for _, e := range p.Env {
		name, _, _ := strings.Cut(e, "=")
		out = append(out, "env:"+name)
	}
	for _, name := range seccomp.GPUCalls() {
		if !slices.Contains(p.Closed, name) {
			out = append(out, "call:"+name)
		}
	}
	for _, w := range p.Ioctls.Words {
		out = append(out, fmt.Sprintf("ioctl:%#x", w))
	}
	for _, w := range p.Ioctls.Masked {
		out = append(out, fmt.Sprintf("ioctl:%#x", w.Value))
	}
	return out
}

// size goes down with every piece that is left out.
func (p Plan) size() int {
	return len(p.Nodes) + len(p.Mounts) + len(p.Links) + len(p.Files) + len(p.Proc) + len(p.Env) + len(p.Ioctls.Words) + len(p.Ioctls.Masked) - len(p.Closed)
}

func drop[T any](list []T, gone func(T) bool) []T { return slices.DeleteFunc(slices.Clone(list), gone) }

func dropKeys(m map[string]string, gone func(string) bool) map[string]string {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(k, _ string) bool { return gone(k) })
	return m
}
