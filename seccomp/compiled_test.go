//go:build cgo && linux

package seccomp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"golang.org/x/sys/unix"
)

func check(t *testing.T, c compiled, table []vector) {
	t.Helper()
	for _, tt := range table {
		if got := c.call(t, tt.call, tt.args...); got != tt.want {
			t.Errorf("%s %s: %s(%#x): %s, want %s", c.arch, tt.what, tt.call, tt.args, got, tt.want)
		}
	}
}

func TestCompiledProfileAnswers(t *testing.T) {
	for arch := range archs {
		t.Run(arch, func(t *testing.T) {
			strict := compile(t, Profile(Options{Arch: arch}), arch)
			t.Logf("%d instructions", strict.size)
			check(t, strict, withoutNetwork)
			check(t, compile(t, Profile(Options{Arch: arch, Ops: optionSets["subprocess"].Ops}), arch), withSubprocess)
			check(t, compile(t, Profile(Options{Arch: arch, Ops: optionSets["net"].Ops, Network: policy.NetworkHost}), arch), withNetwork)
			for _, o := range []Options{{Arch: arch, Listen: true}, {Arch: arch, Ops: optionSets["tcp"].Ops, Network: policy.NetworkAllow}} {
				check(t, compile(t, Profile(o), arch), withTCP)
			}
			if arch == "amd64" {
				check(t, strict, amd64Only)
			}
			// The flag differs between the architectures, so this one is not in the table.
			for _, flag := range []uint64{unix.O_CREAT, 0o20000000} {
				if got := strict.call(t, "openat", 3, 0, unix.O_WRONLY|flag, 0o4755); got != "EPERM" {
					t.Errorf("creating set-user-id with flag %#o: %s", flag, got)
				}
			}
		})
	}
}

func TestEverySocketFamilyButUnixIsUnsupported(t *testing.T) {
	for arch := range archs {
		strict := compile(t, Profile(Options{Arch: arch}), arch)
		open := compile(t, Profile(Options{Arch: arch, Ops: optionSets["net"].Ops, Network: policy.NetworkHost}), arch)
		for family := range uint64(51) {
			want, wantOpen := "EAFNOSUPPORT", "EAFNOSUPPORT"
			if family == afUnix {
				want = "allow"
			}
			if slices.Contains([]uint64{afUnix, afInet, afInet6, afNetlink}, family) {
				wantOpen = "allow"
			}
			for _, kind := range []uint64{sockStream, sockDgram} {
				if got := strict.call(t, "socket", family, kind, 0); got != want {
					t.Errorf("%s without a network: family %d: %s, want %s", arch, family, got, want)
				}
				if got := open.call(t, "socket", family, kind, 0); got != wantOpen {
					t.Errorf("%s with a network: family %d: %s, want %s", arch, family, got, wantOpen)
				}
			}
		}
	}
}

// Every protocol and type, because the rules are a complement written as masks.
func TestEveryOtherProtocolOfTheInternetIsUnsupported(t *testing.T) {
	for arch := range archs {
		open := compile(t, Profile(Options{Arch: arch, Ops: optionSets["net"].Ops, Network: policy.NetworkHost}), arch)
		for _, family := range []uint64{afInet, afInet6} {
			for kind := range uint64(16) {
				for proto := range uint64(300) {
					want := "EPROTONOSUPPORT"
					if kind == sockStream && (proto == 0 || proto == protoTCP) || kind == sockDgram && (proto == 0 || proto == protoUDP) {
						want = "allow"
					}
					if got := open.call(t, "socket", family, kind|unix.SOCK_CLOEXEC, proto); got != want {
						t.Fatalf("%s: socket(%d, %d, %d): %s, want %s", arch, family, kind, proto, got, want)
					}
				}
			}
		}
	}
}

// Every ioctl number with a 16-bit value and many larger ones against the specification in words.
func TestCompiledIoctlRefusesOnlyTheTerminalTricks(t *testing.T) {
	c := compile(t, Profile(Options{Arch: "amd64"}), "amd64")
	r := rand.New(rand.NewPCG(3, 4))
	try := func(n uint64) {
		want := "allow"
		low := n & low32
		if slices.Contains([]uint64{0x5412, 0x541c, 0x541d, 0x5423}, low) || low>>8 == 0x4b || low>>8 == 0x56 {
			want = "EPERM"
		}
		if got := c.call(t, "ioctl", r.Uint64(), n, r.Uint64()); got != want {
			t.Fatalf("ioctl %#x: %s, want %s", n, got, want)
		}
	}
	for n := range uint64(1 << 16) {
		try(n)
		try(n | uint64(r.Uint32())<<32)
		try(r.Uint64())
	}
}

func TestForeignABIsAreKilled(t *testing.T) {
	foreign := map[string][]uint32{"amd64": {auditI386, auditARM64, auditARM, 0}, "arm64": {auditARM, auditAMD64, auditI386, 0}}
	for arch, audits := range foreign {
		c := compile(t, Profile(Options{Arch: arch, Ops: optionSets["everything"].Ops, Network: policy.NetworkHost}), arch)
		for _, audit := range audits {
			for n := range uint32(500) {
				if got := c.run(Data{Arch: audit, Number: n}); got != "kill process" {
					t.Errorf("%s: number %d of ABI %#x: %s", arch, n, audit, got)
				}
			}
		}
	}
}

func TestX32NumbersAreKilled(t *testing.T) {
	c := compile(t, Profile(Options{Arch: "amd64", Ops: optionSets["everything"].Ops, Network: policy.NetworkHost}), "amd64")
	for n := range uint32(600) {
		if got := c.run(Data{Arch: auditAMD64, Number: x32Bit | n}); got != "kill process" {
			t.Errorf("x32 number %d: %s", n, got)
		}
	}
	for _, n := range []uint32{0x7fffffff, 0xc0000000, 0xfffffffe} {
		if got := c.run(Data{Arch: auditAMD64, Number: n}); got != "kill process" {
			t.Errorf("number %#x: %s", n, got)
		}
	}
	// A tracer's "skip this call"; the kernel answers ENOSYS by itself, no handler exists.
	if got := c.run(Data{Arch: auditAMD64, Number: 0xffffffff}); got != "EPERM" {
		t.Errorf("number -1: %s", got)
	}
}

func TestNumbersAboveTheTableAreMissing(t *testing.T) {
	for arch := range archs {
		for name, o := range optionSets {
			o.Arch = arch
			c := compile(t, Profile(o), arch)
			if c.highest != numberOf(t, "futex_waitv", arch) {
				t.Errorf("%s %s: the highest number is %d; doc.go and block nosys speak of futex_waitv", arch, name, c.highest)
			}
			for n := c.highest + 1; n < 700; n++ {
				if got := c.run(Data{Arch: auditArchs[arch], Number: n}); got != "ENOSYS" {
					t.Errorf("%s %s: number %d: %s", arch, name, n, got)
				}
			}
		}
	}
}

// Every number of the table, with every argument 0 and with every bit set, gets an answer of the list, and
// what no entry names gets the default.
func TestEveryNumberGetsAKnownAnswer(t *testing.T) {
	for arch := range archs {
		p := Profile(Options{Arch: arch})
		c := compile(t, p, arch)
		named := map[uint32]bool{}
		for _, s := range p.Syscalls {
			for _, n := range s.Names {
				named[numberOf(t, n, arch)] = true
			}
		}
		for n := range c.highest + 1 {
			for _, fill := range []uint64{0, ^uint64(0)} {
				e := Data{Arch: auditArchs[arch], Number: n, Args: [6]uint64{fill, fill, fill, fill, fill, fill}}
				got := c.run(e)
				if !named[n] && got != "EPERM" {
					t.Errorf("%s: number %d is in no table and gets %s", arch, n, got)
				}
				if !slices.Contains([]string{"allow", "EPERM", "ENOSYS", "ENOTSUP", "EAFNOSUPPORT"}, got) {
					t.Errorf("%s: number %d: %s", arch, n, got)
				}
			}
		}
	}
}

func TestEveryNameIsACallOfTheArchitecturesItIsListedFor(t *testing.T) {
	for _, b := range blocks {
		for _, c := range b.calls {
			for _, name := range strings.Fields(c.names) {
				for arch := range archs {
					want := c.only == "" || c.only == arch
					if exists(name, arch) != want {
						t.Errorf("%s: %s: exists on %s: %v, listed: %v", b.name, name, arch, !want, want)
					}
				}
			}
		}
	}
	for _, name := range never {
		if !exists(name, "amd64") && !exists(name, "arm64") {
			t.Errorf("list never: %s is no call", name)
		}
	}
}

func TestConstantsAgreeWithTheKernelHeaders(t *testing.T) {
	for name, pair := range map[string][2]uint64{
		"EPERM":                   {eperm, uint64(unix.EPERM)},
		"ENOSYS":                  {enosys, uint64(unix.ENOSYS)},
		"EAFNOSUPPORT":            {eafnosupport, uint64(unix.EAFNOSUPPORT)},
		"ENOTSUP":                 {eopnotsupp, uint64(unix.ENOTSUP)},
		"EPROTONOSUPPORT":         {eprotonosupport, uint64(unix.EPROTONOSUPPORT)},
		"namespaces":              {cloneRefused & 0xffffff00 & low32, unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET},
		"time namespace":          {cloneRefused & 0xff, unix.CLONE_NEWTIME},
		"CLONE_THREAD":            {cloneThread, unix.CLONE_THREAD},
		"set-id bits":             {suidBits, unix.S_ISUID | unix.S_ISGID},
		"create flags":            {createFlags, unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY},
		"SCHED_BATCH":             {schedBatch, unix.SCHED_BATCH},
		"SCHED_IDLE":              {schedIdle, unix.SCHED_IDLE},
		"kill process":            {retKillProcess, unix.SECCOMP_RET_KILL_PROCESS},
		"notify":                  {retUserNotif, unix.SECCOMP_RET_USER_NOTIF},
		"action mask":             {retAction, unix.SECCOMP_RET_ACTION_FULL},
		"errno":                   {retErrno, unix.SECCOMP_RET_ERRNO},
		"allow":                   {retAllow, unix.SECCOMP_RET_ALLOW},
		"AF_NETLINK":              {afNetlink, unix.AF_NETLINK},
		"AF_INET6":                {afInet6, unix.AF_INET6},
		"MSG_OOB":                 {msgOOB, unix.MSG_OOB},
		"PR_GET_AUXV":             {0x41555856, unix.PR_GET_AUXV},
		"PR_SET_VMA":              {0x53564d41, unix.PR_SET_VMA},
		"PR_SME_GET_VL":           {64, unix.PR_SME_GET_VL},
		"PR_SVE_GET_VL":           {51, unix.PR_SVE_GET_VL},
		"PR_GET_SPECULATION_CTRL": {52, unix.PR_GET_SPECULATION_CTRL},
		"PR_GET_TAGGED_ADDR_CTRL": {56, unix.PR_GET_TAGGED_ADDR_CTRL},
		"IPV6_V6ONLY":             {26, unix.IPV6_V6ONLY},
		"IPV6_RECVERR":            {25, unix.IPV6_RECVERR},
		"IPV6_MTU_DISCOVER":       {23, unix.IPV6_MTU_DISCOVER},
		"IP_RECVERR":              {11, unix.IP_RECVERR},
		"TCP_USER_TIMEOUT":        {18, unix.TCP_USER_TIMEOUT},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %#x here, %#x in the headers", name, pair[0], pair[1])
		}
	}
}

func TestEveryProfileFitsIntoOneFilter(t *testing.T) {
	const most = 4096 // BPF_MAXINSNS
	for arch := range archs {
		for name, o := range optionSets {
			o.Arch = arch
			if c := compile(t, Profile(o), arch); c.size > most {
				t.Errorf("%s: %d instructions, at most %d", fmt.Sprint(arch, " ", name), c.size, most)
			}
		}
	}
}
