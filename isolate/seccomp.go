package isolate

import (
	"fmt"

	"github.com/loadlock/loadlock/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// seccompLayer is the default-deny filter of package seccomp. Its profile stands in the plan, where it can be read;
// libcontainer never sees it: the supervisor compiles it, and pid 1's child puts it on just before it executes the
// command. So it can be a filter that tells about refused calls, and need not admit anything but the command's own.
var seccompLayer = Layer{
	Name: "seccomp", Doc: "system calls a model load does not need are refused",
	Remedy: "use a kernel with CONFIG_SECCOMP_FILTER",
	Scope:  ofCommand,
	Probe:  probeSeccomp,
	Configure: func(oci *specs.Spec, s Spec) error {
		oci.Linux.Seccomp = seccomp.Profile(seccompOptions(s))
		return nil
	},
	Observe: func(v View, _ Spec) (Strength, string) {
		if st, why := v.statusIs("Seccomp", "2"); st != Full {
			return st, why
		}
		// Linux 5.9 counts them. An outer sandbox may have put some on pid 1 too.
		if have := v.filters(); have >= 0 && have != v.outerFilters+1 {
			return Off, fmt.Sprintf("%d filters, %d of them not ours", have, v.outerFilters)
		}
		return Full, ""
	},
}

// compiledFilters is what the box loads: the command's filter, and that of pid 1.
type compiledFilters struct {
	command, own seccomp.Program
	truth        seccomp.Evaluator // of command.Plain
	err          error
}

// compileFilters does so beside the start of the box. A profile of nil, which only tests make, is no filter.
func compileFilters(profile *specs.LinuxSeccomp, s Spec) <-chan compiledFilters {
	out := make(chan compiledFilters, 1)
	go func() {
		var c compiledFilters
		if profile != nil {
			if c.command, c.err = seccomp.Compile(profile); c.err == nil {
				c.truth, c.err = seccomp.NewEvaluator(c.command.Plain)
			}
			if c.err == nil {
				c.own, c.err = seccomp.Compile(seccomp.Own(seccompOptions(s)))
			}
		}
		out <- c
	}()
	return out
}

func seccompOptions(s Spec) seccomp.Options {
	return seccomp.Options{Ops: s.Sandbox.Allow, GPU: s.GPU.Granted(), Ioctls: s.GPU.Ioctls, Closed: s.GPU.Closed, Network: s.Sandbox.Network, Listen: len(s.Ports) > 0 || s.Sandbox.LoopbackTCP}
}
