package onnx

import (
	"math"
	"math/bits"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// elementBits is the width of TensorProto.DataType by number; 0: no fixed width, or none at all.
var elementBits = [...]uint64{1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 8: 0, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
	17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2}

const (
	typeString    = 8
	typeComplex64 = 14
	typeComplex   = 15
)

// maxDims is above the rank that any runtime accepts (TensorShape of ONNX Runtime, numpy 2: 64).
const maxDims = 64

// tensor is what a TensorProto says about itself.
type tensor struct {
	at       int64
	name     string
	dims     []int64
	dataType int64
	raw      int64 // bytes of raw_data
	inRaw    bool
	counts   map[int32]int64 // numbers in the typed fields, by field number
	entries  []entry
	external bool
	segment  bool
}

// The fields of TensorProto.
const (
	tensorDims     = 1
	tensorType     = 2
	tensorSegment  = 3
	tensorFloats   = 4
	tensorInt32s   = 5
	tensorStrings  = 6
	tensorInt64s   = 7
	tensorName     = 8
	tensorRaw      = 9
	tensorDoubles  = 10
	tensorUint64s  = 11
	tensorExternal = 13
	tensorLocation = 14
)

func (s *state) tensor(v protowalk.Value) error {
	t := &tensor{at: v.At}
	err := s.w.Each(v, func(v protowalk.Value) (bool, error) { return s.tensorField(t, v) })
	if err != nil {
		return err
	}
	return s.judgeTensor(t)
}

func (s *state) tensorField(t *tensor, v protowalk.Value) (entered bool, err error) {
	switch n := v.Field.Number; n {
	case tensorDims:
		dims, err := s.w.Ints(v, maxDims)
		if t.dims = append(t.dims, dims...); len(t.dims) > maxDims {
			return false, validate.Malformed(v.At, "a tensor of more than %d dimensions", maxDims)
		}
		return false, err
	case tensorType:
		t.dataType = v.Int()
	case tensorSegment:
		t.segment = true
	case tensorName:
		if v.N <= maxName {
			t.name, err = s.w.Text(v, maxName)
		}
	case tensorRaw:
		t.raw, t.inRaw = v.N, true
	case tensorFloats, tensorInt32s, tensorStrings, tensorInt64s, tensorDoubles, tensorUint64s:
		if t.counts == nil {
			t.counts = map[int32]int64{}
		}
		t.counts[n] += v.Count
	case tensorExternal:
		return true, s.entry(t, v)
	case tensorLocation:
		t.external = v.Num == 1
		if v.Num > 1 {
			s.p.Report(external, v.At, "data_location %d of tensor %s", v.Num, validate.Quote(t.name, 60))
		}
	}
	return false, err
}

// judgeTensor holds shape, type and data against each other.
func (s *state) judgeTensor(t *tensor) error {
	if t.segment {
		s.p.Report(shape, t.at, "tensor %s is one segment of a tensor, which no runtime puts together", validate.Quote(t.name, 60))
	}
	n, size, ok := t.size()
	if !ok {
		s.p.Report(shape, t.at, "tensor %s of type %d with dimensions %v, whose size cannot be counted", validate.Quote(t.name, 60), t.dataType, t.dims)
		return s.judgeEntries(t, -1)
	}
	for field, count := range t.counts {
		if count == 0 {
			delete(t.counts, field)
		}
	}
	switch {
	case t.external || len(t.entries) > 0:
		if len(t.counts) > 0 || t.raw > 0 {
			s.p.Report(external, t.at, "tensor %s has data here and outside", validate.Quote(t.name, 60))
		}
		return s.judgeEntries(t, size)
	case len(t.counts) > 1, len(t.counts) == 1 && t.raw > 0:
		s.p.Report(shape, t.at, "tensor %s has data in several fields", validate.Quote(t.name, 60))
	case t.inRaw && len(t.counts) == 0:
		if t.dataType == typeString || t.raw != size {
			s.p.Report(shape, t.at, "tensor %s has %d bytes of data, type %d and dimensions %v need %d", validate.Quote(t.name, 60), t.raw, t.dataType, t.dims, size)
		}
	default:
		s.judgeTyped(t, n)
	}
	return nil
}

// judgeTyped checks data in the field of its type (onnx.proto, comments of TensorProto).
func (s *state) judgeTyped(t *tensor, n int64) {
	field, want := typedField(t.dataType, n)
	if len(t.counts) == 0 && n == 0 {
		return
	}
	if got, ok := t.counts[field]; !ok || got != want {
		s.p.Report(shape, t.at, "tensor %s of type %d with dimensions %v needs %d values in field %d, it has %d", validate.Quote(t.name, 60), t.dataType, t.dims, want, field, got)
	}
}

// typedField says which field holds n elements of a type, and as how many numbers.
func typedField(dataType, n int64) (field int32, count int64) {
	switch dataType {
	case 1:
		return tensorFloats, n
	case typeComplex64:
		return tensorFloats, 2 * n
	case 7:
		return tensorInt64s, n
	case 11:
		return tensorDoubles, n
	case typeComplex:
		return tensorDoubles, 2 * n
	case 12, 13:
		return tensorUint64s, n
	case typeString:
		return tensorStrings, n
	}
	if b := int64(elementBits[dataType]); b < 8 { // several to a number
		return tensorInt32s, (n + 8/b - 1) / (8 / b)
	}
	return tensorInt32s, n
}

// size is the number of elements and of bytes. Strings have no size in bytes.
func (t *tensor) size() (n, size int64, ok bool) {
	if t.dataType < 1 || t.dataType >= int64(len(elementBits)) {
		return 0, 0, false
	}
	count := uint64(1)
	zero := false
	for _, d := range t.dims {
		if d < 0 {
			return 0, 0, false
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(count, uint64(d))
		if hi != 0 || lo > math.MaxInt64/128 {
			return 0, 0, false
		}
		count = lo
	}
	if zero {
		count = 0
	}
	return int64(count), int64((count*elementBits[t.dataType] + 7) / 8), true
}
