package isolate

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// supervisorStage makes the test binary a supervisor that is going to be killed. Its value is where it stops:
// "ID IDBase run-folder stage".
const supervisorStage = "LOADLOCK_TEST_STAGE"

// hostile is a command that does not want to die: it ignores what it can, and starts a daemon.
const hostile = `trap '' TERM INT HUP; (setsid sleep 1000 &) ; while :; do sleep 1; done`

func supervise(task string) {
	f := strings.Fields(task)
	s, err := plainSpec(f[2], []string{"/bin/sh", "-c", hostile})
	if err == nil {
		var base uint64
		base, err = strconv.ParseUint(f[1], 10, 32)
		s.ID, s.Host.IDBase, s.Host.Cgroup = f[0], uint32(base), strings.Replace(s.Host.Cgroup, s.ID, f[0], 1)
	}
	if err == nil {
		if f[3] == "flooded" {
			s.Args[2] = py("while True:\n    try: socket.socket(socket.AF_INET)\n    except OSError: pass")
		}
		s.Args = append(s.Args, s.ID)
		err = stopAt(f[3], s)
	}
	fmt.Println("failed:", err)
	os.Exit(1)
}

func stopAt(stage string, s Spec) error {
	if stage == "stopped" {
		s.Sandbox.TimeoutSec = 1
	}
	b, err := New(s)
	if err != nil {
		return err
	}
	if stage == "stopped" {
		b.grace = 100 * time.Millisecond
	}
	stop := func() {
		fmt.Println("ready")
		time.Sleep(time.Hour)
	}
	switch stage {
	case "fifo": // libcontainer's init waits in its fifo
		if err := b.create(); err != nil {
			return err
		}
		stop()
	case "any":
		fmt.Println("ready")
	}
	if err := b.Start(context.Background()); err != nil {
		return err
	}
	if stage == "started" {
		stop()
	}
	if err := b.Release(); err != nil {
		return err
	}
	if stage == "held" {
		if err := heldOpen(b, s.RunDir+".holder"); err != nil {
			return err
		}
	}
	if stage == "released" || stage == "held" {
		stop()
	}
	if stage == "waiting" || stage == "stopped" || stage == "flooded" {
		fmt.Println("ready")
	}
	exit, err := b.Wait(context.Background())
	if err == nil && stage == "stopped" {
		fmt.Println("timed out:", exit.TimedOut)
		err = b.Close()
	}
	return err
}

// heldOpen gives a copy of the supervisor's end of the control socket to a process that outlives it, so that pid 1 does
// not see its end.
func heldOpen(b *Box, pidFile string) error {
	holder := exec.Command("/bin/sleep", "100")
	holder.ExtraFiles = []*os.File{b.control.file}
	holder.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := holder.Start(); err != nil {
		return err
	}
	return os.WriteFile(pidFile, []byte(fmt.Sprint(holder.Process.Pid)), 0o600)
}

// supervisor runs one in a process of its own, until it is ready, and returns its box's Spec.
func supervisor(t *testing.T, stage string) (Spec, *exec.Cmd, *bufio.Reader) {
	t.Helper()
	s, err := plainSpec(filepath.Join(openDir(t), "run"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Stdin.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"supervisor-" + s.ID}
	cmd.Env = append(os.Environ(), supervisorStage+"="+fmt.Sprint(s.ID, " ", s.Host.IDBase, " ", s.RunDir, " ", stage))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	says := bufio.NewReader(out)
	if line, _ := says.ReadString('\n'); line != "ready\n" {
		t.Errorf("the supervisor said %q", line)
	}
	return s, cmd, says
}

// killed ends a supervisor with SIGKILL some time after it is ready.
func killed(t *testing.T, stage string, after time.Duration) Spec {
	t.Helper()
	s, cmd, _ := supervisor(t, stage)
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	return s
}

func afterwards(t *testing.T, s Spec) {
	t.Helper()
	wantNoProcess(t, s)
	Remove(filepath.Join(s.RunDir, "state"), s.ID)
	if err := os.RemoveAll(s.RunDir); err != nil {
		t.Error(err)
	}
	wantNothingLeft(t, s)
}

func TestNothingSurvivesAKilledSupervisor(t *testing.T) {
	needBox(t)
	for _, stage := range []string{"fifo", "started", "released", "waiting"} {
		t.Run(stage, func(t *testing.T) {
			s := killed(t, stage, 0)
			afterwards(t, s)
		})
	}
}

// A box needs some tens of milliseconds to start on a small machine; the steps between are libcontainer's C
// stages, its Go init and ours.
func TestNothingSurvivesASupervisorKilledAtAnyInstant(t *testing.T) {
	needBox(t)
	for ms := 0; ms <= 40; ms += 2 {
		s := killed(t, "any", time.Duration(ms)*time.Millisecond)
		afterwards(t, s)
		if t.Failed() {
			t.Fatalf("killed after %d ms", ms)
		}
	}
}

func TestRemoveEndsARunningBox(t *testing.T) {
	needBox(t)
	s, _ := boxed(t, hostile)
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	go b.Wait(context.Background()) // reaps
	Remove(filepath.Join(s.RunDir, "state"), s.ID)
	if err := os.RemoveAll(s.RunDir); err != nil {
		t.Error(err)
	}
	wantNothingLeft(t, s)
	Remove(filepath.Join(s.RunDir, "state"), s.ID) // nothing there any more
}

// The kernel sends the parent-death signal when the thread that forked ends, not when the process does (prctl(2)).
func TestABoxOutlivesTheThreadThatStartedIt(t *testing.T) {
	needBox(t)
	s, _ := boxed(t, "sleep 0.3; exit 8")
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	failed := make(chan error)
	var thread int
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		thread = unix.Gettid()
		failed <- b.Start(context.Background())
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	gone := within(func() []string {
		if unix.Tgkill(os.Getpid(), thread, 0) == nil {
			return []string{"thread"}
		}
		return nil
	})
	if gone != nil {
		t.Fatal("the thread is still there")
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if exit, err := b.Wait(context.Background()); err != nil || exit.Code != 8 {
		t.Errorf("%+v: %v", exit, err)
	}
}
