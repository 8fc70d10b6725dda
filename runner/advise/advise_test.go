package advise

import (
	"slices"
	"strings"
	"testing"
)

var safe = Policy{Name: "safe", Restricted: []string{"network_access", "file_write", "gpu"}, Network: "none", Publish: "loopback", Output: true, ExtraRead: true,
	MemoryMB: 8192, Pids: 512, TmpMB: 1024, ShmMB: 1024, TimeoutSec: 3600}

var none = Policy{Name: "none", Restricted: []string{"network_access", "subprocess", "file_write", "native_code", "gpu"}, Network: "none", Publish: "none"}

var kinds = []Kind{PathOutside, PathSecret, PathWithheld, PathNowhere, PathReadOnly, PathSystem, PathNoExec, PathInert, PathForeign, EnvNotPassed, EnvSecret,
	EnvRefused, EnvNowhere, ModuleOutside, ModuleNowhere, LibraryOutside, LibraryNowhere, Host, HostRefused, HostNever, Listen, Process, GPU, GPUAbsent, GPUFailed, GPURefused, GPUMemory, GPUBuild, GPUWarning,
	Memory, Pids, Shm, Tmp, Space, Timeout, CPUTime, Files, Allocation, ForeignABI}

// Whatever was refused has a layer, a reason, and either a way with its cost or the reason why there is none.
func TestEveryObstacleIsExplainedInFull(t *testing.T) {
	if len(pages()) != len(kinds) {
		t.Errorf("%d pages, %d kinds", len(pages()), len(kinds))
	}
	for _, k := range kinds {
		complete(t, string(k), Advise(Story{Policy: none, Obstacles: []Obstacle{{Kind: k, What: "THING"}}})[0])
		list := Advise(Story{Policy: safe, Obstacles: []Obstacle{{Kind: k, What: "THING"}}})
		if len(list) != 1 {
			t.Fatalf("%s: %d", k, len(list))
		}
		complete(t, string(k), list[0])
		if list[0].Why == "" {
			t.Errorf("%s: no reason", k)
		}
		bare := Advise(Story{Policy: safe, Obstacles: []Obstacle{{Kind: k}}})[0]
		for _, text := range []string{list[0].Tried, list[0].Instead, list[0].Never, bare.Tried} {
			if strings.Contains(text, "{}") {
				t.Errorf("%s: %q", k, text)
			}
		}
	}
}

func TestEveryRowOfTheCallsIsExplainedInFull(t *testing.T) {
	for _, r := range append(slices.Clone(calls), unknownCall) {
		name, _, _ := strings.Cut(r.calls, " ")
		if name == "" {
			name = "nothing_like_it"
		}
		a := Advise(Story{Policy: safe, Refusals: []Refusal{{Call: name, Arg: r.arg, Errno: "EPERM", Count: 1}}})[0]
		complete(t, r.calls, a)
		complete(t, r.calls, Advise(Story{Policy: none, Refusals: []Refusal{{Call: name, Arg: r.arg, Errno: "EPERM", Count: 1}}})[0])
		if len(r.options) > 0 && r.never != "" {
			t.Errorf("%s: both permitted and never permitted", r.calls)
		}
		for _, o := range r.options {
			if _, ok := remedies()[o]; !ok {
				t.Errorf("%s: no remedy %s", r.calls, o)
			}
		}
	}
}

func complete(t *testing.T, name string, a Advice) {
	t.Helper()
	if a.Tried == "" || a.Layer == "" {
		t.Errorf("%s: %+v", name, a)
	}
	if len(a.Options) == 0 && a.Never == "" {
		t.Errorf("%s: neither a way nor a reason why there is none", name)
	}
	for _, o := range a.Options {
		if o.Cost == "" || len(o.Flags)+len(o.Policy) == 0 {
			t.Errorf("%s: a way without a cost, or without a line: %+v", name, o)
		}
	}
}

// The commands of ioctl that a GPU's list lacks have a line that carries them out; those that type into terminals have none.
func TestACommandOfAGPUIsOpenedByItsPolicyLine(t *testing.T) {
	for arg, line := range map[string]string{
		"NV_ESC_IOCTL_XFER_CMD": "gpu: {ioctl_filter: log}", "NV_ESC_RM_I2C_ACCESS": "gpu: {ioctl_filter: log}", "UVM_TOOLS_READ_PROCESS_MEMORY": "gpu: {ioctl_filter: log}",
		"UVM_DISCARD": "gpu: {ioctl_filter: log}", "AMDKFD_IOC_DBG_TRAP": "gpu: {ioctl_filter: log}", "0xc0104699": "gpu: {ioctl_filter: log}", "81": "gpu: {ioctl_filter: log}",
		"DRM_IOCTL_AMDGPU_CS|DRM_IOCTL_XE_VM_DESTROY": "gpu: {ioctl_filter: log}", "TIOCSTI": "", "KDSETMODE": "", "0x4b01": "", "0x56ff": "",
	} {
		refusal := []Refusal{{Call: "ioctl", Arg: arg, Errno: "EPERM", Count: 1}}
		a := Advise(Story{Policy: safe, Refusals: refusal})[0]
		if got := strings.Join(a.PolicyLines(), ";"); got != line || (line == "") != (a.Never != "") {
			t.Errorf("%s: %q, %q", arg, got, a.Never)
		}
		on := safe
		on.GPU.IoctlFilter = "log"
		if a := Advise(Story{Policy: on, Refusals: refusal})[0]; len(a.Options) != 0 || a.Never == "" {
			t.Errorf("%s with mode log: %+v", arg, a.Options)
		}
	}
}

// What must never be permitted has no line that permits it, whatever the policy says.
func TestNothingPermitsTheWaysOut(t *testing.T) {
	for _, name := range strings.Fields("ptrace bpf io_uring_setup unshare setns mount pivot_root perf_event_open keyctl userfaultfd init_module kexec_load execveat process_vm_readv setuid mknod fsopen") {
		for _, p := range []Policy{safe, {}, {Network: "host", ExtraRead: true, Output: true}} {
			a := Advise(Story{Policy: p, Refusals: []Refusal{{Call: name, Errno: "EPERM", Count: 3}}})[0]
			if len(a.Options) != 0 || a.Never == "" {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
	a := Advise(Story{Policy: safe, Refusals: []Refusal{{Call: "clone", Arg: "CLONE_NEWUSER", Errno: "EPERM", Count: 1}}})[0]
	if len(a.Options) != 0 {
		t.Errorf("clone with CLONE_NEWUSER: %+v", a)
	}
	a = Advise(Story{Policy: none, Refusals: []Refusal{{Call: "clone", Errno: "EPERM", Count: 1}}})[0]
	if len(a.Options) != 1 {
		t.Errorf("clone of a process: %+v", a)
	}
}

func TestLinesDependOnThePolicy(t *testing.T) {
	strict := safe
	strict.Restricted, strict.ExtraRead, strict.Output = []string{"network_access", "subprocess", "file_write", "native_code", "gpu"}, false, false
	for _, tt := range []struct {
		name   string
		policy Policy
		o      Obstacle
		want   string // of the first option
	}{
		{"--ro is permitted", safe, Obstacle{Kind: PathOutside, What: "/data/x.bin", Show: "/data"}, "--ro /data"},
		{"--ro is not", strict, Obstacle{Kind: PathOutside, What: "/data/x.bin", Show: "/data"}, "--ro /data, and in the policy: extra_read: true"},
		{"a file beside the script", safe, Obstacle{Kind: PathReadOnly, What: "/p/r.txt", Show: "/p"}, "--rw /p, and in the policy: restricted_operations: [network_access, gpu]"},
		{"a folder of its own", safe, Obstacle{Kind: PathReadOnly, What: "/p/out/r.txt", Show: "/p", Output: "/p/out"}, "--output /p/out"},
		{"a path with blanks", safe, Obstacle{Kind: PathOutside, What: "/my data/it's"}, `--ro '/my data/it'\''s'`},
		{"processes", strict, Obstacle{Kind: Process}, "in the policy: restricted_operations: [network_access, file_write, native_code, gpu]"},
		{"a port", safe, Obstacle{Kind: Listen, What: "8000"}, "--publish 127.0.0.1:8000:8000"},
		{"a limit of the policy", safe, Obstacle{Kind: Shm, What: "1024 MiB"}, "in the policy: shm_size_mb: 4096"},
		{"a limit of a flag", safe, Obstacle{Kind: Shm, What: "1024 MiB", Flag: "--shm-size"}, "--shm-size 4096M"},
		{"a variable", safe, Obstacle{Kind: EnvNotPassed, What: "DATA_ROOT"}, "--env DATA_ROOT"},
	} {
		a := Advise(Story{Policy: tt.policy, Obstacles: []Obstacle{tt.o}})[0]
		if len(a.Options) == 0 || a.Options[0].String() != tt.want {
			t.Errorf("%s: %+v, want %s", tt.name, a.Options, tt.want)
		}
	}
	hub := Advise(Story{Policy: safe, Obstacles: []Obstacle{{Kind: Host, What: "huggingface.co"}}})[0]
	if got := hub.Options[1].String(); got != "--net allow:huggingface.co, and in the policy: network: allow; network_hosts: [huggingface.co]; restricted_operations: [file_write, gpu]" {
		t.Errorf("hub: %s", got)
	}
}

// A message says more than the call that was refused for it; harmless refusals are no reason of a failure.
func TestTheMostProbableReasonComesFirst(t *testing.T) {
	s := Story{Policy: safe, Obstacles: []Obstacle{{Kind: Listen, What: "8000"}}, Refusals: []Refusal{
		{Call: "clone3", Errno: "ENOSYS", Count: 40}, {Call: "socket", Arg: "AF_INET", Errno: "EAFNOSUPPORT", Count: 1}}}
	list := Advise(s)
	if got := Likely(list); !strings.Contains(got, "serve on port 8000") || !strings.Contains(got, "--publish 127.0.0.1:8000:8000") {
		t.Error(got)
	}
	if list[1].Weight >= Doubtful || list[2].Weight >= Doubtful {
		t.Errorf("%+v", list[1:])
	}
	s.Obstacles = nil
	if got := Likely(Advise(s)); !strings.Contains(got, "TCP and UDP") {
		t.Error(got)
	}
	s.Refusals = s.Refusals[:1]
	if got := Likely(Advise(s)); got != "" {
		t.Errorf("a refusal that every program survives is named as the reason: %s", got)
	}
	if Likely(nil) != "" {
		t.Error("a reason out of nothing")
	}
}
