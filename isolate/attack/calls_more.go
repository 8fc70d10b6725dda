package attack

import (
	"slices"

	"golang.org/x/sys/unix"
)

// moreCalls are attacks through calls of which a part is needed, and through numbers that nobody knows.
func moreCalls() []Check {
	const no, missing = "EPERM", "ENOSYS"
	return []Check{
		{ID: "S-15", Title: "signals processes outside by descriptor", Refs: []string{"pidfd_open(2)"}, Layers: []string{"pid"}, Probes: []Probe{
			{Name: "witness", Try: func(in *Inside) string { return Call(unix.SYS_PIDFD_OPEN, in.PID, 0) }, Want: Saw{"ESRCH": "pid"}, Through: []string{"through"}},
		}},
		{ID: "S-16", Title: "adds filters, and listens to them", Refs: []string{"seccomp_unotify(2)", "netblue30/firejail#2718"}, Layers: seccomp, Probes: []Probe{
			refused("listener", no, unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, nil),
			refused("listener-hidden-bits", no, unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, hidden|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, nil),
			refused("filter", no, unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, nil),
			refused("filter-by-prctl", no, unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, nil),
			refused("filter-by-prctl-hidden-bits", no, unix.SYS_PRCTL, hidden|unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, nil),
			refused("actions", no, unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, []byte{0, 0, 0xff, 0x7f}),
			refused("landlock", no, unix.SYS_LANDLOCK_CREATE_RULESET, nil, 0, 1),
		}},
		{ID: "S-17", Title: "changes what protects it from itself and others", Refs: []string{"prctl(2)"}, Layers: seccomp, Probes: []Probe{
			refused("memory-map", no, unix.SYS_PRCTL, unix.PR_SET_MM, unix.PR_SET_MM_MAP_SIZE, zeros(8)),
			refused("memory-map-hidden-bits", no, unix.SYS_PRCTL, hidden|unix.PR_SET_MM, unix.PR_SET_MM_MAP_SIZE, zeros(8)),
			refused("tracer", no, unix.SYS_PRCTL, unix.PR_SET_PTRACER, -1),
			refused("machine-checks", no, unix.SYS_PRCTL, unix.PR_MCE_KILL, 0, 0, 0, 0),
			refused("speculation", no, unix.SYS_PRCTL, unix.PR_SET_SPECULATION_CTRL, 0, 2, 0, 0),
			refused("securebits", no, unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, 0),
			refused("ambient-capabilities", no, unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
			refused("no-operation", no, unix.SYS_PRCTL, 9999, 0),
			works("name", unix.SYS_PRCTL, unix.PR_SET_NAME, "selftest"),
		}},
		{ID: "S-18", Title: "changes segments and shadow stacks", Refs: []string{"modify_ldt(2)", "arch_prctl(2)"}, Layers: seccomp, Needs: []string{"amd64"}, Probes: segmentCalls()},
		{ID: "S-19", Title: "locks with priority inheritance", Refs: []string{"CVE-2014-3153", "CVE-2026-43499"}, Layers: seccomp, Probes: []Probe{
			refused("lock", no, unix.SYS_FUTEX, zeros(8), 6, 0, nil, nil, 0),
			refused("lock-private", no, unix.SYS_FUTEX, zeros(8), 6|128, 0, nil, nil, 0),
			refused("lock-hidden-bits", no, unix.SYS_FUTEX, zeros(8), hidden|6, 0, nil, nil, 0),
			refused("lock2", no, unix.SYS_FUTEX, zeros(8), 13, 0, nil, nil, 0),
			refused("trylock", no, unix.SYS_FUTEX, zeros(8), 8, 0, nil, nil, 0),
			refused("wait-requeue", no, unix.SYS_FUTEX, zeros(8), 11, 1, nil, zeros(8), 0),
			refused("compare-requeue", no, unix.SYS_FUTEX, zeros(8), 12, 1, 0, zeros(8), 0),
			refused("futex-requeue", missing, 456, nil, 1, 0, 0),
			works("wake", unix.SYS_FUTEX, zeros(8), 1|128, 1, nil, nil, 0),
		}},
		{ID: "S-20", Title: "moves pages between files and pipes", Refs: []string{"CVE-2022-0847", "CVE-2026-31431"}, Layers: seccomp, Probes: []Probe{
			refused("splice", no, unix.SYS_SPLICE, -1, nil, -1, nil, 1, 0),
			refused("vmsplice", no, unix.SYS_VMSPLICE, -1, zeros(16), 1, 0),
			refused("tee", no, unix.SYS_TEE, -1, -1, 1, 0),
			refused("sendfile", no, unix.SYS_SENDFILE, -1, -1, nil, 1),
		}},
		{ID: "S-21", Title: "hands programs and protocols to the kernel through a socket", Refs: []string{"setsockopt(2)", "CVE-2023-0461"}, Layers: seccomp, Probes: []Probe{
			option("attach-filter", 0, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER),
			option("attach-filter-hidden-bits", hidden, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER),
			option("attach-bpf", 0, unix.SOL_SOCKET, unix.SO_ATTACH_BPF),
			option("attach-reuseport-cbpf", 0, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF),
			option("attach-reuseport-ebpf", 0, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_EBPF),
			option("bind-to-device", 0, unix.SOL_SOCKET, unix.SO_BINDTODEVICE),
			option("tcp-ulp", 0, unix.SOL_TCP, unix.TCP_ULP),
			option("tcp-ulp-hidden-bits", hidden, unix.SOL_TCP, unix.TCP_ULP),
			option("tcp-repair", 0, unix.SOL_TCP, unix.TCP_REPAIR),
			option("ip-tables", 0, unix.SOL_IP, 64),
		}},
		{ID: "S-22", Title: "enters the kernel through the doors of other ABIs", Refs: []string{"int 0x80", "x32"}, Layers: seccomp, Needs: []string{"amd64"}, Probes: gates()},
		{ID: "S-23", Title: "makes calls that are newer than any table", Refs: []string{"opencontainers/runc#2737", "moby/moby#42680"}, Layers: seccomp, Probes: []Probe{
			{Name: "436-to-461", Try: func(*Inside) string { return newer(436, 461, "ENOSYS", no, "ENOTSUP", "EOPNOTSUPP") }, Want: Saw{"refused": "seccomp"}},
			{Name: "462-to-600", Try: func(*Inside) string { return newer(462, 600, missing) }, Want: Saw{"refused": "seccomp"}},
		}},
	}
}

// option tries to set an option of an AF_UNIX socket, which the box permits to have. The filter answers before the
// kernel sees that the socket is of the wrong kind.
func option(name string, above, level, option int) Probe {
	return Probe{Name: name, Want: Saw{"EPERM": "seccomp"}, Try: func(*Inside) string {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return "socket-" + Errno(err)
		}
		defer unix.Close(fd)
		return Call(unix.SYS_SETSOCKOPT, fd, above|level, above|option, zeros(16), 16)
	}}
}

// knownNew are calls between 436 and 461 that the box permits: close_range, faccessat2 and the like.
var knownNew = []int{436, 439}

// newer makes every call from first to last with arguments that are wrong for all of them, and answers with the first
// word that is not one of refusals.
func newer(first, last int, refusals ...string) string {
	for number := first; number <= last; number++ {
		if slices.Contains(knownNew, number) {
			continue
		}
		if saw := Call(number, -1, -1, -1, -1, -1, -1); !slices.Contains(refusals, saw) {
			return saw
		}
	}
	return "refused"
}
