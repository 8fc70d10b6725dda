//go:build cgo && linux

package seccomp

import (
	"fmt"
	"runtime"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/net/bpf"
)

// watched are the calls that loadlock learn looks at: those that name a path or an address, and those that show
// whether an operation was needed that a policy can restrict.
var watched = []string{"openat", "newfstatat", "statx", "faccessat", "faccessat2", "readlinkat", "execve", "chdir", "mkdirat", "connect", "bind", "clone", "memfd_create"}

// watchedOnAMD64 are the older forms that amd64 has.
var watchedOnAMD64 = []string{"open", "creat", "stat", "lstat", "access", "readlink", "mkdir", "fork", "vfork"}

// Watching is the filter of loadlock learn: as Notify, but the calls that name a path go to the listener first. The
// listener lets go on what Plain allows and refuses what Plain refuses, so that the answers are the same. Letting a
// call go on (SECCOMP_USER_NOTIF_FLAG_CONTINUE) is no decision here: a filter judges registers, the kernel took them
// before it asked, and the call that goes on is one that the filter allows with these registers, whatever another
// thread makes of the memory behind them meanwhile. seccomp_unotify(2) warns of continuing as a way to decide.
func (p Program) Watching() ([]bpf.RawInstruction, error) {
	a, ok := abis[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrArchitecture, runtime.GOARCH)
	}
	names := watched
	if runtime.GOARCH == "amd64" {
		names = append(names[:len(names):len(names)], watchedOnAMD64...)
	}
	native, err := libseccomp.GetNativeArch()
	if err != nil {
		return nil, fmt.Errorf("seccomp: watch: %w", err)
	}
	var look []bpf.Instruction
	for _, name := range names {
		n, err := number(name, native)
		if err != nil {
			return nil, fmt.Errorf("seccomp: watch: %w", err)
		}
		look = append(look, bpf.JumpIf{Cond: bpf.JumpEqual, Val: n, SkipFalse: 1}, bpf.RetConstant{Val: retUserNotif})
	}
	// A foreign ABI goes to the checks of Notify at once: its numbers mean other calls.
	first := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: a.audit, SkipTrue: uint8(len(look) + 1)},
		bpf.LoadAbsolute{Off: dataNumber, Size: 4},
	}
	raw, err := bpf.Assemble(append(first, look...))
	if err != nil {
		return nil, fmt.Errorf("seccomp: watch: %w", err)
	}
	return append(raw, p.Notify...), nil
}
