package runner

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

// What parent and cell say to each other. A request is one packet: the limits of a model, files (each with its content
// when it is small, else with a descriptor), or the end of the model. The cell answers with a stream of JSON values:
// hello, files, the end.
type (
	request struct {
		Limits *policy.ScanLimits `json:"limits,omitempty"` // a new model
		Files  []requestFile      `json:"files,omitempty"`  // in the order of the contents and descriptors
		End    bool               `json:"end,omitempty"`
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
		req, _, files, err := receive(requests)
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

// serveModel judges one model.
func serveModel(requests *os.File, out *answerer, scanners []*validate.Scanner, limits policy.ScanLimits) error {
	work := make(chan []validate.Input, 4)
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

func receiveFiles(requests *os.File, work chan<- []validate.Input) error {
	for {
		req, contents, files, err := receive(requests)
		if err != nil {
			return err
		}
		if req.End {
			closeAll(files)
			return nil
		}
		group, err := inputs(req.Files, contents, files)
		if err != nil {
			closeAll(files)
			return err
		}
		work <- group
	}
}

// inputs pairs the files of a packet with their contents and descriptors.
func inputs(list []requestFile, contents []byte, files []*os.File) ([]validate.Input, error) {
	group := make([]validate.Input, 0, len(list))
	for _, f := range list {
		in := validate.Input{Index: f.Index, Path: f.Path, Size: f.Size}
		switch {
		case f.Held && len(files) > 0:
			h := files[0]
			files = files[1:]
			in.Open = func() (io.ReaderAt, func(), error) { return h, func() { h.Close() }, nil }
		case !f.Held && f.Size >= 0 && f.Size <= int64(len(contents)):
			data := bytes.NewReader(contents[:f.Size])
			contents = contents[f.Size:]
			in.Open = func() (io.ReaderAt, func(), error) { return data, func() {}, nil }
		default:
			return nil, fmt.Errorf("cell: a packet that lacks content for its %d files", len(list))
		}
		group = append(group, in)
	}
	if len(contents)+len(files) > 0 {
		return nil, fmt.Errorf("cell: a packet with content for more than its %d files", len(list))
	}
	return group, nil
}

// answerer sends files in groups: ten thousand small files are not ten thousand answers.
type answerer struct {
	mu      sync.Mutex
	enc     *json.Encoder
	pending answer
	count   int
	err     error
}

const answerGroup = 1024

func (a *answerer) send(v answer) error {
	if err := a.enc.Encode(v); err != nil && a.err == nil {
		a.err = err
	}
	return a.err
}

func (a *answerer) file(i int, fr validate.FileReport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if scanner, meaning, ok := plain(fr); ok {
		at := slices.IndexFunc(a.pending.Plain, func(p answerPlain) bool { return p.Scanner == scanner && p.Meaning == meaning })
		if at < 0 {
			at = len(a.pending.Plain)
			a.pending.Plain = append(a.pending.Plain, answerPlain{Scanner: scanner, Meaning: meaning})
		}
		a.pending.Plain[at].Indexes = append(a.pending.Plain[at].Indexes, i)
	} else {
		a.pending.Files = append(a.pending.Files, answerFile{i, fr, fr.Facts})
	}
	if a.count++; a.count%answerGroup == 0 {
		_ = a.send(a.pending) // kept in err, and said at the end
		a.pending = answer{}
	}
}

// plain reports whether a file is as most are: cleared by one scanner that explains it in one word.
func plain(fr validate.FileReport) (scanner, meaning string, ok bool) {
	if !fr.Cleared || fr.Code || len(fr.Facts) > 0 || len(fr.Scanners) != 1 || len(fr.Regions) != 1 || fr.Regions[0].Offset != 0 || fr.Regions[0].Length != fr.Size {
		return "", "", false
	}
	return fr.Scanners[0], fr.Regions[0].Meaning, true
}

func (a *answerer) end(findings []validate.Finding) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending.Findings, a.pending.End = findings, true
	err := a.send(a.pending)
	a.pending, a.count = answer{}, 0
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

// sending is what became of the files on their way to the cell.
type sending struct {
	findings   []validate.Finding
	unreadable map[int]bool
	err        error
}

// send opens the files and sends them in packets. A file that cannot be opened is a finding.
func (s *Scanners) send(snap *validate.Snapshot, limits policy.ScanLimits) (out sending) {
	out.unreadable = map[int]bool{}
	if out.err = transmit(s.cell.Requests, request{Limits: &limits}, nil, nil); out.err != nil {
		return out
	}
	var p packet
	for i, f := range snap.Files {
		if err := p.add(i, f); err != nil {
			out.unreadable[i] = true
			out.findings = append(out.findings, validate.NotRead(f.Path, err))
			continue
		}
		if len(p.files) == packetFiles || p.bytes >= packetBytes {
			if out.err = p.flush(s.cell.Requests); out.err != nil {
				return out
			}
		}
	}
	if out.err = p.flush(s.cell.Requests); out.err == nil {
		out.err = transmit(s.cell.Requests, request{End: true}, nil, nil)
	}
	return out
}

// packet gathers files for one request.
type packet struct {
	files    []requestFile
	contents []byte
	handles  []*os.File
	bytes    int // of names and contents
}

func (p *packet) add(i int, f *validate.File) error {
	h, err := f.Reopen()
	if err != nil {
		return err
	}
	r := requestFile{Index: i, Path: f.Path, Size: f.Size, Held: f.Size > inlineMax}
	p.bytes += len(f.Path)
	if r.Held {
		p.handles = append(p.handles, h)
	} else {
		defer h.Close()
		at := len(p.contents)
		p.contents = slices.Grow(p.contents, int(f.Size))[:at+int(f.Size)]
		if _, err := h.ReadAt(p.contents[at:], 0); err != nil {
			p.contents = p.contents[:at]
			return err
		}
		p.bytes += int(f.Size)
	}
	p.files = append(p.files, r)
	return nil
}

func (p *packet) flush(to *os.File) (err error) {
	if len(p.files) > 0 {
		err = transmit(to, request{Files: p.files}, p.contents, p.handles)
	}
	closeAll(p.handles)
	p.files, p.contents, p.handles, p.bytes = p.files[:0], p.contents[:0], p.handles[:0], 0
	return err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
