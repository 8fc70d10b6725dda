package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// user is a user at a terminal, which is a pseudo-terminal of the test's.
type user struct {
	*testing.T
	screen, line *os.File // what the user sees and types; what programs have
	mu           sync.Mutex
	seen         bytes.Buffer
	looking      sync.Mutex // held by a user who does not look: the terminal takes nothing then
	env          []string
}

// sitDown gives a user a terminal of 80 by 24, and a home of their own with a policy that may have more lines.
func sitDown(t *testing.T, more ...string) *user {
	t.Helper()
	if err := host.lacks("box"); err != nil {
		t.Skip("needs a sandbox: ", err)
	}
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{T: t, screen: os.NewFile(uintptr(fd), "screen")}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		u.line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config", "loadlock")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	policy := "name: terminal-test\nextends: safe\n" + strings.Join(more, "")
	if host.lacks("cgroup") != nil {
		policy += "optional_layers: [cgroup]\n"
	}
	if err := os.WriteFile(filepath.Join(config, "policy.yaml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	u.env = []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "XDG_STATE_HOME=" + dir,
		"XDG_RUNTIME_DIR=" + dir, "TERM=xterm", "PS1=$ ", "ENV="}
	go func() {
		buf := make([]byte, 4096)
		for {
			u.looking.Lock()
			n, err := u.screen.Read(buf)
			u.looking.Unlock()
			u.mu.Lock()
			u.seen.Write(buf[:n])
			u.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { u.line.Close(); u.screen.Close() })
	return u
}

// loadlock is this test binary under that name, see TestMain, with all streams at the terminal unless the test changes
// that before it starts it. Its session has the terminal as its controlling terminal.
func (u *user) loadlock(args ...string) *exec.Cmd {
	u.Helper()
	exe, err := os.Executable()
	if err != nil {
		u.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"loadlock"}, args...)
	cmd.Env, cmd.Dir = u.env, u.TempDir()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = u.line, u.line, u.line
	cmd.ExtraFiles = []*os.File{u.line}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	return cmd
}

// shell is one with job control that leaves the terminal as it finds it, where a better one would repair it. It knows
// the command loadlock.
func (u *user) shell() *exec.Cmd {
	u.Helper()
	bin := u.TempDir()
	exe, err := os.Executable()
	if err == nil {
		err = os.WriteFile(filepath.Join(bin, "loadlock"), []byte("#!/bin/bash\nexec -a loadlock "+exe+" \"$@\"\n"), 0o755)
	}
	if err != nil {
		u.Fatal(err)
	}
	u.env[0] += ":" + bin
	cmd := u.loadlock()
	cmd.Path, cmd.Args = "/bin/dash", []string{"dash", "-i"}
	return cmd
}

func (u *user) start(cmd *exec.Cmd) *exec.Cmd {
	u.Helper()
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// status waits for the end.
func (u *user) status(cmd *exec.Cmd) int {
	u.Helper()
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	select {
	case <-done:
		return cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		u.Fatalf("still running; the terminal shows %q", u.sees())
		return 0
	}
}

// patience is for a machine with other things to do.
const patience = 40 * time.Second

func (u *user) types(keys string) {
	u.Helper()
	if _, err := u.screen.WriteString(keys); err != nil {
		u.Fatal(err)
	}
}

func (u *user) sees() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen.String()
}

// waits until the terminal shows a text, and forgets everything up to it.
func (u *user) waits(text string) {
	u.Helper()
	u.until(func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		at := bytes.Index(u.seen.Bytes(), []byte(text))
		if at >= 0 {
			u.seen.Next(at + len(text))
		}
		return at >= 0
	}, "the terminal shows no %q but %q", text)
}

func (u *user) until(ok func() bool, format, what string) {
	u.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			u.Fatalf(format, what, u.sees())
		}
	}
}

func (u *user) settings() unix.Termios {
	u.Helper()
	t, err := unix.IoctlGetTermios(int(u.line.Fd()), unix.TCGETS)
	if err != nil {
		u.Fatal(err)
	}
	return *t
}

// isRaw waits until every key comes as it is.
func (u *user) isRaw() {
	u.Helper()
	u.until(func() bool { return u.settings().Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0 }, "the terminal is not raw%s: %q", "")
}

func (u *user) isAsBefore(before unix.Termios) {
	u.Helper()
	u.until(func() bool { return u.settings() == before }, "the terminal is not as before%s: it shows %q", "")
}

// ready starts loadlock with a script that says "ready" and has the terminal.
func (u *user) ready(script string) *exec.Cmd {
	u.Helper()
	cmd := u.start(u.loadlock("run", "-q", "--", "sh", "-c", "echo read''y; "+script))
	u.waits("ready\r\n")
	u.isRaw()
	return cmd
}

func TestEachStreamIsATerminalExactlyWhenTheUsersIs(t *testing.T) {
	for mask := range 8 {
		u := sitDown(t)
		cmd := u.loadlock("run", "-q", "--", "sh", "-c", "s=0; test -t 0 && s=1; test -t 1 && s=$((s+2)); test -t 2 && s=$((s+4)); exit $s")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if mask&1 == 0 {
			cmd.Stdin = r
		}
		if mask&2 == 0 {
			cmd.Stdout = w
		}
		if mask&4 == 0 {
			cmd.Stderr = w
		}
		u.start(cmd)
		w.Close()
		if got := u.status(cmd); got != mask {
			t.Errorf("terminals %03b became %03b: %q", mask, got, u.sees())
		}
	}
}

func TestTheCommandHasNoDescriptorOfTheUsersTerminal(t *testing.T) {
	u := sitDown(t)
	var st unix.Stat_t
	if err := unix.Fstat(int(u.line.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	const look = `import os
for n in sorted(os.listdir("/proc/self/fd")):
    try: print("fd", n, os.fstat(int(n)).st_rdev, flush=True)
    except OSError: pass
print("tty", os.fstat(os.open("/dev/tty", os.O_RDWR)).st_rdev != 0, "end")`
	cmd := u.start(u.loadlock("run", "-q", "--", "/usr/bin/python3", "-c", look))
	if got := u.status(cmd); got != 0 {
		t.Fatal(got, u.sees())
	}
	out := u.sees()
	if strings.Count(out, "fd ") < 3 || !strings.Contains(out, "tty True end") {
		t.Errorf("looked at too little: %q", out)
	}
	if strings.Contains(out, fmt.Sprint(" ", st.Rdev, "\r")) {
		t.Errorf("the user's terminal is device %d: %q", st.Rdev, out)
	}
}

func TestKeysReachTheCommandAsFromATerminal(t *testing.T) {
	for _, tt := range []struct {
		what, script, keys, shows string
		status                    int
	}{
		{"Ctrl-C", "trap 'echo got INT; exit 3' INT; while :; do sleep 0.05; done", "\x03", "^Cgot INT\r\n", 3},
		{"Ctrl-C without a handler", "exec sleep 100", "\x03", "^C", 130},
		{"Ctrl-backslash", "exec sleep 100", "\x1c", "^\\", 131},
		{"Ctrl-D", "cat; echo the end; exit 4", "line\n\x04", "line\r\nline\r\nthe end\r\n", 4},
		{"Backspace", "read x; echo \"=$x=\"; exit 5", "ax\x7fb\n", "=ab=\r\n", 5},
		{"a line without echo", "stty -echo; echo off; read x; echo \"=$x=\"; exit 6", "", "", 6},
		{"Ctrl-C of a program that takes keys as they are", "stty raw; head -c 1 | od -An -tx1; exit 7", "\x03", " 03", 7},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			before := u.settings()
			cmd := u.ready(tt.script)
			if tt.keys == "" {
				u.waits("off\r\n")
				u.types("secret\n")
				tt.shows = "=secret=\r\n"
			} else {
				time.Sleep(200 * time.Millisecond) // the script sets its trap, or its terminal
				u.types(tt.keys)
			}
			u.waits(tt.shows)
			if got := u.status(cmd); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			u.isAsBefore(before)
		})
	}
}

func TestTheSizeOfTheWindowIsTheUsers(t *testing.T) {
	u := sitDown(t)
	cmd := u.ready("trap 'stty size; exit 8' WINCH; stty size; while :; do sleep 0.05; done")
	u.waits("24 80\r\n")
	time.Sleep(100 * time.Millisecond)
	if err := unix.IoctlSetWinsize(int(u.line.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 132}); err != nil {
		t.Fatal(err)
	}
	u.waits("50 132\r\n")
	if got := u.status(cmd); got != 8 {
		t.Error(got)
	}
}

func TestControlSequencesAreFilteredUnlessThePolicyPassesThem(t *testing.T) {
	const script = `printf 'a\033]0;title\007b\033[31mred\033[0m\033[6nc\033]52;c;YQ==\007d\n'`
	for _, tt := range []struct{ policy, shows string }{
		{"", "ab\x1b[31mred\x1b[0mcd\r\n"},
		{"terminal: passthrough\n", "a\x1b]0;title\ab\x1b[31mred\x1b[0m\x1b[6nc\x1b]52;c;YQ==\ad\r\n"},
	} {
		u := sitDown(t, tt.policy)
		cmd := u.start(u.loadlock("run", "--", "sh", "-c", script))
		u.waits(tt.shows)
		if u.status(cmd); strings.Contains(u.sees(), "(terminal: passthrough)") != (tt.policy != "") {
			t.Errorf("%q: %q", tt.policy, u.sees())
		}
	}
}

// stdin is no terminal, but what the command writes comes to one.
func TestOutputIsFilteredWithoutAKeyboardToo(t *testing.T) {
	u := sitDown(t)
	cmd := u.loadlock("run", "-q", "--", "sh", "-c", `cat; printf 'a\033]0;title\007b\n' >&2`)
	cmd.Stdin = strings.NewReader("x\x1b[cy\n")
	u.start(cmd)
	u.waits("xy\r\nab\r\n")
	if got := u.status(cmd); got != 0 {
		t.Error(got)
	}
}

func TestTheTerminalIsAsBefore(t *testing.T) {
	modes := `printf '\033[?1049h\033[?25l\033[?1000h\033[31m\033(0'; stty raw -echo; `
	const undone = "\x1b(B\x1b[m\x1b[?1000l\x1b[?25h\x1b[?1049l"
	for _, tt := range []struct {
		what, script string
		kill         syscall.Signal
	}{
		{"after the command ended", "exit 0", 0},
		{"after the command was killed", "kill -KILL $$", 0},
		{"after loadlock was told to end", "exec sleep 100", syscall.SIGTERM},
		{"after loadlock was killed", "exec sleep 100", syscall.SIGKILL},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			before := u.settings()
			cmd := u.start(u.loadlock("run", "-q", "--", "sh", "-c", modes+"echo on; sleep 0.5; "+tt.script))
			u.waits("on\n") // output is raw, too
			u.isRaw()
			if tt.kill != 0 {
				if err := cmd.Process.Signal(tt.kill); err != nil {
					t.Fatal(err)
				}
			}
			u.waits(undone)
			u.isAsBefore(before)
			u.status(cmd)
		})
	}
}

func TestAJobStopsAndContinues(t *testing.T) {
	u := sitDown(t)
	sh := u.start(u.shell())
	u.waits("$ ")
	before := u.settings()
	u.types("loadlock run -q -- sh -c 'echo up; while :; do sleep 0.05; done'; echo status $?\n")
	u.waits("up\r\n")
	u.isRaw()
	u.types("\x1a")
	u.waits("Stopped")
	if diff := cmp.Diff(before, u.settings()); diff != "" {
		t.Errorf("while it is stopped: %s", diff)
	}
	u.types("fg\n")
	u.isRaw()
	u.types("\x1a")
	u.waits("Stopped")
	u.types("bg\n")
	u.waits("$ ")
	u.types("echo in between\n")
	u.waits("between\r\n")
	u.types("fg; echo status $?\n")
	time.Sleep(300 * time.Millisecond)
	u.types("\x03")
	u.waits("status 130")
	// In the background it is stopped when it wants to read, and can in the foreground.
	u.types("loadlock run -q -- sh -c 'read x; echo \"got $x\"' &\n")
	u.waits("$ ")
	time.Sleep(time.Second)
	u.types("jobs; fg; echo status $?\n")
	u.waits("Stopped")
	u.isRaw()
	u.types("it\n")
	u.waits("got it\r\n")
	u.waits("status 0")
	u.types("exit\n")
	u.status(sh)
}

// At the end of a pipeline: whoever else has the terminal keeps it until the command reads.
func TestWhatIsTypedIsNotTakenUnlessTheCommandReads(t *testing.T) {
	u := sitDown(t)
	before := u.settings()
	cmd := u.loadlock("run", "-q", "--", "sh", "-c", "echo up >&2; sleep 1")
	cmd.Stdout = nil
	u.start(cmd)
	u.waits("up\r\n")
	u.types("for the next one\n")
	if got := u.status(cmd); got != 0 {
		t.Error(got, u.sees())
	}
	u.isAsBefore(before)
	buf := make([]byte, 100)
	if n, err := u.line.Read(buf); string(buf[:n]) != "for the next one\n" {
		t.Errorf("%q: %v", buf[:n], err)
	}
	cmd = u.loadlock("run", "-q", "--", "sh", "-c", "echo up >&2; read x; echo \"got $x\" >&2; exit 9")
	cmd.Stdout = nil
	u.start(cmd)
	u.waits("up\r\n")
	u.isRaw()
	u.types("this\n")
	u.waits("got this\r\n")
	if got := u.status(cmd); got != 9 {
		t.Error(got, u.sees())
	}
	u.isAsBefore(before)
}

func TestAClosedTerminalEndsTheRun(t *testing.T) {
	u := sitDown(t)
	cmd := u.ready("exec sleep 100")
	u.line.Close()
	u.screen.Close()
	if got := u.status(cmd); got != 129 {
		t.Errorf("status %d, want that of SIGHUP", got)
	}
}

// Everything that was written before the end is drawn, also when the time is over while the terminal is slow.
func TestNothingThatWasWrittenIsLost(t *testing.T) {
	for _, tt := range []struct {
		what, script string
		status       int
	}{
		{"the command ends", "seq 1 40000", 0},
		{"the command is killed", "seq 1 40000; kill -KILL $$", 137},
		{"the time is over", "seq 1 40000; trap '' TERM; while :; do sleep 1; done", 124},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			cmd := u.loadlock("run", "-q", "--timeout", "3s", "--", "sh", "-c", tt.script)
			cmd.SysProcAttr = nil // the end of a session's leader throws away what nobody has read of its terminal yet
			u.start(cmd)
			if got := u.status(cmd); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			u.until(func() bool { return strings.Contains(u.sees(), "40000\r\n") }, "no end%s: %.100q", "")
			shown, _, _ := strings.Cut(u.sees(), "40000\r\n") // what comes then is our own
			if lines := strings.Count(shown, "\n"); lines != 39999 {
				t.Errorf("%d lines", lines)
			}
		})
	}
}

// A command that listens to no key can still be ended by the user, who need not know its number.
func TestAUserWhoInsistsEndsACommandThatDoesNotListen(t *testing.T) {
	u := sitDown(t)
	before := u.settings()
	cmd := u.ready("stty raw; trap '' INT TERM TSTP; echo deaf; while :; do sleep 0.05; done")
	u.waits("deaf")
	for range 9 {
		u.types("\x03")
	}
	u.types("x")
	time.Sleep(300 * time.Millisecond)
	if cmd.ProcessState != nil || unix.Kill(cmd.Process.Pid, 0) != nil {
		t.Error("nine and another key were enough")
	}
	for range 10 {
		u.types("\x03")
	}
	if got := u.status(cmd); got != 137 {
		t.Error(got)
	}
	u.isAsBefore(before)
}

// A flood without a line end, to a terminal that takes nothing for a while: all of it arrives, and it is nowhere kept.
func TestAFloodTakesNoMemory(t *testing.T) {
	u := sitDown(t)
	cmd := u.loadlock("run", "-q", "--", "sh", "-c", "echo flood; head -c 20000000 /dev/zero | tr '\\0' x; echo end; sleep 100")
	cmd.SysProcAttr = nil
	u.start(cmd)
	u.waits("flood\r\n")
	u.looking.Lock()
	time.Sleep(time.Second)
	u.looking.Unlock()
	u.until(func() bool { return strings.HasSuffix(u.sees(), "end\r\n") }, "no end%s: %.100q", "")
	if n := strings.Count(u.sees(), "x"); n != 20000000 {
		t.Errorf("%d letters", n)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	var most int
	if _, err := fmt.Sscan(rest, &most); err != nil || most > 100<<10 {
		t.Errorf("%d KiB: %v", most, err)
	}
	t.Logf("most memory of loadlock: %d KiB", most)
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if got := u.status(cmd); got != 143 {
		t.Error(got)
	}
}

// Where no stream is a terminal, the key that stops a job still does: the shell tells the job, and the job the command.
func TestAJobWithoutATerminalStopsAndContinues(t *testing.T) {
	u := sitDown(t)
	sh := u.start(u.shell())
	u.waits("$ ")
	u.types("loadlock run -q -- sh -c 'while :; do echo; sleep 0.05; done' </dev/null 2>/dev/null | cat >out\n")
	time.Sleep(time.Second)
	u.types("\x1a")
	u.waits("Stopped")
	size := func() int64 {
		info, err := os.Stat(filepath.Join(sh.Dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	time.Sleep(300 * time.Millisecond)
	before := size()
	if time.Sleep(400 * time.Millisecond); size() != before {
		t.Error("the command goes on while its job is stopped")
	}
	u.types("fg\n")
	u.until(func() bool { return size() > before }, "it does not continue%s: %q", "")
	u.types("\x03")
	u.waits("^C")
	u.waits("$ ")
	u.types("exit\n")
	u.status(sh)
}
