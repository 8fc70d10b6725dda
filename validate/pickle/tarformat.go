package pickle

import (
	"path"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// The format of torch before 0.1.10 is a tar archive with four members (torch/serialization.py, legacy_load):
// sys_info and pickle are pickles; storages and tensors are a pickled count, then for each item a pickle that
// describes it and raw bytes behind that. The archive's scanner hands the members over one by one.

// tarMember says which of the members with raw bytes this is, or "".
func tarMember(p *validate.Pass, first *value) string {
	base := path.Base(p.Name)
	if p.Depth > 0 && first.kind == kInt && (base == "storages" || base == "tensors") {
		return base
	}
	return ""
}

// tarItems goes on after the count.
func (s *scan) tarItems(member string, count int64) error {
	for range count {
		if err := s.p.Charge(validate.PickleOps, 1); err != nil {
			return err
		}
		item, err := s.stream(keepItems)
		if err != nil || item == nil {
			return err
		}
		if item.kind != kTuple || len(item.items) != 3 || item.items[2].kind != kImport {
			s.j.note(ruleBroken, s.pos, "an item of the member %s is %s", member, render(item))
			return nil
		}
		raw := s.storageBytes
		if member == "tensors" {
			raw = s.tensorBytes
		}
		if ok, err := raw(item); !ok || err != nil {
			return err
		}
	}
	if member == "storages" { // views of storages: numbers
		if v, err := s.stream(keepItems); err != nil || v == nil {
			return err
		}
	}
	if s.pos < s.p.Size {
		s.j.note(ruleTrailing, s.pos, "%d bytes after the last of the %s", s.p.Size-s.pos, member)
	}
	return nil
}

// storageBytes passes over the count of elements and the elements.
func (s *scan) storageBytes(item *value) (bool, error) {
	width := storageWidths[item.items[2].g.name]
	n, ok, err := s.number(8)
	if err != nil || !ok {
		return false, err
	}
	if width == 0 || n > uint64(s.p.Size-s.pos-8)/uint64(width) {
		s.j.note(ruleTensor, s.pos, "a storage of %d elements of %s, the file has %d bytes left", n, render(item.items[2]), s.p.Size-s.pos-8)
		return false, nil
	}
	return s.pass(8 + int64(n)*width), nil
}

// tensorBytes passes over the number of dimensions, four bytes, sizes, strides and the offset. torch compares them
// with the storage when it makes the tensor.
func (s *scan) tensorBytes(*value) (bool, error) {
	n, ok, err := s.number(4)
	if err != nil || !ok {
		return false, err
	}
	if n > 64 || 16+16*int64(n) > s.p.Size-s.pos {
		s.j.note(ruleTensor, s.pos, "a tensor of %d dimensions, the file has %d bytes left", n, s.p.Size-s.pos)
		return false, nil
	}
	return s.pass(16 + 16*int64(n)), nil
}

// number reads a little-endian number without passing over it.
func (s *scan) number(width int64) (uint64, bool, error) {
	if s.p.Size-s.pos < width {
		s.j.note(ruleBroken, s.pos, "the file ends where a number of %d bytes should be", width)
		return 0, false, nil
	}
	b, err := s.p.Bytes(s.pos, width)
	if err != nil {
		return 0, false, err
	}
	return uint64le(b), true, nil
}

func (s *scan) pass(n int64) bool {
	s.p.Clear(s.pos, n, "tensor storages")
	s.pos += n
	return true
}

// tarKey is what the member named pickle calls its tensors by.
var tarKey = lazyre.New(`^[0-9]{1,20}$`)

func tarTensor(p *validate.Pass, id *value) bool {
	s, text := id.str()
	return p.Depth > 0 && path.Base(p.Name) == "pickle" && (id.kind == kInt || id.kind == kLong || text && tarKey.MatchString(s))
}
