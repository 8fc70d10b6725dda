package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// FileReport says what became of one file of the model.
type FileReport struct {
	Path       string   `json:"path"`
	Size       int64    `json:"size"`
	SHA256     string   `json:"sha256,omitempty"`
	HeldBy     Keeping  `json:"held_by,omitempty"` // of a run: what keeps the bytes from changing between the scan and the load
	Scanners   []string `json:"scanners"`
	Cleared    bool     `json:"cleared"`
	Code       bool     `json:"code,omitempty"`
	CodeJudged bool     `json:"code_judged,omitempty"` // what the code could do is in the findings
	Regions    []Region `json:"regions,omitempty"`

	Facts []Fact `json:"-"` // what the file says about other files
}

// Report is what validation found out, in a stable order. It holds facts only; Decide judges them.
type Report struct {
	Files    []FileReport  `json:"files"`
	Findings []Finding     `json:"findings"`
	Took     time.Duration `json:"took_ns"`
}

// run is the state that all passes of one scan share.
type run struct {
	ctx      context.Context
	limits   policy.ScanLimits
	scanners []*Scanner
	siblings map[string]bool
	budget   budget
	room     room
	mu       sync.Mutex
	findings []Finding
	flooded  bool // findings were dropped
}

// maxFindings bounds the report. What is dropped leaves a finding of its own: a flood of notes, or of
// findings that the policy waives, must not push the one that matters out of the report.
const maxFindings = 10_000

func (r *run) add(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.findings) < maxFindings || f.Severity == High && len(r.findings) < 2*maxFindings {
		r.findings = append(r.findings, f)
		return
	}
	if !r.flooded {
		r.flooded = true
		r.findings = append(r.findings, Finding{Rule: Exhausted.ID, Severity: Exhausted.Severity, File: f.File, Offset: f.Offset,
			Detail: fmt.Sprintf("more than %d findings; the rest is not listed", maxFindings)})
	}
}

// Scan runs every scanner that matches on every file of the snapshot, in this process. It returns an error only when
// ctx is over before any verdict could be reached; everything else is a finding.
func Scan(ctx context.Context, scanners []*Scanner, snap *Snapshot, limits policy.ScanLimits) (Report, error) {
	start := time.Now()
	work := make(chan []Input)
	go func() {
		defer close(work)
		for i, f := range snap.Files {
			work <- []Input{{Index: i, Path: f.Path, Size: f.Size, Open: f.open}}
		}
	}()
	files := make([]FileReport, len(snap.Files))
	findings := ScanInputs(ctx, scanners, limits, snap.Sources(), work, func(i int, fr FileReport) { files[i] = fr })
	if err := ctx.Err(); err != nil {
		return Report{Files: files}, fmt.Errorf("interrupted: %w", err)
	}
	rep := snap.Conclude(files, findings)
	rep.Took = time.Since(start)
	return rep, nil
}

// Input is one file to judge, from wherever its bytes come.
type Input struct {
	Index int    // what done is told
	Path  string // slash-separated, relative to the model
	Size  int64
	Open  func() (data io.ReaderAt, done func(), err error)
}

// ScanInputs judges files as they come, each group by one of several goroutines, until the channel is closed. It is the part of a scan that
// parses hostile bytes, and it needs nothing but them. done is called for each file, from several goroutines, each
// with an index of its own. The findings come in no particular order. sources are what Snapshot.Sources gives.
func ScanInputs(ctx context.Context, scanners []*Scanner, limits policy.ScanLimits, sources []string, work <-chan []Input, done func(i int, fr FileReport)) []Finding {
	deadline, cancel := context.WithTimeout(ctx, time.Duration(limits.MaxScanSeconds)*time.Second)
	defer cancel()
	r := newRun(deadline, scanners, limits)
	r.siblings = siblings(sources)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for group := range work {
				for _, in := range group {
					done(in.Index, r.scanInput(in))
				}
			}
		})
	}
	wg.Wait()
	return r.findings
}

// Conclude makes the report of what ScanInputs found out: with what was noted when the model was pinned, with raw
// files cleared that other files explain, and in the order of reports.
func (s *Snapshot) Conclude(files []FileReport, findings []Finding) Report {
	for i, f := range s.Files {
		files[i].SHA256, files[i].HeldBy = f.SHA256, f.Kept
	}
	findings = append(slices.Clone(s.findings), findings...)
	findings = clearRaw(s, files, findings)
	sortFindings(findings)
	return Report{Files: files, Findings: findings}
}

// ScanReader judges one file that is not on the local disk, or not yet: a range reader, a test's bytes. The
// report cannot admit anything, because there is no snapshot to admit.
func ScanReader(ctx context.Context, scanners []*Scanner, name string, data io.ReaderAt, size int64, limits policy.ScanLimits) Report {
	start := time.Now()
	deadline, cancel := context.WithTimeout(ctx, time.Duration(limits.MaxScanSeconds)*time.Second)
	defer cancel()
	r := newRun(deadline, scanners, limits)
	fr := FileReport{Path: name, Size: size}
	r.scanInto(&fr, data)
	sortFindings(r.findings)
	return Report{Files: []FileReport{fr}, Findings: r.findings, Took: time.Since(start)}
}

func newRun(ctx context.Context, scanners []*Scanner, limits policy.ScanLimits) *run {
	r := &run{ctx: ctx, limits: limits, scanners: scanners}
	r.room.freed.L = &r.room.mu
	r.budget.max = [resources]int64{Entries: limits.MaxEntries, Expanded: limits.MaxExpandedMB << 20, PickleOps: limits.MaxPickleOps}
	return r
}

// sortFindings puts findings in the order of reports: worst first, then by place.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
	})
}

func (r *run) scanInput(in Input) FileReport {
	fr := FileReport{Path: in.Path, Size: in.Size}
	data, done, err := in.Open()
	if err != nil {
		r.add(NotRead(in.Path, err))
		return fr
	}
	defer done()
	r.scanInto(&fr, data)
	return fr
}

// NotRead is the finding about a file of the model that could not be read.
func NotRead(path string, why error) Finding {
	return Finding{Rule: Unreadable.ID, Severity: Unreadable.Severity, File: Printable(path), Detail: why.Error()}
}

// NotJudged is the finding about a file whose scan did not come to an end.
func NotJudged(path string, why error) Finding {
	return Finding{Rule: Stopped.ID, Severity: Stopped.Severity, File: Printable(path), Detail: fmt.Sprint("the scan of this file did not end: ", why)}
}

func (r *run) scanInto(fr *FileReport, data io.ReaderAt) {
	t := &top{size: fr.Size}
	r.room.enter(t, fr.Size)
	defer r.room.leave(t)
	res := r.scanOne(&Pass{File: Printable(fr.Path), Name: fr.Path, Size: fr.Size, data: data, run: r, top: t})
	fr.Scanners, fr.Cleared, fr.Code, fr.Regions, fr.Facts = res.scanners, res.cleared, res.code, res.regions, res.facts
	fr.CodeJudged = res.code && !res.unjudged
}

type scanned struct {
	scanners []string
	cleared  bool
	code     bool
	unjudged bool // a scanner that found code did not judge it
	facts    []Fact
	regions  []Region
}

// scanOne runs every matching scanner on one file or member. The file is cleared when at least one scanner
// matched and each of those explained every byte on its own: what two formats can read differently is not
// cleared because their union happens to cover it.
func (r *run) scanOne(p *Pass) (out scanned) {
	head := Head{Name: p.Name, Size: p.Size, ReaderAt: p}
	head.Start = make([]byte, min(headSize, p.Size))
	n, err := p.ReadAt(head.Start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		rule := Unreadable
		if p.failed != nil {
			rule = Exhausted
		}
		p.Report(rule, 0, "%v", err)
		return out
	}
	p.head = head.Start[:n] // a file that got shorter is read again, and found broken
	matched := r.matching(p, head, false)
	if len(matched) == 0 {
		matched = r.matching(p, head, true)
	}
	if len(matched) == 0 {
		p.Report(Unclaimed, 0, "%d bytes beginning with %s", p.Size, quoteHead(head.Start))
		return out
	}
	out.cleared = true
	for _, s := range matched {
		out.scanners = append(out.scanners, s.Name)
		q := &Pass{File: p.File, Name: p.Name, Size: p.Size, Depth: p.Depth, data: p.data, head: p.head, run: r, top: p.top, onlyHigh: p.onlyHigh}
		ok := r.scanWith(s, q)
		out.cleared = out.cleared && ok
		out.code, out.unjudged = out.code || q.code, out.unjudged || q.code && !q.judged
		out.facts = append(out.facts, q.facts...)
		if len(matched) == 1 && len(q.regions) <= 64 {
			out.regions = q.regions
		}
		if q.failed != nil {
			p.failed = q.failed
		}
	}
	return out
}

func (r *run) matching(p *Pass, h Head, fallback bool) (out []*Scanner) {
	for _, s := range r.scanners {
		if s.Fallback == fallback && matches(s, p, h) {
			out = append(out, s)
		}
	}
	return out
}

// matches asks one scanner. A scanner that stops while it looks has not said no.
func matches(s *Scanner, p *Pass, h Head) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			p.Report(Unparsable, 0, "scanner %s stopped while looking: %v", s.Name, v)
		}
	}()
	return s.Match(h)
}

// scanWith runs one scanner and turns every way it can fail into a finding, in addition to what it reported.
func (r *run) scanWith(s *Scanner, p *Pass) (cleared bool) {
	err := func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("scanner %s stopped: %v", s.Name, v)
			}
		}()
		return s.Scan(p)
	}()
	var format *FormatError
	switch {
	case errors.As(err, &format):
		p.Report(Unparsable, format.Offset, "%s: %s", s.Name, format.What)
		r.judgeGaps(p, p.regions.check(p.Size))
		return false
	case err != nil && p.failed == nil && !errors.Is(err, ErrBudget):
		p.Report(Unparsable, 0, "%s: %v", s.Name, err)
		return false
	case p.failed != nil || err != nil:
		p.Report(Exhausted, 0, "%s: %v", s.Name, cmp.Or(p.failed, err))
		return false
	}
	gaps := p.regions.check(p.Size)
	for _, g := range gaps[:min(len(gaps), 8)] {
		rule := Unexplained
		if g.overlap {
			rule = Overlapping
		}
		p.Report(rule, g.off, "%d bytes under %s", g.n, s.Name)
	}
	r.judgeGaps(p, gaps)
	return len(gaps) == 0
}

// quoteHead shows the first bytes of a file without letting them reach a terminal.
func quoteHead(b []byte) string { return strconv.QuoteToASCII(string(b[:min(len(b), 16)])) }

// Quote shows bytes of a model as evidence: ASCII, quoted, at most max of them.
func Quote[T string | []byte](b T, max int) string {
	if len(b) > max {
		return strconv.QuoteToASCII(string(b[:max])) + "…"
	}
	return strconv.QuoteToASCII(string(b))
}

// Printable quotes a name that comes from a model when it holds anything a terminal would interpret. It never
// contains "!", which separates a container from its member in Finding.File: a waiver for the file "a" must
// not reach the file "a!b".
func Printable(s string) string {
	q := strconv.QuoteToGraphic(s)
	if q[1:len(q)-1] == s && !strings.Contains(s, "!") {
		return s
	}
	return strings.ReplaceAll(q, "!", `\x21`)
}

// Ext is the lower-case extension of a slash-separated name, with the dot.
func Ext(name string) string { return strings.ToLower(path.Ext(name)) }
