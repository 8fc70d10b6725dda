package seccomp

import (
	"github.com/opencontainers/runtime-spec/specs-go"
)

// own is what pid 1 of the box does once the workload's process exists (func serve of isolate's pid1_linux.c).
var own = block{
	name: "own",
	why:  "pid 1 of the box: it waits, obeys the supervisor, and ends",
	calls: []call{
		{names: "wait4 waitid", reason: "reaping"},
		{names: "kill", reason: "signals for the workload, the end of what it leaves"},
		{names: "ppoll recvfrom sendto close", reason: "the control socket"},
		{names: "ioctl", reason: "TIOCSPGRP only: the workload back to the foreground of its terminal", rules: anyOf(1, tiocspgrp)},
		{names: "clock_gettime", reason: "its own time limit, where the vDSO cannot"},
		{names: "rt_sigreturn restart_syscall", reason: "the end of a child interrupts the waiting"},
		{names: "exit exit_group", reason: "the end"},
	},
}

const tiocspgrp = 0x5410

// Own returns the filter of pid 1 itself. The workload has the same user id and can send it signals, so whatever
// else pid 1 would do is the end of the box.
func Own(o Options) *specs.LinuxSeccomp {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActKillProcess, Architectures: Profile(o).Architectures, Syscalls: own.syscalls(o.arch())}
	if o.tcp() {
		p.Syscalls = append(p.Syscalls, ownPortal.syscalls(o.arch())...)
	}
	return p
}

// ownPortal is what pid 1 does where there is a network or a published port.
var ownPortal = block{
	name: "portal",
	why:  "pid 1 hands sockets of the box's network namespace to the proxy outside",
	calls: []call{
		{names: "socket", reason: "TCP over IPv4, the one kind that is handed out",
			rules: []rule{allow(is(0, afInet), is(1, sockStream|sockCloexec), is(2, protoDefault))}},
		{names: "sendmsg", reason: "with a descriptor"},
	},
}
