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
	needs(t, "box")
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
