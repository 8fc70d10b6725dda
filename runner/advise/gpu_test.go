package advise

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryErrorOfAGPUIsExplainedInFull(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range GPUErrors() {
		if seen[e.ID] || !regexp.MustCompile(`^(cuda|hip|nvml|gpu|torch)-[a-z0-9-]+$`).MatchString(e.ID) {
			t.Errorf("%q: twice, or no name", e.ID)
		}
		seen[e.ID] = true
		if e.Names == "" || e.Means == "" || len(e.Causes) == 0 || len(e.Checks) == 0 || len(e.Says) == 0 || len(e.Refs) == 0 {
			t.Errorf("%s: incomplete: %+v", e.ID, e)
		}
		if len(e.Names) > 200 {
			t.Errorf("%s: a report repeats %d bytes", e.ID, len(e.Names))
		}
		for _, c := range e.Causes {
			if c.Why == "" || c.Do == "" {
				t.Errorf("%s: a cause without a way out: %+v", e.ID, c)
			}
		}
	}
	for _, id := range strings.Fields("cuda-2 cuda-3 cuda-35 cuda-46 cuda-100 cuda-304 cuda-801 cuda-804 cuda-999 nvml-unknown-error nvml-insufficient-permissions gpu-blocked-by-os hip-100 hip-999 torch-no-cuda") {
		if !seen[id] {
			t.Errorf("%s is promised and missing", id)
		}
	}
	for id, ours := range map[string]bool{"cuda-304": true, "cuda-999": true, "gpu-blocked-by-os": true, "cuda-700": false, "cuda-46": false, "cuda-2": false} {
		if e, _ := FindGPUError(id); e.MayBeOurs() != ours {
			t.Errorf("%s: the sandbox may be the cause: %v", id, !ours)
		}
	}
	for ask, want := range map[string]string{"CUDA-304": "cuda-304", "cuda--801": "cuda-801", "hip-2": "cuda-2", "hip-100": "hip-100", "hip-": "", "cuda-": "", "304": "", "hip-cuda-2": ""} {
		if e, _ := FindGPUError(ask); e.ID != want {
			t.Errorf("%s: %q, want %q", ask, e.ID, want)
		}
	}
}

// Messages as the libraries print them, by the entry that they must lead to: testdata/gpu.txtar. Each entry has one.
func TestMessagesOfGPUsLeadToTheirEntries(t *testing.T) {
	raw, err := os.ReadFile("testdata/gpu.txtar")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for _, part := range strings.Split(string(raw), "\n-- ")[1:] {
		id, message, _ := strings.Cut(part, " --\n")
		have[id]++
		got := Read([]byte(message + "\n"))
		if len(got) != 1 || got[0].Want != WantGPU || got[0].What != id || got[0].Warning || got[0].Text == "" {
			t.Errorf("%s: %+v of:\n%s", id, got, message)
		}
		if quiet := Read([]byte("/usr/lib/python3/dist-packages/torch/cuda/__init__.py:88: UserWarning: " + strings.ReplaceAll(message, "\n", " ") + "\n")); len(quiet) > 0 && !quiet[0].Warning {
			t.Errorf("%s: a warning counts as an error: %+v", id, quiet)
		}
	}
	for _, e := range GPUErrors() {
		if have[e.ID] == 0 {
			t.Errorf("%s: no message", e.ID)
		}
	}
}

// torch warns with the number and then raises without it.
func TestTheWarningBeforeAnErrorIsItsReason(t *testing.T) {
	warning := "/venv/lib/python3.12/site-packages/torch/cuda/__init__.py:174: UserWarning: CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on non supported HW (Triggered internally at ../c10/cuda/CUDAFunctions.cpp:109.)\n  return torch._C._cuda_getDeviceCount() > 0\n"
	raised := "Traceback (most recent call last):\n  File \"/home/user/load.py\", line 3, in <module>\nRuntimeError: No CUDA GPUs are available\n"
	got := Read([]byte(warning + raised))
	if len(got) != 1 || got[0].What != "cuda-804" || got[0].Warning || got[0].By != "load.py line 3" {
		t.Errorf("%+v", got)
	}
	got = Read([]byte(warning + "ValueError: the batch is empty\n"))
	if len(got) != 1 || !got[0].Warning {
		t.Errorf("a warning alone: %+v", got)
	}
	if a := Advise(Story{Policy: safe, Obstacles: []Obstacle{{Kind: GPUWarning, What: "cuda-804"}}}); Likely(a) != "" || !strings.Contains(a[0].Never, "loadlock explain cuda-804") {
		t.Errorf("a warning is named as the reason of a failure: %q, %+v", Likely(a), a)
	}
	both := strings.Replace(warning, "Error 804", "Error 999", 1) + "RuntimeError: CUDA error: unknown error\n"
	if got := Read([]byte(both)); len(got) != 2 || got[0].What != "cuda-999" || got[0].Warning {
		t.Errorf("%+v", got)
	}
}

func TestAGPUThatNobodyAskedForIsProposed(t *testing.T) {
	free := safe
	free.Restricted = []string{"network_access"}
	a := Advise(Story{Policy: free, Obstacles: []Obstacle{{Kind: GPU, What: "cuda-100"}}})[0]
	if len(a.Options) != 1 || a.Options[0].String() != "--gpu 0" || !strings.Contains(a.Why, "no GPU was asked for") {
		t.Errorf("%+v", a)
	}
	a = Advise(Story{Policy: safe, Obstacles: []Obstacle{{Kind: GPU, What: "cuda-100"}}})[0]
	if len(a.Options) != 1 || a.Options[0].String() != "--gpu 0, and in the policy: restricted_operations: [network_access, file_write]" {
		t.Errorf("%+v", a)
	}
	free.GPU.MemoryMB = 4096
	a = Advise(Story{Policy: free, Obstacles: []Obstacle{{Kind: GPUMemory, What: GPUOutOfMemory}}})[0]
	if len(a.Options) != 1 || a.Options[0].String() != "in the policy: gpu: {memory_limit_mb: 8192}" {
		t.Errorf("%+v", a)
	}
	a = Advise(Story{Policy: free, Obstacles: []Obstacle{{Kind: GPURefused, What: "cuda-304"}}})[0]
	if len(a.Options) != 2 || a.Options[0].String() != "in the policy: gpu: {sysfs: full}" || a.Options[1].String() != "in the policy: gpu: {ioctl_filter: log}" {
		t.Errorf("%+v", a)
	}
	for _, k := range []Kind{GPUBuild, GPUFailed, GPUAbsent} {
		if a := Advise(Story{Policy: free, Obstacles: []Obstacle{{Kind: k, What: "cuda-304"}}})[0]; len(a.Options) != 0 || !strings.Contains(a.Never, "loadlock ") {
			t.Errorf("%s: %+v", k, a)
		}
	}
}
