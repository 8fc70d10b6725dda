package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// ErrArchitecture means that there are no tables for this processor.
var ErrArchitecture = errors.New("seccomp: no system-call tables for this architecture")

// abi is what Seal must know of an architecture. A number of -1 is a call the architecture lacks.
type abi struct {
	audit                                  uint32 // AUDIT_ARCH_* of linux/audit.h
	x32                                    bool   // numbers from 0x40000000 are a second ABI
	fork, vfork, clone, clone3             int64
	prctl, seccomp                         int64
	createRuleset, addRule, restrictItself int64 // landlock_*
}

var abis = map[string]abi{
	"amd64": {audit: 0xc000003e, x32: true, fork: 57, vfork: 58, clone: 56, clone3: 435,
		prctl: 157, seccomp: 317, createRuleset: 444, addRule: 445, restrictItself: 446},
	"arm64": {audit: 0xc00000b7, fork: -1, vfork: -1, clone: 220, clone3: 435,
		prctl: 167, seccomp: 277, createRuleset: 444, addRule: 445, restrictItself: 446},
}

// Answers of a filter, linux/seccomp.h.
const (
	retKillProcess = 0x80000000
	retErrno       = 0x00050000
	retAllow       = 0x7fff0000
)

// Offsets in struct seccomp_data. Both architectures are little-endian, so the first word of an argument
// is its low half, and the only one that prctl and clone look at.
const (
	dataNumber = 0
	dataArch   = 4
	dataArg0   = 16
)

const x32Bit = 0x40000000

// Seal returns the filter that pid 1's child installs directly before it executes the workload. It ends
// the process on a foreign ABI; refuses further filters and Landlock domains, which are kernel code the
// workload has no need to reach; and, where subprocesses are restricted, refuses every process that is
// not a thread. execve stays: it is the very next call, and Landlock says which files it may start.
func Seal(o Options) ([]bpf.RawInstruction, error) {
	a, ok := abis[o.arch()]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrArchitecture, o.arch())
	}
	raw, err := bpf.Assemble(sealProgram(a, o.Ops.Subprocess))
	if err != nil {
		return nil, fmt.Errorf("seccomp: seal: %w", err)
	}
	return raw, nil
}

func sealProgram(a abi, processes bool) []bpf.Instruction {
	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.audit, SkipTrue: 1},
		bpf.RetConstant{Val: retKillProcess},
		bpf.LoadAbsolute{Off: dataNumber, Size: 4},
	}
	if a.x32 {
		// -1 is no call of any ABI (see doc.go) and must not be mistaken for x32.
		prog = append(prog, answer(-1, retAllow)...)
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32Bit, SkipFalse: 1},
			bpf.RetConstant{Val: retKillProcess})
	}
	for _, number := range []int64{a.createRuleset, a.addRule, a.restrictItself, a.seccomp} {
		prog = append(prog, answer(number, retErrno|eperm)...)
	}
	prog = append(prog, answerByArg0(a.prctl, bpf.JumpEqual, prSetSeccomp, retErrno|eperm, retAllow)...)
	if !processes {
		for _, number := range []int64{a.fork, a.vfork} {
			if number >= 0 {
				prog = append(prog, answer(number, retErrno|eperm)...)
			}
		}
		// ENOSYS, not EPERM: this filter's value wins over Profile's, and libc must fall back to clone.
		prog = append(prog, answer(a.clone3, retErrno|enosys)...)
		prog = append(prog, answerByArg0(a.clone, bpf.JumpBitsSet, cloneThread, retAllow, retErrno|eperm)...)
	}
	return append(prog, bpf.RetConstant{Val: retAllow})
}

// answer ends the program when the accumulator holds number.
func answer(number int64, result uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipFalse: 1},
		bpf.RetConstant{Val: result},
	}
}

// answerByArg0 ends the program when the accumulator holds number, with the result that a test of the
// low half of the first argument chooses.
func answerByArg0(number int64, test bpf.JumpTest, val, yes, no uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipFalse: 4},
		bpf.LoadAbsolute{Off: dataArg0, Size: 4},
		bpf.JumpIf{Cond: test, Val: val, SkipFalse: 1},
		bpf.RetConstant{Val: yes},
		bpf.RetConstant{Val: no},
	}
}
