package onnx

import (
	"math"
	"path"
	"strconv"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/modelpath"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// entry is one key and value of TensorProto.external_data.
type entry struct {
	at         int64
	key, value string
}

// maxEntries is more than the format has keys: location, offset, length, checksum, basepath.
const maxEntries = 8

func (s *state) entry(t *tensor, v protowalk.Value) error {
	e := entry{at: v.At}
	if len(t.entries) == maxEntries {
		return validate.Malformed(v.At, "more than %d entries of external data", maxEntries)
	}
	err := s.w.Each(v, func(v protowalk.Value) (bool, error) {
		text, err := s.w.Text(v, maxName)
		if v.Field.Name == "key" {
			e.key = text
		} else {
			e.value = text
		}
		return false, err
	})
	t.entries = append(t.entries, e)
	return err
}

// judgeEntries checks where external data lies and tells the core its range. size is what the shape needs, -1 if
// that is unknown.
func (s *state) judgeEntries(t *tensor, size int64) error {
	if len(t.entries) == 0 {
		if t.external {
			s.p.Report(external, t.at, "tensor %s lies outside, at no place", validate.Quote(t.name, 60))
		}
		return nil
	}
	if !t.external {
		s.p.Report(external, t.at, "tensor %s names external data and says that it has none", validate.Quote(t.name, 60))
	}
	if t.dataType == typeString {
		s.p.Report(external, t.at, "tensor %s of strings lies outside, which the format does not allow", validate.Quote(t.name, 60))
	}
	location, offset, length, ok := "", int64(0), int64(-1), true
	seen := map[string]bool{}
	for _, e := range t.entries {
		if seen[e.key] {
			s.p.Report(external, e.at, "key %s twice", validate.Quote(e.key, 60))
			ok = false
		}
		seen[e.key] = true
		switch e.key {
		case "location":
			location = e.value
			ok = s.judgeLocation(e) && ok
		case "offset":
			offset = s.number(e, &ok)
		case "length":
			length = s.number(e, &ok)
		case "checksum": // a SHA-1, which nobody checks
		default: // onnx sets attributes of an object by these keys
			s.p.Report(external, e.at, "key %s is not one of location, offset, length, checksum", validate.Quote(e.key, 60))
			ok = false
		}
	}
	if !seen["location"] {
		s.p.Report(external, t.at, "tensor %s lies outside, at no place", validate.Quote(t.name, 60))
		ok = false
	}
	if length >= 0 && size >= 0 && length != size {
		s.p.Report(external, t.at, "tensor %s has %d bytes outside, type %d and dimensions %v need %d", validate.Quote(t.name, 60), length, t.dataType, t.dims, size)
	}
	if ok && size > 0 && offset > math.MaxInt64-size {
		s.p.Report(external, t.at, "tensor %s ends behind any file: offset %d, %d bytes", validate.Quote(t.name, 60), offset, size)
		ok = false
	}
	if ok && size > 0 {
		return s.ranges.add(path.Join(path.Dir(s.p.Name), location), offset, size)
	}
	return nil
}

// number reads a decimal as every reader does: digits only.
func (s *state) number(e entry, ok *bool) int64 {
	n, err := strconv.ParseUint(e.value, 10, 63)
	if err != nil || len(e.value) > 1 && e.value[0] == '0' {
		s.p.Report(external, e.at, "%s %s is no offset in a file", e.key, validate.Quote(e.value, 60))
		*ok = false
	}
	return int64(n)
}

// judgeLocation allows a path of plain names below the model's own folder, and nothing else.
func (s *state) judgeLocation(e entry) bool {
	if why := modelpath.Outside(e.value); why != "" {
		s.p.Report(escape, e.at, "location %s %s", validate.Quote(e.value, 120), why)
		return false
	}
	return true
}

// ranges tells the core which ranges of other files hold numbers. Neighbours are told as one.
type ranges struct {
	p    *validate.Pass
	last validate.Fact
	n    int
}

// maxRanges bounds what the core remembers of one model.
const maxRanges = 50_000

func (r *ranges) add(key string, off, size int64) error {
	if key == r.last.Key && r.last.Size > 0 {
		if off == r.last.Offset+r.last.Size && r.last.Size <= math.MaxInt64-size {
			r.last.Size += size
			return nil
		}
		key = r.last.Key // one string for all
	}
	r.flush()
	if r.n++; r.n > maxRanges {
		return validate.Malformed(0, "more than %d ranges of external data", maxRanges)
	}
	r.last = validate.Fact{Kind: validate.FactRaw, Key: key, Offset: off, Size: size}
	return nil
}

func (r *ranges) flush() {
	if r.last.Size > 0 {
		r.p.Fact(r.last)
	}
	r.last.Size = 0
}
