package gguf

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"

	"github.com/loadlock/loadlock/validate"
)

// layout is how a tensor type stores its elements: so many in a block of so many bytes (ggml.h and ggml-common.h).
type layout struct{ elements, bytes uint64 }

// layouts has every type that files may have; numbers that ggml removed are absent.
var layouts = map[uint32]layout{
	0: {1, 4}, 1: {1, 2}, // F32, F16
	2: {32, 18}, 3: {32, 20}, 6: {32, 22}, 7: {32, 24}, 8: {32, 34}, 9: {32, 36}, // Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1
	10: {256, 84}, 11: {256, 110}, 12: {256, 144}, 13: {256, 176}, 14: {256, 210}, 15: {256, 292}, // Q2_K to Q6_K, Q8_K
	16: {256, 66}, 17: {256, 74}, 18: {256, 98}, 19: {256, 50}, 20: {32, 18}, // IQ2_XXS, IQ2_XS, IQ3_XXS, IQ1_S, IQ4_NL
	21: {256, 110}, 22: {256, 82}, 23: {256, 136}, 29: {256, 56}, // IQ3_S, IQ2_S, IQ4_XS, IQ1_M
	24: {1, 1}, 25: {1, 2}, 26: {1, 4}, 27: {1, 8}, 28: {1, 8}, 30: {1, 2}, // I8, I16, I32, I64, F64, BF16
	34: {256, 54}, 35: {256, 66}, // TQ1_0, TQ2_0
	39: {32, 17}, 40: {64, 36}, 41: {128, 18}, 42: {64, 18}, // MXFP4, NVFP4, Q1_0, Q2_0
}

const (
	maxDims       = 4  // GGML_MAX_DIMS
	maxTensorName = 64 // docs/gguf.md
)

// tensor is where one lies, in bytes from the start of the data.
type tensor struct {
	off, size int64
	at        int64 // of its description
}

// infos reads the descriptions of the tensors.
func (f *file) infos(n uint64) error {
	seen := set{}
	for range n {
		if err := f.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		at := f.in.off
		name, err := f.name(tensorRule, "tensor name", maxTensorName)
		if err != nil || f.bad {
			return err
		}
		if !f.add(seen, name) {
			f.report(duplicate, at, "tensor %s", quote(name))
		}
		if err := f.info(at, name); err != nil || f.bad {
			return err
		}
	}
	return nil
}

func (f *file) info(at int64, name []byte) error {
	dimsAt := f.in.off
	dims, err := f.in.u32()
	if err != nil {
		return err
	}
	if dims > maxDims {
		f.report(tensorRule, dimsAt, "tensor %s has %d dimensions", quote(name), dims)
		return nil
	}
	elements, row, fits := uint64(1), uint64(1), true
	for i := range dims {
		d, err := f.count()
		if err != nil {
			return err
		}
		if i == 0 {
			row = d
		}
		high, low := bits.Mul64(elements, d)
		fits = fits && high == 0 && d < 1<<63
		elements = low
	}
	typeAt := f.in.off
	kind, err := f.in.u32()
	if err != nil {
		return err
	}
	off, err := f.in.u64()
	if err != nil {
		return err
	}
	l, known := layouts[kind]
	if !known {
		f.report(tensorRule, typeAt, "tensor %s has type %d", quote(name), kind)
		return nil
	}
	high, size := bits.Mul64(elements/l.elements, l.bytes)
	switch {
	case !fits || high != 0 || size >= 1<<62:
		f.report(tensorRule, dimsAt, "the size of tensor %s does not fit 64 bits", quote(name))
	case row%l.elements != 0:
		f.report(tensorRule, dimsAt, "a row of tensor %s has %d elements, blocks have %d", quote(name), row, l.elements)
	case off >= 1<<62 || int64(off)%f.align != 0:
		f.report(offsets, typeAt+4, "tensor %s at %d, which is not aligned to %d", quote(name), off, f.align)
	default:
		f.tensors = append(f.tensors, tensor{int64(off), int64(size), at})
	}
	return nil
}

// account compares the tensors with the rest of the file, [start, Size), and clears the file when they tile it.
func (f *file) account() error {
	end := f.in.off
	start := up(end, f.align)
	if len(f.tensors) == 0 {
		return f.empty(end, start)
	}
	slices.SortFunc(f.tensors, func(a, b tensor) int { return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.size, b.size)) })
	room := f.p.Size - start
	at := int64(0)
	f.zeros(end, min(start, f.p.Size))
	for _, t := range f.tensors {
		if f.bad {
			return nil
		}
		switch next := up(at, f.align); {
		case t.size > room || t.off > room-t.size:
			f.report(offsets, t.at, "%d bytes at %d of %d", t.size, t.off, max(0, room))
		case t.off < at:
			f.report(offsets, t.at, "at %d, inside the tensor that ends at %d", t.off, at)
		case t.off != next && t.off != at:
			f.report(offsets, t.at, "%d bytes before it belong to no tensor", t.off-at)
		default:
			if err := f.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
			f.zeros(start+at, start+t.off)
		}
		at = max(at, t.off+t.size)
	}
	if f.bad {
		return nil
	}
	if last := up(at, f.align); room != at && room != last {
		f.report(trailing, start+at, "%d bytes after the last tensor", room-at)
		f.p.Clear(0, start+at, "metadata and tensors") // what follows stays unexplained
		return nil
	}
	if f.zeros(start+at, f.p.Size); f.bad {
		return nil
	}
	f.p.Clear(0, start, "metadata and tensor descriptions")
	f.p.Clear(start, room, "tensor data")
	return nil
}

// empty clears a file without tensors: a vocabulary, or the first part of a split model.
func (f *file) empty(end, start int64) error {
	if f.p.Size != end && f.p.Size != start {
		f.report(trailing, end, "%d bytes after the metadata of a file without tensors", f.p.Size-end)
		f.p.Clear(0, end, "metadata") // what follows stays unexplained
		return nil
	}
	if f.zeros(end, f.p.Size); !f.bad {
		f.p.Clear(0, f.p.Size, "metadata")
	}
	return nil
}

// up rounds up to a multiple of a power of two. Sizes are below 2^62, so it does not overflow.
func up(n, align int64) int64 { return (n + align - 1) &^ (align - 1) }

// zeros reports padding [from, to) that is not zero. It is shorter than the alignment.
func (f *file) zeros(from, to int64) {
	if to <= from {
		return
	}
	b := make([]byte, to-from)
	if _, err := f.p.ReadAt(b, from); err != nil {
		f.report(padding, from, "the padding could not be read: %v", err)
		return
	}
	if i := slices.IndexFunc(b, func(c byte) bool { return c != 0 }); i >= 0 {
		f.report(padding, from+int64(i), "byte %#02x in %d bytes of padding", b[i], to-from)
	}
}

// quote shows a string of the model, shortened.
func quote(b []byte) string { return strconv.QuoteToASCII(string(b[:min(len(b), 120)])) }
