package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOnlyStrictAndCIForbidAGPU(t *testing.T) {
	for _, name := range templateNames {
		p := mustTemplate(t, name)
		if want := name != "strict" && name != "ci"; p.Sandbox.Allow.GPU != want {
			t.Errorf("%s: a GPU may be used: %t", name, p.Sandbox.Allow.GPU)
		}
		if g := p.Sandbox.GPU; g.Mode != GPUNone || !slices.Equal(g.Devices, []string{"all"}) || g.Ioctls != GPUIoctlsStrict || g.Sysfs != GPUSysfsMinimal || len(g.ExtraNodes) > 0 || g.Enforce != GPUMemoryRequireHard {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

func TestACeilingTightensAGPU(t *testing.T) {
	for _, tt := range []struct {
		name, host, asked string
		want              func(GPU) bool
	}{
		{"all covers an index", `{devices: [all]}`, `{devices: ["0"]}`, func(g GPU) bool { return slices.Equal(g.Devices, []string{"0"}) }},
		{"an index is not all", `{devices: ["0"]}`, `{devices: [all]}`, func(g GPU) bool { return slices.Equal(g.Devices, []string{"0"}) }},
		{"an index and a UUID have nothing in common", `{devices: ["0"]}`, `{devices: [GPU-0a]}`, func(g GPU) bool { return len(g.Devices) == 0 }},
		{"no device stays none", `{devices: []}`, `{devices: [all]}`, func(g GPU) bool { return len(g.Devices) == 0 }},
		{"no limit under a limit", `{memory_limit_mb: 100}`, `{memory_limit_mb: 0}`, func(g GPU) bool { return g.MemoryMB == 100 }},
		{"a limit under none", `{memory_limit_mb: 0}`, `{memory_limit_mb: 100}`, func(g GPU) bool { return g.MemoryMB == 100 }},
		{"the newer driver", `{min_driver: "535.104"}`, `{min_driver: "535.9"}`, func(g GPU) bool { return g.MinDriver == "535.104" }},
		{"a newer one that is asked for", `{min_driver: "535.104"}`, `{min_driver: "580.10.01"}`, func(g GPU) bool { return g.MinDriver == "580.10.01" }},
		{"any driver under one", `{min_driver: "535.104"}`, `{min_driver: ""}`, func(g GPU) bool { return g.MinDriver == "535.104" }},
		{"the tighter filter", `{ioctl_filter: log}`, `{ioctl_filter: "off"}`, func(g GPU) bool { return g.Ioctls == GPUIoctlsLog }},
		{"the smaller /sys", `{sysfs: minimal}`, `{sysfs: full}`, func(g GPU) bool { return g.Sysfs == GPUSysfsMinimal }},
		{"what must hold a limit", `{enforce: require-hard}`, `{enforce: best-effort}`, func(g GPU) bool { return g.Enforce == GPUMemoryRequireHard }},
		{"extra nodes of both only", `{extra_nodes: []}`, `{extra_nodes: [nvidia-uvm-tools]}`, func(g GPU) bool { return len(g.ExtraNodes) == 0 }},
		// Lowered to none, the run would go on without the GPU that its policy demands; restricted_operations refuses it.
		{"a mode is a wish, not a permission", `{mode: none}`, `{mode: required}`, func(g GPU) bool { return g.Mode == GPURequired }},
		{"nobody gets a GPU that they did not ask for", `{mode: required}`, `{mode: none}`, func(g GPU) bool { return g.Mode == GPUNone }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := load(t, files(t, "gpu: "+tt.host+"\n", "", "gpu: "+tt.asked+"\n"))
			if !tt.want(p.Sandbox.GPU) {
				t.Errorf("%+v", p.Sandbox.GPU)
			}
		})
	}
	p, _ := load(t, files(t, "extends: strict\n", "", "gpu: {mode: required}\n"))
	if p.Sandbox.Allow.GPU {
		t.Error("a user's policy lifted the host's restriction")
	}
}

func TestNamesOfGPUs(t *testing.T) {
	for _, s := range []string{"all", "0", "7", "15", "GPU-5e7a81c0-0b1f-4b0d-9c6e-0123456789ab", "MIG-5e7a81c0-0b1f-4b0d-9c6e-0123456789ab", "nvidia.com/gpu=0", "nvidia.com/gpu=GPU-1", "amd.com/gpu=all", "nvidia.com/mig=0:1", "mig:0:1:0", "0000:17:00.0", "MIG-GPU-5e7a81c0-0b1f-4b0d-9c6e-0123456789ab/1/0"} {
		if what := checkDevice(s); what != "" {
			t.Errorf("%q %s", s, what)
		}
	}
	for _, s := range []string{"", "none", "ALL", "00", "-1", "1,2", "0 ", "gpu-1", "mig:0:1", "0:17:00.0", "GPU-", "/dev/nvidia0", "../x=0", "nvidia.com/gpu", "nvidia.com/gpu=", "nvidia.com/gpu=a b", "a\nb", "GPU-" + strings.Repeat("a", 200)} {
		if checkDevice(s) == "" {
			t.Errorf("%q is taken for a GPU", s)
		}
	}
}

func TestDriversAreComparedByNumber(t *testing.T) {
	ordered := []string{"", "470", "470.82", "470.82.01", "535.9", "535.104", "535.104.05", "535.104.12", "580.10", "580.100", "1000.1"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := OlderDriver(a, b); got != (i < j) {
				t.Errorf("%q is older than %q: %t", a, b, got)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringOfN(rapid.SampledFrom([]rune("0123.x")), 0, 8, -1)
		a, b, c := v.Draw(t, "a"), v.Draw(t, "b"), v.Draw(t, "c")
		if OlderDriver(a, a) || OlderDriver(a, b) && OlderDriver(b, a) || OlderDriver(a, b) && OlderDriver(b, c) && !OlderDriver(a, c) {
			t.Fatal("not an order")
		}
	})
}

func TestFlagsAboutAGPU(t *testing.T) {
	below := files(t, "restricted_operations: [file_write]\n", "", "name: y\nrestricted_operations: [gpu]\n")
	own := files(t, "", "", "name: x\nextends: strict\nmemory_limit_mb: 600\n")
	for _, tt := range []struct {
		name       string
		s          Sources
		f          Flags
		want, hint string
	}{
		{"safe", nowhere(t, "safe"), Flags{GPU: true}, "", ""},
		{"strict", nowhere(t, "strict"), Flags{GPU: true}, "restricted_operations: --gpu is not permitted: the policy says restricted_operations: [network_access, subprocess, file_write, native_code, gpu] (policy strict, from builtin:strict)",
			"write a policy file with the lines extends: strict / restricted_operations: [network_access, subprocess, file_write, native_code], and give it with --policy ./FILE.yaml"},
		{"ci", nowhere(t, "ci"), Flags{GPU: true}, "restricted_operations: --gpu is not permitted", "extends: ci / restricted_operations: [network_access, file_write, native_code], and"},
		{"a file", own, Flags{GPU: true}, "restricted_operations: --gpu is not permitted", "put the lines restricted_operations: [network_access, subprocess, file_write, native_code] into " + own.Explicit},
		{"a ceiling", files(t, "extends: strict\n", "", "safe"), Flags{GPU: true}, "restricted_operations: --gpu is not permitted", "is a ceiling; who owns it can shorten restricted_operations there"},
		{"a file, below a ceiling that takes something else", below, Flags{GPU: true}, "restricted_operations: --gpu is not permitted", "put the lines restricted_operations: [file_write] into " + below.Explicit},
		{"none under strict", nowhere(t, "strict"), Flags{NoGPU: true}, "", ""},
		{"less memory", nowhere(t, "safe"), Flags{GPUMemoryMB: ptr(int64(100))}, "", ""},
		{"more memory", files(t, "", "", "gpu: {memory_limit_mb: 100}\n"), Flags{GPUMemoryMB: ptr(int64(101))}, "gpu.memory_limit_mb: --gpu-memory 101 is not permitted: the policy says gpu.memory_limit_mb: 100", "raise gpu.memory_limit_mb in"},
		{"memory zero, which would lift the bound", nowhere(t, "safe"), Flags{GPUMemoryMB: ptr(int64(0))}, "--gpu-memory: 0 would mean no limit", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, prov := load(t, tt.s)
			low, _, err := prov.WithFlags(p, tt.f)
			var e *Error
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want == "" && (tt.f.GPUMemoryMB != nil && low.Sandbox.GPU.MemoryMB != *tt.f.GPUMemoryMB || tt.f.NoGPU && low.Sandbox.GPU.Mode != GPUNone):
				t.Errorf("%+v", low.Sandbox.GPU)
			case tt.want != "" && (!errors.As(err, &e) || !strings.HasPrefix(e.Error(), tt.want) || !strings.Contains(e.Hint, tt.hint)):
				t.Errorf("got  %v\nwant %s (hint %s)", err, tt.want, tt.hint)
			}
		})
	}
	p, prov := load(t, files(t, "", "", "gpu: {mode: required, devices: [\"0\"]}\n"))
	low, lowProv, err := prov.WithFlags(p, Flags{NoGPU: true})
	if o := lowProv.Origin("gpu.mode"); err != nil || low.Sandbox.GPU.Mode != GPUNone || o.String() != "flag --gpu" {
		t.Errorf("--gpu none where a policy requires one: %v, %+v, %v", err, low.Sandbox.GPU, o)
	}
	var e *Error
	if err := prov.RefuseGPU(p, "--gpu 1"); !errors.As(err, &e) || !strings.HasPrefix(e.Error(), "gpu.devices: --gpu 1 is not permitted: the policy says gpu.devices: [\"0\"] (policy") || !strings.HasPrefix(e.Hint, "add the GPU to gpu.devices in ") {
		t.Errorf("%v (hint %s)", err, e.Hint)
	}
}
