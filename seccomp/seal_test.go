package seccomp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"golang.org/x/net/bpf"
)

func sealMachine(t *testing.T, arch string, processes bool) machine {
	t.Helper()
	raw, err := Seal(Options{Arch: arch, Ops: policy.Operations{Subprocess: processes}})
	if err != nil {
		t.Fatal(err)
	}
	prog, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the program holds instructions that cannot be disassembled")
	}
	return newMachine(t, prog)
}

func TestSealAnswers(t *testing.T) {
	const high = 0xabcdef01_00000000 // what a hostile caller puts above a C int
	type in struct {
		what      string
		event     event
		alone     string // answer where subprocesses are restricted
		processes string // and where they are not
	}
	amd := func(n uint32, args ...uint64) event {
		e := event{audit: auditAMD64, number: n}
		copy(e.args[:], args)
		return e
	}
	arm := func(n uint32, args ...uint64) event {
		e := amd(n, args...)
		e.audit = auditARM64
		return e
	}
	tests := map[string][]in{
		"amd64": {
			{"execve starts the workload", amd(59), "allow", "allow"},
			{"read passes", amd(0), "allow", "allow"},
			{"number -1 is no call", amd(0xffffffff), "allow", "allow"},
			{"a number above every table is left to Profile", amd(600), "allow", "allow"},
			{"landlock_create_ruleset", amd(444), "EPERM", "EPERM"},
			{"landlock_add_rule", amd(445), "EPERM", "EPERM"},
			{"landlock_restrict_self", amd(446), "EPERM", "EPERM"},
			{"close_range beside Landlock's numbers passes", amd(436), "allow", "allow"},
			{"seccomp", amd(317, 1), "EPERM", "EPERM"},
			{"prctl PR_SET_SECCOMP", amd(157, 22), "EPERM", "EPERM"},
			{"prctl PR_SET_SECCOMP with hidden upper bits", amd(157, high|22), "EPERM", "EPERM"},
			{"prctl PR_GET_SECCOMP", amd(157, 21), "allow", "allow"},
			{"prctl PR_SET_NAME", amd(157, 15), "allow", "allow"},
			{"fork", amd(57), "EPERM", "allow"},
			{"vfork", amd(58), "EPERM", "allow"},
			{"clone of a process", amd(56, 0x1200011), "EPERM", "allow"},
			{"clone of a thread", amd(56, 0x3d0f00), "allow", "allow"},
			{"clone with CLONE_THREAD's bit only in the upper half", amd(56, 0x10000<<32|17), "EPERM", "allow"},
			{"clone3", amd(435), "ENOSYS", "allow"},
			{"32-bit call by int 0x80", event{audit: auditI386, number: 11}, "kill process", "kill process"},
			{"arm64 call", arm(220), "kill process", "kill process"},
			{"first x32 number", amd(0x40000000), "kill process", "kill process"},
			{"x32 execve", amd(0x40000000 | 520), "kill process", "kill process"},
			{"number with the sign bit", amd(0x80000000), "kill process", "kill process"},
			{"last x32 number", amd(0xfffffffe), "kill process", "kill process"},
		},
		"arm64": {
			{"execve starts the workload", arm(221), "allow", "allow"},
			{"landlock_create_ruleset", arm(444), "EPERM", "EPERM"},
			{"landlock_add_rule", arm(445), "EPERM", "EPERM"},
			{"landlock_restrict_self", arm(446), "EPERM", "EPERM"},
			{"seccomp", arm(277, 1), "EPERM", "EPERM"},
			{"prctl PR_SET_SECCOMP with hidden upper bits", arm(167, high|22), "EPERM", "EPERM"},
			{"prctl PR_SET_NAME", arm(167, 15), "allow", "allow"},
			{"clone of a process", arm(220, 17), "EPERM", "allow"},
			{"clone of a thread", arm(220, 0x3d0f00), "allow", "allow"},
			{"clone3", arm(435), "ENOSYS", "allow"},
			{"amd64's numbers of fork mean nothing here", arm(57), "allow", "allow"},
			{"32-bit ARM call", event{audit: auditARM, number: 2}, "kill process", "kill process"},
			{"amd64 call", amd(56), "kill process", "kill process"},
		},
	}
	for arch, table := range tests {
		alone, processes := sealMachine(t, arch, false), sealMachine(t, arch, true)
		for _, tt := range table {
			t.Run(arch+"/"+tt.what, func(t *testing.T) {
				if got := alone.run(t, tt.event); got != tt.alone {
					t.Errorf("subprocess restricted: %s, want %s", got, tt.alone)
				}
				if got := processes.run(t, tt.event); got != tt.processes {
					t.Errorf("subprocess permitted: %s, want %s", got, tt.processes)
				}
			})
		}
	}
}

func TestSealRefusesAnArchitectureWithoutTables(t *testing.T) {
	raw, err := Seal(Options{Arch: "riscv64"})
	if !errors.Is(err, ErrArchitecture) || raw != nil {
		t.Errorf("got %d instructions and %v, want none and ErrArchitecture", len(raw), err)
	}
}

func TestSealGolden(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		for name, processes := range map[string]bool{"restricted": false, "subprocess": true} {
			raw, err := Seal(Options{Arch: arch, Ops: policy.Operations{Subprocess: processes}})
			if err != nil {
				t.Fatal(err)
			}
			prog, _ := bpf.Disassemble(raw)
			var b strings.Builder
			for i, insn := range prog {
				fmt.Fprintf(&b, "%2d  %v\n", i, insn)
			}
			golden(t, "seal-"+name+"-"+arch, b.String())
		}
	}
}
