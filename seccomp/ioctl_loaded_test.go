//go:build cgo && linux

package seccomp

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// makeCommands makes the confined process call ioctl(2) with commands of drivers, instead of executing a program.
const makeCommands = "call ioctl"

// driverCommands are command words that no file system looks at: a device answers them, and /dev/zero, which is what a
// fake GPU's node is, answers ENOTTY.
func driverCommands() (out []uint64) {
	for _, l := range commandLists() {
		for _, c := range parseCommands(l.text).commands {
			out = append(out, uint64(c.word), uint64(c.word^1<<16), uint64(c.word^1<<8)) // another size, another type
		}
	}
	out = append(out, 0x5412, 0x541c, 0x541d, 0x5423, 0x4b3a, 0x5606, uint64(ioc(3, 'F', 0xff, 8)))
	slices.Sort(out)
	out = slices.Compact(out)
	for _, c := range slices.Clone(out) {
		out = append(out, 0xffffffff<<32|c, 1<<40|c)
	}
	return out
}

func callCommands() {
	fd, err := unix.Open("/dev/zero", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range driverCommands() {
		_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), uintptr(c), 0)
		fmt.Fprintf(os.Stdout, "%#x %s\n", c, unix.ErrnoName(errno))
	}
}

// What the kernel does, word by word: with no filter all reach the device; with one, those on the list.
func TestTheKernelPassesListedCommandsAndNoOthers(t *testing.T) {
	list := confinements()["gpu"].Ioctls
	on := func(c uint64) bool { return listed(Options{Ioctls: list}, uint32(c)) }
	passes := map[string]func(uint64) bool{
		"open":    func(uint64) bool { return true },
		"gpu":     on,
		"gpu-log": func(c uint64) bool { return !pusher(uint32(c)) },
		"gpu-off": func(c uint64) bool { return !pusher(uint32(c)) },
	}
	for mode, pass := range passes {
		t.Run(mode, func(t *testing.T) {
			got, err := underTheFilter(t, mode, makeCommands)
			if err != nil {
				t.Fatalf("%v:\n%s", err, got)
			}
			answers := strings.Split(strings.TrimSpace(got), "\n")
			commands, through := driverCommands(), 0
			if len(answers) != len(commands) || len(answers) < 1000 {
				t.Fatalf("%d answers to %d commands", len(answers), len(commands))
			}
			for i, c := range commands {
				want := "EPERM"
				if pass(c) {
					want = "ENOTTY"
					through++
				}
				if answers[i] != fmt.Sprintf("%#x %s", c, want) {
					t.Errorf("ioctl %#x (%s): %s, want %s", c, CommandName(uint32(c)), answers[i], want)
				}
			}
			t.Logf("%d of %d commands reach the device", through, len(commands))
		})
	}
}

// Beside a GPU programs ask of files, sockets and terminals what they asked before.
func TestProgramsWorkBesideAGPU(t *testing.T) {
	need(t, "python", python, "-c", "0")
	const script = `
import array, fcntl, os, pty, socket, struct, termios, tty
a, b = pty.openpty()
print(os.ttyname(b)[:9], os.isatty(b), os.get_terminal_size(b).columns)
fcntl.ioctl(b, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 81, 0, 0))
print(os.get_terminal_size(a).columns)
tty.setraw(b); termios.tcdrain(b); termios.tcflush(b, termios.TCIOFLUSH); termios.tcflow(b, termios.TCOON); termios.tcsendbreak(b, 0)
os.set_inheritable(b, True); os.set_inheritable(b, False)
os.set_blocking(b, False)
x, y = socket.socketpair(); x.setblocking(False); y.send(b"12345")
n = array.array("i", [0]); fcntl.ioctl(x, termios.FIONREAD, n); print(n[0])
pid = pty.fork()[0]
if pid == 0:
    os.tcsetpgrp(0, os.getpgrp()); os._exit(os.tcgetpgrp(0) != os.getpgrp())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
for refused in 0x5412, 0xc01046d3, 62:
    try: fcntl.ioctl(b, refused, b"x"); print("passed")
    except PermissionError: print("refused")
`
	got, err := underTheFilter(t, "gpu", python, "-W", "ignore", "-c", script)
	if want := "/dev/pts/ True 0\n81\n5\n0\nrefused\nrefused\nrefused\n"; err != nil || got != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, got, want)
	}
}

// timeCommand makes the confined process time ioctl(2) with one command.
const timeCommand = "time ioctl"

func timeIoctl(command, count string) {
	word, _ := strconv.ParseUint(command, 0, 64)
	n, _ := strconv.Atoi(count)
	fd, err := unix.Open("/dev/zero", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := time.Hour // of a thousand calls: what else the machine does only adds
	for range max(1, n/1000) {
		start := time.Now()
		for range 1000 {
			_, _, _ = unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), uintptr(word), 0)
		}
		best = min(best, time.Since(start))
	}
	fmt.Print(best.Nanoseconds())
}

// What an allowed command costs without a filter, under one without a list, and under one with the lists of all vendors.
func BenchmarkIoctl(b *testing.B) {
	for _, mode := range []string{"open", "subprocess", "gpu"} {
		for _, c := range []struct{ name, word string }{{"RM_CONTROL", "0xc020462a"}, {"UVM_MIGRATE", "51"}, {"TCGETS", "0x5401"}, {"AMDGPU_GEM_VA", "0x40286448"}} {
			b.Run(mode+"/"+c.name, func(b *testing.B) {
				out, err := underTheFilter(b, mode, timeCommand, c.word, fmt.Sprint(b.N))
				ns, parse := strconv.ParseFloat(out, 64)
				if err != nil || parse != nil {
					b.Fatalf("%v: %s", err, out)
				}
				b.ReportMetric(ns/1000, "ns/call")
			})
		}
	}
}
