// Package isolate runs one command in a box: namespaces, cgroup, limits, Landlock and seccomp.
//
// # Theory of operation
//
// Three programs take part, all from the same binary.
//
//	supervisor (loadlock run)      libcontainer's init             the command
//	  Bundle: layers → OCI spec
//	  Start ──── clone, cgroup ───► mounts, masks, pivot_root,
//	    compile the filters          no capabilities, no_new_privs,
//	                                 exec of pid 1 (pid1_linux.c)
//	  ◄──────── 'H' ──────────────── waits on the control socket
//	  observe /proc/<pid>, cgroup
//	  (validation concludes)
//	  Release ── 'G', filters,
//	             ruleset, gate ────► takes the terminal, fork ──► setpgid, Landlock, seccomp
//	  ◄──────── 'R' ──────────────── under a filter of its own
//	  ◄──────── 'L', listener ──────────────────────────────────── waits at the gate
//	  observe /proc/<child>/status
//	  ────────── 'E' ────────────────────────────────────────────► execve
//	  ◄──────── end of the gate, or 'S' and the errno ────────────
//	  Signal ─── 'K' n, 'P' n ─────► kill(command, or its group)
//	  ◄──────── 'T' n ────────────── the command was stopped
//	  Foreground 'F' ──────────────► tcsetpgrp, SIGCONT
//	  ◄──────── listener: a refused call; its errno ─────────────► (the call fails)
//	  ◄──────── 'N' n, 'W' status ── reaps, kills and counts the rest, exits
//
// Until Release, nothing of the command has run: pid 1 is our own code, which listens to the supervisor alone. The
// supervisor looks at what the kernel shows about it, and refuses to go on when a required layer is not there. What
// belongs to a single process (capabilities, no_new_privs, Landlock, seccomp) it looks at again on the very process
// that becomes the command, while that waits at the gate: the report says what was seen there. Pid 1 keeps the other
// end of a socket pair; when the supervisor dies for whatever reason, it reads the end of file and exits, and the end
// of pid 1 ends its pid namespace (pid_namespaces(7)).
//
// The order of the last steps is forced: Landlock needs its own system call, so it comes before the filter, and
// everything after the filter is done with what the filter permits: sending the listener, receiving a byte, execve.
// The descriptors that the command inherits are 0, 1 and 2: the sockets and the listener are close-on-exec,
// libcontainer closed everything else.
//
// # How a box dies
//
// In four ways, of which each is enough (ways_linux_test.go takes the three others away): pid 1 gets SIGKILL from the
// kernel when the supervisor's thread ends that started it (PR_SET_PDEATHSIG; that thread does nothing else); pid 1 reads
// the end of the control socket; the end of pid 1 is that of its pid namespace; the cgroup is killed by whoever removes it
// (Close, or the next call after a supervisor that was killed). The supervisor ends a command whose time is over; when the
// supervisor itself was stopped, pid 1 does, some seconds later. Processes are held by pidfd and by an open folder of
// /proc: a number can pass to another process.
//
// The kernel ends a killed process when it leaves the kernel, and one that waits in a driver for a device may never do
// that. Nobody waits for it for ever: after half a minute it is reported (Exit.Stuck, StuckError), with the cgroup that it
// keeps, which the next call tries to remove.
//
// # Terminals
//
// Pid 1 leads the session, and the command is a process group of it, as under a shell: it can be stopped and continued, and
// when it ends nothing is lost that its terminal has not shown yet (the end of a session's leader would throw it away).
// Which terminal that is, is not decided here: see package terminal of the runner.
//
// # System-call filters
//
// libcontainer installs none: the strictest of several filters wins, and a refusal by a filter of its own could never
// be told to a listener (see package seccomp). Before Release there is nobody to be kept from anything: pid 1 has no
// capability and no_new_privs, and reads only what the supervisor writes. From the fork on two filters are in force.
// The command's process is under the profile. Pid 1, which shares its user id with the command and can be sent
// signals, is under a list of a dozen calls (seccomp.Own); any other ends it, and with it the box.
//
// # Refused calls
//
// The child makes its filter with SECCOMP_FILTER_FLAG_NEW_LISTENER and hands the listener over. For each refused call
// the supervisor computes the errno from the registers that the kernel shows, counts, and answers; allowed calls
// never get there. What is read of the caller in /proc is for the report alone, and only for the first call of a
// kind. One thread of the supervisor answers, so that a flood of refused calls takes at most one processor beside the
// box's own, and no memory: rows are bounded. When the supervisor ends, the listener does, and the kernel answers
// ENOSYS (and the box ends anyway). The kernel permits one listener to a chain of filters: inside a sandbox that has
// one, and before Linux 5.0, the same filter without questions is installed, and Denials says why nothing is counted.
//
// With a GPU and gpu.ioctl_filter: log the filter asks about commands of ioctl(2) that are on no list, too. They go on, and
// Noted names them; they are no denials.
//
// # Learn
//
// With Spec.Watch the filter asks the listener about the calls that name a path, too (seccomp's Watching). What the
// filter refuses is refused as always. What it allows goes on after we looked at it: the path is read from the
// caller's memory while it waits, resolved inside the caller's own root (openat2, RESOLVE_IN_ROOT), and noted. What is
// noted decides nothing; another thread that changes the path meanwhile deceives the proposal that a person reads, and
// no mount, no Landlock rule and no filter.
//
// # GPUs
//
// Spec.GPU is the plan of a grant (package gpu), and each layer writes its own part of it. New opens the device nodes
// (O_PATH) and checks type and numbers; what cannot be used is refused there. The nodes are bound from the host, read-only,
// nosuid and noexec, but without nodev, and never made; the device cgroup lets the group read and write their numbers and
// make none; Landlock leaves ioctl(2) on devices that are opened inside to them and to the terminal; seccomp knows their
// commands. After the start the node inside must be the very file that was checked. The files of /sys are ordinary files of
// the box's root, and so is what covers /proc/driver (driver_linux.go). Not even a policy that calls the layer user optional
// lets a command with a GPU run with the host's id 0.
//
// A node that is its group's alone (0660, "render"): an ordinary user's groups stay with the command, because they cannot be
// given up; as root the command gets that one group and no other, mapped, unless it is root's.
//
// # What it cannot protect against
//
// Bugs in the kernel's own code behind the permitted calls, side channels of the processor, and whatever a
// granted device's driver does.
//
// # Cells
//
// A Cell is the other thing that is confined here: a child of this very program in which hostile bytes are parsed. It
// needs no namespace and no cgroup, because it has nothing: it computes on descriptors it is sent, and answers. See
// Cell for how it is made; what it may do is the list of system calls in cell_linux.go.
//
// A net cell (StartNetCell) is one that may talk to the network: the proxy between a box and what its policy names. It
// reads no file but those of name resolution, and connects with TCP to the ports that it is given.
//
// # The portal
//
// A box with a proxy or a published port still has a network namespace with nothing but loopback. Its pid 1 makes
// sockets there (first the listener on ProxyPort, later one for each connection to a published port) and hands them to
// the proxy outside, over a socket of its own, descriptor 4: a Portal. The command can neither see that socket nor ask
// for anything on it. Inside, seccomp leaves TCP of all networking, and Landlock (ABI 4) the proxy's port to
// connect to and published ports to bind. Without a namespace of its own such a box does not start, whatever layers the
// policy calls optional.
package isolate
