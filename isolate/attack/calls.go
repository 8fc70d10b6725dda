package attack

import "golang.org/x/sys/unix"

// refused is one system call that only the filter stops. It gets through when anything but the filter's answer comes
// back, because then the kernel's own code ran.
func refused(name, want string, number int, args ...any) Probe {
	return Probe{Name: name, Try: func(*Inside) string { return Call(number, args...) }, Want: Saw{want: "seccomp"}}
}

// hidden is what a hostile caller puts above a C int: the kernel drops it, a filter that compares 64 bits is fooled.
const hidden = 0x2bcdef01_00000000

func zeros(n int) []byte { return make([]byte, n) }

var seccomp = []string{"seccomp"}

// calls are attacks through system calls that a program loading a model never makes. The arguments reach the
// kernel's code and do no harm there: CI makes every one of them as root, without the filter.
func calls() []Check {
	const no, missing = "EPERM", "ENOSYS"
	return []Check{
		{ID: "S-01", Title: "has io_uring carry out calls past the filter", Refs: []string{"CVE-2022-29582", "CVE-2022-2602", "CVE-2025-40364"}, Layers: seccomp, Probes: []Probe{
			refused("setup", missing, unix.SYS_IO_URING_SETUP, 1, zeros(120)),
			refused("enter", missing, unix.SYS_IO_URING_ENTER, -1, 0, 0, 0, 0, 0),
			refused("register", missing, unix.SYS_IO_URING_REGISTER, -1, 0, 0, 0),
		}},
		{ID: "S-02", Title: "loads a program into the kernel", Refs: []string{"bpf(2)", "CVE-2022-23222"}, Layers: seccomp, Probes: []Probe{
			refused("map", no, unix.SYS_BPF, unix.BPF_MAP_CREATE, zeros(128), 128),
			refused("program", no, unix.SYS_BPF, unix.BPF_PROG_LOAD, zeros(128), 128),
			refused("program-hidden-bits", no, unix.SYS_BPF, hidden|unix.BPF_PROG_LOAD, zeros(128), 128),
			refused("no-command", no, unix.SYS_BPF, 9999, zeros(128), 128),
		}},
		{ID: "S-03", Title: "measures other processes with performance counters", Refs: []string{"perf_event_open(2)"}, Layers: seccomp, Probes: []Probe{
			refused("open", no, unix.SYS_PERF_EVENT_OPEN, []byte{1, 0, 0, 0, 112, 0, 0, 0, 111: 0}, -1, 0, -1, 0),
		}},
		{ID: "S-04", Title: "holds the kernel in a page fault", Refs: []string{"userfaultfd(2)"}, Layers: seccomp, Probes: []Probe{
			refused("call", no, unix.SYS_USERFAULTFD, unix.O_CLOEXEC),
			refused("own-faults-only", no, unix.SYS_USERFAULTFD, unix.O_CLOEXEC|1),
		}},
		{ID: "S-05", Title: "reads and makes keys in the kernel's keyrings", Refs: []string{"keyctl(2)"}, Layers: seccomp, Probes: []Probe{
			refused("session-keyring", no, unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, -3, 0),
			refused("keyring-by-name", no, unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, "loadlock-selftest"),
			refused("new-key", no, unix.SYS_ADD_KEY, "user", "loadlock-selftest", "x", 1, -1), // the keyring of a thread that ends
			refused("ask", no, unix.SYS_REQUEST_KEY, "user", "loadlock-selftest", nil, 0),
		}},
		{ID: "S-06", Title: "drops memory of other processes", Refs: []string{"process_madvise(2)", "process_mrelease(2)"}, Layers: seccomp, Probes: []Probe{
			refused("madvise", no, unix.SYS_PROCESS_MADVISE, -1, zeros(16), 1, 4, 0),
			refused("mrelease", no, unix.SYS_PROCESS_MRELEASE, -1, 0),
		}},
		{ID: "S-07", Title: "makes exploits easier with a personality", Refs: []string{"personality(2)"}, Layers: seccomp, Probes: []Probe{
			refused("read-implies-exec", no, unix.SYS_PERSONALITY, 0x0400000),
			refused("no-randomness", no, unix.SYS_PERSONALITY, 0x0040000),
			refused("no-randomness-hidden-bits", no, unix.SYS_PERSONALITY, hidden|0x0040000),
			refused("linux32", no, unix.SYS_PERSONALITY, 8),
			works("asking", unix.SYS_PERSONALITY, 0xffffffff),
		}},
		{ID: "S-08", Title: "administers the kernel: modules, another kernel, swap, accounting, quotas, its log", Refs: []string{"kexec_load(2)", "init_module(2)", "reboot(2)"}, Layers: seccomp, Probes: append([]Probe{
			refused("kexec", no, unix.SYS_KEXEC_LOAD, 0, 0, nil, 0xff),
			refused("init-module", no, unix.SYS_INIT_MODULE, zeros(8), 8, ""),
			refused("finit-module", no, unix.SYS_FINIT_MODULE, -1, "", 0),
			refused("delete-module", no, unix.SYS_DELETE_MODULE, "loadlock_selftest", unix.O_NONBLOCK),
			refused("reboot", no, unix.SYS_REBOOT, 0, 0, 0, 0), // without its two magic numbers it does nothing
			refused("swapon", no, unix.SYS_SWAPON, "/nonexistent", 0),
			refused("swapoff", no, unix.SYS_SWAPOFF, "/nonexistent"),
			refused("acct", no, unix.SYS_ACCT, "/nonexistent"),
			refused("quotactl", no, unix.SYS_QUOTACTL, 0x800004<<8, "/nonexistent", 0, zeros(64)),
			refused("syslog", no, unix.SYS_SYSLOG, 10, nil, 0),
		}, portCalls()...)},
		{ID: "S-09", Title: "sets the host's clock", Refs: []string{"clock_settime(2)", "adjtimex(2)"}, Layers: seccomp, Probes: []Probe{
			refused("settimeofday", no, unix.SYS_SETTIMEOFDAY, nil, []byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}), // a time zone 45 days away is refused
			refused("clock-settime", no, unix.SYS_CLOCK_SETTIME, unix.CLOCK_MONOTONIC, zeros(16)),         // a clock that nobody can set
			refused("adjtimex", no, unix.SYS_ADJTIMEX, []byte{0, 0x40, 255: 0}),                           // ADJ_TICK: a tick of 0 is refused
			refused("clock-adjtime", no, unix.SYS_CLOCK_ADJTIME, unix.CLOCK_REALTIME, []byte{0, 0x40, 255: 0}),
		}},
		{ID: "S-10", Title: "takes the processor from everybody else", Refs: []string{"sched(7)"}, Layers: seccomp, Probes: []Probe{
			refused("fifo", no, unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_FIFO, zeros(4)),                    // a priority of 0: refused by the kernel too, with EINVAL
			refused("fifo-hidden-bits", no, unix.SYS_SCHED_SETSCHEDULER, 0, hidden|unix.SCHED_FIFO, zeros(4)), // a priority of 0: refused by the kernel too, with EINVAL
			refused("setparam", no, unix.SYS_SCHED_SETPARAM, 0, zeros(4)),
			refused("deadline", no, unix.SYS_SCHED_SETATTR, 0, []byte{48, 0, 0, 0, unix.SCHED_DEADLINE, 47: 0}, 0),
			refused("less-nice", no, unix.SYS_SETPRIORITY, 0, 0, -5),
			refused("less-nice-not-sign-extended", no, unix.SYS_SETPRIORITY, 0, 0, 0xfffffffb),
			refused("ioprio", no, unix.SYS_IOPRIO_SET, 1, 0, 1<<13),
			works("nicer", unix.SYS_SETPRIORITY, 0, 0, 19),
		}},
		{ID: "S-11", Title: "locks all memory, moves pages", Refs: []string{"mlockall(2)", "move_pages(2)", "mbind(2)"}, Layers: seccomp, Probes: []Probe{
			refused("mlockall", no, unix.SYS_MLOCKALL, 4|1), // only what is touched, in a process that ends
			refused("move-pages", no, unix.SYS_MOVE_PAGES, 0, 0, nil, nil, nil, 0),
			refused("migrate-pages", no, unix.SYS_MIGRATE_PAGES, 0, 0, nil, nil),
			refused("mbind", no, unix.SYS_MBIND, nil, 0, 0, nil, 0, 0),
			refused("set-mempolicy", no, unix.SYS_SET_MEMPOLICY, 0, nil, 0),
		}},
	}
}

// works is a near miss: what programs do every day.
func works(name string, number int, args ...any) Probe {
	return Probe{Name: name, Try: func(*Inside) string { return Call(number, args...) }, Want: Saw{"through": ""}, Benign: true}
}
