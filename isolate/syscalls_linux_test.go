package isolate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// refusedCalls is what a workload would call to reach kernel code that a model load does not need. The arguments
// are Python; "buf" is zeroed memory. Every call reaches the kernel's code when root makes it without the filter:
// it then succeeds or fails differently.
var refusedCalls = []struct {
	what   string
	number int
	args   string
	want   string
}{
	{"a mount namespace", unix.SYS_UNSHARE, fmt.Sprint(unix.CLONE_NEWNS), "EPERM"},
	{"a user namespace", unix.SYS_UNSHARE, fmt.Sprint(unix.CLONE_NEWUSER), "EPERM"},
	{"a process in a user namespace", unix.SYS_CLONE, fmt.Sprint(unix.CLONE_NEWUSER|17) + ",0,0,0,0", "EPERM"},
	{"clone3, whose flags no filter sees", unix.SYS_CLONE3, "0,0", "ENOSYS"},
	{"joining a namespace", unix.SYS_SETNS, "uts,0", "EPERM"},
	{"mount", unix.SYS_MOUNT, `b"none",b"/tmp",b"tmpfs",0,0`, "EPERM"},
	{"umount", unix.SYS_UMOUNT2, `b"/tmp",2`, "EPERM"},
	{"fsopen", unix.SYS_FSOPEN, `b"tmpfs",0`, "EPERM"},
	{"open_tree", unix.SYS_OPEN_TREE, `-100,b"/tmp",1`, "EPERM"},
	{"chroot", unix.SYS_CHROOT, `b"/tmp"`, "EPERM"},
	{"open_by_handle_at, the way out of a bind", unix.SYS_OPEN_BY_HANDLE_AT, "-1,buf,0", "EPERM"},
	{"name_to_handle_at", unix.SYS_NAME_TO_HANDLE_AT, `-100,b"/tmp",buf,buf,0`, "EPERM"},
	{"ptrace", unix.SYS_PTRACE, "0,0,0,0", "EPERM"},
	{"reading another process", unix.SYS_PROCESS_VM_READV, "1,0,0,0,0,0", "EPERM"},
	{"taking a descriptor of another process", unix.SYS_PIDFD_GETFD, "-1,0,0", "ENOSYS"},
	{"comparing processes", unix.SYS_KCMP, "1,1,99,0,0", "EPERM"},
	{"the session keyring", unix.SYS_KEYCTL, "0,-3,0,0,0", "EPERM"},
	{"a new key", unix.SYS_ADD_KEY, `b"user",b"x",b"y",1,-3`, "EPERM"},
	{"asking for a key", unix.SYS_REQUEST_KEY, `b"user",b"none",0,0`, "EPERM"},
	{"bpf", unix.SYS_BPF, "0,0,0", "EPERM"},
	{"perf events", unix.SYS_PERF_EVENT_OPEN, "0,0,-1,-1,0", "EPERM"},
	{"userfaultfd", unix.SYS_USERFAULTFD, "0", "EPERM"},
	{"io_uring_setup", unix.SYS_IO_URING_SETUP, "1,buf", "ENOSYS"},
	{"io_uring_enter", unix.SYS_IO_URING_ENTER, "-1,0,0,0,0,0", "ENOSYS"},
	{"io_uring_register", unix.SYS_IO_URING_REGISTER, "-1,0,0,0", "ENOSYS"},
	{"pages that are readable and executable", unix.SYS_PERSONALITY, "0x0400000", "EPERM"},
	{"addresses without randomness", unix.SYS_PERSONALITY, "0x0040000", "EPERM"},
	{"typing into the terminal", unix.SYS_IOCTL, fmt.Sprintf("0,%d,buf", unix.TIOCSTI), "EPERM"},
	{"the same under hidden bits", unix.SYS_IOCTL, fmt.Sprintf("0,ctypes.c_ulong(%d|1<<32),buf", unix.TIOCSTI), "EPERM"},
	{"executing an open file", unix.SYS_EXECVEAT, `-1,b"",0,0,0x1000`, "EPERM"},
	{"a set-user-ID bit", unix.SYS_FCHMODAT, `-100,b"/tmp",0o4755`, "EPERM"},
	{"loading a module", unix.SYS_INIT_MODULE, `0,0,b""`, "EPERM"},
	{"removing a module", unix.SYS_DELETE_MODULE, `b"nosuch",0x800`, "EPERM"},
	{"reboot", unix.SYS_REBOOT, "0,0,0,0", "EPERM"},
	{"swap", unix.SYS_SWAPOFF, `b"/nosuch"`, "EPERM"},
	{"the kernel's log", unix.SYS_SYSLOG, "10,0,0", "EPERM"},
	{"real-time scheduling", unix.SYS_SCHED_SETSCHEDULER, "0,1,buf", "EPERM"},
	{"less nice", unix.SYS_SETPRIORITY, "0,0,-5", "EPERM"},
	{"a packet socket", unix.SYS_SOCKET, fmt.Sprint(unix.AF_PACKET, ",3,0"), "EAFNOSUPPORT"},
	{"netlink", unix.SYS_SOCKET, fmt.Sprint(unix.AF_NETLINK, ",3,0"), "EAFNOSUPPORT"},
	{"TCP", unix.SYS_SOCKET, fmt.Sprint(unix.AF_INET, ",1,0"), "EAFNOSUPPORT"},
	{"a listener for filters", unix.SYS_SECCOMP, "1,8,buf", "EPERM"},
	{"another filter", unix.SYS_SECCOMP, "1,0,buf", "EPERM"},
	{"a Landlock ruleset", unix.SYS_LANDLOCK_CREATE_RULESET, "0,0,1", "EPERM"},
}

// callAll makes every call in a process of its own and prints "number of line: result".
func callAll() string {
	var b strings.Builder
	b.WriteString(`
import ctypes
c = ctypes.CDLL(None, use_errno=True)
buf = ctypes.create_string_buffer(4096)
uts = os.open("/proc/self/ns/uts", os.O_RDONLY)
def call(i, *args):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if c.syscall(*args) >= 0 else ctypes.get_errno())
    st = os.waitpid(pid, 0)[1]
    print(i, errno.errorcode.get(st >> 8, "through") if st & 127 == 0 else "signal %d" % (st & 127))
`)
	for i, c := range refusedCalls {
		fmt.Fprintf(&b, "call(%d, %d, %s)\n", i, c.number, c.args)
	}
	return py(b.String())
}

func TestRefusedSystemCallsThreeWays(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock", "python")
	a := scripted{payload: func(*arena) string { return callAll() }}
	results := func(off []string) []string {
		got := make([]string, len(refusedCalls))
		for line := range strings.Lines(a.observe(t, off, nil)) {
			var i int
			var word string
			if _, err := fmt.Sscan(line, &i, &word); err != nil || i >= len(got) {
				t.Fatalf("not understood: %q", line)
			}
			got[i] = word
		}
		return got
	}
	bare, alone, inside := results(removable), results(except(append(besideSeccomp, "seccomp")...)), results(nil)
	for i, c := range refusedCalls {
		if bare[i] == c.want || bare[i] == "" {
			t.Errorf("%s: %q without the filter too: the probe is fake", c.what, bare[i])
		}
		if alone[i] != c.want {
			t.Errorf("%s: %q with the filter alone, want %s", c.what, alone[i], c.want)
		}
		if inside[i] != c.want {
			t.Errorf("%s: %q with all layers, want %s", c.what, inside[i], c.want)
		}
	}
}

// foreignABI enters the kernel through another door and says what came back.
const foreignABI = `
#include <stdio.h>
int main(int argc, char **argv) {
	long r;
	if (argc > 1)
		__asm__ volatile("syscall" : "=a"(r) : "a"(0x40000000L | 39) : "rcx", "r11", "memory"); /* x32 getpid */
	else
		__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory"); /* i386 getpid */
	printf("back with %s\n", r > 0 ? "an answer" : "an errno");
	return 0;
}
`

func TestForeignSystemCallGatesKill(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock", "gcc")
	if runtime.GOARCH != "amd64" {
		t.Skip("x32 and int 0x80 are doors of amd64")
	}
	dir := openDir(t)
	src := filepath.Join(dir, "gate.c")
	if err := os.WriteFile(src, []byte(foreignABI), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-O1", "-static", "-o", filepath.Join(dir, "gate"), src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	for _, arg := range []string{"", "x32"} {
		a := scripted{
			payload: func(*arena) string { return "exec /data/gate " + arg },
			spec: func(s *Spec, _ *arena) {
				s.Binds = append(s.Binds, Bind{Source: dir, Target: "/data", Exec: true})
			},
		}
		if got := a.observe(t, removable, nil); !strings.Contains(got, "back with") {
			t.Errorf("gate %q without the filter: %q", arg, got)
		}
		for _, off := range [][]string{except(append(besideSeccomp, "seccomp")...), nil} {
			if got := a.observe(t, off, nil); got != fmt.Sprintf("signal %d\n", unix.SIGSYS) {
				t.Errorf("gate %q without %v: %q, want SIGSYS", arg, off, got)
			}
		}
	}
}
