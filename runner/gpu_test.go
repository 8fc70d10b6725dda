package runner

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/policy"
)

var update = flag.Bool("update", false, "write the golden files")

// asking is a run that comes as far as its GPU, on a folder that looks like a host, under the lines of a policy file.
func asking(t *testing.T, host *gputest.Root, lines string, names ...string) (*run, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("name: p\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "absent")
	r := &run{res: &Result{}, job: Job{GPU: GPURequest{Names: names}, gpus: func() (gpu.Host, error) { return host.Discover(), nil }}}
	p, prov, err := policy.Load(policy.Sources{Host: nowhere, User: nowhere, Explicit: file})
	if err != nil {
		t.Fatal(err)
	}
	r.policy, r.provenance = p, prov
	r.found.Binds = []Bind{{Source: "/usr", Target: "/usr", Exec: true}}
	return r, r.grantGPU()
}

func grantedIndices(r *run) string {
	var out []string
	for _, g := range r.res.GPU.Granted {
		out = append(out, strings.Join(append([]string{fmt.Sprint(g.Index)}, g.Instances...), "/"))
	}
	return strings.Join(out, ",")
}

// The plan for one H100 of eight: what is in the file and nothing else.
func TestThePlanOfOneH100OfEight(t *testing.T) {
	r, err := asking(t, gputest.H100(t, t.TempDir(), 8), "", "3")
	if err != nil {
		t.Fatal(err)
	}
	got := r.res.GPU.text(r.gpu)
	golden := filepath.Join("testdata", "gpu", "h100-one-of-eight.txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the plan differs from %s (go test -update writes it):\n%s", golden, got)
	}
	for i := range 8 {
		for _, trace := range []string{gputest.UUID(i), gputest.BusID(i), fmt.Sprintf("/dev/nvidia%d ", i)} {
			if i != 3 && strings.Contains(got, trace) {
				t.Errorf("the plan of GPU 3 has %s", trace)
			}
		}
	}
}

func TestWhichGPUsAreGranted(t *testing.T) {
	eight := gputest.H100(t, t.TempDir(), 8)
	divided := gputest.Divided(t, t.TempDir())
	amd, intel := gputest.AMD(t, t.TempDir()), gputest.Intel(t, t.TempDir())
	none, broken := gputest.New(t, t.TempDir()), gputest.Mismatch(t, t.TempDir())
	unloaded := gputest.Intel(t, t.TempDir())
	unloaded.Write("/sys/bus/pci/devices/0000:17:00.0/vendor", "0x10de\n")
	unloaded.Write("/sys/bus/pci/devices/0000:17:00.0/class", "0x030200\n")
	for _, tt := range []struct {
		name   string
		host   *gputest.Root
		policy string
		asks   string // of --gpu, apart by commas; empty: nothing
		want   string // indices; "-": none, without an error; "!": how the error begins
		hint   string
	}{
		{"an index", eight, "", "3", "3", ""},
		{"two", eight, "", "5,0", "0,5", ""},
		{"the same GPU twice", eight, "", "3," + gputest.UUID(3), "3", ""},
		{"a UUID", eight, "", gputest.UUID(7), "7", ""},
		{"a PCI address", eight, "", gputest.BusID(2), "2", ""},
		{"qualified, without specs", eight, "", "nvidia.com/gpu=4", "4", ""},
		{"all", eight, "", "all", "0,1,2,3,4,5,6,7", ""},
		{"AMD", amd, "", "1", "1", ""},
		{"Intel", intel, "", "0", "0", ""},
		{"an instance", divided, "", "mig:0:1:0", "0/mig:0:1:0", ""},
		{"a whole GPU that is divided", divided, "", "0", "!gpu: GPU 0 is divided into MIG instances", "mig:0:1:0"},
		{"the GPU beside it", divided, "", "1", "1", ""},

		{"nothing is asked for", eight, "", "", "-", ""},
		{"an index that is not there", eight, "", "8", "!gpu: there is no GPU 8", "this host has nvidia 0 GPU-"},
		{"another host's UUID", eight, "", "GPU-deadbeef-1111-4222-8333-000000000000", "!gpu: there is no GPU GPU-deadbeef", ""},
		{"one of two is not there", eight, "", "0,8", "!gpu: there is no GPU 8", ""},
		{"no GPU", none, "", "0", "!gpu: there is no GPU 0: no driver of a GPU is loaded", "doctor --gpu"},
		{"a driver whose libraries are another's", broken, "", "0", "!gpu: ", "modprobe"},

		// The policy's list, by whatever name.
		{"permitted by index", eight, `gpu: {devices: ["3", "5"]}`, "3", "3", ""},
		{"permitted by UUID, asked for by index", eight, "gpu: {devices: [" + gputest.UUID(3) + "]}", "3", "3", ""},
		{"permitted by index, asked for by address", eight, `gpu: {devices: ["3"]}`, gputest.BusID(3), "3", ""},
		{"the neighbour of a permitted one", eight, `gpu: {devices: ["3"]}`, "4", "!policy: gpu.devices: --gpu 4, which is NVIDIA H100 80GB HBM3 (" + gputest.UUID(4) + "), is not permitted: the policy says gpu.devices: [\"3\"] (policy p, from file", "add the GPU to gpu.devices in"},
		{"all where one is permitted", eight, `gpu: {devices: ["3"]}`, "all", "!policy: gpu.devices: --gpu all, which is", ""},
		{"none is permitted", eight, `gpu: {devices: []}`, "0", "!policy: gpu.devices: --gpu 0,", ""},
		{"a permitted one that is not there", eight, `gpu: {devices: ["9"]}`, "0", "!policy: gpu.devices: --gpu 0,", ""},
		{"a permitted instance", divided, `gpu: {devices: ["mig:0:1:0"]}`, "mig:0:1:0", "0/mig:0:1:0", ""},
		{"the instance beside it", divided, `gpu: {devices: ["mig:0:1:0"]}`, "mig:0:2:0", "!policy: gpu.devices: --gpu mig:0:2:0,", ""},
		{"more instances than are permitted", divided, `gpu: {devices: ["mig:0:1:0"]}`, "mig:0:1:0,mig:0:2:0", "!policy: gpu.devices", ""},

		// The policy's own wish is one GPU.
		{"required", eight, `gpu: {mode: required}`, "", "0", ""},
		{"required, of some", eight, `gpu: {mode: required, devices: ["5", "3"]}`, "", "3", ""},
		{"required, of a divided host", divided, `gpu: {mode: required}`, "", "0/mig:0:1:0", ""},
		{"required, and the command line names another", eight, `gpu: {mode: required}`, "2", "2", ""},
		{"required and absent", none, `gpu: {mode: required}`, "", "!gpu: no driver of a GPU is loaded", "--gpu none"},
		{"required, none of the permitted is there", eight, `gpu: {mode: required, devices: ["9"]}`, "", "!gpu: no GPU of this host is one that the policy permits: gpu.devices: [\"9\"] (policy p, from file", ""},
		{"required and forbidden", eight, "gpu: {mode: required}\nrestricted_operations: [gpu]", "", "!gpu: restricted_operations: gpu.mode: required is not permitted", ""},
		{"optional", eight, `gpu: {mode: optional}`, "", "0", ""},
		// The GPU that is meant is the one whose driver is missing, and not the processor's own.
		{"required, on a host where NVIDIA's driver is not loaded", unloaded, `gpu: {mode: required}`, "", "!gpu: there is a GPU at 0000:17:00.0, but the kernel module nvidia is not loaded", "modprobe nvidia"},
		{"an index, on such a host", unloaded, "", "0", "!gpu: there is a GPU at 0000:17:00.0", ""},
		{"the other vendor's by name, on such a host", unloaded, "", "intel.com/gpu=0", "0", ""},
		{"required, and the policy names the other vendor's", unloaded, `gpu: {mode: required, devices: [intel.com/gpu=0]}`, "", "0", ""},
		{"optional and absent", none, `gpu: {mode: optional}`, "", "-", ""},
		{"optional, a name that is absent", eight, `gpu: {mode: optional}`, "8", "-", ""},
		{"optional and broken", broken, `gpu: {mode: optional}`, "", "-", ""},
		{"optional and forbidden", eight, "gpu: {mode: optional}\nrestricted_operations: [gpu]", "", "-", ""},
		{"optional is no permission", eight, `gpu: {mode: optional, devices: ["3"]}`, "4", "!policy: gpu.devices: --gpu 4,", ""},
		{"optional, forbidden, and asked for", eight, "gpu: {mode: optional}\nrestricted_operations: [gpu]", "0", "!policy: restricted_operations: --gpu", "restricted_operations: []"},

		{"an old driver", eight, `gpu: {min_driver: "580.95.06"}`, "0", "!gpu: NVIDIA's driver 580.95.05 is too old: the policy says gpu.min_driver: \"580.95.06\" (policy p, from file", "update the driver"},
		{"the oldest driver that is permitted", eight, `gpu: {min_driver: "580.95.05"}`, "0", "0", ""},
		{"a driver by its first numbers", eight, `gpu: {min_driver: "580.95"}`, "0", "0", ""},
		{"an old driver, and the GPU is optional", eight, `gpu: {min_driver: "600.1", mode: optional}`, "", "-", ""},
		{"min_driver says nothing of the kernel's own drivers", amd, `gpu: {min_driver: "600.1"}`, "0", "0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			if tt.asks != "" {
				names = strings.Split(tt.asks, ",")
			}
			r, err := asking(t, tt.host, tt.policy+"\n", names...)
			want, refused := strings.CutPrefix(tt.want, "!")
			switch {
			case refused:
				if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(Hint(err), tt.hint) || Hint(err) == "" {
					t.Errorf("got  %v (hint %s)\nwant %s (hint %s)", err, Hint(err), want, tt.hint)
				}
			case err != nil:
				t.Fatal(err)
			case want == "-":
				asked := r.res.GPU != nil
				if r.gpu.Granted() || asked && (r.res.GPU.Fallback == "" || len(r.res.Notes) != 1 || !strings.Contains(r.res.Notes[0], r.res.GPU.Fallback)) || len(r.res.Weakened) > 0 {
					t.Errorf("%+v, notes %q", r.res.GPU, r.res.Notes)
				}
			case grantedIndices(r) != want:
				t.Errorf("granted %s, want %s", grantedIndices(r), want)
			}
			if refused && r.gpu.Granted() {
				t.Error("a plan came with the refusal")
			}
		})
	}
}

func TestARunWithoutAGPULooksAtNothing(t *testing.T) {
	for _, job := range []Job{{}, {GPU: GPURequest{None: true}}, {GPU: GPURequest{Specs: []string{"/nowhere"}}}} {
		job.gpus = func() (gpu.Host, error) { t.Error("the host was looked at"); return gpu.Host{}, nil }
		r := &run{res: &Result{}, job: job}
		if err := r.grantGPU(); err != nil || r.res.GPU != nil || r.gpu.Granted() || r.res.Timings.GPU != 0 {
			t.Errorf("%v, %+v", err, r.res.GPU)
		}
	}
}

func TestWhatAGrantWeakensIsSaid(t *testing.T) {
	eight := gputest.H100(t, t.TempDir(), 8)
	const driver = "a GPU is granted: the command talks to the driver's code in the kernel: NVIDIA H100 80GB HBM3 ("
	for _, tt := range []struct {
		policy, asks string
		want         []string // how each line begins
	}{
		{"", "3", []string{driver + gputest.UUID(3) + ") (--gpu 3)"}},
		{"gpu: {mode: required}", "", []string{driver + gputest.UUID(0) + ") (gpu.mode: required)"}},
		{"", "all", []string{driver, "every GPU of this host is granted, 8 of them (--gpu all)"}},
		{`gpu: {ioctl_filter: "off"}`, "3", []string{driver, "every ioctl command of the GPU's driver is carried out: the filter nvidia-580 is off"}},
		{"gpu: {ioctl_filter: log}", "3", []string{driver}}, // the policy's own weakening says it
	} {
		var names []string
		if tt.asks != "" {
			names = []string{tt.asks}
		}
		r, err := asking(t, eight, tt.policy+"\n", names...)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(r.res.Weakened, tt.want, strings.HasPrefix) {
			t.Errorf("%s --gpu %s:\n  %s\nwant\n  %s", tt.policy, tt.asks, strings.Join(r.res.Weakened, "\n  "), strings.Join(tt.want, "\n  "))
		}
	}
	for word, mode := range map[string]string{"strict": "strict", "log": "log", `"off"`: "off"} {
		r, err := asking(t, eight, "gpu: {ioctl_filter: "+word+"}\n", "0")
		if err != nil || r.res.GPU.Ioctls.Mode != mode || r.res.GPU.Ioctls.Words == 0 || len(r.res.GPU.Ioctls.Digest) != 64 {
			t.Errorf("ioctl_filter %s: %+v, %v", word, r.res.GPU.Ioctls, err)
		}
	}
}

func TestSysfsAndExtraNodesComeFromThePolicyOnly(t *testing.T) {
	eight := gputest.H100(t, t.TempDir(), 8)
	r, err := asking(t, eight, "gpu: {sysfs: full, extra_nodes: [nvidia-uvm-tools]}\n", "0")
	if err != nil {
		t.Fatal(err)
	}
	text := r.res.GPU.text(r.gpu)
	for _, want := range []string{"/dev/nvidia-uvm-tools", "/sys                                 read-only  gpu.sysfs: full"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if _, err := asking(t, gputest.AMD(t, t.TempDir()), "gpu: {extra_nodes: [nvidia-uvm-tools]}\n", "0"); err == nil {
		t.Error("a node that is not there was left out without a word")
	}
}

func TestAGPUErrorIsARefusal(t *testing.T) {
	var res Result
	res.fail(t.Context(), &GPUError{What: "there is none", Hint: "do this"})
	if res.Status != 125 || res.Outcome != Failed || res.Error.Message != "gpu: there is none" || res.Error.Hint != "do this" {
		t.Errorf("%+v, %+v", res, res.Error)
	}
	if !errors.As(problem(gpu.Problem{What: "a", Remedy: "b"}), new(*GPUError)) {
		t.Error("a problem is no GPUError")
	}
}

// A name of CDI that no spec offers is taken as a GPU's of this host; the report says so, and how to have a spec.
func TestANameWithoutASpecIsNoted(t *testing.T) {
	host := gputest.H100(t, t.TempDir(), 2)
	r, err := asking(t, host, "", "nvidia.com/gpu=1")
	if err != nil || grantedIndices(r) != "1" || !slices.ContainsFunc(r.res.Notes, func(n string) bool {
		return strings.HasPrefix(n, "nvidia.com/gpu=1: no CDI spec") && strings.Contains(n, "nvidia-ctk cdi generate")
	}) {
		t.Errorf("%v, notes %q", err, r.res.Notes)
	}
}
