package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// watched is a host of root's with two H100s and a stand-in for nvidia-smi, which prints what is in a file and counts how
// often it was asked.
type watched struct {
	*testing.T
	root  *gputest.Root
	began string // an argument that only the command has
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	needBox(t)
	validatetest.Need(t, "root", notRoot())
	dir, err := os.MkdirTemp("/opt", "loadlock-gpu-") // nvidia-smi must not be where everybody can write
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &watched{T: t, root: gputest.H100(t, dir, 2), began: fmt.Sprintf("1000.%d", time.Now().UnixNano())}
	w.root.Write("/usr/bin/nvidia-smi", "#!/bin/sh\necho >>"+w.root.Path("asked")+"\ncat "+w.root.Path("apps")+"\n")
	w.root.Write("/apps", "")
	w.root.Link("/proc/self/ns/pid", "pid:[4026531836]")
	if err := os.Chmod(w.root.Path("/usr/bin/nvidia-smi"), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) job(limit string) Job {
	w.Helper()
	file, absent := filepath.Join(w.TempDir(), "p.yaml"), filepath.Join(w.TempDir(), "absent")
	if err := os.WriteFile(file, []byte("name: watched\ngpu: "+limit+"\n"), 0o600); err != nil {
		w.Fatal(err)
	}
	return Job{Command: []string{"/bin/sleep", w.began}, Dir: folder(w.T), Home: w.TempDir(), Policy: policy.Sources{Host: absent, User: absent, Explicit: file},
		GPU: GPURequest{Names: []string{"0", "1"}}, gpus: func() (gpu.Host, error) { return w.root.Discover(), nil }}
}

// pid waits for the command.
func (w *watched) pid() int {
	for range 1000 {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, at := range all {
			if raw, _ := os.ReadFile(at); string(raw) == "/bin/sleep\x00"+w.began+"\x00" {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(at)))
				return pid
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0
}

// uses lets processes use MiB of GPUs from now on, and waits until that was asked for twice.
func (w *watched) uses(lines ...string) {
	at := w.root.Path("apps")
	_ = os.WriteFile(at+".new", []byte(strings.Join(lines, "")), 0o644)
	_ = os.Rename(at+".new", at)
	asked := func() int { raw, _ := os.ReadFile(w.root.Path("asked")); return len(raw) }
	for start, tries := asked(), 0; asked() < start+2 && tries < 1000; tries++ {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestTheWatcherEndsACommandThatUsesTooMuchGPUMemory(t *testing.T) {
	w := newWatched(t)
	var above time.Time
	var alive error
	done := make(chan struct{})
	go func() {
		defer close(done)
		pid := w.pid()
		line := func(gpu, mib int) string { return fmt.Sprintf("%d, %s, %d\n", pid, gputest.UUID(gpu), mib) }
		neighbour := fmt.Sprintf("%d, %s, 70000\n", os.Getpid(), gputest.UUID(0))
		w.uses(line(0, 100), line(1, 100), neighbour) // the limit of each, and somebody else
		_, alive = os.Stat(fmt.Sprintf("/proc/%d", pid))
		above = time.Now()
		w.uses(line(0, 100), line(1, 101), neighbour)
	}()
	res, err := Run(t.Context(), w.job("{memory_limit_mb: 100, enforce: best-effort}"))
	ended := time.Now()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if alive != nil {
		t.Errorf("just at the limit: %v", alive)
	}
	if res.Outcome != OutOfMemory || res.Status != 137 || !res.Exit.OOM || res.Exit.Signal != 9 || res.Exit.Usage.PeakGPU != 101<<20 {
		t.Errorf("%s %d %+v", res.Outcome, res.Status, res.Exit)
	}
	m := res.GPU.Memory
	if len(m) != 2 || m[0].Exceeded || !m[1].Exceeded || m[0].Peak != 100<<20 || m[1].Peak != 101<<20 || m[1].Mechanism != memory.Watcher || m[1].Hard {
		t.Errorf("%+v", m)
	}
	says := func(list []string, text string) {
		t.Helper()
		if !slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, text) }) {
			t.Errorf("%q says nowhere %q", list, text)
		}
	}
	says(res.Notes, "101 MiB of NVIDIA H100 80GB HBM3 ("+gputest.UUID(1)+") were in use, and the limit is 100 MiB")
	says(res.Weakened, "is no hard limit")
	var text strings.Builder
	Summary(&text, res, Style{})
	says([]string{text.String()}, "loadlock: out of GPU memory in ")
	says([]string{text.String()}, "likely: it could not have more of the GPU's memory: gpu: {memory_limit_mb: 200}")
	says([]string{text.String()}, "peak GPU memory 101 MiB")
	says([]string{text.String()}, "gpu memory 100 MiB by watcher")
	says(res.GPU.audit().Memory, "100 MiB of NVIDIA H100 80GB HBM3 ("+gputest.UUID(1)+") by watcher, no wall: nvidia-smi is asked every 500ms")
	t.Logf("from the allocation to the end of the run: %v", ended.Sub(above))
}

func TestALimitThatNothingHoldsIsRefusedBeforeAnythingStarts(t *testing.T) {
	w := newWatched(t)
	res, err := Run(t.Context(), w.job("{memory_limit_mb: 100}"))
	var refused *memory.Refusal
	if !errors.As(err, &refused) || res.Status != 125 || res.Exit != nil || !strings.Contains(res.Error.Message, "nothing hard can hold 100 MiB of NVIDIA H100") || !strings.Contains(res.Error.Hint, "best-effort") {
		t.Errorf("%v: %d %+v", err, res.Status, res.Error)
	}
	if _, err := os.Stat(w.root.Path("asked")); err == nil {
		t.Error("nvidia-smi was started")
	}
	w.root.Write("/usr/bin/nvidia-smi", "#!/bin/sh\nexit 3\n")
	if res, err := Run(t.Context(), w.job("{memory_limit_mb: 100, enforce: best-effort}")); !errors.As(err, &refused) || res.Exit != nil || !strings.Contains(res.Error.Message, "nothing can hold or watch") {
		t.Errorf("%v: %+v", err, res.Error)
	}
}

// Who else has the GPU, and what its driver had to report, is looked at before the start and noted.
func TestOthersOnAGrantedGPUAreNoted(t *testing.T) {
	w := newWatched(t)
	job := w.job("{}")
	job.Command, job.GPU.Names = []string{"/bin/sh", "-c", "echo >>/dev/null"}, []string{"0"}
	w.root.Link("/proc/4242/fd/3", "/dev/nvidia0")
	w.root.Write("/proc/4242/comm", "python3\x1b\n")
	w.root.Link("/proc/4243/fd/3", "/dev/nvidia1") // not granted
	w.root.Write("/dev/kmsg", "4,2,2,-;NVRM: Xid (PCI:"+strings.TrimSuffix(gputest.BusID(0), ".0")+"): 79, GPU has fallen off the bus.\n")
	res, err := Run(t.Context(), job)
	if err != nil || res.Outcome != Exited || len(res.GPU.Holders) != 1 || res.GPU.Holders[0].Pid != 4242 || res.GPU.Xids == nil || *res.GPU.Xids != (GPUXids{1, 1}) {
		t.Fatalf("%v: %+v", err, res.GPU)
	}
	var text strings.Builder
	Summary(&text, res, Style{})
	if !strings.Contains(text.String(), `process 4242 "python3\x1b" has a granted GPU open too (/dev/nvidia0)`) || strings.Contains(text.String(), "Xid") {
		t.Error(text.String())
	}
}

// Without a limit nothing is chosen, nothing runs beside the command, and the report says nothing of it.
func TestWithoutALimitOfGPUMemoryNobodyWatches(t *testing.T) {
	w := newWatched(t)
	job := w.job("{enforce: best-effort}")
	job.Command = []string{"/bin/true"}
	res, err := Run(t.Context(), job)
	if err != nil || res.Outcome != Exited || res.GPU.Memory != nil || res.Exit.Usage.PeakGPU != 0 {
		t.Errorf("%v: %+v %+v", err, res.Outcome, res.GPU)
	}
	if _, err := os.Stat(w.root.Path("asked")); err == nil {
		t.Error("nvidia-smi was started")
	}
}
