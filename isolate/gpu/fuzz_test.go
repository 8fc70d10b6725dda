package gpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func samples(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join("testdata", "proc", pattern))
	if err != nil || len(files) == 0 {
		f.Fatal(pattern, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
}

func FuzzMajors(f *testing.F) {
	samples(f, "devices-*")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := majors(text)
		if (err == nil) != (all != nil) {
			t.Fatal(all, err)
		}
		for name, list := range all {
			for _, m := range list {
				if m >= 1<<12 || !strings.Contains(text, name) {
					t.Fatal(name, m)
				}
			}
		}
	})
}

func FuzzVersion(f *testing.F) {
	samples(f, "version-*")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := nvidiaVersion(text); err == nil && (!isVersion(v) || strings.ContainsAny(v, "/\n ") || !strings.Contains(text, v)) {
			t.Fatalf("%q", v)
		}
	})
}

func FuzzInformation(f *testing.F) {
	samples(f, "information-*")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := parseInformation(text)
		if strings.ContainsAny(i.model, "\x1b\n\x00") {
			t.Fatalf("model %q", i.model)
		}
		if err == nil && (i.uuid != "" && (!isUUID(i.uuid) || strings.ContainsAny(i.uuid, ",\n= ")) || !isBusID(i.busID) || i.minor > 247) {
			t.Fatalf("%+v", i)
		}
	})
}

func FuzzProperties(f *testing.F) {
	samples(f, "kfd-*")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := properties(text); (err == nil) != (p != nil) {
			t.Fatal(p, err)
		}
	})
}

// The patched file never says that user space should modify, and nothing else changes.
func FuzzParams(f *testing.F) {
	samples(f, "params")
	f.Fuzz(func(t *testing.T, text string) {
		got := withoutModify(text)
		if withoutModify(got) != got {
			t.Fatalf("%q", got)
		}
		for line := range strings.Lines(got) {
			if key, value, _ := strings.Cut(line, ":"); key == "ModifyDeviceFiles" || key == "DeviceFileModify" {
				if value != " 0\n" {
					t.Fatalf("%q", line)
				}
			} else if !strings.Contains(text, line) {
				t.Fatalf("%q", line)
			}
		}
	})
}

func FuzzMIGMinors(f *testing.F) {
	samples(f, "mig-minors")
	f.Fuzz(func(t *testing.T, text string) {
		if minor, ok := migMinor(text, "gpu0/gi1/access"); ok && (minor >= 1<<20 || !strings.Contains(text, "gpu0/gi1/access")) {
			t.Fatal(minor)
		}
	})
}

func FuzzCache(f *testing.F) {
	for _, layout := range []string{"new", "old", "both"} {
		f.Add(cacheOf(layout, twoLibraries...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkCache(t, raw) })
}

// A word selects what the host has or is an error, and never both.
func FuzzSelect(f *testing.F) {
	host := Host{GPUs: []GPU{
		{Vendor: NVIDIA, UUID: "GPU-a0000000-1111-4222-8333-000000000000", BusID: "0000:17:00.0", MIG: []MIG{{GI: 1}, {GI: 2, UUID: "MIG-a0000000-1111-4222-8333-000000000000"}}},
		{Vendor: NVIDIA, Index: 1, UUID: "GPU-a0000001-1111-4222-8333-000000000000", BusID: "0000:3b:00.0"},
		{Vendor: AMD, UUID: "GPU-1000000000000001", BusID: "0000:03:00.0"},
	}}
	for _, s := range []string{"all", "0", "1", "mig:0:1:0", "MIG-a0000000-1111-4222-8333-000000000000", "MIG-GPU-a0000000-1111-4222-8333-000000000000/1/0",
		"nvidia.com/gpu=0", "amd.com/gpu=0", "0000:17:00.0", "00000000:3B:00.0", "GPU-1000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		gpus, err := host.Select([]string{word})
		if (err == nil) != (len(gpus) > 0) {
			t.Fatal(gpus, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\x00") {
			t.Fatalf("%q", err)
		}
	})
}

// Whatever one file of a host says, the nodes of a plan are the driver's.
func FuzzDiscover(f *testing.F) {
	files := []string{"proc/devices", "proc/driver/nvidia/version", "proc/driver/nvidia/gpus/0000:17:00.0/information", "etc/ld.so.cache", "proc/misc"}
	for i, name := range []string{"devices-580", "version-580-open", "information-h100"} {
		f.Add(uint8(i), sample(f, name))
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		root := t.TempDir()
		write := func(name, text string) {
			at := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("proc/devices", sample(t, "devices-580"))
		write("proc/driver/nvidia/version", sample(t, "version-580-open"))
		write("proc/driver/nvidia/gpus/0000:17:00.0/information", strings.Replace(sample(t, "information-h100"), "0000:5d", "0000:17", 1))
		write("usr/lib64/libcuda.so.1", "")
		for _, name := range []string{"nvidiactl", "nvidia0", "nvidia3", "nvidia-uvm"} {
			write("dev/"+name, "")
		}
		write(files[int(which)%len(files)], text)
		real := map[string]Inode{"nvidiactl": {true, 195, 255}, "nvidia0": {true, 195, 0}, "nvidia3": {true, 195, 3}, "nvidia-uvm": {true, 505, 0}}
		host, err := DiscoverBy(root, func(name string) (Inode, error) { return real[filepath.Base(name)], nil })
		if err != nil {
			return
		}
		host.Problems = nil // who takes them although
		plan, err := NewPlan(Grant{Host: host, GPUs: host.GPUs})
		if err != nil {
			return
		}
		for _, n := range plan.Nodes {
			if filepath.Dir(n.Path) != "/dev" || strings.ContainsAny(n.Path, "\n\x00") {
				t.Fatalf("%+v", n)
			}
		}
		for _, e := range plan.Env {
			if strings.ContainsAny(e, "\n\x00 ") {
				t.Fatalf("%q", e)
			}
		}
	})
}
