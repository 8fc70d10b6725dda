//go:build cgo && linux

package seccomp

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
)

// headSize finds where the checks that keep their answers end: behind the last quiet call.
func headSize(t *testing.T, c compiled) int {
	t.Helper()
	last := numberOf(t, quiet[len(quiet)-1].name, c.arch)
	for i, ins := range c.Plain {
		if ins.Op == 0x15 && ins.K == last { // BPF_JMP | BPF_JEQ | BPF_K
			return i + 2
		}
	}
	t.Fatal("no check of the quiet calls")
	return 0
}

func TestTheNotifyingProgramDiffersInEveryErrnoAndInNothingElse(t *testing.T) {
	everyOption(func(o Options) {
		c := compile(t, Profile(o), o.Arch)
		head := headSize(t, c)
		if len(c.Plain) != len(c.Notify) {
			t.Fatalf("%+v: %d and %d instructions", o, len(c.Plain), len(c.Notify))
		}
		changed := 0
		for i, plain := range c.Plain {
			want := plain
			if i >= head && plain.Op == opRetConstant && (plain.K&retAction == retErrno || plain.K == retLog) {
				want.K = retUserNotif
				changed++
			}
			if c.Notify[i] != want {
				t.Fatalf("%+v: instruction %d: %v became %v", o, i, plain, c.Notify[i])
			}
		}
		if changed < 4 {
			t.Errorf("%+v: %d answers became questions", o, changed)
		}
		for i, ins := range c.Notify[head:] {
			if ins.Op == opRetConstant && !slices.Contains([]uint32{retAllow, retKillProcess, retUserNotif}, ins.K) {
				t.Errorf("%+v: instruction %d answers %#x", o, head+i, ins.K)
			}
			if ins.Op == 0x16 { // BPF_RET | BPF_A
				t.Errorf("%+v: instruction %d answers with the accumulator", o, head+i)
			}
		}
	})
}

// What the kernel does with the one program and the supervisor computes with the other must be the same for
// every call: a question where there is an errno, the same answer elsewhere.
func TestAQuestionIsAskedExactlyWhereThereIsAnErrno(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	interesting := []uint64{0, 1, 2, 3, 6, 9, 10, 13, 16, 17, 22, 0x5412, 0x541c, 0x4b01, 0x5600, 0x3d0f00, 0x1200011, 0x10000, 0x10000011,
		0x20011, 1<<63 | 17, hidden | 0x10000, low32, ^uint64(0), 0o4755, 0o100, 8, 0x40000, 0x80, 128, 256}
	for arch := range archs {
		for name, o := range optionSets {
			o.Arch = arch
			c := compile(t, Profile(o), arch)
			notify := newMachine(t, c.Notify)
			try := func(d Data) {
				plain, asked := c.run(d), notify.run(d)
				silent := slices.ContainsFunc(quiet, func(q struct{ name, why string }) bool { return numberOf(t, q.name, arch) == d.Number })
				_, refused := c.Errno(d)
				switch {
				case refused && silent && asked != "ENOSYS",
					refused && !silent && asked != "notify",
					!refused && plain != "log" && asked != plain,
					plain == "log" && asked != "notify":
					t.Fatalf("%s %s: %+v: %s in the kernel, %s here", arch, name, d, asked, plain)
				}
			}
			pick := func() uint64 { return interesting[r.IntN(len(interesting))] }
			for n := range uint32(520) {
				for range 60 {
					try(Data{Arch: auditArchs[arch], Number: n, IP: r.Uint64(), Args: [6]uint64{pick(), pick(), pick(), pick(), pick(), pick()}})
				}
			}
			for _, n := range []uint32{x32Bit, x32Bit | 59, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff} {
				try(Data{Arch: auditArchs[arch], Number: n})
			}
			for _, audit := range []uint32{auditI386, auditARM, 0} {
				try(Data{Arch: audit, Number: numberOf(t, "clone3", arch)})
			}
		}
	}
}

// A quiet call must have one answer: the head gives it without a look at the arguments.
func TestQuietCallsAreRefusedWhateverTheirArguments(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	everyOption(func(o Options) {
		for _, q := range quiet {
			if len(q.why) < 10 {
				t.Errorf("%s is quiet because of %q", q.name, q.why)
			}
			for _, s := range Profile(o).Syscalls {
				if slices.Contains(s.Names, q.name) && (s.Action != specs.ActErrno || *s.ErrnoRet != enosys || len(s.Args) > 0) {
					t.Errorf("%+v: %s is not always answered ENOSYS", o, q.name)
				}
			}
		}
	})
	c := compile(t, Profile(Options{Arch: "amd64"}), "amd64")
	for _, q := range quiet {
		for range 1000 {
			if got := c.call(t, q.name, r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()); got != "ENOSYS" {
				t.Fatalf("%s: %s", q.name, got)
			}
		}
	}
}

func TestUsualCallsAreRefused(t *testing.T) {
	c := compile(t, Profile(Options{Arch: "amd64", Ops: optionSets["subprocess"].Ops}), "amd64")
	for name := range usual {
		if got := c.call(t, name); got == "allow" {
			t.Errorf("%s is allowed: it is no refused call", name)
		}
	}
}

func TestPid1MayWaitObeyAndEnd(t *testing.T) {
	for arch := range archs {
		c := compile(t, Own(Options{Arch: arch}), arch)
		check(t, c, []vector{
			v("reaping", "wait4", "allow"),
			v("waiting", "ppoll", "allow"),
			v("hearing", "recvfrom", "allow"),
			v("telling", "sendto", "allow"),
			v("signals", "kill", "allow"),
			v("the end", "exit_group", "allow"),
			v("the foreground", "ioctl", "allow", 10, tiocspgrp),
			v("typing into the terminal", "ioctl", "kill process", 10, 0x5412),
			v("another program", "execve", "kill process"),
			v("another process", "clone", "kill process"),
			v("files", "openat", "kill process"),
			v("memory that can be executed", "mmap", "kill process"),
			v("sockets", "socket", "kill process", afUnix),
			v("descriptors", "recvmsg", "kill process"),
			v("what others are told is missing", "clone3", "kill process"),
		})
		if got := c.run(Data{Arch: auditARM, Number: 1}); got != "kill process" {
			t.Errorf("a foreign ABI: %s", got)
		}
		for n := range uint32(700) {
			got := c.run(Data{Arch: auditArchs[arch], Number: n})
			if got != "allow" && got != "kill process" {
				t.Errorf("%s: call %d: %s", arch, n, got)
			}
		}
	}
}

func TestWhatCannotBeCompiledIsAnError(t *testing.T) {
	perm := uint(eperm)
	base := func() *specs.LinuxSeccomp { return Profile(Options{Arch: "amd64"}) }
	for name, p := range map[string]func(*specs.LinuxSeccomp){
		"no architecture":      func(p *specs.LinuxSeccomp) { p.Architectures = nil },
		"two architectures":    func(p *specs.LinuxSeccomp) { p.Architectures = append(p.Architectures, specs.ArchX86) },
		"another architecture": func(p *specs.LinuxSeccomp) { p.Architectures = []specs.Arch{specs.ArchRISCV64} },
	} {
		prog := base()
		p(prog)
		if _, err := Compile(prog); !errors.Is(err, ErrArchitecture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]specs.LinuxSyscall{
		"a call nobody knows":        {Names: []string{"no_such_call"}, Action: specs.ActAllow},
		"an action that is not ours": {Names: []string{"read"}, Action: specs.ActTrace},
		"an errno without a number":  {Names: []string{"bpf"}, Action: specs.ActErrno},
		"an operator that is not ours": {Names: []string{"bpf"}, Action: specs.ActErrno, ErrnoRet: &perm,
			Args: []specs.LinuxSeccompArg{{Index: 0, Op: specs.OpLessThan, Value: 1}}},
	} {
		p := base()
		p.Syscalls = append(p.Syscalls, s)
		if _, err := Compile(p); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if _, err := NewEvaluator([]bpf.RawInstruction{{Op: 0xffff}}); err == nil {
		t.Error("an instruction that is none is no error")
	}
}
