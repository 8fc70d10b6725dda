package safetensors

import (
	"cmp"
	"math/bits"
	"slices"
)

// account checks each tensor against its bytes and all of them against the data section [start, size), and
// clears the file when they tile it exactly.
func (h *reader) account(start, size int64) error {
	for _, t := range h.tensors {
		h.size(t)
	}
	if h.bad {
		return nil
	}
	slices.SortFunc(h.tensors, func(a, b tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at int64
	for _, t := range h.tensors {
		switch {
		case t.end > size-start:
			h.report(t.at, wrong(offsets, "tensor %s ends at %d, the data section has %d bytes", quote(t.name), t.end, size-start))
			return nil
		case t.begin < at:
			h.report(t.at, wrong(offsets, "tensor %s begins at %d, inside the tensor that ends at %d", quote(t.name), t.begin, at))
			return nil
		case t.begin > at:
			h.report(t.at, wrong(offsets, "%d bytes before tensor %s belong to none", t.begin-at, quote(t.name)))
			return nil
		}
		at = t.end
	}
	if at != size-start {
		h.report(start+at, wrong(trailing, "%d bytes after the last tensor", size-start-at))
		return nil
	}
	h.p.Clear(0, start, "header")
	h.p.Clear(start, size-start, "tensor data")
	return nil
}

// size checks that dtype and shape say what data_offsets say.
func (h *reader) size(t tensor) {
	per, known := elementBits[t.dtype]
	if !known {
		h.report(t.at, wrong(dtype, "tensor %s has dtype %s", quote(t.name), quote(t.dtype)))
		return
	}
	high, total := bits.Mul64(t.elements, per)
	switch {
	case t.begin > t.end:
		h.report(t.at, wrong(offsets, "tensor %s ends before it begins (%d, %d)", quote(t.name), t.begin, t.end))
	case t.overflow || high != 0:
		h.report(t.at, wrong(shape, "the shape of tensor %s does not fit 64 bits", quote(t.name)))
	case total%8 != 0 || total/8 != uint64(t.end-t.begin):
		h.report(t.at, wrong(shape, "tensor %s of %d %s elements has %d bytes", quote(t.name), t.elements, t.dtype, t.end-t.begin))
	}
}
