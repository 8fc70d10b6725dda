package seccomp

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/net/bpf"
)

// event is struct seccomp_data: what the kernel shows a filter.
type event struct {
	audit  uint32
	number uint32
	args   [6]uint64
}

// packet lays the event out for x/net/bpf's machine. That machine loads words big-endian, the kernel
// in the processor's order; so each word is stored big-endian, and the low half of an argument first,
// as it lies in the memory of a little-endian processor.
func (e event) packet() []byte {
	b := make([]byte, 64)
	binary.BigEndian.PutUint32(b[dataNumber:], e.number)
	binary.BigEndian.PutUint32(b[dataArch:], e.audit)
	for i, a := range e.args {
		binary.BigEndian.PutUint32(b[dataArg0+8*i:], uint32(a))
		binary.BigEndian.PutUint32(b[dataArg0+8*i+4:], uint32(a>>32))
	}
	return b
}

// machine runs one filter.
type machine struct{ vm *bpf.VM }

func newMachine(t testing.TB, prog []bpf.Instruction) machine {
	t.Helper()
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatalf("filter of %d instructions is not valid: %v", len(prog), err)
	}
	return machine{vm}
}

func (m machine) run(t testing.TB, e event) string {
	t.Helper()
	ret, err := m.vm.Run(e.packet())
	if err != nil {
		t.Fatalf("running the filter on %+v: %v", e, err)
	}
	return spell(uint32(ret))
}

// spell names a filter's answer.
func spell(ret uint32) string {
	data := ret & 0xffff
	switch ret &^ 0xffff {
	case retAllow:
		return "allow"
	case retKillProcess:
		return "kill process"
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
