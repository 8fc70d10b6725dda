package memory

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asking makes this test binary a supervisor that waits for nvidia-smi; its value is the path.
const asking = "LOADLOCK_TEST_ASKING"

func TestMain(m *testing.M) {
	if path := os.Getenv(asking); path != "" {
		f := &fake{pids: [][]int{{7}}}
		l := watching(f, uuidA)
		l.watches[0].source, l.watches[0].patience = smi{path}, time.Hour
		l.Start(f, "")
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

// A supervisor that is killed at any moment leaves nothing behind.
func TestNvidiaSmiDiesWithTheSupervisor(t *testing.T) {
	s := standIn(t, "echo $$ >$0.pid; exec sleep 1000")
	c := exec.CommandContext(context.Background(), must(os.Executable()))
	c.Env = append(os.Environ(), asking+"="+s.path)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var pid string
	for range 1000 {
		if raw, _ := os.ReadFile(s.path + ".pid"); strings.HasSuffix(string(raw), "\n") {
			pid = strings.TrimSpace(string(raw))
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cmdline := filepath.Join("/proc", pid, "cmdline")
	if raw, _ := os.ReadFile(cmdline); pid == "" || !strings.Contains(string(raw), "sleep") && !strings.Contains(string(raw), "nvidia-smi") {
		_ = c.Process.Kill()
		t.Fatalf("the stand-in does not run: %q %q", pid, raw)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for range 500 {
		if raw, _ := os.ReadFile(cmdline); len(raw) == 0 { // gone, or a zombie that its new parent has not waited for
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = exec.Command("kill", "-KILL", pid).Run()
	t.Errorf("process %s is left", pid)
}

// How long it takes from an allocation to the kill with a source that answers at once: the time between two questions, and
// what the machine adds. What is measured is printed, and nothing is asserted about a busy machine.
func TestKillLatency(t *testing.T) {
	var list []time.Duration
	for range 20 {
		f := &fake{pids: [][]int{{7}}}
		l := watching(f, "a")
		l.watches[0].source = paced{f}
		r := l.Start(f, "")
		f.looked(t)
		at := f.set(use{7, "a", "", 101})
		<-f.dead
		if _, err := r.Stop(); err == nil {
			t.Fatal("not killed")
		}
		list = append(list, f.killed.Sub(at))
	}
	var most time.Duration
	for _, d := range list {
		most = max(most, d)
	}
	t.Logf("asked every %v: killed after at most %v, of %d", paced{}.every(), most, len(list))
}

// paced asks as often as a source of the kernel's does, but ten times faster, for the test's sake.
type paced struct{ *fake }

func (paced) every() time.Duration { return fdinfo{}.every() / 10 }
