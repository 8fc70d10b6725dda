package seccomp

import (
	"runtime"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Options says what the policy leaves open. The zero value is the strictest profile, for the
// architecture this program runs on.
type Options struct {
	Ops     policy.Operations
	Network policy.Network
	GPU     bool     // a GPU is granted: its device nodes exist inside
	Ioctls  Ioctls   // commands that those nodes need; not looked at without GPU
	Listen  bool     // TCP on the box's own loopback whatever the network: a published port, or processes that talk to each other
	Closed  []string // calls that are left out of the profile, whatever opens them
	Arch    string   // "amd64" or "arm64"; empty: runtime.GOARCH
}

func (o Options) arch() string {
	if o.Arch == "" {
		return runtime.GOARCH
	}
	return o.Arch
}

// inet reports whether the workload may leave the box. Both keys are asked for: a network without
// permission to use it, or permission without a network, is none.
func (o Options) inet() bool { return o.Ops.NetworkAccess && o.Network == policy.NetworkHost }

// listed reports whether only listed commands of ioctl(2) pass.
func (o Options) listed() bool { return o.GPU && o.Ioctls.Mode != IoctlOff }

// tcp reports whether the workload has TCP on the box's own loopback, and no other network.
func (o Options) tcp() bool {
	return !o.inet() && (o.Ops.NetworkAccess && o.Network == policy.NetworkAllow || o.Listen)
}

// block is a set of calls that enters the profile together.
type block struct {
	name  string
	why   string
	when  func(Options) bool // nil: always
	calls []call
}

// call is one line of a table: calls that share their reason and their rules.
type call struct {
	names  string // separated by blanks
	reason string
	only   string // the one architecture whose kernel has the calls; empty: both
	rules  []rule // nil: allowed with any arguments
}

// rule allows a call, or refuses it with an errno of its own, when every condition holds.
// No two conditions of a rule may look at the same argument: libcontainer would join them with OR.
type rule struct {
	errno uint // 0: allow
	args  []specs.LinuxSeccompArg
}

// blocks lists every block; the order is that of the profile.
var blocks = []block{base, files, anyCommand, commands, threads, alone, subprocess, unixSockets, dataloader, loopback, net, jit, gpu, box, nosys}

// Profile returns which calls the workload may make, and what the others are answered. It is complete but for two
// answers that the OCI format cannot say and Compile adds: the end of the process for a foreign ABI, and ENOSYS
// above the highest number named. On an architecture other than amd64 and arm64 nothing is allowed.
func Profile(o Options) *specs.LinuxSeccomp {
	perm := uint(eperm)
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &perm}
	switch o.arch() {
	case "amd64":
		p.Architectures = []specs.Arch{specs.ArchX86_64}
	case "arm64":
		p.Architectures = []specs.Arch{specs.ArchAARCH64}
	default:
		return p
	}
	for _, b := range blocks {
		if b.when == nil || b.when(o) {
			p.Syscalls = append(p.Syscalls, b.syscalls(o.arch())...)
		}
	}
	if o.listed() {
		p.Syscalls = append(p.Syscalls, o.Ioctls.syscalls()...)
	}
	p.Syscalls = o.leaveOut(p.Syscalls)
	return p
}

// leaveOut takes the closed calls out of the entries that let through: they get the answer of every call that is not named.
func (o Options) leaveOut(list []specs.LinuxSyscall) []specs.LinuxSyscall {
	if len(o.Closed) == 0 {
		return list
	}
	var out []specs.LinuxSyscall
	for _, e := range list {
		if e.Action == specs.ActAllow || e.Action == specs.ActLog {
			e.Names = slices.DeleteFunc(slices.Clone(e.Names), func(n string) bool { return slices.Contains(o.Closed, n) })
		}
		if len(e.Names) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// GPUCalls are the calls that a grant of a GPU opens under a policy that opens nothing else, in alphabetical order.
func GPUCalls() (names []string) {
	for _, b := range []block{jit, gpu} {
		for _, c := range b.calls {
			names = append(names, strings.Fields(c.names)...)
		}
	}
	slices.Sort(names)
	return names
}

// syscalls returns the block's calls that the architecture has: the unconditional ones in one entry,
// then one entry per rule.
func (b block) syscalls(arch string) []specs.LinuxSyscall {
	var plain []string
	var ruled []specs.LinuxSyscall
	for _, c := range b.calls {
		if c.only != "" && c.only != arch {
			continue
		}
		names := strings.Fields(c.names)
		if c.rules == nil {
			plain = append(plain, names...)
			continue
		}
		for _, r := range c.rules {
			ruled = append(ruled, r.syscall(names))
		}
	}
	if plain == nil {
		return ruled
	}
	return append([]specs.LinuxSyscall{{Names: plain, Action: specs.ActAllow}}, ruled...)
}

func (r rule) syscall(names []string) specs.LinuxSyscall {
	s := specs.LinuxSyscall{Names: names, Action: specs.ActAllow, Args: r.args}
	if r.errno != 0 {
		errno := r.errno
		s.Action, s.ErrnoRet = specs.ActErrno, &errno
	}
	return s
}
