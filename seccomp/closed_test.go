package seccomp

import (
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Closing calls takes exactly their permissions away and leaves every other entry as it is, refusals above all.
func TestClosingOnlyNarrows(t *testing.T) {
	open := Options{GPU: true, Arch: "amd64"}
	for _, name := range append(GPUCalls(), "read", "clone3", "ioctl") {
		closed := open
		closed.Closed = []string{name}
		before, after := Profile(open).Syscalls, Profile(closed).Syscalls
		count := func(list []specs.LinuxSyscall, action specs.LinuxSeccompAction, only string) (n int) {
			for _, e := range list {
				for _, have := range e.Names {
					if e.Action == action && (only == "" || have == only) {
						n++
					}
				}
			}
			return n
		}
		if got := count(after, specs.ActAllow, name); got != 0 {
			t.Errorf("%s is allowed in %d entries", name, got)
		}
		if b, a := count(before, specs.ActAllow, "")-count(before, specs.ActAllow, name), count(after, specs.ActAllow, ""); a != b {
			t.Errorf("%s: %d names are allowed, want %d", name, a, b)
		}
		if b, a := count(before, specs.ActErrno, ""), count(after, specs.ActErrno, ""); a != b {
			t.Errorf("%s: %d names are refused, want %d", name, a, b)
		}
		if name == "read" && !slices.ContainsFunc(after, func(e specs.LinuxSyscall) bool { return slices.Contains(e.Names, "write") }) {
			t.Error("a neighbour in the same entry went too")
		}
	}
}

func TestGPUCallsAreThoseThatAGrantOpens(t *testing.T) {
	allowed := func(o Options) (out []string) {
		for _, e := range Profile(o).Syscalls {
			if e.Action == specs.ActAllow {
				out = append(out, e.Names...)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	without, with := allowed(Options{Arch: "amd64"}), allowed(Options{GPU: true, Arch: "amd64"})
	with = slices.DeleteFunc(with, func(n string) bool { return slices.Contains(without, n) })
	if !slices.Equal(with, GPUCalls()) {
		t.Errorf("a grant opens %q, and GPUCalls says %q", with, GPUCalls())
	}
}
