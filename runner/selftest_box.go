package runner

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/policy"
)

// The boxes of selftest: those that a run would get, under the policy that a run would get.

// box runs the payload for some probes through the product's own front door.
func (t *selftest) box(ctx context.Context, setup attack.Setup, keys []string) ([]byte, attack.Ended, error) {
	if len(t.job.Under) > 0 {
		setup, _ = t.limits(setup)
		return t.under(ctx, setup, keys)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, attack.Ended{}, err
	}
	output := make(chan []byte)
	go func() {
		raw, _ := io.ReadAll(io.LimitReader(r, 8<<20))
		_, _ = io.Copy(io.Discard, r)
		r.Close()
		output <- raw
	}()
	setup, flags := t.limits(setup)
	job := Job{Models: []string{t.host.Model}, Command: t.host.Task(keys, setup, t.open()), Dir: t.host.Model,
		Env: append(t.host.Environ(), t.job.Env...), Home: t.job.Home, Policy: t.job.Policy, Flags: flags, Stdout: w, waive: t.waived}
	if setup.Output {
		job.Output = t.host.Output
	}
	res, err := Run(ctx, job)
	w.Close()
	e := attack.Ended{Skipped: res.Skipped, Notes: res.Notes, Seconds: res.Timings.Command.Seconds()}
	if x := res.Exit; x != nil {
		e.Code, e.Signal, e.OOM, e.TimedOut = x.Code, x.Signal, x.OOM, x.TimedOut
		e.PeakMemory, e.OOMKills, e.PidsDenied = x.Usage.PeakMemory, x.Usage.OOMKills, x.Usage.PidsDenied
	}
	return <-output, e, err
}

// limits lowers what the policy permits to what a check asks for.
func (t *selftest) limits(s attack.Setup) (attack.Setup, policy.Flags) {
	var f policy.Flags
	box := t.policy.Sandbox
	for _, l := range []struct {
		want *int64
		have int64
		flag **int64
	}{{&s.MemoryMB, box.MemoryMB, &f.MemoryMB}, {&s.Pids, box.Pids, &f.Pids}, {&s.TmpMB, box.TmpMB, &f.TmpMB},
		{&s.ShmMB, box.ShmMB, &f.ShmMB}, {&s.TimeoutSec, box.TimeoutSec, &f.TimeoutSec}} {
		if *l.want == 0 || *l.want > l.have {
			*l.want = l.have
			continue
		}
		v := *l.want
		*l.flag = &v
	}
	if s.CPUs > 0 && s.CPUs < box.CPUs {
		f.CPUs = &s.CPUs
	}
	return s, f
}

// open are the operations that the policy permits.
func (t *selftest) open() (out []string) {
	a := t.policy.Sandbox.Allow
	for _, o := range []struct {
		name string
		is   bool
	}{{"network_access", a.NetworkAccess || t.policy.Sandbox.LoopbackTCP}, {"subprocess", a.Subprocess}, {"file_write", a.FileWrite}, {"native_code", a.NativeCode}, {"gpu", a.GPU}} {
		if o.is {
			out = append(out, o.name)
		}
	}
	return out
}

// loadlock starts this program as a user would.
func (t *selftest) loadlock(args ...string) *exec.Cmd {
	front := []string{"run", "--quiet"}
	if t.front != "" {
		front = append(front, "--policy", t.front)
	}
	if t.policy.RequireModel {
		front = append(front, "--model", t.host.Model)
	}
	return exec.Command(t.host.Program, append(front, args...)...)
}

// waivedPolicy writes the policy that a user of a host without some layers would have to name: the one he named, with
// those layers optional.
func (t *selftest) waivedPolicy() (name string, err error) {
	text := "extends: " + cmp.Or(t.job.Policy.Explicit, "safe") + "\nname: selftest\n"
	if file := t.job.Policy.Explicit; strings.Contains(file, "/") || filepath.Ext(file) != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		text = regexp.MustCompile(`(?m)^optional_layers:.*$`).ReplaceAllString(string(raw), "") + "\n"
	}
	layers := slices.Concat(t.policy.Sandbox.UnsafeOptional, t.waived)
	text += "optional_layers: [" + strings.Join(layers, ", ") + "]\n"
	dir, err := os.MkdirTemp("", "loadlock-policy")
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, "waived.yaml")
	return name, os.WriteFile(name, []byte(text), 0o600)
}
