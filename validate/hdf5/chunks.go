package hdf5

import (
	"github.com/loadlock/loadlock/validate"
)

// chunkBytes is the size of a chunk without filters.
func (l *layout) chunkBytes() int64 {
	n := l.element
	for _, d := range l.chunk {
		n = times(n, d)
	}
	return n
}

// chunks claims every chunk of a dataset through its index.
func (o *object) chunks() error {
	l, f := o.layout, o.f
	if len(l.chunk) != o.space.rank && o.space.rank > 0 {
		return validate.Malformed(o.at, "chunks of %d dimensions in a dataset of %d", len(l.chunk), o.space.rank)
	}
	full := l.chunkBytes()
	filtered := len(o.filters) > 0
	first := true
	chunk := func(at, n int64) error {
		if at == undefined {
			return nil
		}
		if !filtered && n != full {
			return validate.Malformed(o.at, "a chunk of %d bytes that should have %d", n, full)
		}
		f.claim(at, n)
		if f.space.outside != 0 {
			return validate.Malformed(min(f.space.outside, f.p.Size), "a chunk of %d bytes outside the file", n)
		}
		if f.space.full {
			return tooMany(o.at, "separate ranges of bytes", maxSpans)
		}
		if !first {
			return f.p.Charge(validate.Entries, 0)
		}
		first = false
		if filtered {
			return o.deflated(at, n)
		}
		return o.beginning(at, n)
	}
	switch l.index {
	case 0:
		key := &chunkKey{rank: len(l.chunk) + 1}
		return f.btree1(l.at, 1, func(at int64) error { return chunk(at, key.size) }, key)
	case 1:
		n := full
		if l.flags&2 != 0 {
			n = l.single
		}
		return chunk(l.at, n)
	case 2:
		n := full
		for i, d := range o.space.dims {
			n = times(n, (d+l.chunk[i]-1)/l.chunk[i])
		}
		f.claim(l.at, n)
		return nil
	case 3:
		return f.fixedArray(l.at, full, chunk)
	case 4:
		return f.extensibleArray(l.at, full, chunk)
	}
	kind := byte(recordChunk)
	if filtered {
		kind = recordChunkFiltered
	}
	return f.btree2(l.at, kind, func(r *cursor) error {
		at, n := r.addr(), full
		if filtered {
			n = int64(r.uint(len(r.b) - f.so - 4 - 8*len(l.chunk)))
		}
		if r.bad || n < 0 {
			return validate.Malformed(r.at, "a chunk record of %d bytes", len(r.b))
		}
		return chunk(at, n)
	})
}
