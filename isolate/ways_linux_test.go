package isolate

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A box has four ways to die, and each alone is enough. In each test the three others are not there, or do not act: the
// supervisor lives where its death would help, its socket stays open where the end of it would, pid 1 is not touched
// where its end would, and nobody touches the cgroup.

// running is a box whose command has started a daemon and wants to stay.
func running(t *testing.T) (Spec, *Box) {
	t.Helper()
	s, out := boxed(t, "echo up; "+hostile)
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
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if len(processes(s)) < 2 {
		t.Fatalf("nothing to end: %q", processes(s))
	}
	return s, b
}

func TestTheEndOfTheSocketAloneEndsTheBox(t *testing.T) {
	needBox(t)
	s, b := running(t)
	b.control.file.Close()
	wantNoProcess(t, s)

	s, _ = boxed(t, hostile)
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.control.file.Close() // while pid 1 waits for the word
	wantNoProcess(t, s)
}

func TestTheDeathOfTheSupervisorAloneEndsTheBox(t *testing.T) {
	needBox(t)
	s := killed(t, "held", 0)
	raw, err := os.ReadFile(s.RunDir + ".holder")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	holder, err := hold(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.close()
	wantNoProcess(t, s)
	if sockets, _ := os.Readlink(holder.dir() + "/fd/3"); !strings.HasPrefix(sockets, "socket:") {
		t.Errorf("nobody held the socket open: %q", sockets)
	}
	if err := holder.kill(); err != nil {
		t.Error(err)
	}
	afterwards(t, s)
}

func TestTheEndOfPid1AloneEndsTheBox(t *testing.T) {
	needBox(t)
	s, b := running(t)
	if err := b.first.kill(); err != nil {
		t.Error(err)
	}
	wantNoProcess(t, s)
}

func TestTheCgroupAloneEndsWhatIsInIt(t *testing.T) {
	needBox(t)
	need(t, "root", "cgroup")
	s, _ := running(t)
	groups := leftoverCgroups(s.ID)
	if len(groups) == 0 {
		t.Fatal("the box has no cgroup")
	}
	for _, dir := range groups {
		if err := removeCgroup(dir); err != nil {
			t.Error(err)
		}
	}
	wantNoProcess(t, s)

	// Without a pid namespace that could collapse: a tree of processes that forks without end.
	name := "loadlock-forks-" + strings.ToLower(s.ID)
	dir := filepath.Join("/sys/fs/cgroup/pids", name)
	if unified() {
		dir = filepath.Join("/sys/fs/cgroup", name)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tree := exec.Command("/bin/sh", "-c", `read go; while :; do (sleep 1000; : `+s.ID+`) & sleep 0.005; done`)
	word, err := tree.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(tree.Process.Pid)), 0); err != nil {
		t.Fatal(err)
	}
	word.Write([]byte("go\n"))
	if within(func() []string {
		if len(members(dir)) < 20 {
			return []string{"too few"}
		}
		return nil
	}) != nil {
		t.Error("it does not fork")
	}
	go tree.Wait()
	if err := removeCgroup(dir); err != nil {
		t.Error(err)
	}
	wantNoProcess(t, s)
}

// A supervisor that was stopped does not look at its clock. Pid 1 does.
func TestTheTimeLimitHoldsWhileTheSupervisorIsStopped(t *testing.T) {
	needBox(t)
	s, cmd, says := supervisor(t, "stopped")
	if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	inside := func() (found []string) {
		for _, p := range processes(s) {
			if !strings.Contains(p, "supervisor-") {
				found = append(found, p)
			}
		}
		return found
	}
	if inside() == nil {
		t.Error("nothing runs")
	}
	for end := time.Now().Add(30 * time.Second); inside() != nil && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if left := inside(); left != nil {
		t.Errorf("still running: %q", left)
	}
	if err := cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if line, _ := says.ReadString('\n'); line != "timed out: true\n" {
		t.Errorf("%q", line)
	}
	_ = cmd.Wait()
	wantNothingLeft(t, s)
}

// A number in a leftover's state may have passed to another process.
func TestALeftoverIsKnownByItsStart(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := hold(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	started := p.started()
	if started == 0 {
		t.Fatal("no start")
	}
	endLeftover(cmd.Process.Pid, started+1)
	if err := cmd.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("another process was ended: %v", err)
	}
	endLeftover(cmd.Process.Pid, started)
	if cmd.Wait(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Error(cmd.ProcessState)
	}
}
