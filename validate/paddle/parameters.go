package paddle

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// The parts in front of each tensor.
const (
	prefix  = 4 + 8 // version of the LoD tensor, number of levels
	middle  = 4 + 4 // version of the tensor, size of its description
	maxDesc = 4096
	maxLoD  = 16
	maxRank = 64
)

// isParameters asks for the name, or for a first tensor without levels whose description begins with a type.
func isParameters(h validate.Head) bool {
	if validate.Ext(h.Name) == ".pdiparams" {
		return true
	}
	if len(h.Start) < prefix+middle+4 {
		return false
	}
	for _, c := range h.Start[:prefix+4] {
		if c != 0 {
			return false
		}
	}
	n := binary.LittleEndian.Uint32(h.Start[prefix+4:])
	return n >= 2 && n <= maxDesc && int64(n) <= h.Size-prefix-middle && h.Start[prefix+middle] == 0x08 && h.Start[prefix+middle+2] == 0x10
}

// width is the size of an element by VarType.Type.
var width = map[int64]uint64{0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 19: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1}

func scanParameters(p *validate.Pass, desc *protowalk.Message) error {
	w := protowalk.New(p, walking)
	var t tensor
	w.On(desc, func(v protowalk.Value) error { return t.read(w, v) })
	for at := int64(0); at < p.Size; {
		if err := p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		from := at
		off, n, err := head(p, at)
		if err != nil {
			return err
		}
		t = tensor{count: 1}
		if err := w.Walk(desc, off, n); err != nil {
			return err
		}
		size, known := width[t.dataType]
		if t.bad || !known || t.count > math.MaxInt64/16 || t.count*size > uint64(p.Size-off-n) {
			p.Report(tensors, from, "a parameter of type %d with %d elements, %d bytes before the end", t.dataType, t.count, p.Size-off-n)
			return nil
		}
		at = off + n + int64(t.count*size)
	}
	if p.Size == 0 {
		return validate.Malformed(0, "no parameters")
	}
	p.Clear(0, p.Size, "parameters of Paddle")
	return nil
}

// head reads what lies before a tensor, and gives the place of its description.
func head(p *validate.Pass, at int64) (off, n int64, err error) {
	b, err := p.Bytes(at, prefix)
	if err != nil {
		return 0, 0, err
	}
	version, levels := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:])
	if version != 0 || levels > maxLoD {
		return 0, 0, validate.Malformed(at, "a tensor of version %d with %d levels", version, levels)
	}
	at += prefix
	for range levels {
		if b, err = p.Bytes(at, 8); err != nil {
			return 0, 0, err
		}
		size := binary.LittleEndian.Uint64(b)
		if size%8 != 0 || size > uint64(p.Size-at-8) {
			return 0, 0, validate.Malformed(at, "a level of %d bytes", size)
		}
		at += 8 + int64(size)
	}
	if b, err = p.Bytes(at, middle); err != nil {
		return 0, 0, err
	}
	version, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if version != 0 || size < 2 || size > maxDesc || int64(size) > p.Size-at-middle {
		return 0, 0, validate.Malformed(at, "a tensor of version %d with a description of %d bytes", version, size)
	}
	return at + middle, int64(size), nil
}

// tensor is what a TensorDesc says.
type tensor struct {
	dataType int64
	count    uint64
	rank     int
	bad      bool
}

func (t *tensor) read(w *protowalk.Walker, v protowalk.Value) error {
	return w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name == "data_type" {
			t.dataType = v.Int()
			return false, nil
		}
		dims, err := w.Ints(v, maxRank)
		for _, d := range dims {
			hi, lo := bits.Mul64(t.count, uint64(max(d, 0)))
			t.rank++
			t.bad = t.bad || d < 0 || hi != 0 || lo > math.MaxInt64/16 || t.rank > maxRank
			t.count = lo
		}
		return false, err
	})
}
