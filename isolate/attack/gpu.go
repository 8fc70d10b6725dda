package attack

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// GPUProbe is a Python program that asks a GPU's library whether the GPU computes; its argument is the vendor. It is what
// "loadlock doctor --gpu --probe" runs inside the sandbox.
//
//go:embed gpu_probe.py
var GPUProbe string

// nobodysGPU is a name that no GPU has.
const nobodysGPU = "GPU-ffffffff-ffff-4fff-bfff-ffffffffffff"

// onGPU runs the probe on the first GPU that the policy permits, and returns the number that it prints under a key.
func (h *Host) onGPU(key string, args []string, flags ...string) (value float64, found bool, d driven) {
	flags = append([]string{"--gpu", "0"}, flags...)
	d = h.run(nil, append([]string{"/usr/bin/python3", "-I", "-c", GPUProbe, "nvidia"}, args...), flags...)
	for _, raw := range bytes.Split(d.Stdout, []byte("\n")) {
		var line map[string]any
		if json.Unmarshal(raw, &line) != nil {
			continue
		}
		switch v := line[key].(type) {
		case float64:
			value, found = v, true
		case bool:
			found = v
		}
	}
	return value, found, d
}

// computes is the real check of a grant: cuInit, memory, a kernel and back.
func computes(h *Host) string {
	_, done, d := h.onGPU("done", nil)
	return yes(done && d.Code == 0, "computes", d.word(""))
}

// remains looks in one run for what another one left in the GPU's memory. Whether memory is cleared is the driver's affair.
func remains(h *Host) string {
	_, wrote, d := h.onGPU("remains", []string{"remains", h.Mark})
	if !wrote {
		return d.word("")
	}
	found, looked, d := h.onGPU("remains", []string{"remains", h.Mark})
	if !looked {
		return d.word("")
	}
	return yes(found == 0, "nothing-found", "not-guaranteed-by-this-driver")
}

// heldMemory has one run take all memory of a GPU until its time is over; the next must have some.
func heldMemory(h *Host) string {
	_, held, d := h.onGPU("holds", []string{"hold"}, "--timeout", "20")
	switch {
	case !held:
		return d.word("")
	case d.Report.Exit == nil || !d.Report.Exit.TimedOut && !d.Report.Exit.OOM:
		return "not-ended-by-us"
	}
	return yes(computes(h) == "computes", "freed", "not-freed")
}

// gpusInside counts the devices of GPUs that can be opened: "none", "one" or "several".
func gpusInside() string {
	var open int
	for _, pattern := range []string{"/dev/nvidia[0-9]*", "/dev/dri/*"} {
		names, _ := filepath.Glob(pattern)
		for _, n := range names {
			if fd, err := unix.Open(n, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err == nil || err == unix.ENXIO {
				unix.Close(fd)
				open++
			}
		}
	}
	return []string{"none", "one", "several"}[min(open, 2)]
}

// hostileSpecs are device specifications that want more than a device, by what they must lead to: a run that never
// starts, and says why.
var hostileSpecs = []struct{ name, edits, says string }{
	{"memory", `"deviceNodes": [{"path": "/dev/mem"}]`, "/dev/mem"},
	{"dot-dot", `"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/../dev/mem"}]`, "/dev/../dev/mem"},
	{"renamed", `"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/kmsg"}]`, "/dev/kmsg"},
}

// spec writes a specification into a folder of its own, and returns the folder.
func (h *Host) spec(name, edits string) (dir string, err error) {
	dir = filepath.Join(h.Dir, "cdi-"+name)
	if err = os.Mkdir(dir, 0o755); err != nil {
		return dir, err
	}
	text := `{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [{"name": "selftest", "containerEdits": {` + edits + `}}]}`
	return dir, os.WriteFile(filepath.Join(dir, "hostile.json"), []byte(text), 0o644)
}

func (h *Host) withSpec(name, edits, key string) (d driven) {
	dir, err := h.spec(name, edits)
	defer os.RemoveAll(dir)
	if err != nil {
		return driven{Code: -1, Stderr: err.Error()}
	}
	return h.run(nil, h.payload(key), "--gpu", "nvidia.com/gpu=selftest", "--cdi-dir", dir)
}

// refusedSpecs asks for a GPU as each hostile specification describes one.
func refusedSpecs(h *Host) string {
	for _, s := range hostileSpecs {
		d := h.withSpec(s.name, s.edits, "G-05/secret")
		if d.Code == 125 && strings.Contains(d.Stderr, "loadlock: policy: ") {
			return "refused-by-policy" // before any specification is read
		}
		if d.Code != 125 || len(d.Saw) > 0 || !strings.Contains(d.Stderr, s.says) {
			return yes(d.Code == 125, "refused-for-another-reason", d.word("G-05/secret"))
		}
	}
	return "refused"
}

// hooks brings one that would leave a file on the host, mounts and a library to be loaded first. Where there is no GPU
// nothing starts; where there is one, nothing of it may be carried out.
func hooks(h *Host) string {
	left := filepath.Join(h.Dir, "hook-ran") // stays there, so that the host is seen to have changed
	edits := `"deviceNodes": [{"path": "/dev/nvidia0"}],
		"hooks": [{"hookName": "createRuntime", "path": "/bin/sh", "args": ["sh", "-c", "echo >` + left + `"]},
			{"hookName": "createContainer", "path": "/bin/sh", "args": ["sh", "-c", "echo >` + left + `"]}],
		"mounts": [{"hostPath": "/", "containerPath": "/host", "options": ["bind"]}, {"hostPath": "` + h.Dir + `", "containerPath": "` + h.Dir + `", "options": ["bind", "ro"]}],
		"env": ["LD_PRELOAD=` + h.Secret + `"]`
	d := h.withSpec("hooks", edits, "G-05/secret")
	if exists(left) {
		return "hook-ran"
	}
	return d.word("G-05/secret")
}

// libraries are where a driver's user space lies: with the C library.
var libraries = []string{"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"}

func writeLibraries() string {
	var saw []string
	for _, name := range libraries {
		if exists(name) {
			saw = append(saw, Write(name))
		}
	}
	return Worst([]string{"EACCES", "EROFS"}, saw...)
}
