package memory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a folder that looks like a host with cgroup v2. Files of a real one take one line at a time; these keep the last.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	capacity = "nvidia/0000:17:00.0/vidmem 85520809984\nnvidia/0000:2a:00.0/vidmem 85520809984\n" +
		"drm/0000:03:00.0/vram 17163091968\ndrm/0000:03:00.0/stolen 8650752\n" +
		"drm/0000:04:00.0/vram0 8589934592\ndrm/0000:04:00.0/vram1 8589934592\n"
	controllers = "cpuset cpu io memory pids dmem\n"
)

var (
	h100 = Device{Name: "H100", Vendor: "nvidia", UUID: "GPU-1", BusID: "0000:17:00.0"}
	amd  = Device{Name: "MI", Vendor: "amd", BusID: "0000:03:00.0", Node: "/dev/dri/renderD128"}
	arc  = Device{Name: "two tiles", Vendor: "intel", BusID: "0000:04:00.0", Node: "/dev/dri/renderD129"}
)

// whole is a host with the controller and a group for the box.
func whole(t *testing.T) string {
	return tree(t, map[string]string{
		"sys/fs/cgroup/dmem.capacity": capacity, "sys/fs/cgroup/cgroup.controllers": controllers,
		"sys/fs/cgroup/box/dmem.max": "", "sys/fs/cgroup/box/dmem.current": "",
	})
}

func TestDmemHoldsTheLimitWhereTheKernelHasIt(t *testing.T) {
	for _, tt := range []struct {
		what    string
		device  Device
		limitMB int64
		max     string // what dmem.max holds at the end: the last write
		how     string
	}{
		{"NVIDIA", h100, 8 << 10, "nvidia/0000:17:00.0/vidmem 8589934592\n", "dmem.max of nvidia/0000:17:00.0/vidmem"},
		{"NVIDIA writes the bus with eight digits", Device{Name: "x", Vendor: "nvidia", BusID: "00000000:2A:00.0"}, 1, "nvidia/0000:2a:00.0/vidmem 1048576\n", "dmem.max of nvidia/0000:2a:00.0/vidmem"},
		{"AMD, and nothing of what is the machine's", amd, 1 << 10, "drm/0000:03:00.0/vram 1073741824\n", "dmem.max of drm/0000:03:00.0/vram"},
		{"two tiles share one limit", arc, 1 << 10, "drm/0000:04:00.0/vram1 536870912\n", "dmem.max of drm/0000:04:00.0/vram0, drm/0000:04:00.0/vram1"},
		{"the GPU is smaller than the limit", amd, 32 << 10, "drm/0000:03:00.0/vram 34359738368\n", "dmem.max of drm/0000:03:00.0/vram; all of its memory is 16368 MiB"},
	} {
		root := whole(t)
		group := filepath.Join(root, "sys/fs/cgroup/box")
		l, err := Choose(Request{Root: root, Devices: []Device{tt.device}, LimitMB: tt.limitMB, Hard: true, Cgroup: "/box"})
		if err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		if h := l.Plan()[0]; h.Mechanism != Dmem || !h.Hard || h.How != tt.how || h.Limit != tt.limitMB<<20 || len(l.Weaker()) != 0 {
			t.Errorf("%s: %+v", tt.what, h)
		}
		if raw, _ := os.ReadFile(filepath.Join(group, "dmem.max")); len(raw) > 0 {
			t.Errorf("%s: written before the box exists: %q", tt.what, raw)
		}
		if err := l.Confine(group); err != nil {
			t.Errorf("%s: %v", tt.what, err)
		}
		if raw, _ := os.ReadFile(filepath.Join(group, "dmem.max")); string(raw) != tt.max {
			t.Errorf("%s: dmem.max is %q, want %q", tt.what, raw, tt.max)
		}
	}
}

func TestWithoutDmemAHardLimitIsRefused(t *testing.T) {
	for _, tt := range []struct{ what, remove, write, cgroup, reason string }{
		{"cgroup v1, or no such controller", "sys/fs/cgroup/dmem.capacity", "", "/box", "has no dmem controller"},
		{"the box has no group", "", "", "", "no group on cgroup v2"},
		{"the controller is not passed on", "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n", "/box", "not given to"},
		{"the driver registers nothing", "sys/fs/cgroup/dmem.capacity", "drm/0000:03:00.0/vram 1\n", "/box", "registers no memory"},
		{"another GPU does", "sys/fs/cgroup/dmem.capacity", "nvidia/0000:18:00.0/vidmem 85520809984\n", "/box", "registers no memory"},
		{"a file that nobody understands", "sys/fs/cgroup/dmem.capacity", "nvidia/0000:17:00.0/vidmem many\n", "/box", "is not a region"},
	} {
		root := whole(t)
		if tt.remove != "" {
			os.Remove(filepath.Join(root, tt.remove))
		}
		if tt.write != "" {
			if err := os.WriteFile(filepath.Join(root, tt.remove), []byte(tt.write), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		l, err := Choose(Request{Root: root, Devices: []Device{h100}, LimitMB: 100, Hard: true, Cgroup: tt.cgroup})
		var refused *Refusal
		if l != nil || !errors.As(err, &refused) || !strings.Contains(refused.What, tt.reason) || !strings.Contains(refused.Remedy, "best-effort") {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
}

// What the kernel does not show is not believed.
func TestALimitThatTheKernelDoesNotShowIsRefused(t *testing.T) {
	root := whole(t)
	group := filepath.Join(root, "sys/fs/cgroup/box")
	l, err := Choose(Request{Root: root, Devices: []Device{h100}, LimitMB: 100, Hard: true, Cgroup: "/box"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what   string
		damage func() error
	}{
		{"another limit", func() error {
			os.Remove(filepath.Join(group, "dmem.max"))
			return os.Symlink("/dev/null", filepath.Join(group, "dmem.max")) // takes everything, shows nothing
		}},
		{"no such file", func() error { return os.Remove(filepath.Join(group, "dmem.max")) }},
		{"no such file, and a parent that could pass the controller on", func() error {
			return os.WriteFile(filepath.Join(root, "sys/fs/cgroup/cgroup.subtree_control"), nil, 0o644)
		}},
	} {
		if err := tt.damage(); err != nil {
			t.Fatal(err)
		}
		var refused *Refusal
		if err := l.Confine(group); !errors.As(err, &refused) || refused.Remedy == "" {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
	if err := l.Confine(""); err == nil {
		t.Error("a box without a group is taken")
	}
	if raw, _ := os.ReadFile(filepath.Join(root, "sys/fs/cgroup/cgroup.subtree_control")); string(raw) != "+dmem" {
		t.Errorf("the controller was not asked for: %q", raw)
	}
}

func TestDmemTellsWhatWasUsed(t *testing.T) {
	root := whole(t)
	group := filepath.Join(root, "sys/fs/cgroup/box")
	l, err := Choose(Request{Root: root, Devices: []Device{h100}, LimitMB: 8 << 10, Hard: true, Cgroup: "/box"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what, peak, current string
		wantPeak, wantLeft  int64
	}{
		{"a kernel with dmem.peak", "nvidia/0000:17:00.0/vidmem 5000\n", "nvidia/0000:17:00.0/vidmem 0\n", 5000, 0},
		{"memory that is still charged", "nvidia/0000:17:00.0/vidmem 5000\n", "nvidia/0000:17:00.0/vidmem 4096\n", 5000, 4096},
		{"without it what was seen counts", "", "nvidia/0000:17:00.0/vidmem 4096\n", 4096, 4096},
		{"nothing is known", "", "", -1, 0},
	} {
		for file, text := range map[string]string{"dmem.peak": tt.peak, "dmem.current": tt.current} {
			if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		held, err := l.Start(&fake{}, group).Stop()
		if err != nil || held[0].Peak != tt.wantPeak || held[0].Left != tt.wantLeft || held[0].Exceeded {
			t.Errorf("%s: %+v, %v", tt.what, held[0], err)
		}
	}
}

// Nothing is asked for: nothing is read, nothing starts.
func TestNoLimitCostsNothing(t *testing.T) {
	l, err := Choose(Request{Root: "/nonexistent", Devices: []Device{h100, amd}})
	if l != nil || err != nil || l.Plan() != nil || l.Weaker() != nil || l.Confine("") != nil {
		t.Errorf("%+v, %v", l, err)
	}
	running := l.Start(&fake{}, "")
	if held, err := running.Stop(); running != nil || held != nil || err != nil {
		t.Errorf("%v, %v", held, err)
	}
}

func FuzzDmem(f *testing.F) {
	f.Add(capacity)
	f.Add("drm/0000:03:00.0/vram max\n")
	f.Fuzz(func(t *testing.T, s string) {
		regions, err := parseDmem(s)
		if (err != nil) && regions != nil {
			t.Fatalf("%q: %v with %v", s, err, regions)
		}
		for _, r := range regions {
			if r.name == "" || r.bytes < -1 || strings.ContainsAny(r.name, "\n ") {
				t.Fatalf("%q: %+v", s, r)
			}
		}
	})
}
