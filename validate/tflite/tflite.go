// Package tflite judges models of TensorFlow Lite, now LiteRT: FlatBuffers with the mark TFL3
// (https://github.com/google-ai-edge/LiteRT, schema.fbs; https://flatbuffers.dev/internals/).
//
// # Security
//
// Every offset is followed from the root against the table in tflite.schema, and every byte must lie in exactly one
// object or be padding of zeros. Judged are the operators: builtin ones are the runtime's own; custom ones need native
// code, unless published runtimes register them (custom.txt); Flex operators run TensorFlow's, and the node in their
// options decides which. External buffers are judged as paths and told to the core. Weights are not read.
//
// Not judged: shapes and indexes between tensors and operators. The archive of labels that TensorFlow Lite's metadata puts
// behind a model is left to validate/zipfile when it begins exactly where the model ends; the file is cleared when both
// are.
package tflite

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/tfops"
)

//go:embed tflite.schema
var schemaText string

//go:embed custom.txt
var customText string

// Scanner judges models of TensorFlow Lite.
func Scanner() *validate.Scanner {
	defs, known, ops := sync.OnceValue(func() map[string]*def { return parse(schemaText) }), sync.OnceValue(readCustom), sync.OnceValue(tfops.Read)
	return &validate.Scanner{
		Name: "tflite", Doc: "TensorFlow Lite models", Version: 1, Rules: rules(),
		Match: func(h validate.Head) bool {
			return validate.Ext(h.Name) == ".tflite" || len(h.Start) >= 8 && string(h.Start[4:8]) == mark
		},
		Scan: func(p *validate.Pass) error { return scan(p, defs(), known(), ops()) },
	}
}

const mark = "TFL3"

// readCustom reads custom.txt.
func readCustom() map[string]bool {
	known := map[string]bool{}
	for line := range strings.Lines(customText) {
		if line[0] == '#' {
			continue
		}
		for _, name := range strings.Fields(line) {
			if known[name] {
				panic("tflite: custom.txt: " + name + " twice")
			}
			known[name] = true
		}
	}
	return known
}

// model is what is remembered of one file.
type model struct {
	p      *validate.Pass
	w      *walker
	known  map[string]bool
	ops    map[string]tfops.Group
	codes  []string // of custom operators, by index; "" for builtin ones
	groups []string // files of external buffers
	noted  bool
	facts  int
	outer  []span // data behind the FlatBuffer, of models above 2 GiB
}

func scan(p *validate.Pass, defs map[string]*def, known map[string]bool, ops map[string]tfops.Group) error {
	w := &walker{p: p, on: map[string]func(table) error{}, visited: map[int64]any{}}
	m := &model{p: p, w: w, known: known, ops: ops}
	w.on["Model"], w.on["Operator"], w.on["Buffer"] = m.root, m.operator, m.buffer
	w.on["ExternalBuffer"], w.on["StablehloCustomCallOptions"] = m.external, m.customCall
	head, err := p.Bytes(0, min(p.Size, 8))
	if err != nil || len(head) < 8 || string(head[4:]) != mark {
		return validate.Malformed(0, "no mark %s", mark)
	}
	w.spans = append(w.spans, span{0, 8})
	at, err := w.follow(0)
	if err != nil {
		return err
	}
	if err := w.table(at, defs["Model"]); err != nil {
		return err
	}
	w.spans = append(w.spans, m.outer...)
	return m.account()
}

// maxPadding is the most that may lie between two objects: buffers are aligned, for some delegates to pages.
const maxPadding = 64 << 10

// account clears the file when its objects lie side by side with nothing but zeros between them.
func (m *model) account() error {
	spans, at, ok := m.w.spans, int64(0), true
	slices.SortFunc(spans, func(a, b span) int {
		if a.off != b.off {
			return int(min(1, max(-1, a.off-b.off)))
		}
		return int(min(1, max(-1, a.end-b.end)))
	})
	for _, s := range append(spans, span{m.p.Size, m.p.Size}) {
		if s.off < at {
			m.p.Report(overlap, s.off, "an object that begins %d bytes before the end of another", at-s.off)
			return nil
		}
		if s.off > at {
			zero, err := m.zeros(at, s.off)
			first, labels := int64(0), false
			if err == nil && !zero && s.off == m.p.Size {
				if first, labels = m.firstMember(); labels && first >= at {
					labels, err = m.zeros(at, first)
				}
			}
			switch {
			case err != nil:
				return err
			case zero:
			case labels && first >= at:
				m.p.Report(behind, first, "%d bytes", m.p.Size-first)
			case s.off == m.p.Size && m.archive():
				m.p.Report(associated, at, "%d bytes with the end of an archive", s.off-at)
				ok = false
			default:
				m.p.Report(gap, at, "%d bytes", s.off-at)
				ok = false
			}
		}
		at = max(at, s.end)
	}
	if ok {
		m.p.Clear(0, m.p.Size, "TensorFlow Lite model")
	}
	return nil
}

func (m *model) zeros(from, to int64) (bool, error) {
	if to-from > maxPadding {
		return false, nil
	}
	b, err := m.p.Bytes(from, to-from)
	return len(bytes.Trim(b, "\x00")) == 0, err
}

// archive reports whether the file ends as a zip archive does.
func (m *model) archive() bool {
	n := min(m.p.Size, 64<<10)
	b, err := m.p.Bytes(m.p.Size-n, n)
	return err == nil && bytes.Contains(b, []byte("PK\x05\x06"))
}
