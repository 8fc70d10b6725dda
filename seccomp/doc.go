// Package seccomp computes which system calls the workload may make. It installs nothing and makes no
// system call itself: Profile returns plain OCI data that libcontainer compiles and loads, Seal returns
// a finished BPF program. Everything here builds without cgo on every platform.
//
// # Two filters
//
// Profile is loaded by libcontainer before pid 1 of the box starts, so it must admit what pid 1 needs
// (block box: forking, waiting, Landlock, one more filter) besides what the workload needs. Seal is
// loaded by pid 1's child as its last act before execve. It takes back what only pid 1 needed and, where
// the policy restricts subprocesses, every way to make a process that is not a thread. A process can add
// filters but never remove one, and the strictest answer wins; of two answers equally strict the kernel
// takes the value of the filter installed last, which is why Seal repeats ENOSYS for clone3.
//
// # Default action
//
// EPERM. Killing would turn a feature probe (a library asking "do I have this?") into a crash;
// SCMP_ACT_LOG would let hostile code flood the host's kernel log. The answers that differ:
//
//   - ENOSYS where callers carry a fallback for older kernels (block nosys): clone3, whose flags live in
//     memory that a filter cannot read; io_uring; and calls newer than the table, which libcontainer
//     answers for every number above the highest one named in the profile. The highest is futex_waitv
//     (449), therefore calls between clone3 (435) and it that we refuse are either named in nosys or get
//     EPERM on purpose (process_madvise, process_mrelease, the mount calls).
//   - EAFNOSUPPORT and EPROTONOSUPPORT for sockets, because that is what a kernel without the family
//     or protocol says and what resolvers and DataLoader expect.
//   - ENOTSUP for setting extended attributes, as a file system without them says.
//   - SIGSYS for a foreign ABI, below.
//
// # Architectures
//
// amd64 and arm64. Exactly the native ABI is listed, never x86, x32 or 32-bit ARM. For any other
// AUDIT_ARCH (int 0x80, a far jump to compatibility mode) libseccomp's generated program runs its
// "bad architecture" action, SCMP_ACT_KILL, which ends the thread. An x32 call carries the amd64
// AUDIT_ARCH with bit 30 set in the number; a program generated for x86-64 alone treats every number
// from 0x40000000 as bad architecture too, except 0xffffffff, which is what a tracer writes to skip a
// call and no call at all. Seal repeats both checks and ends the whole process. On other architectures
// Profile admits nothing and Seal returns ErrArchitecture.
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
// # Comparing arguments
//
// Registers have 64 bits, most arguments are C ints, and the kernel drops the upper half. An allow rule
// may compare all 64 bits (something hidden above is then refused); a rule that excludes values must
// compare the low 32 only, or setting a bit above hides the value. libcontainer joins two conditions on
// the same argument of one rule with OR and drops rules whose action equals the default, so "all but
// these" is written as the masks that cover the complement (func except).
//
// Flags is left nil on purpose: libcontainer then asks for SECCOMP_FILTER_FLAG_SPEC_ALLOW where the
// kernel has it. The speculation switches it leaves alone protect a process from itself, and cost speed.
//
// The kernel's own description: https://docs.kernel.org/userspace-api/seccomp_filter.html
package seccomp
