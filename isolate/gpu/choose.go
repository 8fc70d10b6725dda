package gpu

import (
	"slices"

	"github.com/loadlock/loadlock/seccomp"
)

// Usable are the GPUs that no Problem keeps from being used, in the host's order.
func (h Host) Usable() (out []GPU) {
	for _, g := range h.GPUs {
		if _, bad := h.problem(g.Vendor, g.BusID); !bad {
			out = append(out, g)
		}
	}
	return out
}

// Candidates are the usable GPUs of which a run gets one that names none: those that a bare index can mean.
func (h Host) Candidates() (out []GPU) {
	for _, g := range h.Usable() {
		if slices.Contains(h.first(), g.Vendor) {
			out = append(out, g)
		}
	}
	return out
}

// Covers reports whether g has all of other: the same GPU, and of a divided one every instance.
func (g GPU) Covers(other GPU) bool {
	if g.Vendor != other.Vendor || g.Index != other.Index {
		return false
	}
	return !slices.ContainsFunc(other.MIG, func(m MIG) bool {
		return !slices.ContainsFunc(g.MIG, func(have MIG) bool { return have.GI == m.GI && have.CI == m.CI })
	})
}

// Ioctls are the commands that the drivers of these GPUs need (seccomp.IoctlsFor), and what there is to say about each
// list. Off in one vendor's list is off for all: a filter has one answer for what is on no list.
func (h Host) Ioctls(gpus []GPU) (list seccomp.Ioctls, notes []string) {
	seen := map[Vendor]bool{}
	for _, g := range gpus {
		if seen[g.Vendor] {
			continue
		}
		first := len(seen) == 0
		seen[g.Vendor] = true
		driver, _ := h.Driver(g.Vendor)
		one, note := seccomp.IoctlsFor(string(g.Vendor), driver.Version)
		if note != "" {
			notes = append(notes, note)
		}
		if first {
			list = one
			continue
		}
		if one.Mode == seccomp.IoctlOff {
			list.Mode = one.Mode
		}
		list = list.Join(one)
	}
	return list, notes
}
