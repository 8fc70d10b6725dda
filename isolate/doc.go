// Package isolate runs one command in a box: namespaces, cgroup, limits, Landlock and seccomp.
//
// # Theory of operation
//
// Three programs take part, all from the same binary.
//
//	supervisor (loadlock run)      libcontainer's init             the command
//	  Bundle: layers → OCI spec
//	  Start ──── clone, cgroup ───► mounts, masks, pivot_root,
//	                                 no capabilities, no_new_privs,
//	                                 seccomp, exec of pid 1
//	                                pid 1 (pid1_linux.c)
//	  ◄──────── 'H' ──────────────── waits on the control socket
//	  observe /proc/<pid>, cgroup
//	  (validation concludes)
//	  Release ── 'G', ruleset, seal ► fork ──────────────────────► setsid, Landlock,
//	  ◄──────── 'X' or 'S' ─────────                                seal, execve
//	  Signal ─── 'K' n ─────────────► kill(command)
//	  ◄──────── 'W' status ────────── reaps, exits: the kernel kills the rest
//
// Until Release, nothing of the command has run: pid 1 is our own code, confined like the command will be. The
// supervisor looks at what the kernel shows about it, and refuses to go on when a required layer is not there.
// Pid 1 keeps the other end of a socket pair; when the supervisor dies for whatever reason, it reads the end of
// file and exits, and the end of pid 1 ends its pid namespace (pid_namespaces(7)).
//
// The order of the last steps is forced: Landlock needs its own system call, so it comes before the seal, and
// the seal is the last thing before execve. The descriptors that the command inherits are 0, 1 and 2: the
// control socket and the error pipe are close-on-exec, libcontainer closed everything else.
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
package isolate
