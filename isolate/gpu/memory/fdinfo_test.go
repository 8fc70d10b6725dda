package memory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The forms are those of the kernel's gpu/drm-usage-stats and of the drivers' own functions (amdgpu_fdinfo.c,
// i915_drm_client.c, xe_drm_client.c).
const (
	amdgpuOld = "pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t409\ndrm-driver:\tamdgpu\ndrm-client-id:\t42\ndrm-pdev:\t0000:03:00.0\npasid:\t32771\n" +
		"drm-memory-vram:\t2048 KiB\ndrm-memory-gtt: \t12288 KiB\ndrm-memory-cpu: \t0 KiB\n"
	amdgpuNew = "drm-driver:\tamdgpu\ndrm-client-id:\t43\ndrm-pdev:\t0000:03:00.0\n" +
		"drm-total-vram:\t8192 KiB\ndrm-resident-vram:\t4096 KiB\ndrm-memory-vram:\t4096 KiB\ndrm-total-gtt:\t64 MiB\n"
	xe   = "drm-driver:\txe\ndrm-client-id:\t9\ndrm-pdev:\t0000:04:00.0\ndrm-total-system:\t0\ndrm-resident-vram0:\t3 MiB\ndrm-resident-vram1:\t1 MiB\ndrm-total-vram0:\t9 MiB\n"
	i915 = "drm-driver:\ti915\ndrm-client-id:\t7\ndrm-pdev:\t0000:00:02.0\ndrm-total-system0:\t17100 KiB\ndrm-resident-system0:\t16652 KiB\ndrm-total-stolen-system0:\t0\n"
	arcI = "drm-driver:\ti915\ndrm-client-id:\t7\ndrm-pdev:\t0000:04:00.0\ndrm-total-local0:\t2 MiB\ndrm-total-stolen-local0:\t0\n"
	// NVIDIA's driver says nothing there.
	silent = "pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t409\n"
)

func TestFdinfo(t *testing.T) {
	for _, tt := range []struct {
		what, text string
		want       client
	}{
		{"amdgpu before drm-resident", amdgpuOld, client{"amdgpu", "0000:03:00.0", "42", 2 << 20}},
		{"amdgpu with both names of one number", amdgpuNew, client{"amdgpu", "0000:03:00.0", "43", 4 << 20}},
		{"xe, two tiles", xe, client{"xe", "0000:04:00.0", "9", 4 << 20}},
		{"i915 without memory of its own", i915, client{"i915", "0000:00:02.0", "7", -1}},
		{"i915 with it, and only total", arcI, client{"i915", "0000:04:00.0", "7", 2 << 20}},
		{"no DRM driver", silent, client{}},
		{"nothing", "", client{}},
		{"a driver without memory regions", "drm-driver:\tvgem\ndrm-client-id:\t1\ndrm-pdev:\t0000:05:00.0\n", client{"vgem", "0000:05:00.0", "1", -1}},
		{"bytes", "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t7\n", client{"amdgpu", "0000:03:00.0", "1", 7}},
	} {
		if got, err := parseFdinfo([]byte(tt.text)); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.what, got, err, tt.want)
		}
	}
	for what, text := range map[string]string{
		"no device":    "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-memory-vram:\t7\n",
		"no client":    "drm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t7\n",
		"no number":    "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\tmany\n",
		"another unit": "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t7 GiB\n",
		"too large":    "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t9223372036854775807 KiB\n",
		"negative":     "drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:03:00.0\ndrm-memory-vram:\t-7\n",
	} {
		if got, err := parseFdinfo([]byte(text)); err == nil || got != (client{}) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func FuzzFdinfo(f *testing.F) {
	for _, s := range []string{amdgpuOld, amdgpuNew, xe, i915, arcI, silent} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseFdinfo([]byte(s))
		if err != nil && c != (client{}) {
			t.Fatalf("%q: %+v with %v", s, c, err)
		}
		if c.local < -1 || (c.driver != "") != (c.id != "") || (c.driver != "") != (c.pdev != "") {
			t.Fatalf("%q: %+v", s, c)
		}
	})
}

// proc is a folder of /proc with descriptors: "pid/fd" to what it is open on and its fdinfo.
func proc(t *testing.T, fds map[string][2]string) string {
	t.Helper()
	root := t.TempDir()
	for name, fd := range fds {
		pid, number := filepath.Split(name)
		for _, dir := range []string{"fd", "fdinfo"} {
			if err := os.MkdirAll(filepath.Join(root, "proc", pid, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(fd[0], filepath.Join(root, "proc", pid, "fd", number)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "proc", pid, "fdinfo", number), []byte(fd[1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFdinfoOfProcesses(t *testing.T) {
	root := proc(t, map[string][2]string{
		"7/0": {"/dev/null", silent}, "7/3": {"/dev/dri/renderD128", amdgpuOld}, "7/4": {"/dev/dri/renderD128", amdgpuOld}, // one client
		"8/3": {"/dev/dri/renderD128", amdgpuOld}, "8/5": {"/dev/dri/renderD128 (deleted)", amdgpuNew}, // inherited, and another
		"8/6": {"socket:[1]", amdgpuNew}, "8/9": {"/dev/dri/renderD129", xe},
		"9/3": {"/dev/dri/renderD128", strings.ReplaceAll(amdgpuNew, "43", "99")}, // not of the box
	})
	f := &fake{pids: [][]int{{7, 8, 1 << 22}}} // the last one has ended
	l := watching(f, "0000:03:00.0", "0000:04:00.0")
	l.watches[0].source, l.watches[0].limit, l.limit = fdinfo{root}, 1<<30, 1<<30
	sums, err := l.watches[0].look(context.Background(), l.chosen, f, timeFarAway())
	if want := []int64{6 << 20, 4 << 20}; err != nil || fmt.Sprint(sums) != fmt.Sprint(want) {
		t.Errorf("%d, %v; want %d", sums, err, want)
	}

	for what, text := range map[string]string{
		"a line that nobody understands":      strings.ReplaceAll(amdgpuOld, "2048 KiB", "2048 pages"),
		"a driver that does not say how much": i915 + "drm-pdev:\t0000:03:00.0\n",
		"more than a driver writes":           strings.Repeat("x", maxFdinfo+1),
	} {
		root := proc(t, map[string][2]string{"7/3": {"/dev/dri/renderD128", text}})
		l.watches[0].source = fdinfo{root}
		if sums, err := l.watches[0].look(context.Background(), l.chosen, f, timeFarAway()); err == nil {
			t.Errorf("%s: %d", what, sums)
		}
	}
}

// A driver that says nothing of its memory cannot be watched, and is refused before anything starts.
func TestADriverThatTellsNothingIsRefused(t *testing.T) {
	for what, node := range map[string]string{"a node that is none of DRM's": "/dev/null", "no node": "/dev/nothing-there"} {
		if err := tells(node); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
