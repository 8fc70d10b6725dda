package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// ErrArchitecture means that there are no tables for this processor.
var ErrArchitecture = errors.New("seccomp: no system-call tables for this architecture")

// Program is a finished filter in two forms with the same answers.
type Program struct {
	// Plain answers refused calls in the kernel. It is also the truth that Answer computes.
	Plain []bpf.RawInstruction
	// Notify hands refused calls to the listener, but for those of the list quiet; and those that are allowed and logged,
	// because the kernel's log does not say which command of ioctl(2) it was. Installed without a listener it answers
	// them with ENOSYS.
	Notify []bpf.RawInstruction
}

// abi is what a program looks at first. Numbers from x32Bit are a second ABI on amd64.
type abi struct {
	audit uint32 // AUDIT_ARCH_* of linux/audit.h
	x32   bool
}

var abis = map[string]abi{"amd64": {audit: 0xc000003e, x32: true}, "arm64": {audit: 0xc00000b7}}

const x32Bit = 0x40000000

// Answers of a filter, linux/seccomp.h. The lower half of some is data: the errno.
const (
	retKillProcess = 0x80000000
	retErrno       = 0x00050000
	retUserNotif   = 0x7fc00000
	retLog         = 0x7ffc0000
	retAllow       = 0x7fff0000
	retAction      = 0xffff0000
)

// Offsets in struct seccomp_data. Both architectures are little-endian, so the first word of an argument is its
// low half.
const (
	dataNumber = 0
	dataArch   = 4
	dataIP     = 8
	dataArg0   = 16
	dataSize   = 64
)

// parts are what join puts together.
type parts struct {
	silent  []uint32          // numbers of the quiet calls
	highest *uint32           // ENOSYS above this number; nil: no such limit
	ioctl   uint32            // the number of ioctl(2)
	command []bpf.Instruction // answers ioctl(2), by its command; empty: body does
	body    []bpf.RawInstruction
}

// join puts a compiled profile behind the checks that come first: the ABI, the quiet calls, ENOSYS above the
// highest number known, and the commands of ioctl(2). Jumps are relative, so programs can be joined.
func join(arch string, p parts) (Program, error) {
	a, ok := abis[arch]
	if !ok {
		return Program{}, fmt.Errorf("%w: %s", ErrArchitecture, arch)
	}
	first := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1},
		bpf.RetConstant{Val: retKillProcess},
		bpf.LoadAbsolute{Off: dataNumber, Size: 4},
	}
	var limit []bpf.Instruction
	if a.x32 {
		// -1 is no call of any ABI (see doc.go) and must not be mistaken for x32, nor for a new call.
		first = append(first,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0xffffffff, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32Bit, SkipFalse: 1},
			bpf.RetConstant{Val: retKillProcess})
		limit = append(limit, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0xffffffff, SkipTrue: 2})
	}
	for _, n := range p.silent {
		first = append(first,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: n, SkipFalse: 1},
			bpf.RetConstant{Val: retErrno | enosys})
	}
	if p.highest == nil {
		limit = nil
	} else {
		limit = append(limit,
			bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: *p.highest, SkipFalse: 1},
			bpf.RetConstant{Val: retErrno | enosys})
	}
	if len(p.command) > 0 {
		limit = append(limit, jumpUnless(bpf.JumpEqual, p.ioctl, p.command)...)
		limit = append(limit, p.command...)
	}
	head, err := bpf.Assemble(first)
	if err != nil {
		return Program{}, fmt.Errorf("seccomp: %w", err)
	}
	rest, err := bpf.Assemble(limit)
	if err != nil {
		return Program{}, fmt.Errorf("seccomp: %w", err)
	}
	rest = append(rest, p.body...)
	return Program{Plain: append(head[:len(head):len(head)], rest...), Notify: append(head[:len(head):len(head)], notifying(rest)...)}, nil
}

// notifying is the program with every errno, and every entry in the kernel's log, replaced by a question to the listener.
// Nothing else changes.
func notifying(p []bpf.RawInstruction) []bpf.RawInstruction {
	out := make([]bpf.RawInstruction, len(p))
	for i, ins := range p {
		if ins.Op == opRetConstant && (ins.K&retAction == retErrno || ins.K&retAction == retLog) {
			ins.K = retUserNotif
		}
		out[i] = ins
	}
	return out
}

const opRetConstant = 0x06 // BPF_RET | BPF_K
