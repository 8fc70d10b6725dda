//go:build nvml

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// mocked is NVIDIA's mock of a machine with eight H100s; ask is what each of them says of its processes.
func mocked(ask func(gpu int) ([]nvml.ProcessInfo, nvml.Return)) (*library, []string) {
	machine := dgxh100.New()
	var uuids []string
	for i, d := range machine.Devices {
		d := d.(*server.Device)
		d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return ask(i) }
		uuid, _ := d.GetUUID()
		uuids = append(uuids, uuid)
	}
	return newLibrary(machine), uuids
}

func TestNVMLTellsWhatProcessesUse(t *testing.T) {
	l, uuids := mocked(func(gpu int) ([]nvml.ProcessInfo, nvml.Return) {
		switch gpu {
		case 0:
			return []nvml.ProcessInfo{{Pid: 7, UsedGpuMemory: 300}, {Pid: 8, UsedGpuMemory: 1<<64 - 1}}, nvml.SUCCESS
		case 7:
			return []nvml.ProcessInfo{{Pid: 7, UsedGpuMemory: 4}}, nvml.SUCCESS
		}
		return nil, nvml.SUCCESS
	})
	got, err := l.read(context.Background(), nil)
	if want := fmt.Sprintf("[{7 %s  300} {8 %s  -1} {7 %s  4}]", uuids[0], uuids[0], uuids[7]); err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
}

// The watcher with NVML, as usage rises.
func TestTheWatcherWithNVML(t *testing.T) {
	used := make(chan uint64, 1)
	last := uint64(0)
	l, uuids := mocked(func(gpu int) ([]nvml.ProcessInfo, nvml.Return) {
		select {
		case last = <-used:
		default:
		}
		if gpu != 3 {
			return nil, nvml.SUCCESS
		}
		return []nvml.ProcessInfo{{Pid: 7, UsedGpuMemory: last}}, nvml.SUCCESS
	})
	f := &fake{pids: [][]int{{7}}}
	limiter := watching(f, uuids[3])
	limiter.watches[0].source = l
	r := limiter.Start(f, "")
	used <- 100
	time.Sleep(3 * l.every())
	select {
	case <-f.dead:
		t.Error("killed just at the limit")
	default:
	}
	used <- 101
	<-f.dead
	if held, err := r.Stop(); err == nil || held[0].Peak != 101 || !held[0].Exceeded {
		t.Errorf("%+v, %v", held, err)
	}
}

func TestNVMLThatDoesNotAnswerIsAnError(t *testing.T) {
	for ret, says := range map[nvml.Return]string{nvml.ERROR_NOT_SUPPORTED: "processes of GPU-", nvml.ERROR_NO_PERMISSION: "processes of GPU-", nvml.ERROR_GPU_IS_LOST: "processes of GPU-"} {
		l, _ := mocked(func(int) ([]nvml.ProcessInfo, nvml.Return) { return nil, ret })
		if got, err := l.read(context.Background(), nil); err == nil || got != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, %v", ret, got, err)
		}
	}
	release := make(chan struct{})
	l, _ := mocked(func(int) ([]nvml.ProcessInfo, nvml.Return) { <-release; return nil, nvml.SUCCESS })
	for _, says := range []string{"in time", "not answered yet"} { // one question at a time, however long it takes
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if _, err := l.read(ctx, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		cancel()
	}
	close(release)
	for range 1000 {
		if _, err := l.read(context.Background(), nil); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("it never answers again")
}

// NVIDIA's mock of the library itself (k8s-test-infra, pkg/gpu/mocknvml), loaded as a driver's is.
func TestTheLibraryItself(t *testing.T) {
	needRoot(t)
	lib := os.Getenv("MOCKNVML")
	_, err := os.Stat(lib)
	if lib == "" {
		err = errors.New("the variable MOCKNVML names no libnvidia-ml.so.1")
	}
	validatetest.Need(t, "mocknvml", err)
	raw, err := os.ReadFile(lib)
	if err != nil {
		t.Fatal(err)
	}
	root := hostWith(t, "exit 1")
	at := filepath.Join(root, nvmlPaths[2], "libnvidia-ml.so.1")
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := nvidia(root); err == nil || !strings.Contains(err.Error(), "there is no libnvidia-ml.so.1") {
		t.Error(err)
	}
	if err := os.WriteFile(at, raw, 0o775); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at, 0o775); err != nil {
		t.Fatal(err)
	}
	if _, err := nvidia(root); err == nil || !strings.Contains(err.Error(), "not root's alone") {
		t.Errorf("a library that its group can write: %v", err)
	}
	if err := os.Chmod(at, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(root, "config", "config.yaml") // where the mock looks, from /usr/lib64
	if err := os.Mkdir(filepath.Dir(config), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(`version: "1.0"
system: {driver_version: "580.95.05", nvml_version: "13.580.95.05", cuda_version: "13.0"}
device_defaults: {name: "NVIDIA H100 80GB HBM3", processes: [{pid: 4242, type: C, name: python3, used_memory_mib: 300}]}
devices: [{index: 0, uuid: "`+uuidA+`", minor_number: 0}]
`), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := nvidia(root)
	if err != nil {
		t.Fatal(err)
	}
	uses, err := s.read(context.Background(), nil)
	if want := fmt.Sprintf("{4242 %s  %d}", uuidA, 300<<20); err != nil || !strings.Contains(fmt.Sprint(uses), want) {
		t.Errorf("%v, %v; want %s among them", uses, err, want)
	}
}
