//go:build cgo && linux

package seccomp

import "golang.org/x/sys/unix"

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

// withoutNetwork holds for the strictest profile, on both architectures.
var withoutNetwork = []vector{
	v("reading", "read", "allow"),
	v("executing the command", "execve", "allow"),
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
	v("a thread's flags without the thread's", "clone", "EPERM", 0x3d0f00&^unix.CLONE_THREAD),
	v("fork of glibc", "clone", "EPERM", 0x1200011),
	v("posix_spawn", "clone", "EPERM", unix.CLONE_VM|unix.CLONE_VFORK|17),
	v("a thread in the upper half only", "clone", "EPERM", unix.CLONE_THREAD<<32|17),
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

	v("another filter", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER),
	v("another filter in every thread", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC),
	v("a listener", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER),
	v("asking for actions", "seccomp", "EPERM", unix.SECCOMP_GET_ACTION_AVAIL),
	v("strict mode", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_STRICT),

	v("entering a Landlock domain", "landlock_restrict_self", "EPERM", 5),
	v("making Landlock rules", "landlock_create_ruleset", "EPERM"),
	v("making Landlock rules", "landlock_add_rule", "EPERM"),
	v("a pidfd of an own child", "pidfd_open", "allow", 7),

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
	v("the least nice number", "setpriority", "EPERM", 0, 0, 0x80000000),
	v("a number above the scale", "setpriority", "EPERM", 0, 0, 64),
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
	v("fork needs subprocess", "fork", "EPERM"),
	v("opening with rubbish for a mode", "open", "allow", 0, unix.O_RDONLY, 0o4755),
	v("creating", "open", "allow", 0, unix.O_CREAT|unix.O_WRONLY, 0o600),
	v("creating with set-user-id", "open", "EPERM", 0, unix.O_CREAT|unix.O_WRONLY, 0o4755),
	v("creating with set-group-id", "creat", "EPERM", 0, 0o2755),
	v("creating", "creat", "allow", 0, 0o666),
	v("set-user-id", "chmod", "EPERM", 0, 0o4755),
	v("set-user-id under hidden bits", "chmod", "EPERM", 0, hidden|0o4755),
	v("mode", "chmod", "allow", 0, 0o755),
}

// withSubprocess holds where subprocesses are permitted, on both architectures.
var withSubprocess = []vector{
	v("a thread of glibc", "clone", "allow", 0x3d0f00),
	v("fork of glibc", "clone", "allow", 0x1200011),
	v("posix_spawn", "clone", "allow", unix.CLONE_VM|unix.CLONE_VFORK|17),
	v("the Go runtime's process with a pidfd", "clone", "allow", unix.CLONE_VFORK|unix.CLONE_VM|unix.CLONE_PIDFD|17),
	v("clone3 falls back", "clone3", "ENOSYS"),
	v("another filter", "seccomp", "EPERM", unix.SECCOMP_SET_MODE_FILTER),
	v("filters through prctl under hidden bits", "prctl", "EPERM", hidden|unix.PR_SET_SECCOMP),
	v("entering a Landlock domain", "landlock_restrict_self", "EPERM", 5),
	v("own process group", "setpgid", "allow"),
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

// withTCP holds where the box's own loopback is open, to a proxy or from a published port.
var withTCP = []vector{
	v("AF_UNIX", "socket", "allow", unix.AF_UNIX, unix.SOCK_STREAM),
	v("TCP", "socket", "allow", unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC),
	v("TCP by name", "socket", "allow", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP),
	v("TCP over IPv6", "socket", "allow", unix.AF_INET6, unix.SOCK_STREAM),
	v("UDP over IPv6", "socket", "EPROTONOSUPPORT", unix.AF_INET6, unix.SOCK_DGRAM),
	v("both kinds of address", "setsockopt", "allow", 3, unix.SOL_IPV6, unix.IPV6_V6ONLY),
	v("AX.25", "socket", "EAFNOSUPPORT", unix.AF_AX25, unix.SOCK_STREAM),
	v("no family", "socket", "EAFNOSUPPORT", unix.AF_UNSPEC, unix.SOCK_STREAM),
	v("UDP", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_DGRAM),
	v("raw", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
	v("MPTCP", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
	v("SCTP without its name", "socket", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_SEQPACKET, 0),
	v("IPv4 under hidden bits", "socket", "EAFNOSUPPORT", hidden|unix.AF_INET, unix.SOCK_STREAM),
	v("routes", "socket", "EAFNOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
	v("vsock", "socket", "EAFNOSUPPORT", unix.AF_VSOCK, unix.SOCK_STREAM),
	v("no delay", "setsockopt", "allow", 3, unix.SOL_TCP, unix.TCP_NODELAY),
	v("kTLS", "setsockopt", "EPERM", 3, unix.SOL_TCP, unix.TCP_ULP),
	v("options of IP", "setsockopt", "EPERM", 3, unix.SOL_IP, unix.IP_TTL),
	v("connecting past Landlock", "sendto", "EPERM", 3, 0, 2, unix.MSG_FASTOPEN),
	v("connecting past Landlock with a message", "sendmsg", "EPERM", 3, 0, unix.MSG_FASTOPEN),
	v("sending", "sendto", "allow", 3, 0, 2, unix.MSG_NOSIGNAL),
}
