package isolate

import (
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/seccomp"
)

// Commands are the commands of ioctl(2) on the vendors' lists, with what is left out.
func Commands() []seccomp.Command { return seccomp.Commands() }

// SystemCall is what the filter's tables say about a call under a policy: no entry for one that is always refused.
// It reports false for a name that is no system call.
func SystemCall(name string, s policy.Sandbox) ([]seccomp.Entry, bool) {
	return seccomp.Entries(name, seccompOptions(Spec{Sandbox: s})), seccomp.IsCall(name)
}
