package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// Where the box shows the driver's libraries anyway, nothing of them is added; else all of them, in one folder.
func TestLibrariesThatTheBoxDoesNotShowAreAdded(t *testing.T) {
	elsewhere := librariesElsewhere(t, t.TempDir())
	for host, want := range map[*gputest.Root]bool{elsewhere: true, gputest.H100(t, t.TempDir(), 1): false} {
		r, err := asking(t, host, "", "0")
		if err != nil {
			t.Fatal(err)
		}
		added := slices.ContainsFunc(r.gpu.Mounts, func(m gpu.Mount) bool { return m.Target == "/run/gpu/lib/libcuda.so."+gputest.Driver && m.Exec })
		if path := environMap(r.found.Env)["LD_LIBRARY_PATH"]; added != want || (path == "/run/gpu/lib") != want || (r.gpu.Links["/run/gpu/lib/libcuda.so.1"] != "") != want {
			t.Errorf("added %t, LD_LIBRARY_PATH %q, links %v, want %t", added, path, r.gpu.Links, want)
		}
	}
}

// librariesElsewhere is a host with one H100 whose libraries lie as on NixOS.
func librariesElsewhere(t *testing.T, dir string) *gputest.Root {
	t.Helper()
	host := gputest.H100(t, dir, 1)
	host.Remove(gputest.Lib)
	for _, name := range []string{"libcuda", "libnvidia-ml"} {
		host.Write("/nix/store/abc-nvidia/lib/"+name+".so."+gputest.Driver, "\x7fELF")
		host.Link("/run/opengl-driver/lib/"+name+".so.1", "/nix/store/abc-nvidia/lib/"+name+".so."+gputest.Driver)
	}
	return host
}

// The variables of a grant are stronger than those of the caller, which count GPUs that do not exist inside.
func TestTheEnvironmentOfAGrant(t *testing.T) {
	eight := gputest.H100(t, t.TempDir(), 8)
	with := func(names ...string) *run {
		r := &run{res: &Result{}, job: Job{GPU: GPURequest{Names: names}, gpus: func() (gpu.Host, error) { return eight.Discover(), nil },
			Pass: []string{"CUDA_VISIBLE_DEVICES=0,1,2", "TRITON_CACHE_DIR=/data", "OWN=x", "CUDA_LAUNCH_BLOCKING=1", "HF_HUB_OFFLINE"}}}
		r.policy, _ = policy.Template("safe")
		env, err := Environ(environAllowed, []string{"CUDA_VISIBLE_DEVICES=7", "NVIDIA_VISIBLE_DEVICES=all", "CUDA_MPS_PIPE_DIRECTORY=/tmp/mps", "CUDA_INJECTION64_PATH=/x.so", "LANG=C"}, r.job.Pass)
		if err != nil {
			t.Fatal(err)
		}
		r.found.Env = env
		if err := r.grantGPU(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := with("3")
	env := environMap(r.found.Env)
	for name, want := range map[string]string{"CUDA_VISIBLE_DEVICES": gputest.UUID(3), "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "NVIDIA_VISIBLE_DEVICES": "void",
		"TRITON_CACHE_DIR": "/tmp/.cache/triton", "OWN": "x", "CUDA_LAUNCH_BLOCKING": "1", "LANG": "C", "CUDA_MPS_PIPE_DIRECTORY": "", "CUDA_INJECTION64_PATH": ""} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if !slices.IsSorted(r.found.Env) || len(env) != len(r.found.Env) {
		t.Errorf("not sorted, or a name twice: %q", r.found.Env)
	}
	if notes := strings.Join(r.res.Notes, "\n"); !strings.Contains(notes, "--env CUDA_VISIBLE_DEVICES=0,1,2 is not used: with a GPU it is "+gputest.UUID(3)) ||
		!strings.Contains(notes, "--env TRITON_CACHE_DIR=/data is not used") || strings.Contains(notes, "OWN") {
		t.Errorf("notes: %s", notes)
	}
	if r := with(); environMap(r.found.Env)["CUDA_VISIBLE_DEVICES"] != "0,1,2" || len(r.res.Notes) > 0 {
		t.Errorf("without a grant: %q, %q", r.found.Env, r.res.Notes)
	}
}

// realNodes skips where the host's nodes are files that only Discover takes for nodes.
func realNodes(t *testing.T, host *gputest.Root) {
	t.Helper()
	var err error
	if !host.Real("/dev/nvidiactl") {
		err = errors.New("device nodes can be made by root only")
	}
	validatetest.Need(t, "root", err)
}

// A name of CDI that a policy permits is looked up in the system's folders. A spec that the caller brings may name GPUs
// for --gpu, and nothing else: here it calls GPU 1 by the name that the policy has for GPU 0.
func TestASpecOfTheCallerPermitsNothing(t *testing.T) {
	host := gputest.H100(t, t.TempDir(), 2)
	realNodes(t, host)
	spec := func(node int) string {
		return fmt.Sprintf("cdiVersion: \"0.6.0\"\nkind: nvidia.com/gpu\ndevices:\n- name: mine\n  containerEdits:\n    deviceNodes:\n    - {path: /dev/nvidia%d}\n    - {path: /dev/nvidiactl}\n", node)
	}
	host.Write("/etc/cdi/nvidia.yaml", spec(0))
	host.Write("/own/cdi/mine.yaml", spec(1))
	host.Node("/dev/nvidia7", 1, 3) // null
	host.Write("/own/bad/mine.yaml", spec(7))
	for _, tt := range []struct {
		name, policy string
		dirs         []string
		want         string
	}{
		{"the system's name", "gpu: {devices: [nvidia.com/gpu=mine]}\n", nil, "0"},
		{"the caller's spec, where all are permitted", "", []string{"/own/cdi"}, "1"},
		{"a spec that names what is no GPU", "", []string{"/own/bad"}, "!gpu: CDI nvidia.com/gpu=mine: "},
		{"such a spec, where the GPU is optional", "gpu: {mode: optional}\n", []string{"/own/bad"}, "!gpu: CDI nvidia.com/gpu=mine: "},
		{"the caller's spec against the policy's name", "gpu: {devices: [nvidia.com/gpu=mine]}\n", []string{"/own/cdi"}, "!policy: gpu.devices: --gpu nvidia.com/gpu=mine, which is NVIDIA H100 80GB HBM3 (" + gputest.UUID(1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "p.yaml")
			if err := os.WriteFile(file, []byte("name: p\n"+tt.policy), 0o600); err != nil {
				t.Fatal(err)
			}
			nowhere := filepath.Join(t.TempDir(), "absent")
			r := &run{res: &Result{}, job: Job{GPU: GPURequest{Names: []string{"nvidia.com/gpu=mine"}, Specs: tt.dirs}, gpus: func() (gpu.Host, error) { return host.Discover(), nil }}}
			var err error
			if r.policy, r.provenance, err = policy.Load(policy.Sources{Host: nowhere, User: nowhere, Explicit: file}); err != nil {
				t.Fatal(err)
			}
			err = r.grantGPU()
			if want, refused := strings.CutPrefix(tt.want, "!"); refused != (err != nil) || refused && (!strings.HasPrefix(err.Error(), want) || Hint(err) == "") {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if err == nil && (grantedIndices(r) != tt.want || len(r.res.GPU.Offered) != 1 || !slices.Equal(r.res.GPU.Offered[0].Granted.Nodes, []string{"/dev/nvidiactl", "/dev/nvidia" + tt.want})) {
				t.Errorf("granted %s, offered %+v", grantedIndices(r), r.res.GPU.Offered)
			}
		})
	}
}
