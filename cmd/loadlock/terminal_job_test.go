package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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
