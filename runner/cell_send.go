package runner

import (
	"os"
	"slices"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
)

// sending is what became of the files on their way to the cell.
type sending struct {
	findings   []validate.Finding
	unreadable map[int]bool
	err        error
}

// send opens the files and sends them in packets. A file that cannot be opened is a finding.
func (s *Scanners) send(snap *validate.Snapshot, limits policy.ScanLimits) (out sending) {
	out.unreadable = map[int]bool{}
	if out.err = transmit(s.cell.Requests, request{Limits: &limits, Sources: snap.Sources()}, nil, nil); out.err != nil {
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
	r := requestFile{Index: i, Path: f.Path, Size: f.Size, Held: f.Size > inlineMax}
	p.bytes += len(f.Path)
	if r.Held {
		h, err := f.Reopen()
		if err != nil {
			return err
		}
		p.handles = append(p.handles, h)
	} else {
		at := len(p.contents)
		p.contents = slices.Grow(p.contents, int(f.Size))[:at+int(f.Size)]
		if err := f.ReadAll(p.contents[at:]); err != nil {
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
