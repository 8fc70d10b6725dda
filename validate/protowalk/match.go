package protowalk

import (
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
)

// glance is how many fields Top looks at before it believes what it has seen.
const glance = 4096

// Top steps over the outermost fields of what may be a protocol buffer and says which of the message's fields occur,
// by number and how often. ok is false when the bytes are no such message: broken, a field number or wire type that
// the table does not have for more than one field in eight, or nothing at all. The table is asked for only when the
// bytes begin like any message, so that other files do not make it to be read.
func Top(h validate.Head, table func() *Message) (seen map[int32]int, ok bool) {
	if h.Size < 2 || !begins(h) {
		return nil, false
	}
	m := table()
	if m.fields[int32(h.Start[0]>>3)] == nil && h.Start[0] < 0x80 {
		return nil, false
	}
	r := &reader{src: h, size: h.Size, window: h.Start, n: len(h.Start)} // a window of its own only behind the head
	var strange, all int
	for at := int64(0); at < h.Size && all < glance; all++ {
		tag, pos, err := r.varint(at, h.Size)
		if err != nil || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return nil, false
		}
		if f := m.fields[int32(tag>>3)]; f != nil && (int(tag&7) == wireOf(f.Kind) || tag&7 == wireBytes && f.Repeated) {
			if seen == nil {
				seen = map[int32]int{}
			}
			seen[f.Number]++
		} else {
			strange++
		}
		if at, err = r.skip(int(tag&7), pos); err != nil {
			return nil, false
		}
	}
	return seen, strange*8 <= all
}

// begins reports whether some fields can be stepped over.
func begins(h validate.Head) bool {
	r := reader{src: h, size: h.Size, window: h.Start, n: len(h.Start)}
	at := int64(0)
	for n := 0; n < 8 && at < int64(len(h.Start)) && at < h.Size; n++ {
		tag, pos, err := r.varint(at, h.Size)
		if err != nil || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return false
		}
		if at, err = r.skip(int(tag&7), pos); err != nil {
			return false
		}
	}
	return at > 0
}

// skip gives the offset behind a field's payload.
func (r *reader) skip(wire int, pos int64) (next int64, err error) {
	switch wire {
	case wireVarint:
		_, next, err = r.varint(pos, r.size)
	case wireFixed64:
		next = pos + 8
	case wireFixed32:
		next = pos + 4
	case wireBytes:
		var n uint64
		if n, next, err = r.varint(pos, r.size); err == nil && n > uint64(r.size-next) {
			err = validate.Malformed(pos, "too long")
		}
		next += int64(n)
	default:
		err = validate.Malformed(pos, "wire type %d", wire)
	}
	if err == nil && next > r.size {
		err = validate.Malformed(pos, "the file ends")
	}
	return next, err
}

// Uvarint reads a varint from the beginning of b. n is 0 if there is none.
func Uvarint(b []byte) (x uint64, n int) {
	x, n = binary.Uvarint(b)
	return x, max(n, 0)
}
