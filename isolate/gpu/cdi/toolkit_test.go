package cdi

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// toolkit is the version that .ci/deps gpu builds.
const toolkit = "v1.20.1"

// nvidiaCtk is NVIDIA's own tool, as .ci/deps left it.
func nvidiaCtk(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "loadlock", "nvidia-ctk-"+toolkit, "nvidia-ctk")
		_, err = os.Stat(cache)
	}
	if err != nil {
		err = fmt.Errorf("%w (.ci/deps gpu builds it)", err)
	}
	validatetest.Need(t, "nvidia-ctk", err)
	return cache
}

func needRoot(t *testing.T) {
	t.Helper()
	var err error
	if os.Geteuid() != 0 {
		err = errors.New("not root")
	}
	validatetest.Need(t, "root", err)
}

// eight is a host with eight H100s, with nodes that nvidia-ctk takes for real.
func eight(t *testing.T) *gputest.Root {
	t.Helper()
	needRoot(t)
	root := gputest.H100(t, t.TempDir(), 8)
	if !root.Real("/dev/nvidiactl") {
		t.Skip("needs a temporary folder without nodev")
	}
	// What a host has beside libraries, and a box does not get.
	root.Write("/usr/lib/firmware/nvidia/"+gputest.Driver+"/gsp_ga10x.bin", "firmware")
	root.Write("/usr/bin/nvidia-smi", "#!/bin/sh\n")
	if err := os.Chmod(root.Path("/usr/bin/nvidia-smi"), 0o755); err != nil {
		t.Fatal(err)
	}
	root.Write("/run/nvidia-persistenced/socket", "")
	return root
}

// mockNVML puts a libnvidia-ml.so into the host that knows the host's GPUs, and returns the environment for it.
func mockNVML(t *testing.T, root *gputest.Root) []string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	validatetest.Need(t, "gcc", err)
	library := root.Path(gputest.Lib + "/libnvidia-ml.so." + gputest.Driver)
	if out, err := exec.Command(gcc, "-shared", "-fPIC", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1", "-o", library, "testdata/nvml.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var gpus strings.Builder
	for _, g := range root.Discover().GPUs {
		bus, err := strconv.ParseUint(strings.Split(g.BusID, ":")[1], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&gpus, "%d %d %s;", g.Minor, bus, g.UUID)
	}
	return append(os.Environ(), "MOCK_NVML="+gpus.String(), "MOCK_NVML_DRIVER="+gputest.Driver)
}

// generate lets nvidia-ctk write a spec of the host, as an administrator would on it.
func generate(t *testing.T, root *gputest.Root, environment []string, args ...string) {
	t.Helper()
	tool := nvidiaCtk(t)
	validatetest.Need(t, "root", exec.Command("unshare", "--mount", "true").Run()) // in some containers root may not
	first, last := filepath.Join(t.TempDir(), "spec.yaml"), root.Path("/etc/cdi/nvidia.yaml")
	root.Write("/etc/cdi/nvidia.yaml", "")
	// It reads the list of MIG's minors where the kernel has it, so there is one there, in a mount namespace that ends with it.
	unshare := exec.Command("unshare", "--mount", "sh", "-c", `mount --rbind "$0/proc/driver" /proc/driver && exec "$@"`, root.Dir, tool)
	for _, args := range [][]string{
		append([]string{"cdi", "generate", "--driver-root=" + root.Dir, "--output=" + first}, args...),
		{"cdi", "transform", "root", "--from=" + root.Dir, "--to=/", "--input=" + first, "--output=" + last},
	} {
		cmd := exec.Command(unshare.Path, slices.Concat(unshare.Args[1:], args)...)
		cmd.Env = environment
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("nvidia-ctk %s: %v\n%s", args, err, out)
		}
	}
}

func nodePaths(nodes []gpu.Node) (out []string) {
	for _, n := range nodes {
		out = append(out, n.Path)
	}
	slices.Sort(out)
	return out
}

// What an administrator has today: nvidia-ctk on a host with eight H100s. Each name stands for the GPU that it stands for
// to nvidia-ctk, and the plan has that GPU's nodes and no others.
func TestOneGPUOfEightFromNvidiaCtk(t *testing.T) {
	nvidiaCtk(t)
	root := eight(t)
	generate(t, root, mockNVML(t, root), "--mode=nvml")
	text, err := os.ReadFile(root.Path("/etc/cdi/nvidia.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	goldenText(t, "testdata/nvidia.yaml", strings.ReplaceAll(string(text), root.Dir, "/"))
	specs, err := Load(root.Dir)
	if err != nil || len(specs.Problems) > 0 {
		t.Fatal(err, specs.Problems)
	}
	host := root.Discover()
	if len(host.GPUs) != 8 {
		t.Fatalf("%d GPUs were found: %v", len(host.GPUs), host.Problems)
	}
	if got := len(specs.Names()); got != 17 { // by index, by UUID, all
		t.Fatalf("%d names: %q", got, specs.Names())
	}
	for _, g := range host.GPUs {
		for _, name := range []string{fmt.Sprintf("nvidia.com/gpu=%d", g.Index), "nvidia.com/gpu=" + g.UUID} {
			gpus, offers, err := specs.Select(host, []string{name})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := []string{"/dev/nvidia-uvm", fmt.Sprintf("/dev/nvidia%d", g.Minor), "/dev/nvidiactl"}
			slices.Sort(want)
			if diff := cmp.Diff(want, nodePaths(plan.Nodes)); diff != "" {
				t.Errorf("%s: nodes of the plan (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(root.Plan(strconv.Itoa(g.Index)), plan); diff != "" {
				t.Errorf("%s: the plan is not that of --gpu %d (-want +got):\n%s", name, g.Index, diff)
			}
			if g.Index == 0 && strings.HasSuffix(name, "=0") {
				record := offers[0].Settle(plan)
				if len(record.Specs[0].Digest) != 64 {
					t.Errorf("digest %q", record.Specs[0].Digest)
				}
				record.Specs[0].Digest = "" // hooks have the name of the temporary folder
				golden(t, "testdata/nvidia-ctk-one-of-eight.json", record)
			}
		}
	}
	gpus, _, err := specs.Select(host, []string{"nvidia.com/gpu=all"})
	if err != nil || len(gpus) != 8 {
		t.Errorf("all: %d GPUs, %v", len(gpus), err)
	}
	// The tool's own hooks are all that strict reading objects to, and the files that are no libraries.
	specs.Strict = true
	if _, _, err := specs.Select(host, []string{"nvidia.com/gpu=0"}); err == nil || !strings.Contains(err.Error(), "hook") {
		t.Errorf("strict reading: %v", err)
	}
	generate(t, root, mockNVML(t, root), "--mode=nvml", "--disable-hook=all")
	if specs, err = Load(root.Dir); err != nil {
		t.Fatal(err)
	}
	specs.Strict = true
	if _, _, err := specs.Select(host, []string{"nvidia.com/gpu=0"}); err == nil || strings.Contains(err.Error(), "hook") || !strings.Contains(err.Error(), "nvidia-smi") {
		t.Errorf("strict reading of a spec without hooks: %v", err)
	}
}

// A GPU that is divided: the tool names its instances "0:0" and "0:1", each with the two nodes that open it.
func TestInstancesFromNvidiaCtk(t *testing.T) {
	nvidiaCtk(t)
	needRoot(t)
	root := gputest.Divided(t, t.TempDir())
	environment := append(mockNVML(t, root), "MOCK_NVML_MIG=0 1 0 MIG-11111111-1111-4222-8333-000000000000;0 2 0 MIG-22222222-1111-4222-8333-000000000000;")
	generate(t, root, environment, "--mode=nvml")
	specs, err := Load(root.Dir)
	if err != nil || len(specs.Problems) > 0 {
		t.Fatal(err, specs.Problems)
	}
	host := root.Discover()
	for name, word := range map[string]string{"0:0": "mig:0:1:0", "0:1": "mig:0:2:0", "MIG-22222222-1111-4222-8333-000000000000": "mig:0:2:0", "1": "1"} {
		gpus, _, err := specs.Select(host, []string{"nvidia.com/gpu=" + name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(root.Plan(word), plan); diff != "" {
			t.Errorf("%s: the plan is not that of --gpu %s (-want +got):\n%s", name, word, diff)
		}
	}
}

// Without NVML the tool knows one device that is everything.
func TestManagementModeOfNvidiaCtk(t *testing.T) {
	nvidiaCtk(t)
	root := eight(t)
	generate(t, root, os.Environ(), "--mode=management")
	specs, err := Load(root.Dir)
	if err != nil || len(specs.Problems) > 0 {
		t.Fatal(err, specs.Problems)
	}
	host := root.Discover()
	gpus, offers, err := specs.Select(host, []string{"nvidia.com/gpu=all"})
	if err != nil || len(gpus) != 8 {
		t.Fatalf("%d GPUs, %v", len(gpus), err)
	}
	plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus})
	if err != nil {
		t.Fatal(err)
	}
	record := offers[0].Settle(plan)
	if len(record.Granted.Nodes) != 10 || slices.Contains(record.Granted.Nodes, "/dev/nvidia-modeset") {
		t.Errorf("granted %q", record.Granted.Nodes)
	}
	if _, _, err := specs.Select(host, []string{"nvidia.com/gpu=0"}); err == nil {
		t.Error("a name that the spec does not have was found")
	}
}
