package isolate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func needBox(t *testing.T) {
	t.Helper()
	need(t, "userns", "seccomp", "landlock")
}

func TestHowTheCommandEndedComesBack(t *testing.T) {
	needBox(t)
	for _, tt := range []struct {
		what, script string
		code, signal int
	}{
		{"it exits with 0", "exit 0", 0, 0},
		{"it exits with a status", "exit 42", 42, 0},
		{"it exits with a status that looks like a signal", "exit 137", 137, 0},
		{"it exits with our own status", "exit 125", 125, 0},
		{"it is ended by SIGTERM", "kill -TERM $$", 0, 15},
		{"it is ended by SIGKILL", "kill -KILL $$", 0, 9},
		{"it aborts", "kill -ABRT $$", 0, 6},
		{"it is ended by a real-time signal", "kill -40 $$", 0, 40},
		{"it kills everything it can see", "kill -KILL -1; exit 3", 3, 0},
		{"it cannot kill pid 1", "kill -KILL 1; kill -TERM 1; exit 4", 4, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, out := boxed(t, tt.script)
			exit, text, _ := runBox(t, s, out)
			if exit.Code != tt.code || exit.Signal != tt.signal || exit.OOM || exit.TimedOut {
				t.Errorf("%+v, printed %q", exit, text)
			}
			wantNothingLeft(t, s)
		})
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	needBox(t)
	s, out := boxed(t, `trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done`)
	b := started(t, s)
	line := make([]byte, 6)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
		t.Fatalf("%q: %v", line, err)
	}
	if err := b.Signal(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	exit, err := b.Wait(context.Background())
	if err != nil || exit.Code != 5 {
		t.Errorf("%+v: %v", exit, err)
	}
}

// started is a box whose command runs; the test ends it.
func started(t *testing.T, s Spec) *Box {
	t.Helper()
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(); wantNothingLeft(t, s) })
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	s.Stdout.Close()
	return b
}

func TestDaemonsDieWithTheBox(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "(setsid sh -c 'trap \"\" TERM HUP; echo daemon; sleep 1000' > /tmp/pid 2>&1 &) ; while ! grep -q daemon /tmp/pid; do sleep 0.01; done; exit 6")
	exit, _, _ := runBox(t, s, out)
	if exit.Code != 6 || exit.Survivors < 2 { // sh and its sleep; cleaned up by the shell's own end is the subshell
		t.Errorf("%+v", exit)
	}
	wantNothingLeft(t, s)
	s, out = boxed(t, "sleep 0.01 & true | cat; wait; exit 6")
	if exit, _, _ := runBox(t, s, out); exit.Code != 6 || exit.Survivors != 0 {
		t.Errorf("nobody was left: %+v", exit)
	}
}

func TestOrphansAreReaped(t *testing.T) {
	needBox(t)
	s, out := boxed(t, `i=0; while [ $i -lt 20 ]; do (true &) ; i=$((i+1)); done; sleep 0.2; grep -l '^State:.Z' /proc/[0-9]*/status || echo no zombies`)
	if _, text, _ := runBox(t, s, out); text != "no zombies\n" {
		t.Error(text)
	}
}

func TestTheTimeLimitEndsTheCommand(t *testing.T) {
	needBox(t)
	for _, tt := range []struct {
		what, script string
		code, signal int
	}{
		{"at SIGTERM", "echo up; exec sleep 1000", 0, 15},
		{"at SIGTERM, in order", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done", 9, 0},
		{"at SIGKILL, when it ignores SIGTERM", "trap '' TERM; echo up; while :; do sleep 0.05; done", 0, 9},
		{"at SIGTERM, when it stopped itself", "echo up; kill -STOP $$", 0, 15},
		{"at SIGKILL, when it stopped itself and ignores SIGTERM", "trap '' TERM; echo up; while :; do kill -STOP $$; done", 0, 9},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, out := boxed(t, tt.script)
			s.Sandbox.TimeoutSec = 1
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			b.grace = 300 * time.Millisecond
			exit, text := finish(t, b, out)
			if !exit.TimedOut || exit.Code != tt.code || exit.Signal != tt.signal || text != "up\n" {
				t.Errorf("%+v, printed %q", exit, text)
			}
			wantNothingLeft(t, s)
		})
	}
}

func TestACancelledRunEndsAndIsNoTimeout(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "trap '' TERM; echo ready; while :; do sleep 0.05; done")
	b := started(t, s)
	b.grace = 100 * time.Millisecond
	if _, err := io.ReadFull(out, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	exit, err := b.Wait(ctx)
	if err != nil || exit.Signal != 9 || exit.TimedOut {
		t.Errorf("%+v: %v", exit, err)
	}
}

func TestTheWorkloadNeverRunsBeforeRelease(t *testing.T) {
	needBox(t)
	for _, release := range []bool{false, true} {
		dir := openDir(t)
		mustChmod(t, dir, 0o777)
		s, _ := boxed(t, "echo ran > /data/marker")
		s.Binds = append(s.Binds, Bind{Source: dir, Target: "/data", Write: true})
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		if release {
			if err := b.Release(); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
		} else {
			time.Sleep(100 * time.Millisecond) // time enough to do harm: the released one needs a tenth
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "marker")); (err == nil) != release {
			t.Errorf("released %v: %v", release, err)
		}
		wantNothingLeft(t, s)
	}
}

// The supervisor holds descriptors that libcontainer did not open and that are not close-on-exec.
func TestTheWorkloadInheritsThreeDescriptors(t *testing.T) {
	needBox(t)
	for range 8 {
		fd, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	s, out := boxed(t, "ls /proc/self/fd | tr '\\n' ' '; wc -c")
	_, text, _ := runBox(t, s, out)
	if text != "0 1 2 3 0\n" { // 3 is the folder that ls reads; 0 bytes came from stdin
		t.Errorf("%q", text)
	}
	s, out = boxed(t, "wc -c")
	s.Stdin.Close()
	s.Stdin = nil
	if _, text, _ := runBox(t, s, out); text != "0\n" {
		t.Errorf("without stdin: %q", text)
	}
}

func TestMemoryAndProcessesAreCounted(t *testing.T) {
	needBox(t)
	need(t, "cgroup", "python")
	s, out := boxed(t, py(`b = bytearray(64 << 20); sum(range(2000000))`))
	exit, _, _ := runBox(t, s, out)
	u := exit.Usage
	if u.PeakMemory < 64<<20 || u.PeakMemory > 256<<20 || u.CPU <= 0 || u.OOMKills != 0 || u.PidsDenied != 0 {
		t.Errorf("%+v", u)
	}
}

func TestOutputOfAnyLengthArrives(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "head -c 3000000 /dev/zero")
	if _, text, _ := runBox(t, s, out); len(text) != 3000000 || strings.Trim(text, "\x00") != "" {
		t.Errorf("%d bytes", len(text))
	}
	var buf bytes.Buffer
	_, _ = io.Copy(&buf, out)
	if buf.Len() != 0 {
		t.Errorf("%d bytes more", buf.Len())
	}
}

// A command that ends at the very instant at which its time is over has one story: it was in time, with its own status, or
// it was not.
func TestACommandThatEndsAtItsLimitHasOneStory(t *testing.T) {
	needBox(t)
	for n := range 8 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s, out := boxed(t, fmt.Sprintf("echo up; sleep %.3f; echo end; exit 7", 0.94+float64(n)*0.01))
			s.Sandbox.TimeoutSec = 1
			exit, text, _ := runBox(t, s, out)
			switch {
			case exit.TimedOut && (exit.Signal == 15 || exit.Code == 7): // told to end, or just before
			case !exit.TimedOut && exit.Code == 7 && exit.Signal == 0 && text == "up\nend\n":
			default:
				t.Errorf("%+v, printed %q", exit, text)
			}
		})
	}
}
