package isolate

import (
	"github.com/loadlock/loadlock/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// seccompLayer installs the default-deny filter of package seccomp. Pid 1's child adds the seal before exec.
var seccompLayer = Layer{
	Name: "seccomp", Doc: "system calls a model load does not need are refused",
	Remedy: "use a kernel with CONFIG_SECCOMP_FILTER",
	Probe:  probeSeccomp,
	Configure: func(oci *specs.Spec, s Spec) error {
		oci.Linux.Seccomp = seccomp.Profile(sealOptions(s))
		return nil
	},
	Observe: func(v View, _ Spec) (Strength, string) { return v.statusIs("Seccomp", "2") },
}

func sealOptions(s Spec) seccomp.Options {
	return seccomp.Options{Ops: s.Sandbox.Allow, Network: s.Sandbox.Network}
}
