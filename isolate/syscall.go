package isolate

import (
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/seccomp"
)

// SystemCall is what the filter's tables say about a call under a policy: no entry for one that is always refused.
// It reports false for a name that is no system call.
func SystemCall(name string, s policy.Sandbox) ([]seccomp.Entry, bool) {
	return seccomp.Entries(name, seccompOptions(Spec{Sandbox: s})), seccomp.IsCall(name)
}
