package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

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
		if err := serveModel(requests, out, scanners, *req.Limits, req.Sources); err != nil {
			return err
		}
	}
}

// serveModel judges one model.
func serveModel(requests *os.File, out *answerer, scanners []*validate.Scanner, limits policy.ScanLimits, sources []string) error {
	work := make(chan []validate.Input, 4)
	var received error
	go func() {
		defer close(work)
		received = receiveFiles(requests, work)
	}()
	findings := validate.ScanInputs(context.Background(), scanners, limits, sources, work, out.file)
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

const answerGroup = 512

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
	for len(findings) > answerGroup { // a flood of findings is not one text in memory
		a.pending.Findings, findings = findings[:answerGroup], findings[answerGroup:]
		_ = a.send(a.pending) // kept in err, and said at the end
		a.pending = answer{}
	}
	a.pending.Findings, a.pending.End = findings, true
	err := a.send(a.pending)
	a.pending, a.count = answer{}, 0
	return err
}
