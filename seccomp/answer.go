package seccomp

import (
	"encoding/binary"
	"errors"

	"golang.org/x/net/bpf"
)

// Data is struct seccomp_data: what the kernel shows a filter of a call.
type Data struct {
	Number uint32
	Arch   uint32 // AUDIT_ARCH_*
	IP     uint64
	Args   [6]uint64
}

// Evaluator computes in user space what a filter answers.
type Evaluator struct{ vm *bpf.VM }

// NewEvaluator prepares a program.
func NewEvaluator(p []bpf.RawInstruction) (Evaluator, error) {
	prog, ok := bpf.Disassemble(p)
	if !ok {
		return Evaluator{}, errors.New("seccomp: the program holds instructions that cannot be disassembled")
	}
	vm, err := bpf.NewVM(prog)
	return Evaluator{vm}, err
}

// Answer is SECCOMP_RET_* with its data. A program that cannot be run (none that NewEvaluator accepts) kills.
func (e Evaluator) Answer(d Data) uint32 {
	ret, err := e.vm.Run(d.packet())
	if err != nil {
		return retKillProcess
	}
	return uint32(ret)
}

// Errno is the errno that the filter answers, and false when the answer is another one.
func (e Evaluator) Errno(d Data) (errno uint16, refused bool) {
	a := e.Answer(d)
	return uint16(a), a&retAction == retErrno
}

// Allows reports whether the filter lets the call through, be it noted in the kernel's log.
func (e Evaluator) Allows(d Data) bool {
	a := e.Answer(d)
	return a == retAllow || a == retLog
}

// Logs reports whether the filter lets the call through and has it noted.
func (e Evaluator) Logs(d Data) bool { return e.Answer(d) == retLog }

// packet lays the data out for x/net/bpf's machine. That machine loads words big-endian, the kernel in the
// processor's order; so each word is stored big-endian, and the low half of a number first, as it lies in the
// memory of a little-endian processor.
func (d Data) packet() []byte {
	b := make([]byte, dataSize)
	binary.BigEndian.PutUint32(b[dataNumber:], d.Number)
	binary.BigEndian.PutUint32(b[dataArch:], d.Arch)
	for i, n := range [7]uint64{d.IP, d.Args[0], d.Args[1], d.Args[2], d.Args[3], d.Args[4], d.Args[5]} {
		binary.BigEndian.PutUint32(b[dataIP+8*i:], uint32(n))
		binary.BigEndian.PutUint32(b[dataIP+8*i+4:], uint32(n>>32))
	}
	return b
}
