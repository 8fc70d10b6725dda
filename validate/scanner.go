package validate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/loadlock/loadlock/policy"
)

// Scanner understands one file format. It is a value; all.Scanners is the explicit list of them.
type Scanner struct {
	Name    string // "pickle"
	Doc     string // one line
	Version int    // grows when a change can alter a verdict
	Rules   []*Rule

	// Match reports whether the content looks like this format. The name is only a hint.
	Match func(Head) bool
	// Scan reads the file through the Pass, reports findings, and clears the bytes it can explain. A
	// *FormatError says that the bytes are not what the format promises; it never hides a finding.
	Scan func(*Pass) error

	// Fallback scanners run only when no other scanner matches (plain text).
	Fallback bool
}

// Head is what Match may look at.
type Head struct {
	Name  string // slash-separated path inside the model or container
	Size  int64
	Start []byte // the first bytes, at most headSize
	io.ReaderAt
}

const headSize = 4096

// FormatError says where and how bytes deviate from their format.
type FormatError struct {
	Offset int64
	What   string
}

func (e *FormatError) Error() string { return fmt.Sprintf("%s at offset %#x", e.What, e.Offset) }

// Malformed makes a *FormatError.
func Malformed(off int64, format string, args ...any) error {
	return &FormatError{Offset: off, What: fmt.Sprintf(format, args...)}
}

// Fact is something a file tells whoever holds it: a pickle its archive, which raw tensor storages it refers to; a
// file of the model the whole model, which other files are raw numbers.
type Fact struct {
	Kind   string // FactStorage, FactRaw, or a word that two scanners of one format agree on
	Key    string // the storage's key (the member name below "data/"); the slash-separated path of a raw file inside the model
	Offset int64  // of the raw numbers in that file
	Size   int64  // bytes it must have; of the raw numbers
}

// The kinds of fact that the core or several scanners know.
const (
	FactStorage = "storage" // a torch storage that a pickle refers to
	FactRaw     = "raw"     // a range of a file of this model that holds numbers and nothing else (ONNX external data)
)

// Pass is all a scanner may see and do: one file, or one member of a container.
type Pass struct {
	File  string // display path, "a.bin!archive/data.pkl"
	Name  string // path of the innermost file
	Size  int64  // bytes
	Depth int64  // 0 for a file of the model

	data    io.ReaderAt
	head    []byte // the first bytes, read once for all scanners
	run     *run
	regions regions
	facts   []Fact
	code    bool
	judged  bool
	failed  error // first budget error; makes the verdict inconclusive
	top     *top  // the file of the model that this is a part of

	onlyHigh bool // a look into unexplained bytes: what is not certain says nothing new
}

// top is a file of the model; its members share it.
type top struct {
	heavy    bool
	light    int64 // its share of what light files may need
	size     int64
	expanded int64 // bytes that decompressors produced, see expand
}

// Limits are the policy's bounds for this scan.
func (p *Pass) Limits() policy.ScanLimits { return p.run.limits }

// Context ends when the scan's time is spent or the caller gives up. Long loops check it through Charge.
func (p *Pass) Context() context.Context { return p.run.ctx }

// ReadAt reads from the file. It implements io.ReaderAt.
func (p *Pass) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > p.Size {
		return 0, Malformed(off, "read outside the file")
	}
	if p.run.ctx.Err() != nil {
		return 0, p.Charge(Entries, 0)
	}
	if off < int64(len(p.head)) && int64(len(b)) <= int64(len(p.head))-off {
		return copy(b, p.head[off:]), nil
	}
	if max := p.Size - off; int64(len(b)) > max {
		n, err := p.data.ReadAt(b[:max], off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	n, err := p.data.ReadAt(b, off)
	if n == len(b) && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Bytes returns n bytes at off. It refuses ranges outside the file and ranges above the policy's
// MaxHeaderSizeMB before allocating anything, so that a length field never sizes memory.
func (p *Pass) Bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > p.Size || n > p.Size-off {
		return nil, Malformed(off, "%d bytes wanted, the file has %d", n, p.Size)
	}
	if max := p.run.limits.MaxHeaderSizeMB << 20; n > max {
		return nil, p.exhausted("max_header_size_mb", "%d bytes must be held in memory at once", n)
	}
	p.heavy(n)
	b := make([]byte, n)
	if _, err := p.ReadAt(b, off); err != nil {
		return nil, err
	}
	return b, nil
}

// Section is the part [off, off+n) of the file.
func (p *Pass) Section(off, n int64) *io.SectionReader { return io.NewSectionReader(p, off, n) }

// Report states a finding at an offset of this file.
func (p *Pass) Report(r *Rule, off int64, format string, args ...any) {
	p.ReportAt(r, Place{Offset: off}, format, args...)
}

// Place is where a finding is, and what shows it. Only Offset is always meant.
type Place struct {
	Offset     int64  // bytes from the start of the innermost file
	Line       int    // of a text, from 1
	Evidence   string // printable and short (see Quote)
	Capability string // the word of restricted_operations that code would use; Decide compares it with the policy
}

// ReportAt is Report with more about the place.
func (p *Pass) ReportAt(r *Rule, at Place, format string, args ...any) {
	p.add(Finding{Rule: r.ID, Severity: r.Severity, Confidence: r.Confidence, File: p.File, Offset: at.Offset, Line: at.Line,
		Evidence: at.Evidence, Capability: at.Capability, Detail: fmt.Sprintf(format, args...)})
}

// ReportGlobal is Report for a finding about an imported name, which a policy may allow by name and act.
func (p *Pass) ReportGlobal(r *Rule, off int64, g Global, format string, args ...any) {
	p.add(Finding{Rule: r.ID, Severity: r.Severity, Confidence: r.Confidence, File: p.File, Offset: off, Detail: fmt.Sprintf(format, args...), Global: &g})
}

func (p *Pass) add(f Finding) {
	if f.Severity == High || !p.onlyHigh {
		p.run.add(f)
	}
}

// Clear says that the bytes [off, off+n) are explained and judged harmless. meaning is for the report.
// Ranges may be cleared in any order; clearing a byte twice is itself suspicious and is reported.
func (p *Pass) Clear(off, n int64, meaning string) { p.regions.add(off, n, meaning) }

// Fact tells the container of this file something about it.
func (p *Pass) Fact(f Fact) { p.facts = append(p.facts, f) }

// IsCode marks the file as program code that came with the model; Decide applies the remote-code policy.
func (p *Pass) IsCode() { p.code = true }

// IsJudgedCode is IsCode for a scanner that reports what the code could do. Where a policy permits such code, it may
// run once the file is cleared.
func (p *Pass) IsJudgedCode() { p.code, p.judged = true, true }

// Nested is what Descend learnt.
type Nested struct {
	Cleared  bool     // every byte was explained and judged
	Scanners []string // which scanners matched
	Facts    []Fact
	Code     bool
}

// Descend scans a member of this container with every scanner that matches it. It charges depth and one
// entry; the caller charges expanded bytes while it decompresses (Charge). An error means a budget is
// exhausted or the scan was cancelled; the container's scanner returns it.
func (p *Pass) Descend(name string, data io.ReaderAt, size int64) (Nested, error) {
	if err := p.Charge(Entries, 1); err != nil {
		return Nested{}, err
	}
	if p.Depth+1 > p.run.limits.MaxDepth {
		return Nested{}, p.exhausted("max_depth", "containers nested deeper than %d", p.run.limits.MaxDepth)
	}
	child := &Pass{File: p.File + "!" + Printable(name), Name: name, Size: size, Depth: p.Depth + 1, data: data, run: p.run, top: p.top, onlyHigh: p.onlyHigh}
	res := p.run.scanOne(child)
	if child.failed != nil && p.failed == nil {
		p.failed = child.failed
	}
	return Nested{Cleared: res.cleared, Scanners: res.scanners, Facts: res.facts, Code: res.code}, p.run.ctx.Err()
}
