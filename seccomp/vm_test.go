package seccomp

import (
	"fmt"
	"testing"

	"golang.org/x/net/bpf"
)

// machine runs one filter.
type machine struct{ Evaluator }

func newMachine(t testing.TB, prog []bpf.RawInstruction) machine {
	t.Helper()
	e, err := NewEvaluator(prog)
	if err != nil {
		t.Fatalf("filter of %d instructions is not valid: %v", len(prog), err)
	}
	return machine{e}
}

func (m machine) run(d Data) string { return spell(m.Answer(d)) }

// spell names a filter's answer.
func spell(ret uint32) string {
	data := ret & 0xffff
	switch ret &^ 0xffff {
	case retAllow:
		return "allow"
	case retKillProcess:
		return "kill process"
	case retUserNotif:
		return "notify"
	case retLog:
		return "log"
	case 0:
		return "kill thread"
	case retErrno:
		switch data {
		case eperm:
			return "EPERM"
		case enosys:
			return "ENOSYS"
		case eopnotsupp:
			return "ENOTSUP"
		case eafnosupport:
			return "EAFNOSUPPORT"
		case eprotonosupport:
			return "EPROTONOSUPPORT"
		}
	}
	return fmt.Sprintf("%#x", ret)
}

const (
	auditAMD64 = 0xc000003e
	auditARM64 = 0xc00000b7
	auditI386  = 0x40000003
	auditARM   = 0x40000028
)
