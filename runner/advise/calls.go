package advise

import (
	"path"
	"slices"
	"strings"
)

// refused explains a refused system call.
type refused struct {
	calls   string // separated by blanks
	arg     string // patterns of package path, separated by blanks; empty: any
	purpose string // what programs want with it
	options []string
	never   string // why nothing permits it; the row then has no options
	instead string
	harm    harm
}

// harm says what a refusal usually does to a benign program.
type harm int

const (
	harmless harm = iota // its callers carry a fallback, or ignore the answer
	notable              // it may be the reason of a failure
	breaking             // a program that asks for it does not work without
)

// calls is the table; of two rows that match the first counts. What no row names is explained by unknownCall.
var calls = []refused{
	{calls: "socket socketpair", arg: "AF_INET*", purpose: "TCP and UDP: to reach a host, or to serve on a port", options: []string{"host", "publish"}, harm: breaking,
		instead: "a model is better downloaded outside and named with --model; a server is made reachable with --publish"},
	{calls: "socket", arg: "AF_NETLINK", purpose: "ask the kernel about network interfaces and routes (getifaddrs, getaddrinfo)", harm: harmless,
		never: "netlink reaches nf_tables and net/sched, where most of the published escapes from containers were; with a network, its route part is permitted", instead: "callers do without"},
	{calls: "socket", arg: "AF_VSOCK", purpose: "talk to the hypervisor of a virtual machine", never: "it leaves every namespace: CVE-2024-50264 and others", harm: notable},
	{calls: "socket", arg: "AF_ALG", purpose: "use the kernel's own ciphers", never: "kernel code that no program needs", instead: "libraries compute ciphers themselves", harm: harmless},
	{calls: "socket", arg: "AF_PACKET", purpose: "see or forge packets", never: "an interface of root's tools, with a history of escapes (CVE-2020-14386)", harm: notable},
	{calls: "socket", purpose: "a socket of a rare family", never: "each family is kernel code to attack", harm: notable},
	{calls: "bind listen accept accept4 connect sendmmsg recvmmsg setsockopt", purpose: "work with a socket", options: []string{"host", "publish"}, harm: notable},

	{calls: "fork vfork", purpose: "start another process: subprocess, multiprocessing, DataLoader workers", options: []string{"process"}, harm: breaking, instead: "num_workers=0 needs none"},
	{calls: "clone clone3", arg: "*CLONE_NEW*", purpose: "make a namespace of its own (a sandbox inside the sandbox, or the first step of an escape)",
		never: "a new user namespace gives its maker every capability over kernel code that is otherwise out of reach", harm: notable},
	{calls: "clone", purpose: "start another process: subprocess, multiprocessing, DataLoader workers", options: []string{"process"}, harm: breaking, instead: "num_workers=0 needs none"},
	{calls: "clone3", purpose: "start a thread or a process, newer form", never: "its flags lie in memory that a filter cannot read", instead: "libc falls back to clone, which is permitted", harm: harmless},
	{calls: "unshare setns", purpose: "make or enter a namespace", never: "a new user namespace gives its maker every capability over kernel code that is otherwise out of reach", harm: notable,
		instead: "run a sandbox of its own (bwrap, Chromium) without: the box is around it"},
	{calls: "execveat", purpose: "start a program from a descriptor (a file in memory)", never: "it runs what no path and no mount can judge", harm: notable, instead: "execve is permitted where the policy permits programs"},

	{calls: "io_uring_setup io_uring_enter io_uring_register", purpose: "asynchronous input and output", harm: harmless,
		never: "it carries out calls that no filter sees (CVE-2022-29582 and many more)", instead: "libuv, liburing and others fall back to threads or epoll"},
	{calls: "ptrace process_vm_readv process_vm_writev kcmp", purpose: "look into another process: debuggers, py-spy, crash handlers", harm: notable,
		never: "one process of the box would take over the others, pid 1 among them", instead: "use faulthandler, or a debugger outside the sandbox"},
	{calls: "bpf", purpose: "load a program into the kernel", never: "a verifier's mistake is the whole kernel (CVE-2021-3490 and many more)", harm: notable},
	{calls: "perf_event_open", purpose: "hardware counters: profilers", never: "it measures other processes of the machine, and has a history of escapes (CVE-2023-5717)", harm: harmless, instead: "profile outside the sandbox"},
	{calls: "userfaultfd", purpose: "handle page faults in the program: CRIU, some garbage collectors", never: "it stops the kernel in the middle of its own work, which makes other holes usable", harm: harmless, instead: "callers fall back"},
	{calls: "keyctl add_key request_key", purpose: "the kernel's keyring", never: "keys of the host's sessions (CVE-2016-0728)", harm: harmless},
	{calls: "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr", purpose: "change what is mounted", harm: notable,
		never: "the mounts are the sandbox", instead: "show more with --ro, or write to /tmp"},
	{calls: "seccomp", purpose: "install a filter of its own", never: "a filter with a listener answers for other processes", instead: "the box's own filter holds already", harm: harmless},
	{calls: "prctl", arg: "PR_SET_SECCOMP", purpose: "install a filter of its own", never: "a filter with a listener answers for other processes", instead: "the box's own filter holds already", harm: harmless},
	{calls: "landlock_create_ruleset landlock_add_rule landlock_restrict_self", purpose: "restrict its own files further", never: "kernel code the command has no need to reach", instead: "the box's own rules hold already", harm: harmless},
	{calls: "prctl", arg: "PR_SET_MM", purpose: "change where its own memory is said to be (CRIU, process titles)", never: "it needs a capability", harm: harmless},
	{calls: "prctl", arg: "PR_SET_PTRACER", purpose: "let a crash handler look into it", never: "ptrace is refused as a whole", harm: harmless},
	{calls: "prctl arch_prctl", purpose: "a setting of the process", never: "not on the list of settings that concern the caller alone", harm: harmless, instead: "callers ignore the answer"},
	{calls: "personality", purpose: "run as on another system, or without address randomisation (setarch -R, debuggers)", never: "READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE make holes easier to use", harm: notable},
	{calls: "setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset", purpose: "become another user, or drop privileges", harm: notable,
		never: "there is one user inside, without any capability", instead: "the command already runs as an unprivileged user: tell it not to change users"},
	{calls: "fchmodat fchmod chmod openat open creat fchmodat2", purpose: "make a file with the set-user-id or set-group-id bit", never: "whoever starts it later would lend it his identity", harm: notable},
	{calls: "mknod mknodat", purpose: "make a device node, a FIFO or a socket file", never: "a device reaches hardware past every file permission", harm: notable, instead: "os.pipe and socketpair are permitted"},
	{calls: "ioctl", arg: "NV_ESC_IOCTL_XFER_CMD", purpose: "hand NVIDIA's driver another command inside this one, past the list", options: []string{"commands"}, harm: notable,
		instead: "no library needs it: its commands fit the ordinary way"},
	{calls: "ioctl", arg: "UVM_TOOLS_*", purpose: "profile or debug a GPU's memory, or read and write the memory of processes", options: []string{"commands"}, harm: notable, instead: seeCommands},
	{calls: "ioctl", arg: "NV_ESC_* UVM_* AMDKFD_* DRM_*", purpose: "use a command of the GPU's driver that is left out of its list on purpose", options: []string{"commands"}, harm: notable, instead: seeCommands},
	// Consoles, which have rows of their own, have four digits.
	{calls: "ioctl", arg: "0x?????* [1-9]*", purpose: "use a command of a device or a file that is on no list: beside a GPU only listed ones pass", options: []string{"commands"}, harm: notable, instead: seeCommands},
	{calls: "ioctl", arg: "TIOC*", purpose: "type into, or take over, a terminal", never: "TIOCSTI types into your shell (CVE-2017-5226)", harm: harmless},
	{calls: "ioctl", purpose: "drive a console or a device", never: "it reaches the host's hardware", harm: harmless},
	{calls: "futex", purpose: "locks with priority inheritance", never: "a classic way into the kernel (CVE-2014-3153)", harm: notable, instead: "glibc uses it only for mutexes that ask for it"},
	{calls: "sched_setscheduler sched_setattr sched_setparam setpriority ioprio_set", purpose: "run before others (real-time or raised priority)", never: "a real-time thread starves the host", harm: harmless, instead: "callers go on at the ordinary priority"},
	{calls: "get_mempolicy set_mempolicy mbind move_pages migrate_pages set_mempolicy_home_node", purpose: "place memory near a processor (NUMA)", never: "only a GPU's driver needs it, and it is permitted with one", harm: harmless,
		instead: "torch and numpy tolerate the refusal"},
	{calls: "memfd_create", purpose: "a file in memory: code generators, Wayland, Triton", options: []string{"native"}, harm: notable},
	{calls: "memfd_secret", purpose: "memory that the kernel itself does not see", never: "no limit's report shows it", harm: harmless},
	{calls: "timer_create timerfd_create timerfd_settime timerfd_gettime", purpose: "timers", harm: notable, never: "POSIX timers had CVE-2025-38352; a GPU's driver needs timerfd, and it is permitted with one", instead: "setitimer, alarm and the event loops' own timeouts are permitted"},
	{calls: "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr", purpose: "set extended attributes (cp -a, tar)", never: "labels and capabilities of files are attributes", harm: harmless, instead: "callers go on without"},
	{calls: "openat2 epoll_pwait2 futex_waitv pidfd_getfd modify_ldt quotactl_fd", purpose: "a newer form of another call", never: "its arguments lie in memory that a filter cannot read, or it reaches into other processes", harm: harmless, instead: "callers fall back to the older call"},
	{calls: "sendfile splice tee vmsplice", purpose: "move bytes inside the kernel", never: "CVE-2022-0847 wrote into read-only files with splice", harm: harmless, instead: "callers fall back to read and write"},
	{calls: "shmget shmat shmdt shmctl semget semop semctl msgget msgsnd msgrcv msgctl semtimedop mq_open mq_unlink", purpose: "System V or POSIX queues and shared memory", harm: notable,
		never: "old kernel code that torch never uses", instead: "multiprocessing uses /dev/shm, which is permitted"},
	{calls: "inotify_init inotify_init1 inotify_add_watch fanotify_init fanotify_mark", purpose: "be told when files change: reloaders of development servers", never: "not needed to load a model", harm: notable,
		instead: "start the server without its reloader"},
	{calls: "signalfd signalfd4", purpose: "signals as a descriptor: supervisors of processes", never: "not needed to load a model", harm: notable},
	{calls: "reboot kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex acct quotactl nfsservctl iopl ioperm syslog vhangup lookup_dcookie name_to_handle_at open_by_handle_at",
		purpose: "administer the machine", never: "no program that loads a model does this", instead: "find out why the command tries", harm: notable},
	{calls: "mlockall", purpose: "keep all of its memory resident", never: "it takes memory from the host; mlock of small buffers is permitted", harm: harmless},
	{calls: "sync syncfs", purpose: "write everything to disk", never: "it stalls the whole host", instead: "fsync of its own files is permitted", harm: harmless},
	{calls: "unknown", purpose: "a call that is newer than the table", never: "what is not understood is not permitted", instead: "programs fall back, as on an older kernel", harm: harmless},
}

const seeCommands = "loadlock explain ioctl shows the lists, and why a command is left out; if your program needs it, say which and why"

// unknownCall explains what the table does not name.
var unknownCall = refused{purpose: "a call that loading models does not need", never: "only what is known to be needed is permitted; see loadlock explain seccomp", harm: notable,
	instead: "if your program needs it, say which and why: the table grows with measured programs"}

// lookup is the row about a call and its argument.
func lookup(call, arg string) refused {
	for _, r := range calls {
		if !hasWord(r.calls, call) {
			continue
		}
		if r.arg == "" || slices.ContainsFunc(strings.Fields(r.arg), func(p string) bool { ok, _ := path.Match(p, arg); return ok }) {
			return r
		}
	}
	return unknownCall
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}
