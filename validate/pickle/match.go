package pickle

import (
	"bytes"
	"errors"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// Bounds of a dry run. A file that parses this far is a pickle, or may be claimed as one.
const (
	dryOps     = 8192
	dryWindows = 16 // of lines
	dryStreams = 64
	fewOps     = 3  // that are enough where PROTO says pickle
	namedOps   = 16 // that are enough where the name does: numbers in a .bin file begin with three opcodes by chance
)

// extensions are names that say "pickle".
var extensions = []string{".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".dat", ".p", ".pck"}

// match decides by content. Text begins with letters that are opcodes, so a file without PROTO must show that
// it does something (a call, a BUILD) before the first error, or be a chain of whole pickles to its end.
func match(h validate.Head) bool {
	if len(h.Start) == 0 || opcodes[h.Start[0]].run == nil {
		return false
	}
	r := newReader(h, h.Size, nil)
	named, ops := slices.Contains(extensions, validate.Ext(h.Name)), int64(dryOps)
	archive := bytes.HasPrefix(h.Start, []byte("PK\x03\x04"))
	if (named || h.Start[0] == opPROTO) && !archive { // no more is asked for below
		if ops = namedOps; h.Start[0] == opPROTO {
			ops = fewOps
		}
	}
	d := tryRun(r, ops)
	if d.enough && d.ops == 0 && !plausibleLine(h.Start) {
		return false
	}
	if archive {
		return d.calls > 0 // PERSID at the beginning of a zip archive: nothing of it runs but for a loader that answers it
	}
	if d.effect || d.enough {
		return true
	}
	if named {
		begins := h.Start[0] == opPROTO && len(h.Start) > 2 && opcodes[h.Start[2]].run != nil
		if begins || d.ops >= min(namedOps, h.Size/2) || d.imports > 0 || d.stopped {
			return true
		}
	}
	if h.Start[0] == opPROTO {
		return d.stopped || d.ops >= fewOps || d.imports > 0
	}
	for chain := 1; d.stopped && !d.text; chain++ {
		if r.pos == h.Size || chain > dryStreams {
			return true
		}
		if d = tryRun(r, dryOps); d.effect || d.enough {
			return true
		}
	}
	return false
}

// plausibleLine reports whether what follows the first opcode can begin its line. It is asked for lines of more than a
// MiB: weights behind a length that is the letter of an opcode, as every 32nd safetensors file begins with P.
func plausibleLine(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	number := b[1] >= '0' && b[1] <= '9' || bytes.IndexByte([]byte("+-. \tinIN"), b[1]) >= 0
	switch b[0] {
	case 'I', 'L', 'F', 'p', 'g':
		return number
	case 'S':
		return b[1] == '\'' || b[1] == '"' || b[1] == ' '
	case 'P':
		return false // a persistent id of a MiB: no loader answers it
	case 'c', 'i':
		return b[1] != 0
	}
	return true
}

// dry is what a run without a judge shows.
type dry struct {
	ops     int64
	imports int
	calls   int
	effect  bool // something would be called, built or looked up by number
	stopped bool // STOP was reached
	enough  bool // the bounds were reached without an error
	text    bool // a persistent id of protocol 0, which no loader we know answers and much text looks like
}

// tryRun runs up to so many opcodes of one stream from the position of the reader.
func tryRun(r *reader, ops int64) *dry {
	d := &dry{}
	windows := int64(0)
	r.work = func(n int64) error {
		if windows += n; windows > dryWindows {
			return errEnough
		}
		return nil
	}
	m := newMachine(r, d, func(int64) error { return nil })
	m.maxOps = ops
	err := m.run()
	d.ops = m.ops
	d.stopped, d.enough = err == nil, errors.Is(err, errEnough)
	return d
}

func (d *dry) note(r *validate.Rule, _ int64, _ string, _ ...any) {
	// An extension code means nothing unless something registered it, which takes a call; numbers begin with one often.
	d.effect = d.effect || r.Severity == validate.High && r != ruleExtension
}

func (d *dry) imported(int64, *global) { d.imports++ }
func (d *dry) stored(int64, *value)    {}

func (d *dry) called(c *call) (*value, error) {
	d.effect = true
	if c.fn.kind == kImport && moduleName.MatchString(c.fn.g.module) {
		d.calls++
	}
	return &value{kind: kUnknown, off: c.off}, nil
}

func (d *dry) built(int64, *value, *value) { d.effect = true }

func (d *dry) filled(_ int64, _ byte, target *value, _ []*value) {
	d.effect = d.effect || target.kind >= kImport
}

// array ends the run: enough has been seen to call this a pickle.
func (d *dry) array(*machine, int64, *value, *value) (*value, error) { return nil, errEnough }

func (d *dry) persistent(off int64, id *value) *value {
	d.text = d.text || id.kind == kStr
	return &value{kind: kUnknown, off: off}
}
