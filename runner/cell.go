package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

// What parent and cell say to each other. A request is one packet: the limits of a model, files with one descriptor
// each, or the end of the model. The cell answers with a stream of JSON values: hello, files, the end.
type (
	request struct {
		Limits *policy.ScanLimits `json:"limits,omitempty"` // a new model
		Files  []requestFile      `json:"files,omitempty"`  // in the order of the descriptors
		End    bool               `json:"end,omitempty"`
	}
	requestFile struct {
		Index int    `json:"i"`
		Path  string `json:"p"`
		Size  int64  `json:"s"`
	}
	answer struct {
		Hello    bool               `json:"hello,omitempty"`
		Files    []answerFile       `json:"files,omitempty"`
		End      bool               `json:"end,omitempty"`
		Findings []validate.Finding `json:"findings,omitempty"`
	}
	answerFile struct {
		Index  int                 `json:"i"`
		Report validate.FileReport `json:"r"`
		Facts  []validate.Fact     `json:"f,omitempty"`
	}
)

// A packet holds at most this many files (SCM_MAX_FD is 253) and about this many bytes of paths; the kernel's
// default send buffer is 208 KiB.
const packetFiles, packetBytes = 64, 32 << 10

// ServeCell is the main of a cell: it judges what it is sent until the socket closes.
func ServeCell() error {
	requests, answers, err := isolate.CellInit()
	if err != nil {
		return err
	}
	limitMemory()
	out := &answerer{enc: json.NewEncoder(answers)}
	if err := out.send(answer{Hello: true}); err != nil {
		return err
	}
	scanners := all.Scanners()
	for {
		req, files, err := receive(requests)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		closeAll(files)
		if req.Limits == nil {
			return fmt.Errorf("cell: a model begins with its limits")
		}
		if err := serveModel(requests, out, scanners, *req.Limits); err != nil {
			return err
		}
	}
}

// serveModel judges one model. Answers are gathered, because ten thousand small files are ten thousand small answers.
func serveModel(requests *os.File, out *answerer, scanners []*validate.Scanner, limits policy.ScanLimits) error {
	work := make(chan validate.Input, packetFiles)
	var received error
	go func() {
		defer close(work)
		received = receiveFiles(requests, work)
	}()
	findings := validate.ScanInputs(context.Background(), scanners, limits, work, out.file)
	if received != nil {
		return received
	}
	return out.end(findings)
}

func receiveFiles(requests *os.File, work chan<- validate.Input) error {
	for {
		req, files, err := receive(requests)
		if err != nil {
			return err
		}
		if req.End {
			closeAll(files)
			return nil
		}
		if len(files) != len(req.Files) {
			closeAll(files)
			return fmt.Errorf("cell: %d files with %d descriptors", len(req.Files), len(files))
		}
		for i, f := range req.Files {
			h := files[i]
			work <- validate.Input{Index: f.Index, Path: f.Path, Size: f.Size,
				Open: func() (io.ReaderAt, func(), error) { return h, func() { h.Close() }, nil }}
		}
	}
}

// answerer sends files in groups.
type answerer struct {
	mu      sync.Mutex
	enc     *json.Encoder
	pending []answerFile
	err     error
}

func (a *answerer) send(v answer) error {
	if err := a.enc.Encode(v); err != nil && a.err == nil {
		a.err = err
	}
	return a.err
}

func (a *answerer) file(i int, fr validate.FileReport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending = append(a.pending, answerFile{i, fr, fr.Facts}); len(a.pending) == packetFiles {
		_ = a.send(answer{Files: a.pending}) // kept in err, and said at the end
		a.pending = a.pending[:0]
	}
}

func (a *answerer) end(findings []validate.Finding) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.send(answer{Files: a.pending, Findings: findings, End: true})
	a.pending = a.pending[:0]
	return err
}

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

// sending is what became of the files on their way to the cell.
type sending struct {
	findings   []validate.Finding
	unreadable map[int]bool
	err        error
}

// send opens the files and sends them in packets. A file that cannot be opened is a finding.
func (s *Scanners) send(snap *validate.Snapshot, limits policy.ScanLimits) (out sending) {
	out.unreadable = map[int]bool{}
	if out.err = transmit(s.cell.Requests, request{Limits: &limits}, nil); out.err != nil {
		return out
	}
	var batch []requestFile
	var handles []*os.File
	bytes := 0
	flush := func() {
		if out.err == nil && len(batch) > 0 {
			out.err = transmit(s.cell.Requests, request{Files: batch}, handles)
		}
		closeAll(handles)
		batch, handles, bytes = batch[:0], handles[:0], 0
	}
	for i, f := range snap.Files {
		h, err := f.Reopen()
		if err != nil {
			out.unreadable[i] = true
			out.findings = append(out.findings, validate.NotRead(f.Path, err))
			continue
		}
		batch, handles, bytes = append(batch, requestFile{i, f.Path, f.Size}), append(handles, h), bytes+len(f.Path)
		if len(batch) == packetFiles || bytes >= packetBytes {
			if flush(); out.err != nil {
				return out
			}
		}
	}
	if flush(); out.err == nil {
		out.err = transmit(s.cell.Requests, request{End: true}, nil)
	}
	return out
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
