package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
)

// What parent and cell say to each other. A request is one packet: the limits of a model, files (each with its content
// when it is small, else with a descriptor), or the end of the model. The cell answers with a stream of JSON values:
// hello, files, the end.
type (
	request struct {
		Limits  *policy.ScanLimits `json:"limits,omitempty"`  // a new model
		Sources []string           `json:"sources,omitempty"` // with the limits: the paths of its Python files
		Files   []requestFile      `json:"files,omitempty"`   // in the order of the contents and descriptors
		End     bool               `json:"end,omitempty"`
	}
	requestFile struct {
		Index int    `json:"i"`
		Path  string `json:"p"`
		Size  int64  `json:"s"`
		Held  bool   `json:"h,omitempty"` // a descriptor, not the content
	}
	answer struct {
		Hello    bool               `json:"hello,omitempty"`
		Files    []answerFile       `json:"files,omitempty"`
		Plain    []answerPlain      `json:"plain,omitempty"`
		End      bool               `json:"end,omitempty"`
		Findings []validate.Finding `json:"findings,omitempty"`
	}
	answerFile struct {
		Index  int                 `json:"i"`
		Report validate.FileReport `json:"r"`
		Facts  []validate.Fact     `json:"f,omitempty"`
	}
	// answerPlain is many files at once: each cleared by one scanner, as one region with one meaning.
	answerPlain struct {
		Scanner string `json:"s"`
		Meaning string `json:"m"`
		Indexes []int  `json:"i"`
	}
)

// Files up to inlineMax bytes travel in the packet: opening, passing and closing a descriptor costs more than their
// content. A packet holds at most packetFiles files (SCM_MAX_FD is 253) and about packetBytes bytes of names and
// contents; the kernel's default send buffer is 208 KiB.
const inlineMax, packetFiles, packetBytes = 4 << 10, 128, 64 << 10

// Scanners is where hostile bytes are parsed: a cell. It judges one model after the other.
type Scanners struct {
	cell        *isolate.Cell
	dec         *json.Decoder
	Confinement []string
	dead        bool
}

// StartScanners starts the cell and waits until the kernel shows that it is confined.
func StartScanners(ctx context.Context) (*Scanners, error) {
	c, err := isolate.StartCell(ctx)
	if err != nil {
		return nil, err
	}
	s := &Scanners{cell: c, dec: json.NewDecoder(c.Answers)}
	var hello answer
	if err := s.dec.Decode(&hello); err != nil || !hello.Hello {
		return nil, fmt.Errorf("the confined scanner did not start: %w", cmp.Or(c.Close(), err))
	}
	if err := c.Observe(); err != nil {
		c.Kill()
		_ = c.Close() // killed: how it ended says nothing
		return nil, err
	}
	s.Confinement = c.Confinement
	return s, nil
}

// Dead reports whether the cell ended before its time; it can judge nothing more.
func (s *Scanners) Dead() bool { return s.dead }

// Close ends the cell.
func (s *Scanners) Close() error { return s.cell.Close() }

// Scan judges one pinned model in the cell. A cell that ends early, or does not answer in time, leaves its files
// without a report; each is then a finding, and the verdict at best inconclusive.
func (s *Scanners) Scan(ctx context.Context, snap *validate.Snapshot, limits policy.ScanLimits) (validate.Report, error) {
	start := time.Now()
	// The cell keeps the time itself; this is for one that does not.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(limits.MaxScanSeconds)*time.Second+5*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, s.cell.Kill)
	defer stop()

	sent := make(chan sending, 1)
	go func() { sent <- s.send(snap, limits) }()
	files, findings, err := s.collect(snap)
	if err != nil {
		s.cell.Kill()
	}
	out := <-sent
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return validate.Report{Files: files}, fmt.Errorf("interrupted: %w", ctx.Err())
	}
	if err = cmp.Or(err, out.err); err != nil {
		s.dead = true
		err = cmp.Or(s.cell.Close(), err) // how it ended says why
	}
	findings = append(findings, out.findings...)
	for i, f := range snap.Files {
		if files[i].Path == "" {
			files[i] = validate.FileReport{Path: f.Path, Size: f.Size}
			if !out.unreadable[i] {
				findings = append(findings, validate.NotJudged(f.Path, err))
			}
		}
	}
	rep := snap.Conclude(files, findings)
	rep.Took = time.Since(start)
	return rep, nil
}

// collect reads answers up to the end of the model. What it returns is bounded by what was asked for.
func (s *Scanners) collect(snap *validate.Snapshot) (files []validate.FileReport, findings []validate.Finding, err error) {
	files = make([]validate.FileReport, len(snap.Files))
	for {
		var a answer
		if err := s.dec.Decode(&a); err != nil {
			return files, findings, fmt.Errorf("the confined scanner stopped: %w", err)
		}
		for _, p := range a.Plain {
			for _, i := range p.Indexes {
				a.Files = append(a.Files, answerFile{Index: i, Report: unplain(snap, i, p)})
			}
		}
		for _, f := range a.Files {
			if f.Index < 0 || f.Index >= len(files) || f.Report.Path != snap.Files[f.Index].Path || files[f.Index].Path != "" {
				return files, findings, fmt.Errorf("the confined scanner answered about a file that it was not asked about")
			}
			files[f.Index] = f.Report
			files[f.Index].Size, files[f.Index].Facts = snap.Files[f.Index].Size, f.Facts
		}
		findings = append(findings, a.Findings...)
		if a.End {
			return files, findings, nil
		}
	}
}

// unplain is the report that plain made short.
func unplain(snap *validate.Snapshot, i int, p answerPlain) (fr validate.FileReport) {
	if i < 0 || i >= len(snap.Files) {
		return fr
	}
	f := snap.Files[i]
	return validate.FileReport{Path: f.Path, Size: f.Size, Cleared: true, Scanners: []string{p.Scanner}, Regions: []validate.Region{{Length: f.Size, Meaning: p.Meaning}}}
}
