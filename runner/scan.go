package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
)

// ScanJob is what one call of scan is asked to do.
type ScanJob struct {
	Refs     []ScanRef
	Policy   policy.Policy
	Baseline Baseline // findings that are accepted
	// Digests of files that findings name are computed up to a size, so that a refusal is fast.
	FindingDigests bool                  // of all those files, for a baseline
	AllDigests     bool                  // of every file, for a bill of materials
	Progress       func(done, total int) // called after each model, or nil
}

// ScanRef is one model: the path that is opened, and what it is called in reports.
type ScanRef struct{ Path, Name string }

// ScanStatus is what scan exits with; the worst of several counts.
type ScanStatus int

// The exit statuses of scan.
const (
	ScanAdmit        ScanStatus = 0
	ScanReject       ScanStatus = 1
	ScanInconclusive ScanStatus = 2 // or an error
	ScanNothing      ScanStatus = 3
)

// Worse is the one of two that counts: reject, then inconclusive, then nothing, then admit.
func (s ScanStatus) Worse(o ScanStatus) ScanStatus {
	rank := [...]int{ScanAdmit: 0, ScanNothing: 1, ScanInconclusive: 2, ScanReject: 3}
	if rank[o] > rank[s] {
		return o
	}
	return s
}

// Scanned is what became of one model.
type Scanned struct {
	ModelResult
	Status ScanStatus   `json:"status"`
	Error  *ErrorResult `json:"error,omitempty"`
}

// ScanReport is the JSON document of scan.
type ScanReport struct {
	Schema  int           `json:"schema"`
	Policy  PolicyResult  `json:"policy"`
	Scanner []string      `json:"scanner"` // how the processes were confined that parsed the models
	Models  []Scanned     `json:"models"`  // in the order in which they were named
	Took    time.Duration `json:"took_ns"`
}

// Status is the worst of the models'.
func (r ScanReport) Status() (worst ScanStatus) {
	for _, m := range r.Models {
		worst = worst.Worse(m.Status)
	}
	return worst
}

// Scan validates models, several at once, each in a confined process. An error means that no such process could be
// had; everything about a model is in its result.
func Scan(ctx context.Context, job ScanJob) (ScanReport, error) {
	start := time.Now()
	rep := ScanReport{Schema: SchemaVersion, Models: make([]Scanned, len(job.Refs)), Policy: PolicyResult{Name: job.Policy.Name, Digest: job.Policy.Digest()}}
	job.Policy.Waivers = job.Baseline.waivers(job.Policy.Waivers)
	work := make(chan int)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
		done   int
	)
	for range min(runtime.NumCPU(), len(job.Refs)) {
		wg.Go(func() {
			w := scanWorker{job: job}
			w.begin(ctx)
			defer w.end()
			for i := range work {
				m, err := w.scan(ctx, job.Refs[i])
				mu.Lock()
				rep.Models[i], done = m, done+1
				if failed = errors.Join(failed, err); rep.Scanner == nil {
					rep.Scanner = w.confinement
				}
				if job.Progress != nil {
					job.Progress(done, len(job.Refs))
				}
				mu.Unlock()
			}
		})
	}
	for i := range job.Refs {
		if ctx.Err() != nil { // the caller gives up, and the rest is not looked at
			break
		}
		work <- i
	}
	close(work)
	wg.Wait()
	rep.Took = time.Since(start)
	return rep, failed
}

// scanWorker judges one model after the other in its cell. A cell that ended is replaced.
type scanWorker struct {
	job         ScanJob
	scanners    *Scanners
	starting    chan error // of a cell that is on its way
	confinement []string
}

// begin starts the cell in the background: what is left to do before it is needed takes as long.
func (w *scanWorker) begin(ctx context.Context) {
	w.starting = make(chan error, 1)
	go func() {
		var err error
		w.scanners, err = StartScanners(ctx)
		w.starting <- err
	}()
}

// ready waits for the cell, and starts another one when it ended.
func (w *scanWorker) ready(ctx context.Context) error {
	if w.starting == nil {
		if w.scanners != nil && !w.scanners.Dead() {
			return nil
		}
		w.end()
		w.begin(ctx)
	}
	err := <-w.starting
	w.starting = nil
	if err == nil {
		w.confinement = w.scanners.Confinement
	}
	return err
}

func (w *scanWorker) end() {
	if w.starting != nil {
		<-w.starting
	}
	if w.scanners != nil {
		_ = w.scanners.Close() // how it ended is in the findings where it matters
		w.scanners = nil
	}
}

func (w *scanWorker) scan(ctx context.Context, ref ScanRef) (Scanned, error) {
	m := Scanned{ModelResult: ModelResult{Path: ref.Name, Decision: validate.Decision{Findings: []validate.Finding{}, Admitted: []string{}, Withheld: []validate.Withheld{}}}, Status: ScanInconclusive}
	snap, err := validate.Pin(ctx, ref.Path, "", w.job.Policy.Scan)
	if err != nil {
		if _, statErr := os.Stat(ref.Path); errors.Is(statErr, fs.ErrNotExist) {
			m.Status = ScanNothing
		}
		return m.failed(err), nil
	}
	defer snap.Close()
	if err := w.ready(ctx); err != nil {
		return m.failed(err), err
	}
	rep, err := w.scanners.Scan(ctx, snap, w.job.Policy.Scan)
	m.Files = rep.Files
	if err != nil {
		return m.failed(err), nil
	}
	_, m.Decision = validate.Decide(w.job.Policy, snap, rep, time.Now())
	m.Digest, m.DigestFull = snap.ManifestDigest()
	if err := snap.Verify(ctx); err != nil {
		m.Verdict = validate.Inconclusive
		return m.failed(err), nil
	}
	w.digest(&m, snap)
	m.Status = statusOf(m.Verdict)
	if len(rep.Files) == 0 && len(m.Findings) == 1 && m.Findings[0].Rule == validate.Empty.ID {
		m.Status = ScanNothing
	}
	return m, nil
}

// digest fills in the SHA-256 of the files that findings name, so that a baseline or a waiver can be written.
func (w *scanWorker) digest(m *Scanned, snap *validate.Snapshot) {
	for i, f := range snap.Files {
		wanted := w.job.AllDigests || accusedFile(m.Findings, f.Path) && (f.Size <= digestMax || w.job.FindingDigests)
		if m.Files[i].SHA256 == "" && wanted {
			m.Files[i].SHA256, _ = f.Digest() // empty when it cannot be read, which is a finding
		}
	}
}

// digestMax is the size up to which a file with findings is read for its digest: reading more would make a refusal
// slow. Its digest is computed when a waiver or a baseline asks for it.
const digestMax = 64 << 20

func accusedFile(findings []validate.Finding, path string) bool {
	for _, f := range findings {
		if f.Severity > validate.Low && topFile(f.File) == validate.Printable(path) {
			return true
		}
	}
	return false
}

func (m Scanned) failed(err error) Scanned {
	m.Error = &ErrorResult{Message: err.Error(), Hint: Hint(err)}
	if m.Status == ScanAdmit {
		m.Status = ScanInconclusive
	}
	return m
}

func statusOf(v validate.Verdict) ScanStatus {
	switch v {
	case validate.Admit:
		return ScanAdmit
	case validate.Reject:
		return ScanReject
	}
	return ScanInconclusive
}

// FailOn changes which findings make a scan fail: "low" also notes, "medium" what makes a verdict inconclusive (with
// status 1 instead of 2), "high" only what rejects. Errors always do.
func (r *ScanReport) FailOn(level string) error {
	want, ok := map[string]validate.Severity{"low": validate.Low, "medium": validate.Medium, "high": validate.High}[level]
	if !ok {
		return &UsageError{What: fmt.Sprintf("--fail-on %q is unknown", level), Hint: "use low, medium or high"}
	}
	for i := range r.Models {
		m := &r.Models[i]
		if m.Error != nil || m.Status == ScanNothing {
			continue
		}
		m.Status = ScanAdmit
		for _, f := range m.Findings {
			if f.Waived == "" && f.Severity >= want {
				m.Status = ScanReject
			}
		}
	}
	return nil
}
