// Package seccomp computes which system calls the workload may make. It installs nothing and makes no system call
// itself: Profile returns plain OCI data, Compile the BPF program. Everything here but Compile builds without cgo on
// every platform.
//
// # One filter, two forms
//
// The filter is installed by pid 1's child as its last act before execve, so it admits what the workload needs and
// nothing for the sake of our own set-up: no further filter, no Landlock domain, and, where the policy restricts
// subprocesses, no process that is not a thread.
//
// Program.Plain is the truth: every call that is refused gets its errno there. Program.Notify is made from it by
// replacing every errno with a question to the listener (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)), and nothing
// else; allowed calls run the same instructions and cost the same. The supervisor answers a question by running
// Plain itself over the registers that the kernel shows (Evaluator), so that counting cannot change an answer. It
// cannot let a refused call through either. SECCOMP_USER_NOTIF_FLAG_CONTINUE is for calls that Plain allows: those of
// mode log, below, and in loadlock learn those that name a path (Watching). The verdict is about registers, which no
// other thread can change. A listener that is gone means ENOSYS.
//
// It must be one filter. Of several the kernel takes the strictest answer, and an errno is stricter than a question:
// nothing that an earlier filter refuses would ever be told.
//
// Commands of ioctl(2) that a GPU's list lacks are, in mode log, let through and noted. Plain has the kernel log them
// (SECCOMP_RET_LOG), whose line names the program and the call, but no argument: which command it was stands nowhere.
// So Notify asks about these too, the supervisor notes the command and lets it go on.
//
// A few calls are refused to every program that runs, which then does without them; to ask about them would cost
// each thread tens of microseconds and say nothing. They are the list quiet, and keep their errno in both forms.
//
// # Default action
//
// EPERM. Killing would turn a feature probe (a library asking "do I have this?") into a crash;
// SCMP_ACT_LOG would let hostile code flood the host's kernel log. The answers that differ:
//
//   - ENOSYS where callers carry a fallback for older kernels (block nosys): clone3, whose flags live in
//     memory that a filter cannot read; io_uring; and calls newer than the table: Compile answers so for
//     every number above the highest one named in the profile. The highest is futex_waitv (449),
//     therefore calls between clone3 (435) and it that we refuse are either named in nosys or get EPERM
//     on purpose (process_madvise, process_mrelease, the mount calls, Landlock).
//   - EAFNOSUPPORT and EPROTONOSUPPORT for sockets, because that is what a kernel without the family
//     or protocol says and what resolvers and DataLoader expect.
//   - ENOTSUP for setting extended attributes, as a file system without them says.
//   - SIGSYS for a foreign ABI, below.
//
// # Architectures
//
// amd64 and arm64. Exactly the native ABI is listed, never x86, x32 or 32-bit ARM. Any other AUDIT_ARCH
// (int 0x80, a far jump to compatibility mode) ends the process. An x32 call carries the amd64 AUDIT_ARCH
// with bit 30 set in the number; on amd64 every number from 0x40000000 ends the process too, except
// 0xffffffff, which is what a tracer writes to skip a call and no call at all. On other architectures
// Profile admits nothing and Compile returns ErrArchitecture.
//
// # How a call gets in
//
//  1. Somebody needs it: name the program and version. Measure with
//
//     strace -f -qq -o trace /usr/bin/python3 load.py   (torch.save, torch.load, DataLoader with 2 workers)
//     strace -f -qq -o trace bash -c 'ls | wc'
//
//     and put the names into testdata/measured.txt; a test compares the list with the profile.
//
//  2. Say why it is safe inside a box without capabilities, with its own pid, mount, net and ipc
//     namespaces, in the entry's reason. If some arguments are not, filter them. A filter sees registers,
//     never memory: a call whose danger sits behind a pointer stays out.
//
//  3. Moby's default profile does not have it: say why in moby_test.go.
//
//  4. Add the interesting arguments to the tables of compiled_test.go; run go test -update and read the
//     difference of the golden files.
//
// # Commands of ioctl
//
// Without a GPU the only devices inside are null, zero and their kin and a terminal, and every command passes but those
// that reach out through a terminal. With one, drivers of millions of lines stand behind ioctl(2), and what they do with
// a command that nobody named is not known: then only listed commands pass, those that ordinary programs use on files,
// sockets and terminals (block commands) and those of the vendor (IoctlsFor). The vendors' lists are the files in ioctls/,
// with sources, what differs between driver branches, and what is left out and why. A driver that is newer than its
// list gets the newest list, never none.
//
// A filter sees one list for all descriptors: the bare numbers of NVIDIA's memory driver pass on any of them. It does not see
// what lies behind a pointer: hundreds of control commands go through NV_ESC_RM_CONTROL, and kinds of objects through
// NV_ESC_RM_ALLOC. Who needs those told apart needs another kernel in between: gVisor, or a virtual machine.
//
// A command gets in as a call does: who needs it (the report of a run with gpu.ioctl_filter: log names it), what it does, and
// why that is safe in the hands of an attacker. Nothing that carries other commands inside, reads or writes memory of
// other processes, hands memory to other devices, or drives a display gets in.
//
// # Comparing arguments
//
// Registers have 64 bits, most arguments are C ints, and the kernel drops the upper half. An allow rule
// may compare all 64 bits (something hidden above is then refused); a rule that excludes values must
// compare the low 32 only, or setting a bit above hides the value. libcontainer joins two conditions on
// the same argument of one rule with OR and drops rules whose action equals the default, and a profile
// must mean the same to it, so "all but these" is written as the masks that cover the complement (func
// except).
//
// The filter is installed with SECCOMP_FILTER_FLAG_SPEC_ALLOW where the kernel has it. The speculation
// switches it leaves alone protect a process from itself, and cost speed.
//
// The kernel's own description: https://docs.kernel.org/userspace-api/seccomp_filter.html
package seccomp
