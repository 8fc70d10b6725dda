package runner

import (
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
)

// The same message means another thing with and without a GPU.
func TestAnErrorOfAGPUIsExplainedAsTheRunWas(t *testing.T) {
	granted := gpu.Plan{Nodes: []gpu.Node{{Path: "/dev/nvidia0"}}}
	const (
		none    = "RuntimeError: No CUDA GPUs are available\n"
		system  = "RuntimeError: CUDA error: OS call failed or operation not supported on this OS\n"
		full    = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.\n"
		build   = "AssertionError: Torch not compiled with CUDA enabled\n"
		warning = "/x/torch/cuda/__init__.py:1: UserWarning: CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment\n"
	)
	for _, tt := range []struct {
		name string
		plan gpu.Plan
		mode policy.GPUMode
		tail string
		kind advise.Kind
		what string
	}{
		{"nobody asked", gpu.Plan{}, policy.GPUNone, none, advise.GPU, "cuda-100"},
		{"it was optional", gpu.Plan{}, policy.GPUOptional, none, advise.GPUAbsent, "cuda-100"},
		{"it is there", granted, policy.GPUOptional, none, advise.GPUFailed, "cuda-100"},
		{"the system refused", granted, policy.GPUNone, system, advise.GPURefused, "cuda-304"},
		{"its memory is full", granted, policy.GPUNone, full, advise.GPUMemory, "cuda-2"},
		{"a build without CUDA", gpu.Plan{}, policy.GPUNone, build, advise.GPUBuild, "torch-no-cuda"},
		{"a build without CUDA, on a GPU", granted, policy.GPUNone, build, advise.GPUBuild, "torch-no-cuda"},
		{"a warning", gpu.Plan{}, policy.GPUNone, warning + "ValueError: x\n", advise.GPUWarning, "cuda-999"},
	} {
		r := &run{res: &Result{Exit: &isolate.Exit{Code: 1}}, spec: isolate.Spec{GPU: tt.plan}}
		r.policy.Sandbox.GPU.Mode = tt.mode
		got := r.postmortem([]byte(tt.tail))
		if len(got) != 1 || got[0].Kind != tt.kind || got[0].What != tt.what {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
