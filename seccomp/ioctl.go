package seccomp

import "github.com/opencontainers/runtime-spec/specs-go"

// ioctlRefused are patterns of ioctl numbers that reach out of the box through a terminal: TIOCSTI types
// into it (CVE-2017-5226), TIOCLINUX pastes into it (CVE-2023-28100), TIOCCONS takes the console's output,
// TIOCSETD loads line disciplines. 0x4bxx (KD*) and 0x56xx (VT_*) drive the host's virtual console.
var ioctlRefused = append(exactly(32, 0x5412, 0x541c, 0x541d, 0x5423),
	pattern{mask: 0xffffff00, value: 0x4b00},
	pattern{mask: 0xffffff00, value: 0x5600},
)

// anyCommand is ioctl(2) in a box whose only devices are null, zero, full, random, urandom and a terminal.
var anyCommand = block{
	name: "any-command",
	why:  "commands to files, sockets and terminals, where no device of the host exists",
	when: func(o Options) bool { return !o.listed() },
	calls: []call{
		{names: "ioctl", reason: "terminal size and mode, FIOCLEX, FIONBIO; all but what reaches out through a terminal (TIOCSTI and its kin, consoles)", rules: ioctlRules()},
	},
}

// ioctlRules allows every number but ioctlRefused. The kernel takes the number as unsigned int, and musl
// sign-extends it, so the upper half of the register is not looked at.
func ioctlRules() []rule {
	var rules []rule
	for _, p := range except(32, ioctlRefused) {
		rules = append(rules, allow(masked(1, p.mask, p.value)))
	}
	return rules
}

// commands is ioctl(2) in a box that has a GPU's device nodes: a list, because what a driver does with a command that
// nobody named is not known. The commands of the GPU itself come from Options.Ioctls.
//
// Measured with strace -f -e ioctl (testdata/load.py with two workers, testdata/several.py; bash, coreutils, tar, git, stty,
// less, top, lsattr): TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONBIO, FIOCLEX, FICLONE, FS_IOC_GETFLAGS. The others are what libc and
// CPython offer of their own: termios, tty, pty, os.set_inheritable, socket; and reading interfaces.
var commands = block{
	name: "commands",
	why:  "what ordinary programs ask of files, sockets and terminals, beside a GPU",
	when: Options.listed,
	calls: []call{
		{names: "ioctl", reason: "terminals: size, mode, foreground, flow; not what types into them", rules: anyOf(1,
			0x5401, 0x5402, 0x5403, 0x5404, // TCGETS, TCSETS, TCSETSW, TCSETSF
			0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d, // TCGETS2 and TCSET*2, which glibc uses since 2.42
			0x5409, 0x540a, 0x540b, 0x5425, // TCSBRK, TCXONC, TCFLSH, TCSBRKP: tcdrain, tcflow, tcflush, tcsendbreak
			0x540e, 0x5422, // TIOCSCTTY, TIOCNOTTY: a session's own terminal
			0x540f, 0x5410, 0x5429, // TIOCGPGRP, TIOCSPGRP, TIOCGSID: job control
			0x5413, 0x5414, // TIOCGWINSZ, TIOCSWINSZ
			0x80045430, 0x40045431, 0x5441, // TIOCGPTN, TIOCSPTLCK, TIOCGPTPEER: openpty
		)},
		{names: "ioctl", reason: "descriptors: close-on-exec, blocking, how much is waiting", rules: anyOf(1,
			0x5450, 0x5451, // FIONCLEX, FIOCLEX
			0x5421, 0x5452, // FIONBIO, FIOASYNC
			0x541b, 0x5411, // FIONREAD, TIOCOUTQ (SIOCINQ, SIOCOUTQ)
		)},
		{names: "ioctl", reason: "files: cp clones (FICLONE), older ones look for holes; flags are read (lsattr, tar), never set", rules: anyOf(1,
			0x40049409, 0x4020940d, // FICLONE, FICLONERANGE
			0xc020660b, 0x80086601, // FS_IOC_FIEMAP, FS_IOC_GETFLAGS
		)},
		{names: "ioctl", reason: "sockets: reading the interfaces of the box's own network (libuv, NCCL, Gloo); not SIOCETHTOOL, which reaches network drivers", rules: anyOf(1,
			0x8910, 0x8912, 0x8913, // SIOCGIFNAME, SIOCGIFCONF, SIOCGIFFLAGS
			0x8915, 0x8917, 0x8919, 0x891b, // SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK
			0x8921, 0x8927, 0x8933, // SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX
			0x8905, // SIOCATMARK
		)},
	},
}

// syscalls are the rules of the list. In mode log the last of them match what is on no list; of two rules that match,
// Compile takes the first.
func (i Ioctls) syscalls() []specs.LinuxSyscall {
	var out []specs.LinuxSyscall
	for _, w := range i.Words {
		out = append(out, allow(int32Is(1, uint64(w))).syscall([]string{"ioctl"}))
	}
	for _, m := range i.Masked {
		out = append(out, allow(masked(1, uint64(m.Mask), uint64(m.Value))).syscall([]string{"ioctl"}))
	}
	if i.Mode == IoctlLog {
		for _, r := range ioctlRules() {
			s := r.syscall([]string{"ioctl"})
			s.Action = specs.ActLog
			out = append(out, s)
		}
	}
	return out
}
