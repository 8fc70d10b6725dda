package isolate

import (
	"github.com/loadlock/loadlock/policy"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// namespace makes a layer that is one kernel namespace and nothing else.
func namespace(name, doc string, kind specs.LinuxNamespaceType, proc string, want func(Spec) bool) Layer {
	return Layer{
		Name: name, Doc: doc, Remedy: "use a kernel with " + name + " namespaces (namespaces(7))",
		Probe: probeNamespace(proc),
		Configure: func(oci *specs.Spec, s Spec) error {
			if want(s) {
				oci.Linux.Namespaces = append(oci.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
			}
			return nil
		},
		Observe: func(v View, s Spec) (Strength, string) {
			if !want(s) {
				return Off, "the policy shares the host's " + name + " namespace"
			}
			return v.ownNamespace(proc)
		},
	}
}

func always(Spec) bool { return true }

var (
	pidLayer = namespace("pid", "processes of the host do not exist inside; the end of pid 1 ends everything", specs.PIDNamespace, "pid", always)
	netLayer = namespace("net", "no interface but loopback", specs.NetworkNamespace, "net",
		func(s Spec) bool { return s.Sandbox.Network != policy.NetworkHost })
	ipcLayer = namespace("ipc", "System V IPC and POSIX queues of its own", specs.IPCNamespace, "ipc", always)
)

// utsLayer also sets a constant host name, so that nothing learns the real one.
var utsLayer = func() Layer {
	l := namespace("uts", "a constant host name", specs.UTSNamespace, "uts", always)
	base := l.Configure
	l.Configure = func(oci *specs.Spec, s Spec) error {
		oci.Hostname, oci.Domainname = "loadlock", "localdomain"
		return base(oci, s)
	}
	return l
}()
