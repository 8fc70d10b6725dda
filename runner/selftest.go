package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/policy"
)

// SelftestJob asks for attacks on this host's own sandbox.
type SelftestJob struct {
	Policy policy.Sources
	IDs    []string // checks; empty: all
	Under  []string // runs the payloads below this command instead of in a box, to compare; empty: in a box
	Env    []string
	Home   string
}

// SelftestSchema changes when a field of Selftest changes its meaning or goes away.
const SelftestSchema = 1

// Selftest is what came of the attacks.
type Selftest struct {
	Schema  int           `json:"schema"`
	Policy  string        `json:"policy"`
	Waived  []string      `json:"waived"` // layers that the policy requires and this host does not give
	Remedy  string        `json:"waived_remedy,omitempty"`
	Checks  []CheckResult `json:"checks"`
	Stopped int           `json:"stopped"`
	Through int           `json:"through"`
	NotHere int           `json:"not_here"`
	Silent  int           `json:"silent"`
	Changed []string      `json:"host_changed"` // what on the host is not as it was before
	Elapsed time.Duration `json:"elapsed_ns"`
}

// CheckStatus is what came of a check.
type CheckStatus string

// A check is as bad as its worst probe.
const (
	CheckStopped CheckStatus = "stopped"
	CheckThrough CheckStatus = "through"
	CheckNotHere CheckStatus = "not here" // Why says for what reason
	CheckSilent  CheckStatus = "silent"   // the payload reported nothing
)

// CheckResult is one check.
type CheckResult struct {
	ID     string        `json:"id"`
	Title  string        `json:"title"`
	Status CheckStatus   `json:"status"`
	Why    string        `json:"why,omitempty"`
	Layers []string      `json:"layers"` // that showed themselves
	Probes []ProbeResult `json:"probes"`
}

// ProbeResult is one observation.
type ProbeResult struct {
	Name  string `json:"name"`
	Saw   string `json:"saw"` // empty: nothing was reported
	Want  string `json:"want"`
	Layer string `json:"layer,omitempty"`

	NearMiss bool `json:"near_miss,omitempty"` // it must work
}

// OK reports whether nothing got through, everything reported, and the host is as it was.
func (s Selftest) OK() bool {
	return s.Through == 0 && s.Silent == 0 && len(s.Changed) == 0 && s.Stopped > 0
}

// selftest is one call in progress.
type selftest struct {
	job    SelftestJob
	host   *attack.Host
	policy policy.Policy
	waived []string
	remedy string            // what would give the layers that are waived
	front  string            // what --policy names where loadlock is started as a user would
	saw    map[string]string // by key of the probe
	failed map[string]string // by ID: why its box did not start
}

// RunSelftest attacks this host's sandbox, in the policy that a run would get.
func RunSelftest(ctx context.Context, job SelftestJob) (out Selftest, err error) {
	start := time.Now()
	checks, err := selected(job.IDs)
	if err != nil {
		return out, err
	}
	t := selftest{job: job, saw: map[string]string{}, failed: map[string]string{}}
	if t.policy, _, err = policy.Load(job.Policy); err != nil {
		return out, fmt.Errorf("policy: %w", err)
	}
	if t.host, err = attack.Plant(); err != nil {
		return out, err
	}
	defer t.host.Close()
	t.host.Loadlock = t.loadlock
	if !t.policy.Sandbox.Allow.Subprocess {
		t.host.Lacking["subprocess"] = "the policy permits none"
	}
	if g := t.policy.Sandbox; !g.Allow.GPU || len(g.GPU.Devices) == 0 {
		t.host.Lacking["nvidia"] = "the policy permits no GPU"
	}
	if err := t.settle(ctx); err != nil {
		return out, err
	}
	if t.front = job.Policy.Explicit; len(t.waived) > 0 {
		if t.front, err = t.waivedPolicy(); err != nil {
			return out, err
		}
		defer os.RemoveAll(filepath.Dir(t.front))
	}
	driven := make(chan map[string]string, 1)
	go func() { driven <- t.drive(checks) }()
	for _, b := range t.batches(checks) {
		t.run(ctx, b)
	}
	maps.Copy(t.saw, <-driven)
	out = Selftest{Schema: SelftestSchema, Policy: t.policy.Name, Waived: append([]string{}, t.waived...), Remedy: t.remedy, Changed: append([]string{}, t.host.Changed()...)}
	for _, c := range checks {
		r := t.judge(c)
		out.Checks = append(out.Checks, r)
		*map[CheckStatus]*int{CheckStopped: &out.Stopped, CheckThrough: &out.Through, CheckNotHere: &out.NotHere, CheckSilent: &out.Silent}[r.Status]++
	}
	out.Elapsed = time.Since(start)
	return out, nil
}

// selected are the checks that were asked for: by ID, or by the letter of a part.
func selected(ids []string) (out []attack.Check, err error) {
	all := attack.All()
	if len(ids) == 0 {
		return all, nil
	}
	for _, id := range ids {
		n := len(out)
		for _, c := range all {
			if c.ID == strings.ToUpper(id) || strings.HasPrefix(c.ID, strings.ToUpper(id)+"-") {
				out = append(out, c)
			}
		}
		if len(out) == n {
			return nil, &UsageError{What: "no check is named " + id, Hint: "loadlock selftest --list prints them"}
		}
	}
	return out, nil
}

// settle finds out whether a box starts at all. Without a cgroup, which an ordinary user may be unable to have, the
// other layers are attacked all the same, and what needs limits is counted apart.
func (t *selftest) settle(ctx context.Context) error {
	if len(t.job.Under) > 0 {
		return nil
	}
	_, _, err := t.box(ctx, attack.Setup{}, []string{"none"})
	var missing *isolate.LayerError
	if errors.As(err, &missing) && missing.Layer == "cgroup" {
		t.waived = append(t.waived, missing.Layer)
		t.remedy = missing.Remedy
		t.host.Lacking["cgroup"] = "no limits of memory, processes and CPU here"
		_, _, err = t.box(ctx, attack.Setup{}, []string{"none"})
	}
	return err
}

// batch is what shares a box.
type batch struct {
	setup  attack.Setup
	checks []attack.Check
}

func (t *selftest) batches(checks []attack.Check) (out []batch) {
	for _, c := range checks {
		if t.notHere(c) != "" {
			continue
		}
		i := slices.IndexFunc(out, func(b batch) bool { return b.setup == c.Setup && t.fits(b) })
		if i < 0 {
			i, out = len(out), append(out, batch{setup: c.Setup})
		}
		out[i].checks = append(out[i].checks, c)
	}
	return out
}

// notHere says why a check is not run; empty: it is.
func (t *selftest) notHere(c attack.Check) string {
	if len(c.Probes) == 0 {
		return c.NotHere
	}
	if c.Setup.Output && !t.policy.Sandbox.Output {
		return "the policy permits no --output"
	}
	if c.Unless != "" && slices.Contains(t.open(), c.Unless) {
		return "the policy permits " + c.Unless
	}
	if len(t.probes(c)) == 0 {
		return "concerns loadlock itself"
	}
	for _, n := range c.Needs {
		if why := t.host.Lacks(n); why != "" {
			return "needs " + n + ": " + why
		}
	}
	return ""
}

// run tries the probes of a batch.
func (t *selftest) run(ctx context.Context, b batch) {
	var keys []string
	for _, c := range b.checks {
		keys = append(keys, c.Tries()...)
	}
	saw, ended, err := attack.Run(keys, func(keys []string) ([]byte, attack.Ended, error) { return t.box(ctx, b.setup, keys) })
	maps.Copy(t.saw, saw)
	for _, c := range b.checks {
		if err != nil {
			t.failed[c.ID] = err.Error()
		}
		for _, p := range c.Probes {
			if p.Look != nil {
				t.saw[c.Key(p)] = p.Look(t.host, ended)
			}
		}
	}
}

// drive makes the observations for which loadlock itself is started, beside each other: some wait for a time limit.
func (t *selftest) drive(checks []attack.Check) map[string]string {
	saw := map[string]string{}
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, c := range checks {
		if t.notHere(c) != "" {
			continue
		}
		all.Go(func() {
			for _, p := range t.probes(c) { // those of one check may share files
				if p.Drive == nil {
					continue
				}
				word := p.Drive(t.host)
				mu.Lock()
				saw[c.Key(p)] = word
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return saw
}

// judge compares what was seen with what must be.
func (t *selftest) judge(c attack.Check) CheckResult {
	r := CheckResult{ID: c.ID, Title: c.Title, Status: CheckStopped, Layers: []string{}, Probes: []ProbeResult{}}
	if r.Why = t.notHere(c); r.Why != "" {
		r.Status = CheckNotHere
		return r
	}
	r.Why = t.failed[c.ID]
	for _, p := range t.probes(c) {
		saw := t.saw[c.Key(p)]
		layer, ok := p.Stopped(saw)
		r.Probes = append(r.Probes, ProbeResult{Name: p.Name, Saw: saw, Want: p.Wanted(), Layer: layer, NearMiss: p.Benign})
		switch {
		case ok && layer != "" && !slices.Contains(r.Layers, layer):
			r.Layers = append(r.Layers, layer)
		case ok:
		case saw == "":
			r.Status = CheckSilent
		case r.Status != CheckSilent:
			r.Status = CheckThrough
		}
	}
	return r
}
