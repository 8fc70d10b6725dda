package isolate

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/loadlock/loadlock/policy"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "write the golden files")

// plans are Specs that together use every field. Nothing in them is read.
var plans = map[string]Spec{
	"strictest-as-root": {
		ID: "id", RunDir: "/run/x", Args: []string{"/usr/bin/python3", "load.py"}, Env: []string{"A=b"}, Dir: "/work",
		Binds:   []Bind{{Source: "/usr/lib", Target: "/usr/lib", Exec: true}, {Source: "/host/work", Target: "/work"}},
		Masks:   []string{"/usr/lib/secret"},
		Sandbox: policy.Sandbox{MemoryMB: 100, Pids: 10, CPUs: 0.25, TmpMB: 5, ShmMB: 6, CPUTimeSec: 9},
		Host:    Host{IDBase: 100000, Program: "/bin/loadlock", Cgroup: "/loadlock/id", SwapFile: true},
	},
	"everything-allowed-as-root": {
		ID: "id", RunDir: "/run/x", Args: []string{"/usr/bin/sh"}, Dir: "/",
		Binds: []Bind{{Fresh: true, Target: "/results", Write: true}, {Source: "/out", Target: "/data/out", Write: true}, {Source: "/usr", Target: "/usr", Exec: true}},
		Sandbox: policy.Sandbox{MemoryMB: 4096, Pids: 512, CPUs: 1 << 20, TmpMB: 50, ShmMB: 60, Network: policy.NetworkHost,
			Allow: policy.Operations{NetworkAccess: true, Subprocess: true, FileWrite: true, NativeCode: true, GPU: true}},
		Host: Host{IDBase: 100000, Program: "/bin/loadlock", Cgroup: "/loadlock/id"},
	},
	"strictest-rootless-without-cgroup": {
		ID: "id", RunDir: "/run/x", Args: []string{"/usr/bin/true"}, Dir: "/tmp",
		Sandbox: policy.Sandbox{MemoryMB: 100, Pids: 10, CPUs: 0.25, TmpMB: 5, ShmMB: 6, UnsafeOptional: []string{"cgroup"}},
		Host:    Host{Rootless: true, UID: 1234, GID: 1235, Program: "/bin/loadlock"},
	},
	"one-gpu-and-its-group-as-root": {
		ID: "id", RunDir: "/run/x", Args: []string{"/usr/bin/true"}, Dir: "/tmp",
		Sandbox: policy.Sandbox{MemoryMB: 100, Pids: 10, CPUs: 0.25, TmpMB: 5, ShmMB: 6},
		Host:    Host{IDBase: 100000, Program: "/bin/loadlock", Cgroup: "/loadlock/id", NodeGroups: []uint32{105}},
		GPU:     shaped(gpu.Node{Path: "/dev/nvidia0", Major: 195}),
	},
}

// oneOfEight is a box with one H100 of a host that has eight. The host is a folder, whose name is not recorded.
func oneOfEight(t *testing.T) (s Spec, folder string) {
	t.Helper()
	s, folder = plans["strictest-as-root"], t.TempDir()
	s.GPU = gputest.H100(t, folder, 8).Plan("0")
	return s, folder
}

// The files hold what does not depend on this machine: limits are capped by the supervisor's own, cgroup v2 has
// memory.oom.group, and the system calls have golden files in package seccomp.
func TestPlansAreAsRecorded(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("recorded on amd64")
	}
	for name, s := range plans {
		isRecorded(t, name, s, "")
	}
	s, folder := oneOfEight(t)
	isRecorded(t, "one-h100-of-eight", s, folder)
}

// isRecorded compares with a golden file, which does not have that folder's name in it.
func isRecorded(t *testing.T, name string, s Spec, folder string) {
	t.Helper()
	oci, err := Bundle(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range oci.Process.Rlimits {
		if slices.Contains([]string{"RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_NOFILE", "RLIMIT_SIGPENDING"}, l.Type) {
			oci.Process.Rlimits[i].Soft, oci.Process.Rlimits[i].Hard = 0, 0
		}
	}
	if oci.Linux.Resources != nil {
		oci.Linux.Resources.Unified = nil
	}
	if len(oci.Linux.Seccomp.Syscalls) < 20 {
		t.Errorf("%s: %d entries in the filter", name, len(oci.Linux.Seccomp.Syscalls))
	}
	oci.Linux.Seccomp.Syscalls = nil
	var rules []string
	for _, r := range landlockRules(s) {
		rules = append(rules, fmt.Sprintf("%s %s", r.path, accessWords(r.access)))
	}
	got, err := json.MarshalIndent(map[string]any{"oci": oci, "landlock": rules}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if folder != "" {
		got = bytes.ReplaceAll(got, []byte(folder), nil)
	}
	file := filepath.Join("testdata", "plan-"+name+".json")
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
		t.Errorf("%s differs from %s; look at the difference after go test -update:\n%s", name, file, got)
	}
}

func accessWords(a access) (out string) {
	for i, word := range []string{"read", "execute", "write", "overwrite", "ioctl"} {
		if a&(1<<i) != 0 {
			out += " " + word
		}
	}
	return out[1:]
}

func TestEveryLayerWritesItsOwnPartOfThePlan(t *testing.T) {
	for name, s := range plans {
		base := leaves(t, s, layerNames()...)
		owner := map[string]string{}
		for _, l := range Layers() {
			others := slices.DeleteFunc(layerNames(), func(n string) bool { return n == l.Name })
			alone := leaves(t, s, others...)
			for path, value := range base {
				if alone[path] != value {
					t.Errorf("%s: layer %s changed %s", name, l.Name, path)
				}
			}
			for path := range alone {
				if _, old := base[path]; old {
					continue
				}
				if first := owner[path]; first != "" {
					t.Errorf("%s: layers %s and %s both write %s", name, first, l.Name, path)
				}
				owner[path] = l.Name
			}
		}
		for path := range leaves(t, s) {
			if _, old := base[path]; !old && owner[path] == "" {
				t.Errorf("%s: no layer alone writes %s", name, path)
			}
		}
		writers := slices.Collect(maps.Values(owner))
		for _, l := range Layers() {
			hidden := l.Name == "landlock" || // is enforced by pid 1
				l.Name == "capabilities" // writes empty sets
			shared := l.Name == "net" && s.Sandbox.Network == policy.NetworkHost
			if !slices.Contains(writers, l.Name) && !hidden && !shared {
				t.Errorf("%s: layer %s writes nothing", name, l.Name)
			}
		}
	}
}

func TestPlanningChangesNothing(t *testing.T) {
	for name, s := range plans {
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		first, err1 := Bundle(s, nil)
		second, err2 := Bundle(s, nil)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%s: two plans differ: %v, %v", name, err1, err2)
		}
		if after, _ := json.Marshal(s); !bytes.Equal(before, after) {
			t.Errorf("%s: planning changed the Spec", name)
		}
	}
}

func layerNames() (names []string) {
	for _, l := range Layers() {
		names = append(names, l.Name)
	}
	return names
}

// leaves flattens a plan: JSON path → value. What is a list of named things in the OCI spec is keyed by name.
func leaves(t *testing.T, s Spec, off ...string) map[string]string {
	t.Helper()
	oci, err := Bundle(s, off)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(oci)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(path+"."+key, value)
			}
		case []any:
			for i, value := range v {
				walk(path+"["+key(i, value)+"]", value)
			}
		case nil:
		default:
			if !reflect.ValueOf(v).IsZero() { // a field without omitempty is there before any layer sets it
				out[path] = fmt.Sprint(v)
			}
		}
	}
	walk("", tree)
	return out
}

func key(i int, v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, name := range []string{"type", "destination"} {
			if s, ok := m[name].(string); ok {
				return s
			}
		}
	}
	return fmt.Sprint(i)
}

func TestABindThatIsNotAbsoluteIsRefused(t *testing.T) {
	for _, b := range []Bind{{Source: "usr", Target: "/usr"}, {Source: "/usr", Target: "usr"}, {}} {
		if _, err := Bundle(Spec{Binds: []Bind{b}}, nil); err == nil {
			t.Errorf("%+v is planned", b)
		}
	}
}

func TestTheZeroSpecAllowsNothing(t *testing.T) {
	oci, err := Bundle(Spec{Host: Host{Program: "/bin/loadlock", Cgroup: "/x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := oci.Linux.Resources
	if *r.Memory.Limit != 0 || *r.Pids.Limit != 0 || *r.CPU.Quota != 0 {
		t.Errorf("limits %+v", r)
	}
	if !slices.ContainsFunc(oci.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace }) {
		t.Error("the host's network")
	}
	for _, rule := range landlockRules(Spec{}) {
		if rule.access&execute != 0 {
			t.Errorf("%s may be executed", rule.path)
		}
	}
}
