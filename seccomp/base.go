package seccomp

// base is what any program needs to start, to hold memory, to tell the time and to stop.
var base = block{
	name: "base",
	why:  "start-up, memory, signals, time, waiting, scheduling; every program",
	calls: []call{
		{names: "brk mmap munmap mremap", reason: "memory; what may be mapped executable is decided by noexec mounts and Landlock"},
		{names: "mprotect", reason: "the dynamic loader's relocations, and code generators"},
		{names: "madvise msync mincore", reason: "allocators and memory-mapped arrays"},
		{names: "mlock mlock2 munlock", reason: "torch pins small buffers; bounded by RLIMIT_MEMLOCK (mlockall stays out)"},
		{names: "arch_prctl", only: "amd64", reason: "thread pointer at start-up; AMX registers for oneDNN; not the shadow-stack switches",
			rules: anyOf(0, archSetFS, archGetFS, archGetXcompSupp, archGetXcompPerm, archReqXcompPerm)},
		{names: "rseq set_tid_address", reason: "glibc and musl start-up"},
		{names: "getrandom", reason: "hash seeds, tempfile names"},
		{names: "uname sysinfo", reason: "platform module, nproc; the UTS namespace is private"},
		{names: "getrlimit", reason: "older libraries ask this way; reading only"},
		{names: "prlimit64", reason: "own limits only: pid 1 runs under the same user id and must not be squeezed by the workload",
			rules: []rule{allow(int32Is(0, 0))}},
		{names: "exit exit_group", reason: "the end"},
		{names: "restart_syscall", reason: "the kernel re-enters an interrupted sleep through it; the restarted call was filtered before"},
		{names: "prctl", reason: "thread names and harmless reads; not PR_SET_MM, PR_SET_PTRACER, PR_SET_SECCOMP, speculation, capabilities",
			rules: anyOf(0, prctlAllowed...)},
		{names: "personality", reason: "asking (0xffffffff) and plain Linux (0); READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE make exploits easier",
			rules: anyOf(0, 0, 0xffffffff)},

		{names: "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack", reason: "own signal handling"},
		{names: "kill tgkill tkill", reason: "abort, terminate workers; the pid namespace holds nothing else"},
		{names: "pause alarm", only: "amd64", reason: "signal.pause, signal.alarm"},
		{names: "getitimer setitimer", reason: "signal.setitimer, time limits of test runners"},

		{names: "clock_gettime clock_getres gettimeofday times getrusage", reason: "reading clocks where the vDSO cannot"},
		{names: "time", only: "amd64", reason: "as above, old libraries"},
		{names: "nanosleep clock_nanosleep", reason: "sleeping"},

		{names: "ppoll pselect6 epoll_create1 epoll_ctl epoll_pwait eventfd2", reason: "waiting for descriptors: asyncio, DataLoader, the Go runtime"},
		{names: "poll select epoll_create epoll_wait eventfd", only: "amd64", reason: "as above, older forms; glibc's poll still uses them"},

		{names: "getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgid getsid", reason: "reading own identity"},
		{names: "getpgrp", only: "amd64", reason: "bash start-up"},
		{names: "getpriority", reason: "nice with no argument"},
		{names: "setpriority", reason: "nice: 0 and above only; the kernel caps values over 19",
			rules: []rule{allow(masked(2, low32&^0x1f, 0))}},

		{names: "sched_yield sched_getaffinity sched_setaffinity getcpu", reason: "OpenMP and BLAS thread placement; the cpuset bounds it"},
		{names: "sched_getscheduler sched_getparam sched_getattr sched_get_priority_max sched_get_priority_min", reason: "pthread_getattr_np and friends; reading only"},
		{names: "sched_setscheduler", reason: "OTHER, BATCH and IDLE only: a real-time thread starves the host",
			rules: []rule{
				allow(masked(1, low32&^schedResetOnFork, schedOther)),
				allow(masked(1, low32&^schedResetOnFork, schedBatch)),
				allow(masked(1, low32&^schedResetOnFork, schedIdle)),
			}},
	},
}

// asm/prctl.h. ARCH_SHSTK_* and ARCH_CET_* are missing on purpose; so is ARCH_SET_GS.
const (
	archSetFS        = 0x1002
	archGetFS        = 0x1003
	archGetXcompSupp = 0x1021
	archGetXcompPerm = 0x1022
	archReqXcompPerm = 0x1023
)

// linux/sched.h.
const (
	schedOther       = 0
	schedBatch       = 3
	schedIdle        = 5
	schedResetOnFork = 0x40000000
)

// prctlAllowed lists operations of prctl(2) that change nothing but the caller's own comfort.
var prctlAllowed = []uint64{
	1, 2, // PR_SET_PDEATHSIG, PR_GET_PDEATHSIG
	3, 4, // PR_GET_DUMPABLE, PR_SET_DUMPABLE: hiding from other processes of the box
	7,      // PR_GET_KEEPCAPS
	15, 16, // PR_SET_NAME, PR_GET_NAME
	21,     // PR_GET_SECCOMP
	23,     // PR_CAPBSET_READ
	27,     // PR_GET_SECUREBITS
	29, 30, // PR_SET_TIMERSLACK, PR_GET_TIMERSLACK
	36, 37, // PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER
	38, 39, // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS: one way only
	40,     // PR_GET_TID_ADDRESS
	41, 42, // PR_SET_THP_DISABLE, PR_GET_THP_DISABLE
	51,         // PR_SVE_GET_VL, arm64 BLAS
	52,         // PR_GET_SPECULATION_CTRL
	56,         // PR_GET_TAGGED_ADDR_CTRL
	64,         // PR_SME_GET_VL, arm64 BLAS
	0x41555856, // PR_GET_AUXV
	0x53564d41, // PR_SET_VMA: names for anonymous memory; glibc, the Go runtime
}
