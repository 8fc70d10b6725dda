package seccomp

// threads is what pthreads need.
var threads = block{
	name: "threads",
	why:  "OpenMP, BLAS, interpreters and the Go runtime are threaded",
	calls: []call{
		{names: "futex", reason: "plain wait, wake and requeue; priority inheritance is an exploit classic (Towelroot, CVE-2026-43499) that torch never uses",
			rules: futexRules()},
		{names: "set_robust_list get_robust_list", reason: "glibc thread start-up"},
		{names: "membarrier", reason: "restartable sequences, dlopen in threaded programs"},
	},
}

// alone is clone(2) where the policy restricts subprocesses: threads.
var alone = block{
	name: "alone",
	why:  "threads and no process, where subprocesses are restricted",
	when: func(o Options) bool { return !o.Ops.Subprocess },
	calls: []call{
		{names: "clone", reason: "threads only, no new namespace of any kind",
			rules: []rule{allow(masked(0, cloneRefused|cloneThread, cloneThread))}},
	},
}

// cloneRefused are CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; CLONE_NEWTIME,
// which shares its bit with the exit signal's byte and is no signal's number; and the upper half, where
// CLONE_INTO_CGROUP and CLONE_CLEAR_SIGHAND live.
const cloneRefused = 0x7e020000 | 0x80 | 0xffffffff_00000000

const cloneThread = 0x10000

// futexRules allows operations whose number, without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME, is
// WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET or WAKE_BITSET.
func futexRules() []rule {
	var rules []rule
	for _, op := range []uint64{0, 1, 3, 4, 5, 9, 10} {
		rules = append(rules, allow(masked(1, low32&^(128|256), op)))
	}
	return rules
}

// subprocess is what starting programs needs beyond executing the command itself.
var subprocess = block{
	name: "subprocess",
	why:  "shells, subprocess, multiprocessing, DataLoader workers",
	when: func(o Options) bool { return o.Ops.Subprocess },
	calls: []call{
		{names: "clone", reason: "threads and processes; no new namespace of any kind",
			rules: []rule{allow(without(0, cloneRefused))}},
		{names: "fork vfork", only: "amd64", reason: "musl's fork; CPython's subprocess, glibc's posix_spawn"},
		{names: "setpgid", reason: "job control in shells"},
	},
}

// box is how the command begins, and what is harmless about processes where there are none but the command's own.
var box = block{
	name: "box",
	why:  "executing the command; waiting for and following processes of the box",
	calls: []call{
		{names: "execve", reason: "starts the command; Landlock decides which files. execveat stays out: it runs memory files"},
		{names: "wait4 waitid", reason: "reaping"},
		{names: "setsid", reason: "a session of its own"},
		{names: "pidfd_open pidfd_send_signal", reason: "asyncio and the Go runtime follow children by pidfd; only processes of the box have a number here"},
	},
}

// jit is what code generators want beyond mmap and mprotect.
var jit = block{
	name: "jit",
	why:  "code generators: libffi closures, Triton, CUDA's own compiler",
	when: func(o Options) bool { return o.Ops.NativeCode || o.GPU },
	calls: []call{
		{names: "memfd_create", reason: "a file in memory that can be mapped executable; executing it as a program stays refused (execveat, Landlock)"},
	},
}

// gpu is what CUDA and ROCm want beyond the rest. Their ioctl commands are in the block commands.
var gpu = block{
	name: "gpu",
	why:  "CUDA and ROCm user-space drivers, where a GPU is granted",
	when: func(o Options) bool { return o.GPU },
	calls: []call{
		{names: "get_mempolicy set_mempolicy mbind", reason: "placing pinned buffers near the device; elsewhere torch tolerates the refusal"},
		{names: "timerfd_create timerfd_settime timerfd_gettime", reason: "event loop of the driver's threads"},
	},
}

// nosys are calls answered as if the kernel (for extended attributes: the file system) did not have them,
// because their callers then fall back.
var nosys = block{
	name: "nosys",
	why:  "calls whose callers carry a fallback for older kernels",
	calls: []call{
		{names: "clone3", reason: "its flags lie in memory a filter cannot read; libc falls back to clone", rules: missing},
		{names: "io_uring_setup io_uring_enter io_uring_register", reason: "carries out other calls outside this filter (CVE-2022-29582 and many more)", rules: missing},
		{names: "modify_ldt", only: "amd64", reason: "16-bit segments; kernels are built without it", rules: missing},
		{names: "timer_create", reason: "POSIX CPU timers (CVE-2025-38352); coreutils' timeout falls back to alarm", rules: missing},
		{names: "openat2", reason: "its mode lies in memory, see suidBits; callers fall back to openat", rules: missing},
		{names: "pidfd_getfd", reason: "takes descriptors out of other processes", rules: missing},
		{names: "epoll_pwait2", reason: "callers fall back to epoll_pwait", rules: missing},
		{names: "mount_setattr quotactl_fd", reason: "administration; newer than the programs that matter here", rules: missing},
		{names: "memfd_secret", reason: "memory that no memory limit's report shows", rules: missing},
		{names: "setxattr lsetxattr fsetxattr", reason: "cp -a would set an ACL and falls back to chmod on ENOTSUP, as shutil ignores it; EPERM is an error to cp, ENOSYS to shutil",
			rules: []rule{refuse(eopnotsupp)}},
		{names: "futex_waitv", reason: "callers fall back to futex; the highest number named here, see doc.go", rules: missing},
	},
}

var missing = []rule{refuse(enosys)}
