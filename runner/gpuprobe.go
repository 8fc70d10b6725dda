package runner

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/runner/advise"
	"golang.org/x/sys/unix"
)

// probeLine is what the probe writes; see isolate/attack/gpu_probe.py.
type probeLine struct {
	Begin string `json:"begin"` // what is about to be called
	Call  string `json:"call"`
	Code  int    `json:"code"` // 0: it worked; below 0: the probe's own, Text says what
	Text  string `json:"text"`
	Look  string `json:"look"` // what drivers' libraries do before
	Errno int    `json:"errno"`
	About string `json:"about"` // the GPU, in the driver's words
	Done  bool   `json:"done"`
}

// ProbeGPUs runs the probe in the sandbox, once for each vendor with a GPU that can be granted: with its first one. It is
// the way of loadlock run --gpu, and the policy that a run would get.
func ProbeGPUs(ctx context.Context, job Job) []isolate.Check {
	host, err := job.gpuHost()
	if err != nil {
		return []isolate.Check{{Name: "probe", Status: isolate.Missing, Detail: err.Error(), Remedy: "run loadlock where /proc, /sys and /dev of the host are visible"}}
	}
	var out []isolate.Check
	probed := map[gpu.Vendor]bool{}
	for _, g := range host.Usable() {
		if !probed[g.Vendor] {
			probed[g.Vendor] = true
			out = append(out, probeGPU(ctx, job, g)...)
		}
	}
	if len(out) == 0 {
		return []isolate.Check{{Name: "probe", Status: isolate.Missing, Detail: "nothing was started: no GPU of this host can be granted"}}
	}
	return out
}

func probeGPU(ctx context.Context, job Job, g gpu.GPU) []isolate.Check {
	name := fmt.Sprintf("probe %s %d", g.Vendor, g.Index)
	fail := func(detail, remedy string) []isolate.Check {
		return []isolate.Check{{Name: name, Status: isolate.Missing, Detail: detail, Remedy: remedy}}
	}
	if g.Vendor == gpu.Intel {
		return []isolate.Check{{Name: name, Status: isolate.Warning, Detail: "there is no probe for Intel's user space", Remedy: "try it: loadlock run --gpu " + g.Word() + " -- python3 -c 'import torch; print(torch.xpu.is_available())'"}}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return fail("nothing was started: there is no python3 in PATH, and the probe is a Python program", "install python3, or activate the virtual environment that is to use the GPU")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fail(err.Error(), "close some files")
	}
	output := make(chan []byte)
	go func() {
		raw, _ := io.ReadAll(io.LimitReader(r, 1<<20))
		_, _ = io.Copy(io.Discard, r)
		r.Close()
		output <- raw
	}()
	job.GPU, job.Stdout, job.Stderr, job.Command = GPURequest{Names: []string{g.Word()}}, w, w, []string{python, "-I", "-c", attack.GPUProbe, string(g.Vendor)}
	res, _ := Run(ctx, job)
	w.Close()
	raw := <-output
	if res.Error != nil {
		return fail("not run: "+res.Error.Message, res.Error.Hint)
	}
	return probeChecks(name, g.Vendor, raw, res.Exit)
}

// probeChecks reads what the probe wrote. Who reports nothing has failed.
func probeChecks(name string, vendor gpu.Vendor, raw []byte, exit *isolate.Exit) (out []isolate.Check) {
	var last, about, retried, said string
	var calls int
	failed := isolate.Check{Name: name, Status: isolate.Missing}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var l probeLine
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			said = strings.TrimSpace(lines.Text())
			continue
		}
		switch {
		case l.Look != "" && l.Errno != 0:
			out = append(out, isolate.Check{Name: name, Status: isolate.Warning, Detail: fmt.Sprintf("%s answers %s inside", l.Look, unix.ErrnoName(unix.Errno(l.Errno))), Remedy: "loadlock explain cuda-304 says what that may lead to"})
		case l.About != "":
			about = l.About
		case l.Begin != "":
			last, retried = l.Begin, ""
		case l.Call != "" && l.Code == 0:
			calls++
			last = ""
		case l.Call != "":
			retried = l.Call
			failed.Detail, failed.Remedy = explainCode(vendor, l)
			last = ""
		case l.Done && retried == "" && exit != nil && exit.Code == 0 && exit.Signal == 0:
			return append(out, isolate.Check{Name: name, Status: isolate.Fine, Detail: fmt.Sprintf("%s: memory was filled by a kernel and read back; %d calls, all answered 0", about, calls)})
		}
	}
	switch {
	case last != "" && exit != nil && exit.Signal != 0:
		failed.Detail = fmt.Sprintf("%s ended the process with %s", last, unix.SignalName(unix.Signal(exit.Signal)))
		failed.Remedy = "loadlock explain last counts the calls that were refused; a driver's library that crashes where one was is NVIDIA/OpenShell issue 2343"
	case failed.Detail == "":
		failed.Detail, failed.Remedy = "the probe did not report", "try the interpreter alone: python3 -c 'import ctypes'"
		if exit != nil {
			failed.Detail += fmt.Sprintf(" (exit status %d, signal %d)", exit.Code, exit.Signal)
		}
		if said != "" {
			failed.Detail += ": " + said[:min(len(said), 200)]
		}
	}
	return append(out, failed)
}

// explainCode says what an error means here: the catalogue's entry, and its first cause.
func explainCode(vendor gpu.Vendor, l probeLine) (detail, remedy string) {
	family := map[gpu.Vendor]string{gpu.AMD: "hip"}[vendor]
	if family == "" {
		family = "cuda"
	}
	if l.Code < 0 {
		return l.Call + ": " + l.Text, "loadlock doctor --gpu says which libraries there are; AMD's come with the virtual environment"
	}
	id := fmt.Sprintf("%s-%d", family, l.Code)
	e, ok := advise.FindGPUError(id)
	if !ok {
		return fmt.Sprintf("%s answered %d", l.Call, l.Code), "see the number in the vendor's reference; loadlock explain last"
	}
	return fmt.Sprintf("%s answered %d: %s: %s", l.Call, l.Code, e.Names, e.Means), e.Granted()[0].Why + "? " + e.Granted()[0].Do + "; all causes: loadlock explain " + id
}
