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

// hidden is what a hostile caller puts above a C int.
const hidden = 0xabcdef01_00000000

// signExtended is how a C int of -1 arrives through syscall(2).
const signExtended = ^uint64(0)

// linux/futex.h; x/sys has no names for them.
const (
	futexWait          = 0
	futexRequeue       = 3
	futexLockPI        = 6
	futexUnlockPI      = 7
	futexTrylockPI     = 8
	futexWaitBitset    = 9
	futexWaitRequeuePI = 11
	futexCmpRequeuePI  = 12
	futexPrivate       = 128
	futexRealtime      = 256
)

// vector is one line: call, arguments, wanted answer.
type vector struct {
	what string
	call string
	args []uint64
	want string
}

func v(what, call, want string, args ...uint64) vector { return vector{what, call, args, want} }

// withoutNetwork holds for the strictest profile on both architectures.
var withoutNetwork = []vector{
	v("reading", "read", "allow"),
	v("starting pid 1 and the workload", "execve", "allow"),
	v("executing a descriptor", "execveat", "EPERM"),
	v("clone3 falls back", "clone3", "ENOSYS"),
	v("io_uring is missing", "io_uring_setup", "ENOSYS", 8),
	v("io_uring is missing", "io_uring_enter", "ENOSYS"),
	v("io_uring is missing", "io_uring_register", "ENOSYS"),
	v("bpf", "bpf", "EPERM"),
	v("perf events", "perf_event_open", "EPERM"),
	v("userfaultfd", "userfaultfd", "EPERM"),
	v("keys", "keyctl", "EPERM"),
	v("keys", "add_key", "EPERM"),
	v("keys", "request_key", "EPERM"),
	v("others' memory", "process_madvise", "EPERM"),
	v("others' memory", "process_mrelease", "EPERM"),
	v("others' memory", "process_vm_readv", "EPERM"),
	v("tracing", "ptrace", "EPERM"),
	v("others' descriptors", "pidfd_getfd", "ENOSYS"),
	v("mounting", "mount", "EPERM"),
	v("mounting", "move_mount", "EPERM"),
	v("mounting", "mount_setattr", "ENOSYS"),
	v("namespaces", "unshare", "EPERM", unix.CLONE_NEWUSER),
	v("namespaces", "setns", "EPERM"),
	v("files by handle", "open_by_handle_at", "EPERM"),
	v("openat2 falls back", "openat2", "ENOSYS"),
	v("futex_waitv falls back", "futex_waitv", "ENOSYS"),
	v("setting an ACL", "fsetxattr", "ENOTSUP"),
	v("splice", "splice", "EPERM"),
	v("vmsplice", "vmsplice", "EPERM"),
	v("memory files need native code", "memfd_create", "EPERM"),
	v("memory policy is refused and tolerated", "mbind", "EPERM"),

	v("a thread of glibc", "clone", "allow", 0x3d0f00),
	v("fork of glibc", "clone", "allow", 0x1200011),
	v("posix_spawn", "clone", "allow", unix.CLONE_VM|unix.CLONE_VFORK|17),
	v("the Go runtime's process with a pidfd", "clone", "allow", unix.CLONE_VFORK|unix.CLONE_VM|unix.CLONE_PIDFD|17),
	v("new mount namespace", "clone", "EPERM", unix.CLONE_NEWNS|17),
	v("new cgroup namespace", "clone", "EPERM", unix.CLONE_NEWCGROUP|17),
	v("new UTS namespace", "clone", "EPERM", unix.CLONE_NEWUTS|17),
	v("new IPC namespace", "clone", "EPERM", unix.CLONE_NEWIPC|17),
	v("new user namespace", "clone", "EPERM", unix.CLONE_NEWUSER|17),
	v("new user namespace beside thread flags", "clone", "EPERM", unix.CLONE_NEWUSER|0x3d0f00),
	v("new pid namespace", "clone", "EPERM", unix.CLONE_NEWPID|17),
	v("new network namespace", "clone", "EPERM", unix.CLONE_NEWNET|17),
	v("new time namespace", "clone", "EPERM", unix.CLONE_NEWTIME),
	v("into another cgroup", "clone", "EPERM", unix.CLONE_INTO_CGROUP|17),
	v("any bit above", "clone", "EPERM", 1<<63|17),
	v("new user namespace under hidden bits", "clone", "EPERM", hidden|unix.CLONE_NEWUSER|17),

	v("own limits", "prlimit64", "allow", 0, 7),
	v("pid 1's limits", "prlimit64", "EPERM", 1, 7),
	v("pid 1's limits under hidden bits", "prlimit64", "EPERM", hidden|1, 7),

	v("asking the personality", "personality", "allow", 0xffffffff),
	v("asking the personality with a sign", "personality", "allow", signExtended),
	v("plain personality", "personality", "allow", 0),
	v("READ_IMPLIES_EXEC", "personality", "EPERM", 0x0400000),
	v("ADDR_NO_RANDOMIZE", "personality", "EPERM", 0x0040000),
	v("PER_LINUX32", "personality", "EPERM", 8),
	v("ADDR_NO_RANDOMIZE under hidden bits", "personality", "EPERM", hidden|0x0040000),

	v("thread name", "prctl", "allow", unix.PR_SET_NAME),
	v("memory name", "prctl", "allow", unix.PR_SET_VMA),
	v("no_new_privs", "prctl", "allow", unix.PR_SET_NO_NEW_PRIVS),
	v("filters through prctl", "prctl", "EPERM", unix.PR_SET_SECCOMP),
	v("filters through prctl under hidden bits", "prctl", "EPERM", hidden|unix.PR_SET_SECCOMP),
	v("moving own memory map", "prctl", "EPERM", unix.PR_SET_MM),
	v("naming a tracer", "prctl", "EPERM", unix.PR_SET_PTRACER),
	v("speculation", "prctl", "EPERM", unix.PR_SET_SPECULATION_CTRL),
	v("machine checks", "prctl", "EPERM", unix.PR_MCE_KILL),
	v("ambient capabilities", "prctl", "EPERM", unix.PR_CAP_AMBIENT),

	v("installing Seal", "seccomp", "allow", unix.SECCOMP_SET_MODE_FILTER),
	v("installing Seal in every thread", "seccomp", "allow", unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC),
	v("a listener", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER),
	v("a listener under hidden bits", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER, hidden|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER),
	v("strict mode", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_STRICT),

	v("terminal mode", "ioctl", "allow", 0, unix.TCGETS),
	v("terminal size", "ioctl", "allow", 0, unix.TIOCGWINSZ),
	v("close on exec", "ioctl", "allow", 3, 0x5451),
	v("an NVIDIA control", "ioctl", "allow", 3, 0xc020462a),
	v("the same, sign-extended by musl", "ioctl", "allow", 3, 0xffffffff_c020462a),
	v("typing into the terminal", "ioctl", "EPERM", 0, unix.TIOCSTI),
	v("typing under hidden bits", "ioctl", "EPERM", 0, hidden|unix.TIOCSTI),
	v("typing, sign-extended", "ioctl", "EPERM", 0, 0xffffffff_00000000|unix.TIOCSTI),
	v("typing on another descriptor", "ioctl", "EPERM", hidden|2, unix.TIOCSTI),
	v("pasting", "ioctl", "EPERM", 0, 0x541c),
	v("pasting under hidden bits", "ioctl", "EPERM", 0, hidden|0x541c),
	v("console output", "ioctl", "EPERM", 0, unix.TIOCCONS),
	v("line disciplines", "ioctl", "EPERM", 0, unix.TIOCSETD),
	v("line disciplines under hidden bits", "ioctl", "EPERM", 0, 1<<32|unix.TIOCSETD),
	v("keyboard of the console", "ioctl", "EPERM", 0, 0x4b3a),
	v("virtual terminals", "ioctl", "EPERM", 0, 0x5606),

	v("futex wait", "futex", "allow", 0, futexWait|futexPrivate),
	v("futex wait until", "futex", "allow", 0, futexWaitBitset|futexRealtime),
	v("futex requeue of musl", "futex", "allow", 0, futexRequeue|futexPrivate),
	v("lock with inheritance", "futex", "EPERM", 0, futexLockPI),
	v("private lock with inheritance", "futex", "EPERM", 0, futexLockPI|futexPrivate),
	v("lock with inheritance under hidden bits", "futex", "EPERM", 0, hidden|futexLockPI),
	v("second lock with inheritance", "futex", "EPERM", 0, 13),
	v("unlock with inheritance", "futex", "EPERM", 0, futexUnlockPI),
	v("try lock with inheritance", "futex", "EPERM", 0, futexTrylockPI),
	v("requeue with inheritance", "futex", "EPERM", 0, futexCmpRequeuePI|futexRealtime),
	v("wait for requeue with inheritance", "futex", "EPERM", 0, futexWaitRequeuePI),

	v("ordinary scheduling", "sched_setscheduler", "allow", 0, unix.SCHED_NORMAL),
	v("batch, reset on fork", "sched_setscheduler", "allow", 0, 0x40000000|unix.SCHED_BATCH),
	v("idle", "sched_setscheduler", "allow", 0, unix.SCHED_IDLE),
	v("real time FIFO", "sched_setscheduler", "EPERM", 0, unix.SCHED_FIFO),
	v("real time RR under hidden bits", "sched_setscheduler", "EPERM", 0, hidden|unix.SCHED_RR),
	v("deadline", "sched_setscheduler", "EPERM", 0, unix.SCHED_DEADLINE),
	v("nicer", "setpriority", "allow", 0, 0, 10),
	v("less nice", "setpriority", "EPERM", 0, 0, signExtended),
	v("less nice as a bare int", "setpriority", "EPERM", 0, 0, 0xfffffff6),

	v("opening", "openat", "allow", 3, unix.O_RDONLY, 0),
	v("opening with rubbish for a mode", "openat", "allow", 3, unix.O_RDONLY|unix.O_CLOEXEC, 0, 0o6755),
	v("creating", "openat", "allow", 3, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o644),
	v("mode of a folder", "fchmodat", "allow", 3, 0, 0o1777),
	v("set-user-id", "fchmodat", "EPERM", 3, 0, 0o4755),
	v("set-group-id", "fchmodat", "EPERM", 3, 0, 0o2755),
	v("both under hidden bits", "fchmodat", "EPERM", 3, 0, hidden|0o6755),
	v("mode of an open file", "fchmod", "allow", 3, 0o755),
	v("set-user-id of an open file", "fchmod", "EPERM", 3, 0o4755),

	v("message", "sendmsg", "allow", 3, 0, unix.MSG_NOSIGNAL),
	v("urgent message", "sendmsg", "EPERM", 3, 0, unix.MSG_OOB),
	v("urgent message under hidden bits", "sendto", "EPERM", 3, 0, 0, hidden|unix.MSG_OOB),
	v("reading urgent data", "recvfrom", "EPERM", 3, 0, 0, unix.MSG_OOB|unix.MSG_DONTWAIT),
	v("reading", "recvmsg", "allow", 3, 0, unix.MSG_CMSG_CLOEXEC),

	v("buffer size", "setsockopt", "allow", 3, unix.SOL_SOCKET, unix.SO_SNDBUF),
	v("reuse of the address", "setsockopt", "allow", 3, unix.SOL_SOCKET, unix.SO_REUSEADDR),
	v("classic filter", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER),
	v("classic filter under hidden bits", "setsockopt", "EPERM", 3, hidden|unix.SOL_SOCKET, hidden|unix.SO_ATTACH_FILTER),
	v("extended filter", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_ATTACH_BPF),
	v("reuseport filter", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF),
	v("reuseport filter", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_EBPF),
	v("kTLS", "setsockopt", "EPERM", 3, unix.SOL_TCP, unix.TCP_ULP),
	v("TCP without a network", "setsockopt", "EPERM", 3, unix.SOL_TCP, unix.TCP_NODELAY),

	v("DataLoader's socket", "socket", "allow", unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC),
	v("CUDA's socket", "socket", "allow", unix.AF_UNIX, unix.SOCK_SEQPACKET),
	v("IPv4", "socket", "EAFNOSUPPORT", unix.AF_INET, unix.SOCK_STREAM),
	v("IPv4 under hidden bits", "socket", "EAFNOSUPPORT", hidden|unix.AF_INET, unix.SOCK_STREAM),
	v("AF_UNIX under hidden bits", "socket", "EAFNOSUPPORT", hidden|unix.AF_UNIX, unix.SOCK_STREAM),
	v("asyncio's pair", "socketpair", "allow", unix.AF_UNIX, unix.SOCK_STREAM),
	v("pair of another family", "socketpair", "EAFNOSUPPORT", 30, unix.SOCK_STREAM),
}

// amd64Only holds for the strictest profile; the calls are missing on arm64.
var amd64Only = []vector{
	v("thread pointer", "arch_prctl", "allow", 0x1002),
	v("AMX", "arch_prctl", "allow", 0x1023),
	v("shadow stack off", "arch_prctl", "EPERM", 0x5002),
	v("segments are missing", "modify_ldt", "ENOSYS"),
	v("ports", "iopl", "EPERM"),
	v("ports", "ioperm", "EPERM"),
	v("vfork needs subprocess", "vfork", "EPERM"),
	v("fork of pid 1", "fork", "allow"),
	v("opening with rubbish for a mode", "open", "allow", 0, unix.O_RDONLY, 0o4755),
	v("creating", "open", "allow", 0, unix.O_CREAT|unix.O_WRONLY, 0o600),
	v("creating with set-user-id", "open", "EPERM", 0, unix.O_CREAT|unix.O_WRONLY, 0o4755),
	v("creating with set-group-id", "creat", "EPERM", 0, 0o2755),
	v("creating", "creat", "allow", 0, 0o666),
	v("set-user-id", "chmod", "EPERM", 0, 0o4755),
	v("set-user-id under hidden bits", "chmod", "EPERM", 0, hidden|0o4755),
	v("mode", "chmod", "allow", 0, 0o755),
}

// withNetwork holds where the network is open, on both architectures.
var withNetwork = []vector{
	v("AF_UNIX", "socket", "allow", unix.AF_UNIX, unix.SOCK_STREAM),
	v("TCP", "socket", "allow", unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC),
	v("TCP by name", "socket", "allow", unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP),
	v("UDP", "socket", "allow", unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK),
	v("UDP by name", "socket", "allow", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP),
	v("raw", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
	v("ping", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP),
	v("ping over IPv6", "socket", "EPROTONOSUPPORT", unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6),
	v("MPTCP", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
	v("SCTP", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP),
	v("SCTP without its name", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_SEQPACKET, 0),
	v("DCCP without its name", "socket", "EPROTONOSUPPORT", unix.AF_INET6, unix.SOCK_DCCP, 0),
	v("UDP-Lite", "socket", "EPROTONOSUPPORT", unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE),
	v("TCP over the wrong type", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_TCP),
	v("TCP under hidden bits", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, hidden|unix.IPPROTO_TCP),
	v("IPv4 under hidden bits", "socket", "EAFNOSUPPORT", hidden|unix.AF_INET, unix.SOCK_STREAM),
	v("routes", "socket", "allow", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
	v("netfilter", "socket", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER),
	v("generic netlink", "socket", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC),
	v("netfilter under hidden bits", "socket", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, hidden|unix.NETLINK_NETFILTER),
	v("vsock", "socket", "EAFNOSUPPORT", unix.AF_VSOCK, unix.SOCK_STREAM),
	v("pair over the network", "socketpair", "EAFNOSUPPORT", unix.AF_INET, unix.SOCK_STREAM),
	v("no delay", "setsockopt", "allow", 3, unix.SOL_TCP, unix.TCP_NODELAY),
	v("errors for the resolver", "setsockopt", "allow", 3, unix.SOL_IPV6, unix.IPV6_RECVERR),
	v("kTLS", "setsockopt", "EPERM", 3, unix.SOL_TCP, unix.TCP_ULP),
	v("kTLS under hidden bits", "setsockopt", "EPERM", 3, hidden|unix.SOL_TCP, hidden|unix.TCP_ULP),
	v("classic filter", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER),
	v("device binding", "setsockopt", "EPERM", 3, unix.SOL_SOCKET, unix.SO_BINDTODEVICE),
	v("repair mode", "setsockopt", "EPERM", 3, unix.SOL_TCP, unix.TCP_REPAIR),
	v("resolver", "sendmmsg", "allow", 3, 0, 2, unix.MSG_NOSIGNAL),
	v("urgent messages", "sendmmsg", "EPERM", 3, 0, 2, unix.MSG_OOB),
}

func check(t *testing.T, c compiled, table []vector) {
	t.Helper()
	for _, tt := range table {
		if got := c.call(t, tt.call, tt.args...); got != tt.want {
			t.Errorf("%s %s: %s(%#x): %s, want %s", c.arch, tt.what, tt.call, tt.args, got, tt.want)
		}
	}
}

func TestCompiledProfileAnswers(t *testing.T) {
	for arch := range scmpArchs {
		t.Run(arch, func(t *testing.T) {
			strict := compile(t, Profile(Options{Arch: arch}), arch)
			t.Logf("%d instructions", strict.size)
			check(t, strict, withoutNetwork)
			check(t, compile(t, Profile(Options{Arch: arch, Ops: optionSets["net"].Ops, Network: policy.NetworkHost}), arch), withNetwork)
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
	for arch := range scmpArchs {
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
	for arch := range scmpArchs {
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
				if got := c.run(t, event{audit: audit, number: n}); got != "kill thread" {
					t.Errorf("%s: number %d of ABI %#x: %s", arch, n, audit, got)
				}
			}
		}
	}
}

func TestX32NumbersAreKilled(t *testing.T) {
	c := compile(t, Profile(Options{Arch: "amd64", Ops: optionSets["everything"].Ops, Network: policy.NetworkHost}), "amd64")
	for n := range uint32(600) {
		if got := c.run(t, event{audit: auditAMD64, number: x32Bit | n}); got != "kill thread" {
			t.Errorf("x32 number %d: %s", n, got)
		}
	}
	for _, n := range []uint32{0x7fffffff, 0xc0000000, 0xfffffffe} {
		if got := c.run(t, event{audit: auditAMD64, number: n}); got != "kill thread" {
			t.Errorf("number %#x: %s", n, got)
		}
	}
	// A tracer's "skip this call"; the kernel answers ENOSYS by itself, no handler exists.
	if got := c.run(t, event{audit: auditAMD64, number: 0xffffffff}); got != "EPERM" {
		t.Errorf("number -1: %s", got)
	}
}

func TestNumbersAboveTheTableAreMissing(t *testing.T) {
	for arch := range scmpArchs {
		for name, o := range optionSets {
			o.Arch = arch
			c := compile(t, Profile(o), arch)
			if c.highest != number(t, "futex_waitv", arch) {
				t.Errorf("%s %s: the highest number is %d; doc.go and block nosys speak of futex_waitv", arch, name, c.highest)
			}
			for n := c.highest + 1; n < 700; n++ {
				if got := c.run(t, event{audit: auditArchs[arch], number: n}); got != "ENOSYS" {
					t.Errorf("%s %s: number %d: %s", arch, name, n, got)
				}
			}
		}
	}
}

// Every number of the table, with every argument 0 and with every bit set, gets an answer of the list, and
// what no entry names gets the default.
func TestEveryNumberGetsAKnownAnswer(t *testing.T) {
	for arch := range scmpArchs {
		p := Profile(Options{Arch: arch})
		c := compile(t, p, arch)
		named := map[uint32]bool{}
		for _, s := range p.Syscalls {
			for _, n := range s.Names {
				named[number(t, n, arch)] = true
			}
		}
		for n := range c.highest + 1 {
			for _, fill := range []uint64{0, ^uint64(0)} {
				e := event{audit: auditArchs[arch], number: n, args: [6]uint64{fill, fill, fill, fill, fill, fill}}
				got := c.run(t, e)
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
				for arch := range scmpArchs {
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

func TestSealKnowsTheNumbersOfLibseccomp(t *testing.T) {
	for arch, a := range abis {
		for name, n := range map[string]int64{
			"fork": a.fork, "vfork": a.vfork, "clone": a.clone, "clone3": a.clone3, "prctl": a.prctl, "seccomp": a.seccomp,
			"landlock_create_ruleset": a.createRuleset, "landlock_add_rule": a.addRule, "landlock_restrict_self": a.restrictItself,
		} {
			if n == -1 {
				if exists(name, arch) {
					t.Errorf("%s has %s", arch, name)
				}
				continue
			}
			if want := int64(number(t, name, arch)); n != want {
				t.Errorf("%s %s: %d, libseccomp says %d", arch, name, n, want)
			}
		}
		if a.audit != auditArchs[arch] {
			t.Errorf("%s: audit architecture %#x", arch, a.audit)
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
		"PR_SET_SECCOMP":          {prSetSeccomp, unix.PR_SET_SECCOMP},
		"SCHED_BATCH":             {schedBatch, unix.SCHED_BATCH},
		"SCHED_IDLE":              {schedIdle, unix.SCHED_IDLE},
		"filter flags":            {seccompFilterFlags, unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH},
		"kill process":            {retKillProcess, unix.SECCOMP_RET_KILL_PROCESS},
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
	const most = 4096 - 64 // BPF_MAXINSNS less room for libcontainer's own instructions
	for arch := range scmpArchs {
		for name, o := range optionSets {
			o.Arch = arch
			if c := compile(t, Profile(o), arch); c.size > most {
				t.Errorf("%s: %d instructions, at most %d", fmt.Sprint(arch, " ", name), c.size, most)
			}
		}
	}
}
