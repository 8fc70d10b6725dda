package tensorbundle

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// readHandle reads offset and size; n is 0 when there are none.
func readHandle(b []byte) (h handle, n int) {
	off, n1 := binary.Uvarint(b)
	if n1 <= 0 {
		return h, 0
	}
	size, n2 := binary.Uvarint(b[n1:])
	if n2 <= 0 || off > math.MaxInt64/2 || size > math.MaxInt64/2 {
		return h, 0
	}
	return handle{int64(off), int64(size)}, n1 + n2
}

// maxBlock is far above the 256 KiB at which TensorFlow begins a new block.
const maxBlock = 8 << 20

// maxKey is far above any name of a tensor.
const maxKey = 64 << 10

// block checks one block and calls f for each entry: its key, and the place of its value in the file.
func (r *reader) block(h handle, f func(key string, off, n int64) error) error {
	if err := r.p.Charge(validate.Entries, 0); err != nil {
		return err
	}
	if h.size < 4 || h.size > maxBlock || h.off > r.p.Size || h.size+trailer > r.p.Size-h.off {
		return validate.Malformed(min(h.off, r.p.Size), "a block of %d bytes", h.size)
	}
	b, err := r.p.Bytes(h.off, h.size+trailer)
	if err != nil {
		return err
	}
	sum := crc32.Checksum(b[:h.size+1], r.crc)
	if got := binary.LittleEndian.Uint32(b[h.size+1:]); got != bits.RotateLeft32(sum, 17)+0xa282ead8 { // crc32c.h: Mask
		r.p.Report(checksum, h.off, "a block of %d bytes", h.size)
	}
	if b[h.size] != 0 {
		r.p.Report(compressed, h.off+h.size, "compression type %d", b[h.size])
		return validate.Malformed(h.off, "a block that was not read")
	}
	return r.entries(b[:h.size], h.off, f)
}

// entries reads the entries of a block, and the restart points behind them.
func (r *reader) entries(b []byte, base int64, f func(key string, off, n int64) error) error {
	restarts := int64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	if restarts < 1 || restarts > (int64(len(b))-4)/4 {
		return validate.Malformed(base+int64(len(b))-4, "%d restart points", restarts)
	}
	end := len(b) - 4 - 4*int(restarts)
	points := b[end : len(b)-4]
	var key []byte
	for at := 0; at < end || len(points) > 0; {
		if len(points) >= 4 && int64(binary.LittleEndian.Uint32(points)) == int64(at) {
			if points = points[4:]; at < end && b[at] != 0 {
				return validate.Malformed(base+int64(at), "a restart point at a key with a prefix")
			}
			continue
		}
		if at >= end {
			return validate.Malformed(base+int64(end), "a restart point at no entry")
		}
		var fields [3]uint64 // length of the shared prefix, of the rest of the key, of the value
		for i := range fields {
			x, n := binary.Uvarint(b[at:end])
			if n <= 0 || x > maxBlock {
				return validate.Malformed(base+int64(at), "an entry of a block")
			}
			fields[i], at = x, at+n
		}
		shared, rest, value := int(fields[0]), int(fields[1]), int(fields[2])
		if shared > len(key) || rest > end-at || value > end-at-rest || shared+rest > maxKey {
			return validate.Malformed(base+int64(at), "an entry longer than its block")
		}
		key = append(key[:shared], b[at:at+rest]...)
		at += rest
		if err := f(string(key), base+int64(at), int64(value)); err != nil || r.old {
			return err
		}
		at += value
	}
	return nil
}

// width is the size of an element by DataType (types.proto); 0: none fixed.
var width = [...]int64{1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 8: 8, 9: 8, 10: 1, 11: 1, 12: 1, 13: 4, 14: 2, 15: 2, 16: 2, 17: 2, 18: 16, 19: 2, 22: 4, 23: 8,
	24: 1, 25: 1, 26: 1, 27: 1, 28: 1, 29: 1, 30: 1, 31: 1, 32: 1}

// place is what an entry says.
type place struct {
	dataType, shard, offset, size int64
	count                         uint64
	bad, sliced                   bool
}

// maxFacts bounds what the core remembers of one checkpoint.
const maxFacts = 50_000

func (r *reader) entry(off, n int64) error {
	t := place{count: 1}
	message := r.schema["BundleEntryProto"]
	r.w.On(message, func(v protowalk.Value) error {
		return r.w.Each(v, func(v protowalk.Value) (bool, error) { return r.field(&t, v) })
	})
	if err := r.w.Walk(message, off, n); err != nil {
		return err
	}
	if t.sliced {
		return nil // the slices have entries of their own
	}
	switch {
	case t.bad || t.dataType < 1:
		r.p.Report(entry, off, "a tensor of type %d whose size cannot be counted", t.dataType)
	case t.shard < 0 || t.shard >= r.shards || t.offset < 0 || t.size < 0 || t.offset > math.MaxInt64-t.size:
		r.p.Report(entry, off, "a tensor in data file %d of %d at %d, %d bytes", t.shard, r.shards, t.offset, t.size)
	case t.dataType < int64(len(width)) && width[t.dataType] > 0 && (t.count > math.MaxInt64/16 || t.size != int64(t.count)*width[t.dataType]):
		r.p.Report(entry, off, "a tensor of type %d with %d elements in %d bytes", t.dataType, t.count, t.size)
	case t.dataType >= int64(len(width)):
		r.p.Report(entry, off, "a tensor of the unknown type %d", t.dataType)
	case t.size > 0:
		return r.remember(t)
	}
	return nil
}

func (r *reader) field(t *place, v protowalk.Value) (entered bool, err error) {
	switch v.Field.Name {
	case "dtype":
		t.dataType = v.Int()
	case "shard_id":
		t.shard = v.Int()
	case "offset":
		t.offset = v.Int()
	case "size":
		t.size = v.Int()
	case "slices":
		t.sliced = true
	case "shape":
		return true, r.w.Each(v, func(v protowalk.Value) (bool, error) {
			if v.Field.Name != "dim" {
				return false, nil
			}
			size := int64(0)
			err := r.w.Each(v, func(v protowalk.Value) (bool, error) {
				if v.Field.Name == "size" {
					size = v.Int()
				}
				return false, nil
			})
			hi, lo := bits.Mul64(t.count, uint64(max(size, 0)))
			t.count, t.bad = lo, t.bad || size < 0 || hi != 0
			return true, err
		})
	}
	return false, nil
}

// remember tells the core a range of a data file, neighbours as one.
func (r *reader) remember(t place) error {
	f := r.ranges[t.shard]
	if f == nil {
		f = &validate.Fact{Kind: validate.FactRaw, Key: r.shard(t.shard)}
		r.ranges[t.shard] = f
	}
	if f.Size > 0 && f.Offset+f.Size != t.offset {
		r.p.Fact(*f)
		f.Size = 0
		if r.facts++; r.facts > maxFacts {
			return validate.Malformed(0, "more than %d ranges of data", maxFacts)
		}
	}
	if f.Size == 0 {
		f.Offset = t.offset
	}
	f.Size += t.size
	return nil
}
