package gpu_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/seccomp"
)

var update = flag.Bool("update", false, "write the golden files")

// asOnTheHost is the plan as it would be if the folder were "/".
func asOnTheHost(t *testing.T, r *gputest.Root, p gpu.Plan) gpu.Plan {
	t.Helper()
	p.Nodes, p.Mounts = slices.Clone(p.Nodes), slices.Clone(p.Mounts)
	for i, n := range p.Nodes {
		if n.Source != r.Path(n.Path) {
			t.Errorf("%s comes from %q", n.Path, n.Source)
		}
		p.Nodes[i].Source = ""
	}
	for i, m := range p.Mounts {
		source, ok := strings.CutPrefix(m.Source, r.Dir)
		if !ok {
			t.Errorf("%s comes from %q", m.Target, m.Source)
		}
		p.Mounts[i].Source = source
	}
	return p
}

// The plans that a reader can check: testdata/plan/h100-3-of-8.json is all that "--gpu 3" gives on a host of eight.
func TestPlans(t *testing.T) {
	for name, c := range map[string]struct {
		host  func(testing.TB, string) *gputest.Root
		words []string
		grant gpu.Grant
	}{
		"h100-3-of-8":      {host: eight, words: []string{"3"}},
		"h100-elsewhere":   {host: elsewhere, words: []string{"0"}, grant: gpu.Grant{Libraries: true, ExtraNodes: []string{"/dev/nvidia-uvm-tools"}}},
		"h100-sysfs-full":  {host: eight, words: []string{"0"}, grant: gpu.Grant{FullSysfs: true}},
		"mig-1-of-2":       {host: gputest.Divided, words: []string{"mig:0:1:0"}},
		"amd-1-of-2":       {host: gputest.AMD, words: []string{"1"}},
		"intel-1-of-2":     {host: gputest.Intel, words: []string{"0"}},
		"wsl":              {host: gputest.WSL, words: []string{"0"}},
		"mig-both-and-all": {host: gputest.Divided, words: []string{"all"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.host(t, t.TempDir())
			c.grant.Host = r.Discover()
			var err error
			if c.grant.GPUs, err = c.grant.Host.Select(c.words); err != nil {
				t.Fatal(err)
			}
			c.grant.Ioctls = seccomp.Ioctls{Profile: "of the driver", Words: []uint32{0xc04846d2}}
			plan, err := gpu.NewPlan(c.grant)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(asOnTheHost(t, r, plan), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", "plan", name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s; look at the difference after go test -update:\n%s", file, got)
			}
		})
	}
}

// elsewhere has the driver's libraries in a folder of its own, as NixOS does, and a GPU that nobody has opened yet.
func elsewhere(t testing.TB, dir string) *gputest.Root {
	r := gputest.H100(t, dir, 1)
	for _, name := range []string{"libcuda", "libnvidia-ml"} {
		r.Write("/nix/store/0-nvidia/lib/"+name+".so."+gputest.Driver, "ELF")
		r.Link("/nix/store/0-nvidia/lib/"+name+".so.1", name+".so."+gputest.Driver)
		r.Link("/run/opengl-driver/lib/"+name+".so.1", "/nix/store/0-nvidia/lib/"+name+".so.1")
	}
	r.Remove(gputest.Lib)
	edit(r, "/proc/driver/nvidia/gpus/"+gputest.BusID(0)+"/information", gputest.UUID(0), "GPU-????????-????-????-????-????????????")
	return r
}

func eight(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 8) }

// The minimal list, word by word, beside the golden file: nothing in it and nothing missing.
func TestOneOfEightIsTheMinimalList(t *testing.T) {
	p := gputest.H100(t, t.TempDir(), 8).Plan("3")
	device := "/sys/devices/pci0000:18/0000:18:01.0/0000:5d:00.0/"
	var nodes, mounts, env []string
	for _, n := range p.Nodes {
		nodes = append(nodes, n.Path)
	}
	for _, m := range p.Mounts {
		mounts = append(mounts, m.Target)
	}
	for _, e := range p.Env {
		name, _, _ := strings.Cut(e, "=")
		env = append(env, name)
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"nodes", nodes, []string{"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia3"}},
		{"mounts", mounts, []string{"/sys/devices/system/cpu", "/sys/devices/system/node"}},
		{"links", slices.Sorted(maps.Keys(p.Links)), []string{"/sys/bus/pci/devices/0000:5d:00.0"}},
		{"files", slices.Sorted(maps.Keys(p.Files)), []string{device + "class", device + "config", device + "device", device + "local_cpus", device + "numa_node",
			device + "resource", device + "revision", device + "vendor", "/sys/devices/system/memory/block_size_bytes",
			"/sys/module/nvidia/initstate", "/sys/module/nvidia/version", "/sys/module/nvidia_uvm/initstate", "/sys/module/nvidia_uvm/version"}},
		{"/proc/driver", slices.Sorted(maps.Keys(p.Proc)), []string{"nvidia/gpus/0000:5d:00.0/information", "nvidia/params", "nvidia/version"}},
		{"variables", env, []string{"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "CUDA_CACHE_PATH", "TORCHINDUCTOR_CACHE_DIR",
			"TORCH_EXTENSIONS_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME", "NCCL_IB_DISABLE", "SANDBOX_RUNTIME"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s:\n%q, want\n%q", c.what, c.got, c.want)
		}
	}
	if len(p.Files[device+"config"]) != 64 {
		t.Errorf("%d bytes of configuration space, and any user may read 64", len(p.Files[device+"config"]))
	}
	if !strings.Contains(p.Proc["nvidia/params"], "ModifyDeviceFiles: 0\n") {
		t.Errorf("params: %s", p.Proc["nvidia/params"])
	}
}

// Whatever one GPU's plan has of its neighbours' would be found by name: their own plans have it.
func TestNeighboursAreNotInThePlan(t *testing.T) {
	text := func(p gpu.Plan) string {
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	r := gputest.H100(t, t.TempDir(), 8)
	var plans []string
	for i := range 8 {
		plans = append(plans, text(r.Plan(fmt.Sprint(i))))
	}
	for i, g := range r.Discover().GPUs {
		for _, mark := range []string{gputest.UUID(i), gputest.BusID(i), `"` + g.Nodes[0].Path + `"`} {
			for j, plan := range plans {
				if got := strings.Contains(plan, mark); got != (i == j) {
					t.Errorf("GPU %d, %s in the plan of %d: %v", i, mark, j, got)
				}
			}
		}
	}
	amd := gputest.AMD(t, t.TempDir())
	for _, mark := range []string{"renderD129", "40001", "0000:43:00.0", "1152921504606846978", "1000000000000002"} {
		if strings.Contains(text(amd.Plan("0")), mark) || !strings.Contains(text(amd.Plan("1")), mark) {
			t.Errorf("%s of AMD's second GPU", mark)
		}
	}
	mig := gputest.Divided(t, t.TempDir())
	for _, mark := range []string{"nvidia-cap21", "nvidia-cap22", "gi2/"} {
		if strings.Contains(text(mig.Plan("mig:0:1:0")), mark) || !strings.Contains(text(mig.Plan("mig:0:2:0")), mark) {
			t.Errorf("%s of the second instance", mark)
		}
	}
	for _, never := range []string{"nvidia-modeset", "nvidia-uvm-tools", "nvidia-cap1\"", "nvidia-cap2\"", "mig/config", "mig/monitor", "registry", "serial_number"} {
		if strings.Contains(text(mig.Plan("all")), never) || strings.Contains(text(r.Plan("all")), never) {
			t.Errorf("%s is in a plan", never)
		}
	}
}

// Links lead to what the plan has, as the kernel's do.
func TestLinksOfThePlan(t *testing.T) {
	for name, p := range map[string]gpu.Plan{
		"h100": gputest.H100(t, t.TempDir(), 2).Plan("all"), "amd": gputest.AMD(t, t.TempDir()).Plan("all"), "intel": gputest.Intel(t, t.TempDir()).Plan("all"),
	} {
		all := slices.Concat(slices.Collect(maps.Keys(p.Files)), slices.Collect(maps.Keys(p.Links)))
		if len(p.Links) == 0 {
			t.Errorf("%s: no link", name)
		}
		for link, target := range p.Links {
			to := path.Join(path.Dir(link), target)
			if path.IsAbs(target) || !slices.ContainsFunc(all, func(f string) bool { return f == to || strings.HasPrefix(f, to+"/") }) {
				t.Errorf("%s: %s → %s, where nothing is", name, link, to)
			}
		}
	}
}

// NewPlan reads nothing: the host may be gone.
func TestThePlanIsPure(t *testing.T) {
	r := gputest.Divided(t, t.TempDir())
	h := r.Discover()
	gpus, err := h.Select([]string{"all"})
	if err != nil {
		t.Fatal(err)
	}
	g := gpu.Grant{Host: h, GPUs: gpus}
	first, err := gpu.NewPlan(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		t.Fatal(err)
	}
	again, err := gpu.NewPlan(g)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("another plan: %v", err)
	}
}

// CUDA_VISIBLE_DEVICES takes names or places, not both.
func TestOneGPUWithoutANameMakesAllPlaces(t *testing.T) {
	r := gputest.H100(t, t.TempDir(), 2)
	env := func() string { return strings.Join(r.Plan("all").Env, " ") }
	if want := "CUDA_VISIBLE_DEVICES=" + gputest.UUID(0) + "," + gputest.UUID(1) + " "; !strings.Contains(env(), want) {
		t.Error(env())
	}
	edit(r, "/proc/driver/nvidia/gpus/"+gputest.BusID(1)+"/information", gputest.UUID(1), "GPU-????????-????-????-????-????????????")
	if !strings.Contains(env(), "CUDA_VISIBLE_DEVICES=0,1 ") {
		t.Error(env())
	}
}

func TestNoGPUIsNoPlan(t *testing.T) {
	r := gputest.H100(t, t.TempDir(), 1)
	p, err := gpu.NewPlan(gpu.Grant{Host: r.Discover(), FullSysfs: true, Libraries: true, Ioctls: seccomp.Ioctls{Words: []uint32{1}}})
	if err != nil || p.Granted() || !reflect.DeepEqual(p, gpu.Plan{}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A grant that does not fit its host is refused, whoever made it.
func TestPlansThatAreRefused(t *testing.T) {
	good := gputest.H100(t, t.TempDir(), 2).Discover()
	bad := gputest.Mismatch(t, t.TempDir()).Discover()
	amd := gputest.AMD(t, t.TempDir()).Discover()
	nodeless := good.GPUs[0]
	nodeless.Nodes = nil
	for name, g := range map[string]gpu.Grant{
		"a GPU without a node":       {Host: good, GPUs: []gpu.GPU{nodeless}},
		"a GPU with a problem":       {Host: bad, GPUs: bad.GPUs},
		"another host's GPU":         {Host: amd, GPUs: good.GPUs[:1]},
		"a node that no driver has":  {Host: good, GPUs: good.GPUs[:1], ExtraNodes: []string{"/dev/mem"}},
		"a node of another's driver": {Host: amd, GPUs: amd.GPUs[:1], ExtraNodes: []string{"/dev/nvidia-uvm-tools"}},
		"a neighbour as extra node":  {Host: good, GPUs: good.GPUs[:1], ExtraNodes: []string{"/dev/nvidia1"}},
	} {
		if p, err := gpu.NewPlan(g); err == nil || p.Granted() {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
