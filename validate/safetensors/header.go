package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/encoded"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

// Bits per element (Dtype in safetensors/src/tensor.rs).
var elementBits = map[string]uint64{
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"I16": 16, "U16": 16, "F16": 16, "BF16": 16,
	"I32": 32, "U32": 32, "F32": 32,
	"C64": 64, "I64": 64, "U64": 64, "F64": 64,
}

// tensor is what is kept of an entry of the header. A file can have hundreds of thousands.
type tensor struct {
	begin, end int64
	at         int64 // of the name in the file
}

// maxTensors bounds what is kept. The largest published files have some ten thousand tensors.
const maxTensors = 250_000

// entry is the tensor that is being read.
type entry struct {
	at       int64
	seen     int // members, as bits
	bits     uint64
	elements uint64
	overflow bool // the product of the shape does not fit
	pair     [2]int64
	count    int // of offsets
}

// The members of an entry.
const (
	memberDtype = 1 << iota
	memberShape
	memberOffsets
	allMembers = memberDtype | memberShape | memberOffsets
)

var members = map[string]int{"dtype": memberDtype, "shape": memberShape, "data_offsets": memberOffsets}

// reader follows the walk through the header. The first problem is reported and ends it.
type reader struct {
	p       *validate.Pass
	tensors []tensor
	now     entry
	meta    bool  // inside __metadata__
	end     int64 // behind the closing brace
	many    bool  // more tensors than are kept
	bad     bool
	failed  error // of judging bytes in the metadata
}

func (h *reader) report(r *validate.Rule, off int64, format string, args ...any) {
	if !h.bad {
		h.p.Report(r, off, format, args...)
	}
	h.bad = true
}

// read walks the n bytes of JSON at off.
func (h *reader) read(off, n int64) error {
	if err := h.text(off, n); err != nil || h.bad {
		return err
	}
	err := jsonwalk.Walk(h.p, off, n, jsonwalk.Visitor{Key: h.key, Scalar: h.scalar, Open: h.open, Close: h.close, Repeated: h.repeated, Stop: h.stop})
	var broken *validate.FormatError
	switch {
	case h.failed != nil:
		return h.failed
	case errors.Is(err, errStop):
	case errors.As(err, &broken):
		h.report(header, broken.Offset, "%s", broken.What)
	case err != nil:
		return err
	case !h.bad:
		return h.padding(off + n)
	}
	return nil
}

// errStop ends a walk whose outcome is known.
var errStop = errors.New("enough was seen")

func (h *reader) stop() error {
	switch {
	case h.bad:
		return errStop
	case h.many:
		return fmt.Errorf("%w: more than %d tensors in one file", validate.ErrBudget, maxTensors)
	}
	return nil
}

// text checks that the header is UTF-8, as a stream.
func (h *reader) text(off, n int64) error {
	buf := make([]byte, min(64<<10, n))
	kept := 0
	for at := off; at < off+n; {
		if err := h.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		k := min(int64(len(buf)-kept), off+n-at)
		if _, err := h.p.ReadAt(buf[kept:int64(kept)+k], at); err != nil {
			return err
		}
		at += k
		chunk := buf[:int64(kept)+k]
		for len(chunk) > 0 && (utf8.FullRune(chunk) || at == off+n) {
			if chunk[0] < utf8.RuneSelf {
				chunk = chunk[1:]
				continue
			}
			r, size := utf8.DecodeRune(chunk)
			if r == utf8.RuneError && size == 1 {
				h.report(header, at-int64(len(chunk)), "byte %#02x is not UTF-8", chunk[0])
				return nil
			}
			chunk = chunk[size:]
		}
		kept = copy(buf, chunk)
	}
	return nil
}

// padding checks that only spaces follow the JSON.
func (h *reader) padding(stop int64) error {
	var buf [4096]byte
	for at := h.end; at < stop; at += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), stop-at)]
		if _, err := h.p.ReadAt(b, at); err != nil {
			return err
		}
		for i, c := range b {
			if c != ' ' {
				h.report(header, at+int64(i), "byte %#02x in the padding, which is spaces", c)
				return nil
			}
		}
	}
	return nil
}

func (h *reader) repeated(stack []jsonwalk.Frame, off int64) {
	h.report(duplicateKey, off, "key %s", quote(stack[len(stack)-1].Key))
}

func (h *reader) key(stack []jsonwalk.Frame, off int64) {
	key := stack[len(stack)-1].Key
	switch {
	case h.bad:
	case !utf8.Valid(key): // half a surrogate pair, from escapes
		h.report(header, off, "a name that is not Unicode text")
	case len(stack) == 1:
		h.meta = string(key) == "__metadata__"
		h.now = entry{at: off, elements: 1}
	case len(stack) == 2 && !h.meta:
		m := members[string(key)]
		if m == 0 {
			h.report(header, off, "member %s of tensor %s", quote(key), quote(stack[0].Key))
		}
		h.now.seen |= m
	}
}

// open sees a container begin. The header is an object of objects; shapes and offsets are arrays of numbers.
func (h *reader) open(stack []jsonwalk.Frame, off int64) {
	array := !stack[len(stack)-1].Object
	switch n := len(stack); {
	case h.bad:
	case n == 1 && array:
		h.report(header, off, "the header is not an object")
	case n == 2 && array && h.meta:
		h.report(metadata, off, "__metadata__ is not an object")
	case n == 2 && array:
		h.report(header, off, "tensor %s is not an object", quote(stack[0].Key))
	case n == 3 && h.meta:
		h.report(metadata, off, "__metadata__ has a value that is not a string")
	case n == 3 && !(array && members[string(stack[1].Key)]&(memberShape|memberOffsets) != 0), n > 3:
		h.report(header, off, "a structure where the format has none")
	}
}

func (h *reader) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	switch n := len(stack); {
	case h.bad:
	case n == 0:
		h.report(header, off, "the header is not an object")
	case n == 1 && h.meta:
		h.report(metadata, off, "__metadata__ is not an object")
	case n == 1:
		h.report(header, off, "tensor %s is not an object", quote(stack[0].Key))
	case h.meta:
		if k != jsonwalk.Text || !utf8.Valid(value) {
			h.report(metadata, off, "__metadata__ has a value that is not a string")
		} else if b, large := encoded.Decode(value); b != nil && h.failed == nil {
			_, h.failed = h.p.Descend("__metadata__.decoded", bytes.NewReader(b), int64(len(b)))
		} else if large {
			h.report(metadata, off, "__metadata__ has %d characters of bytes in base64", len(value))
		}
	case n == 2:
		h.dtype(stack, k, value, off)
	default:
		h.number(stack, k, value, off)
	}
}

func (h *reader) dtype(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if string(stack[1].Key) != "dtype" || k != jsonwalk.Text {
		h.report(header, off, "%s of tensor %s is %s", quote(stack[1].Key), quote(stack[0].Key), quote(value))
		return
	}
	if h.now.bits = elementBits[string(value)]; h.now.bits == 0 {
		h.report(dtype, off, "tensor %s has dtype %s", quote(stack[0].Key), quote(value))
	}
}

// number reads an element of a shape or of data_offsets: a number without sign, fraction or exponent.
func (h *reader) number(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	v, err := strconv.ParseUint(string(value[:min(len(value), 40)]), 10, 64)
	if err != nil || k != jsonwalk.Number {
		h.report(header, off, "%s where a non-negative integer belongs", quote(value))
		return
	}
	if string(stack[1].Key) == "shape" {
		high, low := bits.Mul64(h.now.elements, v)
		h.now.overflow = h.now.overflow || high != 0
		h.now.elements = low
		return
	}
	switch h.now.count++; {
	case h.now.count > 2:
		h.report(header, off, "tensor %s has more than two offsets", quote(stack[0].Key))
	case v > 1<<63-1:
		h.report(offsets, off, "offset %d of tensor %s", v, quote(stack[0].Key))
	default:
		h.now.pair[h.now.count-1] = int64(v)
	}
}

func (h *reader) close(stack []jsonwalk.Frame, off int64) {
	switch {
	case len(stack) == 1:
		h.end = off + 1
	case len(stack) == 2 && !h.meta && !h.bad:
		h.finish(stack[0].Key)
	}
}

// finish checks that dtype and shape say what data_offsets say, and keeps the tensor.
func (h *reader) finish(name []byte) {
	t := &h.now
	high, total := bits.Mul64(t.elements, t.bits)
	switch {
	case t.seen != allMembers:
		h.report(header, t.at, "tensor %s lacks one of dtype, shape, data_offsets", quote(name))
	case t.count != 2:
		h.report(header, t.at, "tensor %s has %d offsets", quote(name), t.count)
	case t.pair[0] > t.pair[1]:
		h.report(offsets, t.at, "tensor %s ends before it begins (%d, %d)", quote(name), t.pair[0], t.pair[1])
	case t.overflow || high != 0:
		h.report(shape, t.at, "the shape of tensor %s does not fit 64 bits", quote(name))
	case total%8 != 0 || total/8 != uint64(t.pair[1]-t.pair[0]):
		h.report(shape, t.at, "tensor %s of %d elements of %d bits has %d bytes", quote(name), t.elements, t.bits, t.pair[1]-t.pair[0])
	case len(h.tensors) == maxTensors:
		h.many = true
	default:
		h.tensors = append(h.tensors, tensor{t.pair[0], t.pair[1], t.at})
	}
}

// quote shows a string of the model, shortened.
func quote(s []byte) string { return strconv.QuoteToASCII(string(s[:min(len(s), 120)])) }
