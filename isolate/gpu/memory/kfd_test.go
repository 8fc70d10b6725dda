package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kfdNode = "sys/class/kfd/kfd/topology/nodes/"

// rocm is a host with two AMD GPUs and their compute driver.
func rocm(t *testing.T) string {
	t.Helper()
	root := tree(t, map[string]string{
		kfdNode + "0/gpu_id": "0\n", kfdNode + "0/properties": "cpu_cores_count 16\nlocation_id 0\ndomain 0\n",
		kfdNode + "1/gpu_id": "40000\n", kfdNode + "1/properties": "simd_count 416\nlocation_id 768\ndomain 0\ndrm_render_minor 128\n",
		kfdNode + "2/gpu_id": "40001\n", kfdNode + "2/properties": "location_id 17153\ndomain 1\n",
		"sys/class/kfd/kfd/proc/7/vram_40000": "1073741824\n", "sys/class/kfd/kfd/proc/7/vram_40001": "4096\n", "sys/class/kfd/kfd/proc/7/sdma_40000": "9\n",
		"sys/class/kfd/kfd/proc/9/vram_40000": "77\n",
		"proc/self/ns/x":                      "",
	})
	if err := os.Symlink("pid:[4026531836]", filepath.Join(root, "proc/self/ns/pid")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestKFDTellsWhatProcessesHold(t *testing.T) {
	root := rocm(t)
	k := newKFD(root)
	if k == nil || len(k.bus) != 2 || k.bus["40000"] != "0000:03:00.0" || k.bus["40001"] != "0001:43:00.1" {
		t.Fatalf("%+v", k)
	}
	f := &fake{pids: [][]int{{7, 8}}}
	l := watching(f, "0000:03:00.0", "0001:43:00.1")
	l.watches[0].source = k
	sums, err := l.watches[0].look(context.Background(), l.chosen, f, timeFarAway())
	if err != nil || fmt.Sprint(sums) != "[1073741824 4096]" {
		t.Errorf("%v, %v", sums, err)
	}
	if err := os.WriteFile(filepath.Join(root, "sys/class/kfd/kfd/proc/7/vram_40000"), []byte("much\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if sums, err := l.watches[0].look(context.Background(), l.chosen, f, timeFarAway()); err == nil {
		t.Errorf("%v", sums)
	}
	os.Remove(filepath.Join(root, "proc/self/ns/pid"))
	if newKFD(root) != nil {
		t.Error("used with the numbers of a container")
	}
	if newKFD(t.TempDir()) != nil {
		t.Error("used where it is not")
	}
}

// A command that hides its descriptor is seen by the second watcher.
func TestAMDIsWatchedTwice(t *testing.T) {
	root := rocm(t)
	h := hostOf(Request{Root: root, Devices: []Device{amd}, LimitMB: 1023})
	h.tells = func(string) error { return nil }
	l, err := h.limiter()
	if err != nil || len(l.watches) != 2 || !strings.Contains(l.Plan()[0].How, "fdinfo") || !strings.Contains(l.Plan()[0].How, "kfd") {
		t.Fatalf("%+v, %v", l, err)
	}
	f := &fake{pids: [][]int{{7}}, dead: make(chan struct{})}
	r := l.Start(f, "")
	<-f.dead
	held, err := r.Stop()
	var over *ExceededError
	if !errors.As(err, &over) || held[0].Peak != 1<<30 {
		t.Errorf("%+v, %v", held, err)
	}
}

// Each device is asked about itself: of two GPUs one may have no memory of its own.
func TestEachDeviceIsAskedWhetherItTells(t *testing.T) {
	h := hostOf(Request{Root: t.TempDir(), Devices: []Device{arc, amd}, LimitMB: 1})
	h.tells = func(node string) error {
		if strings.HasSuffix(node, amd.Node) {
			return errors.New("says nothing")
		}
		return nil
	}
	if l, err := h.limiter(); err == nil || !strings.Contains(err.Error(), "MI: says nothing") {
		t.Errorf("%+v, %v", l, err)
	}
	h.Devices = []Device{arc}
	if l, err := h.limiter(); err != nil || len(l.watches) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

func FuzzKFD(f *testing.F) {
	f.Add("location_id 17153\ndomain 1\n")
	f.Fuzz(func(t *testing.T, s string) {
		if bus, ok := kfdBus(s); ok && (len(bus) < len("0000:00:00.0") || busKey(bus) != bus && !strings.HasPrefix(bus, "0000")) {
			t.Fatalf("%q: %q", s, bus)
		}
	})
}
