package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// Bits per element (Dtype in safetensors/src/tensor.rs).
var elementBits = map[string]uint64{
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"I16": 16, "U16": 16, "F16": 16, "BF16": 16,
	"I32": 32, "U32": 32, "F32": 32,
	"C64": 64, "I64": 64, "U64": 64, "F64": 64,
}

// tensor is one entry of the header.
type tensor struct {
	name       string
	dtype      string
	elements   uint64
	overflow   bool // the product of the shape does not fit
	begin, end int64
	at         int64 // of the name in the file
}

// reader reads the header token by token, because the usual decoders keep the last of two equal keys.
type reader struct {
	p       *validate.Pass
	dec     *json.Decoder
	tensors []tensor
	bad     bool
}

// problem is an error that is already a finding's rule and text.
type problem struct {
	rule *validate.Rule
	text string
}

func (e *problem) Error() string { return e.text }

func wrong(rule *validate.Rule, format string, args ...any) error {
	return &problem{rule, fmt.Sprintf(format, args...)}
}

// read parses the header; what breaks the format is reported and sets bad.
func (h *reader) read(raw []byte) error {
	padded := raw
	raw = bytes.TrimRight(raw, " ")
	if raw[0] != '{' || !utf8.Valid(raw) {
		h.report(8, wrong(header, "the header is not UTF-8 that begins with {"))
		return nil
	}
	h.dec = json.NewDecoder(bytes.NewReader(raw))
	h.dec.UseNumber()
	if err := h.entries(); err != nil {
		h.report(h.at(), err)
		return h.p.Charge(validate.Entries, 0)
	}
	if end := h.dec.InputOffset(); end != int64(len(raw)) {
		h.report(8+end, wrong(header, "%d bytes after the header's JSON that are not spaces", int64(len(padded))-end))
	}
	return nil
}

func (h *reader) at() int64 { return 8 + h.dec.InputOffset() }

func (h *reader) report(off int64, err error) {
	h.bad = true
	rule := header
	if pr, ok := err.(*problem); ok { //nolint:errorlint // made in this file, never wrapped
		rule = pr.rule
	}
	h.p.Report(rule, off, "%v", err)
}

// entries reads the outer object.
func (h *reader) entries() error {
	if err := h.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for h.dec.More() {
		if len(seen)%1024 == 0 {
			if err := h.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		name, err := h.str(header)
		if err != nil {
			return err
		}
		at := h.at()
		if seen[name] {
			h.report(at, wrong(duplicateKey, "key %s", quote(name)))
		}
		seen[name] = true
		if name == "__metadata__" {
			err = h.metadata()
		} else {
			err = h.tensor(tensor{name: name, at: at})
		}
		if err != nil {
			return err
		}
	}
	return h.delim('}')
}

// metadata reads an object of strings.
func (h *reader) metadata() error {
	if err := h.delim('{'); err != nil {
		return wrong(metadata, "__metadata__ is not an object")
	}
	seen := map[string]bool{}
	for h.dec.More() {
		key, err := h.str(metadata)
		if err != nil {
			return err
		}
		if seen[key] {
			h.report(h.at(), wrong(duplicateKey, "__metadata__ key %s", quote(key)))
		}
		seen[key] = true
		if _, err := h.str(metadata); err != nil {
			return err
		}
	}
	return h.delim('}')
}

// tensor reads {"dtype", "shape", "data_offsets"}, in any order, each exactly once.
func (h *reader) tensor(t tensor) error {
	if err := h.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for h.dec.More() {
		key, err := h.str(header)
		if err != nil {
			return err
		}
		if seen[key] {
			h.report(h.at(), wrong(duplicateKey, "key %s of tensor %s", quote(key), quote(t.name)))
		}
		seen[key] = true
		switch key {
		case "dtype":
			t.dtype, err = h.str(header)
		case "shape":
			err = h.shape(&t)
		case "data_offsets":
			err = h.offsets(&t)
		default:
			return wrong(header, "member %s of tensor %s", quote(key), quote(t.name))
		}
		if err != nil {
			return err
		}
	}
	if len(seen) != 3 {
		return wrong(header, "tensor %s lacks one of dtype, shape, data_offsets", quote(t.name))
	}
	h.tensors = append(h.tensors, t)
	return h.delim('}')
}

func (h *reader) shape(t *tensor) error {
	if err := h.delim('['); err != nil {
		return err
	}
	t.elements = 1
	for h.dec.More() {
		n, err := h.integer()
		if err != nil {
			return err
		}
		high, low := bits.Mul64(t.elements, n)
		t.overflow = t.overflow || high != 0
		t.elements = low
	}
	return h.delim(']')
}

func (h *reader) offsets(t *tensor) error {
	if err := h.delim('['); err != nil {
		return err
	}
	var pair [2]int64
	for i := range pair {
		n, err := h.integer()
		if err != nil {
			return err
		}
		if pair[i] = int64(n); pair[i] < 0 {
			return wrong(offsets, "offset %d of tensor %s", n, quote(t.name))
		}
	}
	t.begin, t.end = pair[0], pair[1]
	return h.delim(']')
}

// integer reads a number without sign, fraction or exponent.
func (h *reader) integer() (uint64, error) {
	tok, err := h.dec.Token()
	if err != nil {
		return 0, err
	}
	num, ok := tok.(json.Number)
	if !ok {
		return 0, wrong(header, "%v where a number belongs", quote(fmt.Sprint(tok)))
	}
	n, err := strconv.ParseUint(num.String(), 10, 64)
	if err != nil {
		return 0, wrong(header, "number %s, a non-negative integer belongs here", quote(num.String()))
	}
	return n, nil
}

func (h *reader) str(rule *validate.Rule) (string, error) {
	tok, err := h.dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", wrong(rule, "%s where a string belongs", quote(fmt.Sprint(tok)))
	}
	return s, nil
}

func (h *reader) delim(want json.Delim) error {
	tok, err := h.dec.Token()
	if err != nil {
		return err
	}
	if tok != want {
		return wrong(header, "%s where %q belongs", quote(fmt.Sprint(tok)), want.String())
	}
	return nil
}

// quote shows a string of the model, shortened.
func quote(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 120)]) }
