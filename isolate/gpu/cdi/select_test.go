package cdi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

// The specs of three vendors' tools, as they are: what each name selects, and what of it is not taken.
func TestSpecsOfVendors(t *testing.T) {
	for _, tt := range []struct {
		host    func(testing.TB, string) *gputest.Root
		spec    string
		word    string
		want    []string // nodes of the plan
		refused map[string]int
	}{
		{h100s, "nvidia.yaml", "nvidia.com/gpu=0", []string{"/dev/nvidia-uvm", "/dev/nvidia1", "/dev/nvidiactl"}, map[string]int{"hook": 6, "mount": 2}},
		{h100s, "nvidia.yaml", "nvidia.com/gpu=1", []string{"/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"}, map[string]int{"hook": 6, "mount": 2}},
		{h100s, "nvidia.yaml", "nvidia.com/gpu=" + gputest.UUID(7), []string{"/dev/nvidia-uvm", "/dev/nvidia7", "/dev/nvidiactl"}, map[string]int{"hook": 6, "mount": 2}},
		{gputest.AMD, "amd.json", "amd.com/gpu=1", []string{"/dev/dri/renderD129", "/dev/kfd"}, map[string]int{}},
		{gputest.AMD, "amd.json", "amd.com/gpu=all", []string{"/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/kfd"}, map[string]int{}},
		{gputest.Intel, "intel.yaml", "intel.com/gpu=card1", []string{"/dev/dri/renderD129"}, map[string]int{"mount": 2}},
		{gputest.Intel, "intel.yaml", "intel.com/gpu=all", []string{"/dev/dri/renderD129"}, map[string]int{"mount": 2}}, // none is called so
	} {
		t.Run(tt.spec+" "+tt.word, func(t *testing.T) {
			root := tt.host(t, t.TempDir())
			root.Write("/etc/cdi/"+tt.spec, readTestdata(t, tt.spec))
			root.Write("/usr/bin/nvidia-smi", "")
			specs, host := load(t, root), root.Discover()
			gpus, offers, err := specs.Select(host, []string{tt.word})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range plan.Nodes {
				got = append(got, n.Path)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			refused := map[string]int{}
			for _, r := range offers[0].Refused {
				refused[r.What] += r.Count
			}
			if diff := cmp.Diff(tt.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s\n%v", diff, offers[0].Refused)
			}
			granted := offers[0].Settle(plan).Granted.Nodes
			slices.Sort(granted)
			if diff := cmp.Diff(tt.want, granted); diff != "" {
				t.Errorf("granted of what was offered (-want +got):\n%s", diff)
			}
		})
	}
}

func h100s(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 8) }

func TestSelect(t *testing.T) {
	const head = "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n"
	device := func(name string, nodes ...string) string {
		return fmt.Sprintf("- {name: '%s', containerEdits: {deviceNodes: [{path: %s}]}}\n", name, strings.Join(nodes, "}, {path: "))
	}
	first := func(gi int) []string {
		minor := gputest.CapMinor(0, gi)
		return []string{"/dev/nvidiactl", "/dev/nvidia0", fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", minor), fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", minor+1)}
	}
	four := func(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 4) }
	mixed := func(t testing.TB, dir string) *gputest.Root { // another vendor's render node beside NVIDIA's GPUs
		root := gputest.Intel(t, dir)
		return root
	}
	for _, tt := range []struct {
		name  string
		host  func(testing.TB, string) *gputest.Root
		spec  string // empty: none
		words []string
		want  string // of the GPUs: vendor, index, instances; or of the error
	}{
		{"the node decides, not the name", four, head + device("0", "/dev/nvidiactl", "/dev/nvidia3"), []string{"nvidia.com/gpu=0"}, "nvidia 3"},
		{"names and words together", four, head + device("0", "/dev/nvidia3"), []string{"nvidia.com/gpu=0", "2"}, "nvidia 2, nvidia 3"},
		{"twice the same", four, head + device("0", "/dev/nvidia3"), []string{"nvidia.com/gpu=0", "3"}, "nvidia 3"},
		{"several nodes", four, head + device("pair", "/dev/nvidia2", "/dev/nvidia3"), []string{"nvidia.com/gpu=pair"}, "nvidia 2, nvidia 3"},
		{"all, which nobody calls so", four, head + device("a", "/dev/nvidia2") + device("b", "/dev/nvidia3"), []string{"nvidia.com/gpu=all"}, "nvidia 2, nvidia 3"},
		{"all, which somebody calls so", four, head + device("all", "/dev/nvidia2") + device("b", "/dev/nvidia3"), []string{"nvidia.com/gpu=all"}, "nvidia 2"},
		{"an instance", gputest.Divided, head + device("0:0", first(1)...), []string{"nvidia.com/gpu=0:0"}, "nvidia 0 1/0"},
		{"two instances", gputest.Divided, head + device("0:0", first(1)...) + device("0:1", first(2)...), []string{"nvidia.com/gpu=0:0", "nvidia.com/gpu=0:1"}, "nvidia 0 1/0 2/0"},
		{"a divided GPU as a whole", gputest.Divided, head + device("0", "/dev/nvidia0"), []string{"nvidia.com/gpu=0"}, "divided into MIG instances"},
		{"half an instance", gputest.Divided, head + device("0", first(1)[:3]...), []string{"nvidia.com/gpu=0"}, "divided into MIG instances"},
		{"the nodes that make instances", gputest.Divided, head + device("0", "/dev/nvidia1", "/dev/nvidia-caps/nvidia-cap1", "/dev/nvidia-caps/nvidia-cap2"), []string{"nvidia.com/gpu=0"}, "nvidia 1"},
		{"WSL's one node", gputest.WSL, "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n" + device("all", "/dev/dxg"), []string{"nvidia.com/gpu=all"}, "wsl 0"},
		{"control nodes alone", four, head + device("0", "/dev/nvidiactl", "/dev/nvidia-uvm"), []string{"nvidia.com/gpu=0"}, "offers no GPU: its nodes are /dev/nvidia-uvm, /dev/nvidiactl"},
		{"no nodes", four, head + "- {name: '0', containerEdits: {env: [NVIDIA_VISIBLE_DEVICES=0]}}\n", []string{"nvidia.com/gpu=0"}, "names no device node"},
		{"another vendor's GPU", mixed, head + device("0", "/dev/dri/renderD128"), []string{"nvidia.com/gpu=0"}, "offers a GPU of intel"},
		{"another vendor's GPU under a name of one's own", mixed, strings.Replace(head, "nvidia.com", "example.org", 1) + device("0", "/dev/dri/renderD128"), []string{"example.org/gpu=0"}, "intel 0"},
		{"a name that is not offered", four, head + device("0", "/dev/nvidia0"), []string{"nvidia.com/gpu=9"}, "no spec in /etc/cdi, /var/run/cdi offers it; offered: nvidia.com/gpu=0\n  fix:  write it with sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"},
		{"a name of another kind", four, head + device("0", "/dev/nvidia0"), []string{"example.org/fpga=0"}, "names no kind of GPU"},
		{"no spec", four, "", []string{"nvidia.com/gpu=2"}, "nvidia 2"},
		{"no spec, and no such GPU", four, "", []string{"nvidia.com/gpu=9"}, "there is no GPU nvidia.com/gpu=9"},
		{"no name", four, head + device("0", "/dev/nvidia3"), []string{"0"}, "nvidia 0"},
		{"a GPU that discovery did not find", func(t testing.TB, dir string) *gputest.Root {
			root := gputest.H100(t, dir, 1)
			root.Node("/dev/nvidia5", 195, 5)
			return root
		}, head + device("0", "/dev/nvidia0", "/dev/nvidia5"), []string{"nvidia.com/gpu=0"}, "offers /dev/nvidia5 (195:5), which is no GPU that was found"},
		{"a driver that does not suit its libraries", gputest.Mismatch, head + device("0", "/dev/nvidia0"), []string{"nvidia.com/gpu=0"}, "580.126.09"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := tt.host(t, t.TempDir())
			if tt.spec != "" {
				root.Write("/etc/cdi/x.yaml", tt.spec)
			}
			gpus, offers, err := load(t, root).Select(root.Discover(), tt.words)
			var got []string
			for _, g := range gpus {
				line := fmt.Sprintf("%s %d", g.Vendor, g.Index)
				for _, m := range g.MIG {
					line += fmt.Sprintf(" %d/%d", m.GI, m.CI)
				}
				got = append(got, line)
			}
			text := strings.Join(got, ", ")
			if err != nil {
				text = err.Error()
				if len(gpus) > 0 || len(offers) > 0 {
					t.Errorf("an error, and GPUs: %v %v", gpus, offers)
				}
			}
			if text != tt.want && (err == nil || !strings.Contains(text, tt.want)) {
				t.Errorf("%q, want %q", text, tt.want)
			}
		})
	}
}

// Without any spec a name of CDI is one of this host's, and the record says so, with the command that would write a spec.
func TestNoSpecIsNoted(t *testing.T) {
	root := gputest.H100(t, t.TempDir(), 2)
	_, offers, err := load(t, root).Select(root.Discover(), []string{"nvidia.com/gpu=1", "0"})
	if err != nil || len(offers) != 1 {
		t.Fatal(offers, err)
	}
	if note := offers[0].Note; !strings.Contains(note, "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml") || len(offers[0].Nodes) > 0 {
		t.Errorf("%+v", offers[0])
	}
	// But not where the caller says where the spec is, or one was not believed: then it would be another than was meant.
	root.Write("/own/README", "no spec")
	if _, _, err := load(t, root, "/own").Select(root.Discover(), []string{"nvidia.com/gpu=1"}); err == nil || !strings.Contains(err.Error(), "/own offers it") {
		t.Error(err)
	}
	root.Write("/etc/cdi/nvidia.yaml", "{")
	if _, _, err := load(t, root).Select(root.Discover(), []string{"nvidia.com/gpu=1"}); err == nil || !strings.Contains(err.Error(), "not read: /etc/cdi/nvidia.yaml") {
		t.Error(err)
	}
	for name, command := range map[string]string{"amd.com/gpu=0": "amd-ctk cdi generate", "intel.com/gpu=0": "into /etc/cdi"} {
		if got := Command(name); !strings.Contains(got, command) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Whatever a spec says, what comes out of it is below the rules.
func FuzzOffer(f *testing.F) {
	for _, text := range specTexts(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte(spec("    hooks: [{hookName: prestart, path: /x}]\n    mounts: [{hostPath: /, containerPath: /, options: [ro]}]\n    env: [LD_PRELOAD=x]\n    additionalGids: [0]\n")))
	root := h100s(f, f.TempDir())
	base, host := load(f, root), root.Discover()
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := Parse(data)
		if err != nil {
			return
		}
		specs := base
		specs.devices = map[string]entry{}
		specs.add(&file{spec: parsed})
		for _, name := range specs.Names() {
			gpus, offers, err := specs.Select(host, []string{name})
			if err != nil {
				if len(gpus) > 0 {
					t.Errorf("%s: an error, and GPUs", name)
				}
				continue
			}
			for _, o := range offers {
				for _, n := range o.Nodes {
					if !slices.Contains(gpuDrivers, n.Driver) || !strings.HasPrefix(n.Path, "/dev/") || strings.Contains(n.Path, "..") {
						t.Errorf("%s offers %v", name, n)
					}
				}
				for _, m := range o.Mounts {
					if !strings.HasPrefix(m, gputest.Lib+"/lib") {
						t.Errorf("%s offers %s", name, m)
					}
				}
				for _, v := range o.Env {
					if key, _, _ := strings.Cut(v, "="); !slices.Contains(variables, key) || strings.ContainsAny(v, "\n\x00") {
						t.Errorf("%s offers %q", name, v)
					}
				}
				if slices.Contains(o.GIDs, 0) {
					t.Errorf("%s offers the group of root", name)
				}
			}
		}
	})
}

// What is granted is what offer and plan have in common, and nothing that only one of them has.
func TestSettle(t *testing.T) {
	root := gputest.H100(t, t.TempDir(), 1)
	root.Write("/etc/cdi/x.yaml", "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n- name: '0'\n  containerEdits:\n"+
		"    deviceNodes: [{path: /dev/nvidia0}, {path: /dev/nvidia-modeset}]\n"+
		"    mounts: [{hostPath: "+library+", containerPath: "+library+", options: [ro, bind]}]\n"+
		"    env: [NVIDIA_VISIBLE_DEVICES=void, CUDA_VISIBLE_DEVICES=7]\n")
	host := root.Discover()
	gpus, offers, err := load(t, root).Select(host, []string{"nvidia.com/gpu=0"})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus, Libraries: true})
	if err != nil {
		t.Fatal(err)
	}
	want := Granted{Nodes: []string{"/dev/nvidia0"}, Mounts: []string{library}, Env: []string{"NVIDIA_VISIBLE_DEVICES=void"}}
	if diff := cmp.Diff(want, offers[0].Settle(plan).Granted); diff != "" {
		t.Errorf("granted (-want +got):\n%s", diff)
	}
}

// An instance of which no node is known is not offered by whoever offers its GPU.
func TestAnInstanceWithoutNodes(t *testing.T) {
	whole := gpu.Node{Path: "/dev/nvidia0", Major: 195}
	host := gpu.Host{GPUs: []gpu.GPU{{Vendor: gpu.NVIDIA, BusID: "0000:17:00.0", Nodes: []gpu.Node{whole}, MIG: []gpu.MIG{{GI: 1}}}}}
	o := Offer{Name: "nvidia.com/gpu=0", Nodes: []Node{{Path: whole.Path, Major: whole.Major, Driver: "nvidia"}}}
	if got, err := o.words(host); err != nil || !slices.Equal(got, []string{"nvidia.com/gpu=0000:17:00.0"}) {
		t.Errorf("%q, %v", got, err)
	}
}
