package runner

import (
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
)

// What the probe wrote, and what doctor makes of it. Nothing but a complete report is a success.
func TestTheProbesReportIsReadAsWhatItIs(t *testing.T) {
	const started = `{"look": "write /proc/self/task/TID/comm", "errno": 0}
{"begin": "load libcuda.so.1"}
{"call": "load libcuda.so.1", "code": 0}
{"begin": "cuInit"}
`
	const worked = started + `{"call": "cuInit", "code": 0}
{"about": "NVIDIA H100 80GB HBM3, CUDA 13.0, 1 visible"}
`
	well := &isolate.Exit{}
	for _, tt := range []struct {
		name, raw string
		vendor    gpu.Vendor
		exit      *isolate.Exit
		status    isolate.CheckStatus
		says      string // of detail and remedy of the last check
	}{
		{"all well", worked + `{"done": true}` + "\n", gpu.NVIDIA, well, isolate.Fine, "NVIDIA H100 80GB HBM3, CUDA 13.0, 1 visible: memory was filled by a kernel and read back; 2 calls, all answered 0"},
		{"an error", started + `{"call": "cuInit", "code": 304}` + "\n", gpu.NVIDIA, &isolate.Exit{Code: 1}, isolate.Missing, "cuInit answered 304: CUDA_ERROR_OPERATING_SYSTEM"},
		{"its page", started + `{"call": "cuInit", "code": 304}` + "\n", gpu.NVIDIA, &isolate.Exit{Code: 1}, isolate.Missing, "all causes: loadlock explain cuda-304"},
		{"an error without a page", started + `{"call": "cuInit", "code": 12345}` + "\n", gpu.NVIDIA, &isolate.Exit{Code: 1}, isolate.Missing, "cuInit answered 12345"},
		{"AMD's", `{"begin": "hipInit"}` + "\n" + `{"call": "hipInit", "code": 100}` + "\n", gpu.AMD, &isolate.Exit{Code: 1}, isolate.Missing, "loadlock explain hip-100"},
		{"no library", `{"begin": "load libcuda.so.1"}` + "\n" + `{"call": "load libcuda.so.1", "code": -1, "text": "libcuda.so.1: cannot open shared object file"}` + "\n", gpu.NVIDIA, &isolate.Exit{Code: 1}, isolate.Missing, "cannot open shared object file"},
		{"a crash", started, gpu.NVIDIA, &isolate.Exit{Signal: 11}, isolate.Missing, "cuInit ended the process with SIGSEGV"},
		{"silence", "", gpu.NVIDIA, well, isolate.Missing, "did not report"},
		{"noise", "hello\n{}\n[1]\n", gpu.NVIDIA, well, isolate.Missing, "did not report"},
		{"it stopped short and ended well", worked, gpu.NVIDIA, well, isolate.Missing, "did not report"},
		{"done after an error", started + `{"call": "cuInit", "code": 304}` + "\n" + `{"done": true}` + "\n", gpu.NVIDIA, well, isolate.Missing, "answered 304"},
		{"done and a bad end", worked + `{"done": true}` + "\n", gpu.NVIDIA, &isolate.Exit{Code: 1}, isolate.Missing, "did not report"},
		{"done and no end", worked + `{"done": true}` + "\n", gpu.NVIDIA, nil, isolate.Missing, "did not report"},
		{"an error and a second try that worked", worked + `{"call": "cuModuleLoadData", "code": 218}` + "\n" + `{"begin": "cuModuleLoadData"}` + "\n" + `{"call": "cuModuleLoadData", "code": 0}` + "\n" + `{"done": true}` + "\n", gpu.NVIDIA, well, isolate.Fine, "3 calls"},
	} {
		list := probeChecks("probe", tt.vendor, []byte(tt.raw), tt.exit)
		c := list[len(list)-1]
		if c.Status != tt.status || !strings.Contains(c.Detail+" | "+c.Remedy, tt.says) {
			t.Errorf("%s: %+v", tt.name, c)
		}
		if c.Status == isolate.Missing && c.Remedy == "" {
			t.Errorf("%s: no remedy", tt.name)
		}
	}
	refused := strings.Replace(worked, `"errno": 0`, `"errno": 13`, 1) + `{"done": true}` + "\n"
	list := probeChecks("probe", gpu.NVIDIA, []byte(refused), well)
	if len(list) != 2 || list[0].Status != isolate.Warning || !strings.Contains(list[0].Detail, "comm answers EACCES inside") || list[1].Status != isolate.Fine {
		t.Errorf("%+v", list)
	}
}
