package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// hipLibrary is no HIP: what the probe calls, on the machine's own memory. ANSWER is what hipMalloc says, FILL what
// hipMemset writes.
const hipLibrary = `
#include <stdlib.h>
#include <string.h>
int hipInit(unsigned flags) { return flags; }
int hipGetDeviceCount(int *count) { *count = 1; return 0; }
int hipSetDevice(int device) { return device; }
int hipMalloc(void **memory, size_t size) { *memory = malloc(size); return ANSWER; }
int hipMemset(void *memory, int value, size_t size) { memset(memory, value FILL, size); return 0; }
int hipMemcpy(void *to, void *from, size_t size, int kind) { memcpy(to, from, size); return kind == 2 ? 0 : 1; }
int hipFree(void *memory) { free(memory); return 0; }
`

// The program of the probe, for AMD: what it says of a library that works, and of two that do not. NVIDIA's is run by
// testdata/script/gpu-standin.txtar.
func TestTheProbeTellsAWorkingLibraryFromABrokenOne(t *testing.T) {
	_, python := os.Stat("/usr/bin/python3")
	validatetest.Need(t, "python", python)
	_, gcc := exec.LookPath("gcc")
	validatetest.Need(t, "gcc", gcc)
	for _, tt := range []struct {
		name, answer, fill string
		status             isolate.CheckStatus
		says               string
	}{
		{"it works", "0", "", isolate.Fine, "HIP, 1 visible: memory was filled"},
		{"no memory", "2", "", isolate.Missing, "hipMalloc answered 2: CUDA_ERROR_OUT_OF_MEMORY"},
		{"memory of somebody else", "0", "+ 1", isolate.Missing, "the memory does not hold what was written"},
	} {
		dir := t.TempDir()
		source := filepath.Join(dir, "hip.c")
		if err := os.WriteFile(source, []byte(hipLibrary), 0o600); err != nil {
			t.Fatal(err)
		}
		library := filepath.Join(dir, "libamdhip64.so.6")
		if out, err := exec.Command("gcc", "-shared", "-fPIC", "-DANSWER="+tt.answer, "-DFILL="+tt.fill, "-o", library, source).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := exec.Command("/usr/bin/python3", "-I", "-c", attack.GPUProbe, "amd")
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
		raw, _ := cmd.Output() // how it ended is below
		list := probeChecks("probe", gpu.AMD, raw, &isolate.Exit{Code: cmd.ProcessState.ExitCode()})
		if c := list[len(list)-1]; c.Status != tt.status || !strings.Contains(c.Detail, tt.says) {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}
