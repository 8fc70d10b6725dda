package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/proxy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// Run takes models from untrusted bytes to a finished command, or says in the Result why the command never
// started. It does not print and does not exit. A refusal is a result, not an error.
func Run(ctx context.Context, job Job) (res Result, err error) {
	start := time.Now()
	res = Result{Schema: SchemaVersion, Started: start, Command: job.Command, Models: []ModelResult{}, Weakened: []string{}, Layers: []isolate.Enforcement{}, Denials: []isolate.Denial{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		res.Timings.Total = time.Since(start)
		if err != nil {
			res.fail(ctx, err)
		}
	}()
	job.Notice = oneAtATime(job.Notice)
	r := run{job: job, res: &res, opened: map[*validate.File]bool{}, patience: patience, insist: func() { cancel(SignalError(unix.SIGINT)) }}
	go r.signals(ctx, cancel)
	if err := r.policyAndCommand(); err != nil {
		return res, err
	}
	if err := r.grantGPU(); err != nil {
		return res, err
	}
	defer r.closePorts()
	if err := r.openPorts(); err != nil {
		return res, err
	}
	if r.dir, err = newRunDir(baseDir(getenv(job.Env))); err != nil {
		return res, err
	}
	res.ID = r.dir.id
	sweepCopies(storeDir(getenv(job.Env), job.Home))
	defer func() { err = errors.Join(err, r.clean()) }()
	if err := r.limitGPUMemory(); err != nil {
		return res, err
	}
	others := r.othersOnGPU()
	if err := errors.Join(r.pin(ctx), r.pinScript(ctx)); err != nil {
		return res, err
	}
	scanCtx, stopScan := context.WithCancel(ctx)
	defer stopScan()
	scanned := r.scan(scanCtx) // runs beside the start of the box
	if err := r.prepare(r.expected()); err != nil {
		stopScan()
		<-scanned
		return res, err
	}
	others() // before there is a box, whose first steps hold the nodes
	if !job.DryRun {
		if err := r.startBox(ctx); err != nil {
			stopScan()
			<-scanned
			return res, r.orChanged(ctx, err)
		}
	}
	clear, err := r.decide(ctx, <-scanned)
	if err != nil || !clear.given || job.DryRun {
		return res, err
	}
	return res, r.launch(ctx, clear)
}

// run is one Run in progress.
type run struct {
	job    Job
	res    *Result
	policy policy.Policy
	// provenance says where its values are from, for refusals.
	provenance policy.Provenance

	found  Found
	dir    *runDir
	snaps  []*validate.Snapshot // the models
	script *validate.Snapshot   // what the interpreter is told to run, if that is a file
	spec   isolate.Spec
	box    *isolate.Box
	ports  []proxy.Port // published
	proxy  *proxy.Proxy // nil: no network and nothing published
	stdio  *stdio

	gpus    []gpu.GPU // granted
	gpu     gpu.Plan  // what they add to the box
	gpuRoot string    // of the host that they are of: "/"

	memory *memory.Limiter // of their memory; nil: no limit
	xids   func()          // counts the GPUs' errors once more; nil: not known

	// What keeps the models' large files; see keep.
	store       *runDir          // of copies, when there are any
	copied      int              // files in it
	copiedBytes int64            // without those that share their blocks
	leased      []*validate.File // each with a lease
	written     []*validate.File // that somebody had open for writing
	opened      map[*validate.File]bool
	ended       *validate.File // for whose sake the command was ended
	steps       []step         // on the way to the models
	scriptIs    where          // inside

	noticing sync.Mutex // one notice at a time

	mu      sync.Mutex // between the start of the command and the signals
	running bool

	patience time.Duration // see signals
	insist   func()        // the user wants the command to end
}

// policyAndCommand settles what is permitted and what is to be run.
func (r *run) policyAndCommand() error {
	if err := refuseSetID(); err != nil {
		return err
	}
	at := time.Now()
	p, prov, err := policy.Load(r.job.Policy)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	r.job.Flags.Output, r.job.Flags.ExtraRead, r.job.Flags.ExtraWrite = r.job.Output != "", len(r.job.Read) > 0, len(r.job.Write) > 0
	r.job.Flags.Publish = wanted(r.job.Publish)
	r.job.Flags.GPU, r.job.Flags.NoGPU = len(r.job.GPU.Names) > 0, r.job.GPU.None
	if r.policy, r.provenance, err = prov.WithFlags(p, r.job.Flags); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	r.policy.Sandbox.UnsafeOptional = slices.Concat(r.policy.Sandbox.UnsafeOptional, r.job.waive)
	r.res.Policy = PolicyResult{Name: r.policy.Name, Digest: r.policy.Digest(), Effective: r.policy}
	r.res.Weakened = append(r.res.Weakened, r.policy.Weakenings()...)
	r.upstream()
	r.res.Timings.Policy = time.Since(at)
	if len(r.job.Models) == 0 && r.policy.RequireModel {
		return &UsageError{What: "policy " + r.policy.Name + " runs nothing without --model", Hint: "name the model with --model PATH, so that it is validated first"}
	}
	at = time.Now()
	dir := r.job.Dir
	c := Command{Args: r.job.Command, Dir: dir, Env: r.job.Env, Home: r.job.Home, Vars: r.job.Pass, Network: r.policy.Sandbox.Network}
	c.Models = absolute(r.job.Models)
	c.Shown = absolute(slices.Concat(r.job.Read, r.job.Write))
	if r.found, err = Discover(c); err != nil {
		return err
	}
	r.res.Notes = append(r.res.Notes, r.found.Notes...)
	r.offerModels()
	r.res.Timings.Discover = time.Since(at)
	return nil
}

func absolute(names []string) (out []string) {
	for _, n := range names {
		if abs, err := filepath.Abs(n); err == nil {
			out = append(out, abs)
		}
	}
	return out
}

// pin fixes what every model consists of.
func (r *run) pin(ctx context.Context) error {
	at := time.Now()
	defer func() { r.res.Timings.Pin = time.Since(at) }()
	for i, m := range r.job.Models {
		copies := fmt.Sprintf("%s/model%d", r.dir.private(), i)
		if err := os.Mkdir(copies, 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
		s, err := validate.Pin(ctx, m, copies, r.policy.Scan)
		if err != nil {
			return err
		}
		r.snaps = append(r.snaps, s)
		if err := r.keep(ctx, s); err != nil {
			return err
		}
		steps, err := stepsTo(s.Path, s.Single)
		if err != nil {
			return err
		}
		r.steps = append(r.steps, steps...)
	}
	return nil
}

type scanResult struct {
	reports []validate.Report
	err     error
}

// scan judges every model in the background.
func (r *run) scan(ctx context.Context) <-chan scanResult {
	out := make(chan scanResult, 1)
	go func() {
		at := time.Now()
		var sr scanResult
		if len(r.judged()) == 0 {
			out <- sr
			return
		}
		scanners, err := StartScanners(ctx)
		if err != nil {
			out <- scanResult{err: fmt.Errorf("validate: %w", err)}
			return
		}
		defer func() { _ = scanners.Close() }() // how it ended is in the findings where it matters
		r.res.Scanner = scanners.Confinement
		for _, s := range r.judged() {
			rep, err := scanners.Scan(ctx, s, r.policy.Scan)
			sr.reports = append(sr.reports, rep)
			if err != nil {
				sr.err = fmt.Errorf("validate: %w", err)
				break
			}
		}
		r.res.Timings.Scan = time.Since(at)
		out <- sr
	}()
	return out
}

// clearance is what launch needs: every model was admitted, or there is none and the policy permits that.
// Only decide makes one that is given.
type clearance struct {
	given  bool
	models []validate.Admitted
}

// decide concludes. It reports every model and gives clearance only when all of them may be loaded.
func (r *run) decide(ctx context.Context, sr scanResult) (c clearance, err error) {
	if sr.err != nil {
		return c, sr.err
	}
	c.given = true
	for i, s := range r.snaps {
		model, d := validate.Decide(r.policy, s, sr.reports[i], time.Now())
		if d.Verdict == validate.Admit && !model.Valid() {
			d.Empty()
		}
		m := ModelResult{Path: r.job.Models[i], Decision: d, Files: sr.reports[i].Files}
		m.Digest, m.DigestFull = s.ManifestDigest()
		r.res.Models = append(r.res.Models, m)
		r.res.Verdict = worse(r.res.Verdict, d.Verdict)
		c.given = c.given && model.Valid()
		if d.Unsafe != "" {
			r.res.Weakened = append(r.res.Weakened, d.Unsafe)
		}
		c.models = append(c.models, model)
		if err := s.Verify(ctx); err != nil {
			return clearance{}, err
		}
	}
	if err := r.decideScript(ctx, sr, &c); err != nil {
		return clearance{}, err
	}
	if !c.given {
		r.res.Outcome, r.res.Status = ofVerdict(r.res.Verdict)
	} else if r.job.DryRun {
		r.res.Outcome = Planned
	}
	return c, nil
}

// worse orders verdicts: reject before inconclusive before admit before undecided.
func worse(a, b validate.Verdict) validate.Verdict {
	rank := map[validate.Verdict]int{validate.Undecided: 0, validate.Admit: 1, validate.Inconclusive: 2, validate.Reject: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// clean ends the box and removes every trace. It is called on every path.
func (r *run) clean() error {
	at := time.Now()
	defer func() { r.res.Timings.Clean = time.Since(at) }()
	var errs []error
	var stuck *isolate.StuckError
	if r.box != nil {
		err := r.box.Close()
		errors.As(err, &stuck)
		errs = append(errs, err)
	}
	r.stopProxy(time.Now())
	if r.stdio != nil {
		r.stdio.close()
	}
	for _, s := range r.snaps {
		s.Close()
	}
	if r.script != nil {
		r.script.Close()
	}
	if r.store != nil {
		errs = append(errs, r.store.remove())
	}
	if stuck != nil { // its cgroup is there still, and the next call looks for that by the folder's name
		return errors.Join(append(errs, r.dir.leave())...)
	}
	return errors.Join(append(errs, r.dir.remove())...)
}
