// Package sentencepiece judges tokenizer models of the sentencepiece library (tokenizer.model, spiece.model).
//
// The file is one ModelProto (sentencepiece/src/sentencepiece_model.proto): pieces with scores, the settings of the
// training, and the tables of the normalizer.
//
// # Security
//
// Every field must be one that the schema has, of the right wire type; text must be UTF-8; what the schema leaves to
// extensions is not cleared. The normalizer's precompiled table is a double array that native code follows without
// looking at bounds in older versions: every step in it must stay inside. Paths in the training settings are from the
// machine of the author; nothing opens them when a model is loaded. What the pieces say is out of scope.
package sentencepiece

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

var (
	unknownField = &validate.Rule{ID: "sentencepiece/unknown-field", Title: "field that the schema of sentencepiece does not have", Severity: validate.Medium,
		Why:     "The library skips fields that it does not know, so anything can be stored there.",
		Fix:     "save the tokenizer again with the sentencepiece library",
		Hostile: "field 200 of ModelProto with a second file in it", Benign: "field 4, the self test data",
		Refs: []string{"sentencepiece/src/sentencepiece_model.proto"}}
	charsMap = &validate.Rule{ID: "sentencepiece/charsmap", Title: "normalizer table that leads outside of itself", Severity: validate.Medium,
		Why:     "Versions before 0.2.1 follow the table in native code without checking bounds, so a forged one reads foreign memory.",
		Fix:     "use the tokenizer of the original model",
		Hostile: "a unit of the double array whose offset is 2^21", Benign: "the table of nmt_nfkc",
		Refs: []string{"sentencepiece/src/normalizer.cc: Normalizer::DecodePrecompiledCharsMap", "CVE-2026-1260"}}
)

// Scanner judges sentencepiece models.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "sentencepiece", Doc: "sentencepiece tokenizer models, field by field", Version: 1,
		Rules: []*validate.Rule{unknownField, charsMap}, Match: match, Scan: scan,
	}
}

var names = []string{"tokenizer.model", "spiece.model", "sentencepiece.model", "sentencepiece.bpe.model", "spm.model"}

// match asks for a piece at the start: field 1 with text in its field 1, and nothing or a score or a type behind it. A
// text under one of the names is a tokenizer of another kind.
func match(h validate.Head) bool {
	if firstPiece(h.Start) {
		return true
	}
	b := h.Start
	base := strings.ToLower(path.Base(h.Name))
	for _, n := range names {
		if base == n {
			return h.Size > 0 && !h.Text() && !bytes.HasPrefix(b, []byte("\x80"))
		}
	}
	return validate.Ext(h.Name) == ".spm" && !h.Text()
}

func firstPiece(b []byte) bool {
	if len(b) < 6 || b[0] != 0x0a || b[1] >= 0x80 || b[2] != 0x0a || b[3] == 0 {
		return false
	}
	end, next := 4+int(b[3]), 2+int(b[1])
	if next < end || len(b) <= next || b[next] != 0x0a && b[next] != 0x12 && b[next] != 0x1a || !utf8.Valid(b[4:end]) {
		return false
	}
	return next == end || b[end] == 0x15 || b[end] == 0x18
}

// schema of a message: wire type by field number; a type above 7 names a message.
type schema map[int]int

const (
	asText    = 10 + iota // UTF-8
	asPiece               // SentencePiece
	asTrainer             // TrainerSpec
	asNormal              // NormalizerSpec
	asTests               // SelfTestData
	asSample
	asTable // precompiled_charsmap
)

var messages = map[int]schema{
	0:       {1: asPiece, 2: asTrainer, 3: asNormal, 4: asTests, 5: asNormal},
	asPiece: {1: asText, 2: fixed32, 3: varint},
	asTrainer: {1: asText, 2: asText, 3: varint, 4: varint, 5: asText, 6: varint, 7: asText, 10: fixed32, 11: varint, 12: varint, 13: varint, 14: varint,
		15: fixed32, 16: varint, 17: varint, 18: varint, 19: varint, 20: varint, 21: varint, 22: varint, 23: varint, 24: varint, 25: varint, 26: varint,
		30: asText, 31: asText, 32: varint, 33: varint, 34: varint, 35: varint, 36: asText, 40: varint, 41: varint, 42: varint, 43: varint, 44: asText,
		45: asText, 46: asText, 47: asText, 48: asText, 49: varint, 50: varint, 51: fixed32, 52: varint, 53: asText, 54: asText},
	asNormal: {1: asText, 2: asTable, 3: varint, 4: varint, 5: varint, 6: asText},
	asTests:  {1: asSample},
	asSample: {1: asText, 2: asText},
}

const (
	maxText   = 1 << 20
	maxPieces = 4_000_000
)

type reader struct {
	*wire
	pieces  int64
	strange int // fields reported
}

func scan(p *validate.Pass) error {
	r := reader{wire: newWire(p)}
	if err := r.message(0, p.Size); err != nil {
		return err
	}
	if r.pieces == 0 {
		return validate.Malformed(0, "a tokenizer without pieces")
	}
	if r.strange == 0 {
		p.Clear(0, p.Size, "sentencepiece model")
	}
	return nil
}

// message reads fields up to end. Its depth is that of the schema: four.
func (r *reader) message(kind int, end int64) error {
	for r.off < end {
		f, err := r.field(end)
		if err != nil {
			return err
		}
		if err := r.value(messages[kind], f); err != nil {
			return err
		}
	}
	if r.off != end {
		return validate.Malformed(r.off, "a field beyond the end of its message")
	}
	return nil
}

func (r *reader) value(s schema, f field) error {
	want, known := s[f.num]
	wireType := want
	if want > 7 {
		wireType = bytesOf
	}
	if !known || f.kind != wireType {
		if r.strange++; r.strange <= 16 {
			r.p.Report(unknownField, f.off, "field %d of wire type %d, %d bytes", f.num, f.kind, f.n)
		}
		return r.skip(f.n)
	}
	switch want {
	case varint:
		return nil
	case fixed32:
		return r.skip(4)
	case asText:
		text, err := r.content(f, maxText)
		if err == nil && !utf8.Valid(text) {
			return validate.Malformed(f.at, "text that is not UTF-8")
		}
		return err
	case asTable:
		return r.table(f)
	case asPiece:
		if r.pieces++; r.pieces > maxPieces {
			return validate.Malformed(f.off, "more than %d pieces", maxPieces)
		}
		if r.pieces%1024 == 0 {
			if err := r.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
	}
	return r.message(want, f.at+f.n)
}
