package safetensors

import (
	"bytes"
	"cmp"
	"slices"
)

// account checks all tensors against the data section [start, size), and clears the file when they tile it exactly.
func (h *reader) account(start, size int64) {
	slices.SortFunc(h.tensors, func(a, b tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at int64
	for _, t := range h.tensors {
		switch {
		case t.end > size-start:
			h.report(offsets, t.at, "tensor %s ends at %d, the data section has %d bytes", h.name(t), t.end, size-start)
		case t.begin < at:
			h.report(offsets, t.at, "tensor %s begins at %d, inside the tensor that ends at %d", h.name(t), t.begin, at)
		case t.begin > at:
			h.report(offsets, t.at, "%d bytes before tensor %s belong to none", t.begin-at, h.name(t))
		}
		if h.bad {
			return
		}
		at = t.end
	}
	if at != size-start {
		h.report(trailing, start+at, "%d bytes after the last tensor", size-start-at)
		h.p.Clear(0, start+at, "header and tensors") // what follows stays unexplained
		return
	}
	h.p.Clear(0, start, "header")
	h.p.Clear(start, size-start, "tensor data")
}

// name reads a tensor's name again, as it is written in the header.
func (h *reader) name(t tensor) string {
	var buf [100]byte
	n, _ := h.p.ReadAt(buf[:], t.at)
	name := bytes.TrimPrefix(buf[:n], []byte(`"`))
	if i := bytes.IndexByte(name, '"'); i >= 0 {
		name = name[:i]
	}
	return quote(name)
}
