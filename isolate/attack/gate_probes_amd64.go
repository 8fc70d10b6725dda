package attack

import "golang.org/x/sys/unix"

// portCalls reach the machine's ports.
func portCalls() []Probe {
	return []Probe{
		refused("iopl", "EPERM", unix.SYS_IOPL, 3),
		refused("ioperm", "EPERM", unix.SYS_IOPERM, 0x80, 1, 1),
	}
}

func segmentCalls() []Probe {
	return []Probe{
		refused("modify-ldt", "ENOSYS", unix.SYS_MODIFY_LDT, 0x11, zeros(16), 16),
		refused("shadow-stack-off", "EPERM", unix.SYS_ARCH_PRCTL, 0x5002, 1),
		refused("base-of-gs", "EPERM", unix.SYS_ARCH_PRCTL, 0x1001, 0),
		refused("cpuid-faulting", "EPERM", unix.SYS_ARCH_PRCTL, 0x1012, 1),
	}
}

// gates are doors into the kernel with tables of numbers of their own. Nothing but the kernel's own instructions
// tells whether they are shut, so these are the instructions.
func gates() []Probe {
	shut := Saw{"SIGSYS": "seccomp"}
	number := func(n uintptr) func(*Inside) string {
		return func(*Inside) string { return Call(int(n)) }
	}
	return []Probe{
		{Name: "int80-getpid", Want: shut, Try: func(*Inside) string { return apart(func() unix.Errno { return i386(20, 0, 0, 0) }) }},
		{Name: "int80-socket", Want: shut, Try: func(*Inside) string {
			return apart(func() unix.Errno { return i386(359, unix.AF_INET, unix.SOCK_STREAM, 0) })
		}},
		{Name: "int80-unshare", Want: shut, Try: func(*Inside) string { return apart(func() unix.Errno { return i386(310, unix.CLONE_NEWUTS, 0, 0) }) }},
		// QEMU's emulation kills such a process, with the filter and without.
		{Name: "far-jump", Want: Saw{"SIGSYS": "seccomp", "SIGKILL": ""}, Try: func(*Inside) string { return farJump() }},
		{Name: "x32-getpid", Want: shut, Try: number(x32 | unix.SYS_GETPID)},
		{Name: "x32-unshare", Want: shut, Try: func(*Inside) string { return Call(x32|unix.SYS_UNSHARE, unix.CLONE_NEWUTS) }},
		{Name: "x32-own-number", Want: shut, Try: number(x32 | 512)}, // rt_sigaction of x32
		{Name: "sign-bit", Want: shut, Try: number(1<<31 | unix.SYS_GETPID)},
	}
}

// vsyscalls jump to where very old programs do, and between the entries, where code to borrow used to be.
func vsyscalls() []Probe {
	const page = 0xffffffffff600000
	at := func(offset uintptr) func(*Inside) string {
		return func(*Inside) string {
			return apart(func() unix.Errno { jump(page + offset); return 0 })
		}
	}
	return []Probe{
		{Name: "entry", Try: at(0), Want: Saw{"through": "", "SIGSEGV": ""}, Benign: true},
		{Name: "between-entries", Try: at(7), Want: Saw{"SIGSEGV": ""}, Benign: true},
	}
}
