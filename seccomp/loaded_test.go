//go:build cgo && linux

package seccomp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/loadlock/loadlock/policy"
	"golang.org/x/sys/unix"
)

// confineKey makes this test binary install the filter of one of confinements and then execute its arguments.
const confineKey = "LOADLOCK_TEST_CONFINE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(confineKey); mode != "" {
		if err := confine(confinements()[mode], os.Args[1:]); err != nil {
			os.Stderr.WriteString("confine: " + err.Error() + "\n")
		}
		os.Exit(125)
	}
	os.Exit(m.Run())
}

// confinements are what the filter is asked to leave open, by name. "open" is no filter.
func confinements() map[string]*Options {
	all := commandsOf("nvidia", "580").Join(commandsOf("amd", "")).Join(commandsOf("intel", ""))
	log, off := all, all
	log.Mode, off.Mode = IoctlLog, IoctlOff
	return map[string]*Options{
		"open": nil, "restricted": {}, "subprocess": {Ops: policy.Operations{Subprocess: true}},
		"gpu": {GPU: true, Ioctls: all, Ops: policy.Operations{Subprocess: true}}, "gpu-log": {GPU: true, Ioctls: log}, "gpu-off": {GPU: true, Ioctls: off},
	}
}

// confine loads the filter for real, in every thread, and executes argv.
func confine(o *Options, argv []string) error {
	if o == nil {
		return execute(argv)
	}
	p, err := Compile(Profile(*o))
	if err != nil {
		return err
	}
	raw := p.Plain
	runtime.LockOSThread() // no_new_privs is a thread's; TSYNC gives it to the others
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	insns := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		insns[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(insns)), Filter: &insns[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(insns)
	if errno != 0 {
		return errno
	}
	return execute(argv)
}

func execute(argv []string) error {
	switch argv[0] {
	case makeVectors:
		callVectors()
		os.Exit(0)
	case makeCommands:
		callCommands()
		os.Exit(0)
	case timeCommand:
		timeIoctl(argv[1], argv[2])
		os.Exit(0)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent"}
	return syscall.Exec(path, argv, env)
}

// underTheFilter runs argv and returns what it wrote and how it ended.
func underTheFilter(t testing.TB, mode string, argv ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", argv...)
	cmd.Args[0] = "confine"
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), confineKey+"="+mode)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v hangs under the filter:\n%s", argv, out.String())
	}
	return out.String(), err
}

// need skips a test whose program this machine lacks, loudly where the machine should have it.
func need(t *testing.T, what string, argv ...string) {
	t.Helper()
	if err := exec.Command(argv[0], argv[1:]...).Run(); err != nil {
		for _, name := range strings.Split(os.Getenv("REQUIRE"), ",") {
			if name == what {
				t.Fatalf("REQUIRE names %s: %v: %v", what, argv, err)
			}
		}
		t.Skipf("needs %s: %v: %v", what, argv, err)
	}
}

// makeVectors makes the confined process call the refused vectors instead of executing a program.
const makeVectors = "make the calls of the vectors"

// refusedVectors are those that can be called without harm: the filter answers them.
func refusedVectors() (out []vector) {
	table := withoutNetwork
	if runtime.GOARCH == "amd64" {
		table = append(slices.Clone(table), amd64Only...)
	}
	for _, v := range table {
		if v.want != "allow" {
			out = append(out, v)
		}
	}
	return out
}

func callVectors() {
	for i, v := range refusedVectors() {
		n, err := number(v.call, archs[runtime.GOARCH])
		if err != nil {
			fmt.Println(i, err)
			continue
		}
		var a [6]uintptr
		for k, x := range v.args {
			a[k] = uintptr(x)
		}
		_, _, errno := unix.RawSyscall6(uintptr(n), a[0], a[1], a[2], a[3], a[4], a[5])
		fmt.Println(i, unix.ErrnoName(errno))
	}
}

// The vectors' answers are computed by Evaluator; here the kernel gives them.
func TestTheKernelAnswersWhatIsComputed(t *testing.T) {
	got, err := underTheFilter(t, "restricted", makeVectors)
	if err != nil {
		t.Fatalf("%v:\n%s", err, got)
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	vectors := refusedVectors()
	if len(lines) != len(vectors) || len(lines) < 100 {
		t.Fatalf("%d answers for %d vectors", len(lines), len(vectors))
	}
	for i, v := range vectors {
		want := v.want
		if want == "ENOTSUP" {
			want = unix.ErrnoName(unix.EOPNOTSUPP) // one number, two names
		}
		if lines[i] != fmt.Sprint(i, " ", want) {
			t.Errorf("%s: %s(%#x): the kernel says %q, want %s", v.what, v.call, v.args, lines[i], want)
		}
	}
}

const python = "/usr/bin/python3"

func TestProgramsWorkUnderTheFilter(t *testing.T) {
	script := func(name string) string {
		path, err := filepath.Abs(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct {
		mode string
		need []string // what, then a command that shows it is here
		argv []string
		want string
	}{
		"a pipeline of a shell": {"subprocess", []string{"bash", "bash", "-c", "true"},
			[]string{"bash", "-c", "touch a b; ls | wc -l; cp -a a c; mv c d; timeout 5 true; nice true; cat <(echo in)"}, "2\nin\n"},
		"python without subprocesses": {"restricted", []string{"python", python, "-c", "0"},
			[]string{python, "-c", "import threading as t; x=t.Thread(target=print,args=('thread',)); x.start(); x.join()"}, "thread\n"},
		"python with its libraries": {"subprocess", []string{"python", python, "-c", "0"},
			[]string{python, script("several.py")}, "done\n"},
		"torch load without subprocesses": {"restricted", []string{"torch", python, "-c", "import torch"},
			[]string{python, script("load.py"), "0"}, "done 64\n"},
		"a pipeline of a shell, beside a GPU": {"gpu", []string{"bash", "bash", "-c", "true"},
			[]string{"bash", "-c", "touch a b; ls | wc -l; cp -a a c; cp --reflink=auto b d; tar c a | tar t; lsattr a >/dev/null 2>&1; tty; stty -a 2>/dev/null; timeout 5 true; cat <(echo in)"}, "a\nnot a tty\nin\n"},
		"python with its libraries, beside a GPU": {"gpu", []string{"python", python, "-c", "0"},
			[]string{python, script("several.py")}, "done\n"},
		"torch load with two workers, beside a GPU": {"gpu", []string{"torch", python, "-c", "import torch"},
			[]string{python, script("load.py"), "2"}, "done 64\n"},
		"torch load with two workers": {"subprocess", []string{"torch", python, "-c", "import torch"},
			[]string{python, script("load.py"), "2"}, "done 64\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			need(t, tt.need[0], tt.need[1:]...)
			got, err := underTheFilter(t, tt.mode, tt.argv...)
			if err != nil || !strings.HasSuffix(got, tt.want) {
				t.Errorf("ended with %v, wrote:\n%s\nwant at the end: %s", err, got, tt.want)
			}
		})
	}
}

func TestHostileProgramsAreStoppedByTheLoadedFilter(t *testing.T) {
	need(t, "python", python, "-c", "0")
	const call = `
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*a):
    return "ok" if libc.syscall(*[ctypes.c_long(x) for x in a]) >= 0 else errno.errorcode[ctypes.get_errno()]
`
	numbers := map[string]string{
		"landlock": "444, 0, 0, 1", "seccomp": "317, 2, 0, 0", "prctl": "157, 22, 2, 0", "clone3": "435, 0, 0",
		"io_uring": "425, 1, 0", "tiocsti": "16, 0, 0x100005412, 0", "unshare": "272, 0x10000000",
	}
	if runtime.GOARCH == "arm64" {
		numbers["seccomp"], numbers["prctl"], numbers["tiocsti"], numbers["unshare"] = "277, 2, 0, 0", "167, 22, 2, 0", "29, 0, 0x100005412, 0", "97, 0x10000000"
	}
	for name, tt := range map[string]struct{ number, want string }{
		"Landlock":                     {"landlock", "EPERM"},
		"another filter":               {"seccomp", "EPERM"},
		"another filter through prctl": {"prctl", "EPERM"},
		"clone3":                       {"clone3", "ENOSYS"},
		"io_uring":                     {"io_uring", "ENOSYS"},
		"typing under hidden bits":     {"tiocsti", "EPERM"},
		"a user namespace":             {"unshare", "EPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []string{"restricted", "subprocess"} {
				got, err := underTheFilter(t, mode, python, "-c", call+"print(call("+numbers[tt.number]+"))")
				if err != nil || strings.TrimSpace(got) != tt.want {
					t.Errorf("%s: %v %s, want %s", mode, err, got, tt.want)
				}
			}
		})
	}
	t.Run("a process where subprocesses are restricted", func(t *testing.T) {
		const fork = "import os\ntry:\n os.fork()\nexcept PermissionError: print('refused')"
		if got, err := underTheFilter(t, "restricted", python, "-c", fork); err != nil || got != "refused\n" {
			t.Errorf("restricted: %v %s", err, got)
		}
		if got, err := underTheFilter(t, "subprocess", python, "-c", fork); err != nil || strings.Contains(got, "refused") {
			t.Errorf("permitted: %v %s", err, got)
		}
	})
	if runtime.GOARCH != "amd64" {
		return
	}
	for name, code := range map[string]string{
		"32-bit gate": `b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"`, // mov eax, 20 (getpid); int 0x80; ret
		"x32 call":    `b"\xb8\x27\x00\x00\x40\x0f\x05\xc3"`, // mov eax, 0x40000027 (getpid); syscall; ret
	} {
		t.Run(name, func(t *testing.T) {
			jump := `
import mmap, ctypes
m = mmap.mmap(-1, 4096, prot=7)
m.write(` + code + `)
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
print("survived")
`
			got, err := underTheFilter(t, "restricted", python, "-c", jump)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
				t.Errorf("ended with %v, want SIGSYS:\n%s", err, got)
			}
		})
	}
}
