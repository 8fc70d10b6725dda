package tensorflow

import (
	"math"
	"math/bits"
	"slices"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// width is the size of an element by DataType (types.proto); 0: none fixed.
var width = [...]int64{1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 8: 8, 9: 8, 10: 1, 11: 1, 12: 1, 13: 4, 14: 2, 15: 2, 16: 2, 17: 2, 18: 16, 19: 2, 22: 4, 23: 8,
	24: 1, 25: 1, 26: 1, 27: 1, 28: 1, 29: 1, 30: 1, 31: 1, 32: 1}

// refType is the distance between a type and a reference to it.
const refType = 100

// typeString is DT_STRING, whose content is a list of lengths and texts.
const typeString = 7

// maxTensorField is the highest number of a field of TensorProto.
const maxTensorField = 18

// maxRank is what TensorShape holds (tensor_shape.h, MaxDimensions).
const maxRank = 254

type tensor struct {
	dataType int64
	count    uint64 // of elements, by the shape
	bad      bool   // the shape cannot be
	rank     int
	content  int64
	values   [maxTensorField + 1]int64 // by field
	handles  bool
}

func (s *state) tensor(v protowalk.Value) error {
	t := &tensor{count: 1}
	err := s.w.Each(v, func(v protowalk.Value) (bool, error) {
		switch v.Field.Name {
		case "dtype":
			t.dataType = v.Int() % refType
		case "tensor_shape":
			return true, s.w.Each(v, t.dim(s.w))
		case "tensor_content":
			t.content = v.N
			return false, s.listed(v)
		case "version_number":
		case "resource_handle_val":
			t.handles = true
		case "float8_val":
			t.values[v.Field.Number] = v.N
		case "string_val":
			t.values[v.Field.Number] += v.Count
			return false, s.oneText(v, t.values[v.Field.Number])
		default:
			t.values[v.Field.Number] += v.Count
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	values := slices.Max(t.values[:])
	var size int64
	if t.dataType > 0 && t.dataType < int64(len(width)) {
		size = width[t.dataType]
	}
	switch {
	case t.handles:
		s.p.Report(tensorData, v.At, "a tensor that is a handle of a resource")
	case t.bad || t.count > math.MaxInt64/16:
		s.p.Report(tensorData, v.At, "a tensor whose size cannot be counted")
	case t.content > 0 && t.dataType != typeString && (size == 0 || t.content != int64(t.count)*size):
		s.p.Report(tensorData, v.At, "a tensor of type %d with %d elements has %d bytes", t.dataType, t.count, t.content)
	case uint64(values) > 2*t.count && values > 1: // complex numbers are two values
		s.p.Report(tensorData, v.At, "a tensor of type %d with %d elements has %d values", t.dataType, t.count, values)
	}
	return nil
}

// dim multiplies the dimensions of a shape.
func (t *tensor) dim(w *protowalk.Walker) protowalk.Visit {
	return func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "dim" {
			t.bad = t.bad || v.Num != 0 // unknown_rank: a value has a rank
			return false, nil
		}
		if t.rank++; t.rank > maxRank {
			return false, validate.Malformed(v.At, "a tensor of more than %d dimensions", maxRank)
		}
		size := int64(0) // left out when zero
		err := w.Each(v, func(v protowalk.Value) (bool, error) {
			if v.Field.Name == "size" {
				size = v.Int()
			}
			return false, nil
		})
		hi, lo := bits.Mul64(t.count, uint64(max(size, 0)))
		t.bad = t.bad || size < 0 || hi != 0
		t.count = lo
		return true, err
	}
}
