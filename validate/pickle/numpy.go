package pickle

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
)

// numpy believes what a pickle says about element types. A type whose flags deny that it holds references lets
// an array of raw bytes become an array of object pointers, which is code execution by memory corruption. So
// the state of every dtype is compared with what numpy itself writes for it.

var dtypeName = lazyre.New(`^[<>|=]?([biufcSUVOMm?])(\d{0,6})$`)

// dtypeSizes are the sizes of each kind that numpy has somewhere; text and raw bytes have any.
var dtypeSizes = map[string]string{"b": "|1|", "?": "||1|", "i": "|1|2|4|8|", "u": "|1|2|4|8|", "f": "|2|4|8|12|16|", "c": "|8|16|24|32|", "m": "|8|", "M": "|8|", "O": "||4|8|"}

// Flags of a dtype that say its elements are, or hold, references (numpy/ndarraytypes.h).
const (
	npRefcount   = 0x01
	npListPickle = 0x02
	npReference  = 0x07 // both, and "the item is a pointer"
	npObject     = 63
)

// shapeDtype: numpy.dtype(name, False, True). The result remembers size and kind.
func shapeDtype(_ *judge, c *call, result *value) (string, error) {
	const why = "only (name, False, True) with a plain element type is vetted"
	if c.op != opREDUCE || len(c.args) != 3 || c.kw != nil || c.cut {
		return why, nil
	}
	s, ok := c.args[0].str()
	m := dtypeName.FindStringSubmatch(s)
	if !ok || m == nil || !strings.Contains(dtypeSizes[m[1]], "|"+m[2]+"|") && dtypeSizes[m[1]] != "" {
		return why, nil
	}
	for i, a := range c.args[1:] { // copy must be true: the state of a shared type would change it for everyone
		if a.kind != kBool && a.kind != kInt || a.n != int64(i) {
			return why, nil
		}
	}
	result.text = m[1]
	result.n, _ = strconv.ParseInt("0"+m[2], 10, 64)
	if m[1] == "U" {
		result.n *= 4
	}
	if m[1] == "O" { // a pointer, also where the name says "O" or, of old, "O4"
		result.n, result.flags = 8, result.flags|fObject
	}
	if m[1] == "?" {
		result.n = 1
	}
	return "", nil
}

// isDtype reports the result of a vetted numpy.dtype call; text holds its kind.
func isDtype(v *value) bool { return v.kind == kCall && v.fn.is("numpy", "dtype") && v.text != "" }

// settle marks a dtype as used: a later BUILD would change the meaning of memory that already exists.
func settle(v *value) bool {
	if !isDtype(v) {
		return false
	}
	v.flags |= fSettled
	return true
}

// numpyState judges the state of an array or an element type; other targets are not its business.
func (j *judge) numpyState(target, state *value) string {
	switch {
	case target.fn.is("numpy", "dtype"):
		if !isDtype(target) {
			return "the element type was refused"
		}
		if target.flags&fSettled != 0 {
			return "the element type is already in use"
		}
		target.flags |= fSettled
		return dtypeState(target, state)
	case isArrayClass(target.fn):
		if target.flags&(fSettled|fForgotten) != 0 {
			return "the array may have its state already, and others may use its memory"
		}
		target.flags |= fSettled
		return arrayState(target, state)
	case target.fn.is("numpy.ma.core", "MaskedArray"):
		return maskedState(target, state)
	}
	return ""
}

// arrayState: (version, shape, dtype, Fortran order, bytes or list). The array learns how many elements it has.
func arrayState(target, s *value) string {
	if s.kind != kTuple || len(s.items) != 5 || s.items[0].kind != kInt || s.items[1].kind != kTuple || !settle(s.items[2]) {
		return "not the state of an array"
	}
	dtype, data := s.items[2], s.items[4]
	n, ok := elements(s.items[1])
	if !ok {
		return "a shape without a size"
	}
	target.n = n
	if dtype.flags&fObject != 0 {
		return want(data.kind == kList && data.n == n, "an array of objects is made of a list that fits its shape")
	}
	return want((data.bytesLike() || data.kind == kStr) && fits(n, dtype.n, data), "an array of numbers is made of bytes that fit its shape")
}

// fits compares a number of elements with the bytes they are made of. Bytes that were written as Latin-1 text are
// counted as that, up to twice as long.
func fits(n, size int64, data *value) bool {
	high, want := bits.Mul64(uint64(n), uint64(size))
	if data.kind == kStr && data.flags&fEncoded != 0 { // Python 2 wrote bytes as text; numpy counts them
		return high == 0 && want <= uint64(data.n)
	}
	if data.kind != kCall {
		return high == 0 && want == uint64(data.n)
	}
	if len(data.items) == 0 { // bytes() is how empty bytes are written
		return want == 0
	}
	text := data.items[0]
	most := uint64(text.n)
	return high == 0 && want <= most && (text.flags&fEncoded != 0 || want >= most/2)
}

// maskedState: (version, shape, dtype, Fortran order, data, mask, fill value).
func maskedState(target, s *value) string {
	if s.kind != kTuple || len(s.items) != 7 {
		return "not the state of a masked array"
	}
	whole := *s
	whole.items = s.items[:5]
	if why := arrayState(target, &whole); why != "" {
		return why
	}
	return want(s.items[5].bytesLike() || s.items[5].kind == kList, "a mask is made of bytes")
}

// shapeMasked: _mareconstruct(MaskedArray, ndarray, (0,), b'b') makes an empty array.
func shapeMasked(_ *judge, c *call, result *value) (string, error) {
	ok := len(c.args) == 4 && c.kw == nil && !c.cut && c.args[0].is("numpy.ma.core", "MaskedArray") && c.args[1].is("numpy", "ndarray") && emptyShape(c.args[2])
	if !ok {
		return "only (MaskedArray, ndarray, (0,), b'b') is vetted", nil
	}
	result.kind, result.fn, result.items = kInstance, c.args[0], nil
	return "", nil
}

func emptyShape(v *value) bool {
	return v.kind == kTuple && len(v.items) == 1 && v.items[0].kind == kInt && v.items[0].n == 0
}

// dtypeState: (version, order, subarray, names, fields, size, alignment, flags[, metadata]).
func dtypeState(d, s *value) string {
	if s.kind != kTuple || s.cut() || len(s.items) < 8 || len(s.items) > 9 {
		return "not the state of an element type"
	}
	it := s.items
	order, ok := it[1].str()
	if it[0].kind != kInt || it[0].n < 3 || it[0].n > 4 || !ok || len(order) != 1 || it[5].kind != kInt || it[6].kind != kInt || it[7].kind != kInt {
		return "not the state of an element type"
	}
	if len(it) == 9 && !dtypeMeta(it[8]) {
		return "metadata nobody vetted"
	}
	flags := it[7].n
	if d.text != "V" {
		okSize := it[5].n == -1 || it[5].n == d.n
		okFlags := flags == 0 || flags == 8
		if d.flags&fObject != 0 {
			okFlags = flags == npObject
		}
		return want(okSize && okFlags && it[2].kind == kNone && it[3].kind == kNone && it[4].kind == kNone, "flags or size do not belong to this type")
	}
	return structState(d, it, flags)
}

// structState judges the fields or the subarray of a void type.
func structState(d *value, it []*value, flags int64) string {
	size, object, why := it[5].n, false, ""
	switch {
	case size < 0 || size != d.n:
		return "the size does not belong to this type"
	case it[2].kind == kTuple:
		object, why = subarray(it[2], size)
	case it[2].kind != kNone:
		return "not a subarray"
	case it[4].kind == kDict:
		object, why = fields(it[4], it[3], size)
	case it[4].kind != kNone || it[3].kind != kNone:
		return "not a table of fields"
	}
	if why != "" {
		return why
	}
	if object {
		d.flags |= fObject
		return want(flags&(npRefcount|npListPickle) == npRefcount|npListPickle, "flags deny the references in this type")
	}
	return want(flags&npReference == 0, "flags claim references that this type has not")
}

func subarray(v *value, size int64) (object bool, why string) {
	if len(v.items) != 2 || !settle(v.items[0]) {
		return false, "not a subarray"
	}
	shape, n := v.items[1], v.items[0].n
	dims := shape.items
	if shape.kind == kInt {
		dims = []*value{shape}
	} else if shape.kind != kTuple || shape.cut() {
		return false, "not a subarray"
	}
	for _, d := range dims {
		if d.kind != kInt || d.n < 0 || d.n > size || n*d.n > size {
			return false, "the subarray is larger than its type"
		}
		n *= d.n
	}
	return v.items[0].flags&fObject != 0, want(n == size, "the subarray does not fill its type")
}

func fields(v, names *value, size int64) (object bool, why string) {
	if v.cut() || names.kind != kTuple || names.cut() || len(v.items) < 2*len(names.items) {
		return false, "fields and names do not match"
	}
	var seen []*value
	for i := 1; i < len(v.items); i += 2 {
		f := v.items[i]
		if f.kind != kTuple || len(f.items) < 2 || len(f.items) > 3 || f.items[1].kind != kInt || !settle(f.items[0]) {
			return false, "not a field"
		}
		if at := f.items[1].n; at < 0 || at > size || f.items[0].n > size-at {
			return false, "a field lies outside its type"
		}
		if slices.ContainsFunc(seen, func(other *value) bool { return overlap(f, other) }) {
			return false, "a reference and another field are in the same place"
		}
		seen = append(seen, f)
		object = object || f.items[0].flags&fObject != 0
	}
	return object, ""
}

// overlap reports two fields that share bytes of which one takes them for references: what is written as a number is
// then used as a pointer. numpy.dtype refuses this, setting the state of one does not. A field with a title is in the
// table twice.
func overlap(a, b *value) bool {
	if a == b || (a.items[0].flags|b.items[0].flags)&fObject == 0 {
		return false
	}
	at, bt := a.items[1].n, b.items[1].n
	return at < bt+b.items[0].n && bt < at+a.items[0].n
}

// dtypeMeta: None, or what dates carry: ({}, (unit, num, den, events)).
func dtypeMeta(v *value) bool {
	if v.kind == kNone {
		return true
	}
	return v.kind == kTuple && len(v.items) == 2 && (v.items[0].kind == kNone || v.items[0].kind == kDict && v.items[0].n == 0) && plain(v.items[1], 0)
}

// shapeNdarray: _reconstruct(ndarray, (0,), b'b') makes an empty array.
func shapeNdarray(_ *judge, c *call, result *value) (string, error) {
	ok := len(c.args) == 3 && c.kw == nil && !c.cut && isArrayClass(c.args[0]) && emptyShape(c.args[1]) && (c.args[2].bytesLike() || c.args[2].kind == kStr)
	if !ok {
		return "only (ndarray, (0,), b'b') is vetted", nil
	}
	result.kind, result.fn, result.items = kInstance, c.args[0], nil
	return "", nil
}

func shapeScalar(_ *judge, c *call, _ *value) (string, error) {
	ok := len(c.args) == 2 && c.kw == nil && settle(c.args[0]) && c.args[0].flags&fObject == 0 && (c.args[1].bytesLike() || c.args[1].kind == kStr)
	return want(ok, "only (plain element type, bytes) is vetted"), nil
}

// shapeFrombuffer: (bytes, dtype, shape, order), protocol 5.
func shapeFrombuffer(_ *judge, c *call, result *value) (string, error) {
	ok := len(c.args) == 4 && c.kw == nil && c.args[0].bytesLike() && settle(c.args[1]) && c.args[1].flags&fObject == 0 && c.args[3].kind == kStr
	if !ok {
		return "only (bytes, plain element type, shape, order) is vetted", nil
	}
	n, ok := elements(c.args[2])
	result.n = n
	return want(ok && fits(n, c.args[1].n, c.args[0]), "the shape does not fit the bytes"), nil
}
