// Package msgpack judges msgpack files, the format of Flax's parameters (flax_model.msgpack).
//
// References: msgpack specification (github.com/msgpack/msgpack/blob/master/spec.md); flax/serialization.py for the
// extension types: 1 an array, 2 a complex number, 3 a scalar of numpy.
//
// # Security
//
// The format carries values and no code. Every value is walked; an array is a tuple of shape, type name and bytes, whose
// type must be one of numbers and whose bytes must be as many as the shape needs. Bytes of arrays are not read; other bytes
// that begin and end like a pickle are judged as one.
package msgpack

import (
	"fmt"

	"github.com/loadlock/loadlock/validate"
)

const saveAgain = "save the parameters again with flax.serialization, or as safetensors"

var (
	extension = &validate.Rule{ID: "msgpack/extension", Title: "extension type that Flax does not have", Severity: validate.Medium,
		Why:     "What its bytes mean depends on the program that reads them.",
		Fix:     saveAgain,
		Hostile: "extension 42 with a pickle in it", Benign: "extension 1, an array"}
	array = &validate.Rule{ID: "msgpack/array", Title: "array that is not numbers of a shape", Severity: validate.Medium,
		Why:     "A reader makes an array from the bytes; another type or size makes it read something else.",
		Fix:     saveAgain,
		Hostile: `([2], "object", 16 bytes)`, Benign: `([2], "float32", 8 bytes)`}
	repeatedKey = &validate.Rule{ID: "msgpack/repeated-key", Title: "map with a repeated key", Severity: validate.Medium,
		Why:     "Readers keep the first or the last of two equal keys, so one value is judged and another is used.",
		Fix:     saveAgain,
		Hostile: `{"w": …, "w": …}`, Benign: `{"w": …, "b": …}`}
)

// Scanner judges msgpack files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "msgpack", Doc: "msgpack values and Flax's arrays", Version: 1,
		Rules: []*validate.Rule{extension, array, repeatedKey}, Match: match, Scan: scan,
	}
}

// match goes by the name, because almost any byte begins a msgpack value.
func match(h validate.Head) bool {
	ext := validate.Ext(h.Name)
	return h.Size > 0 && (ext == ".msgpack" || ext == ".mpk" || ext == ".flax") && !(h.Text() && ext == ".flax")
}

func scan(p *validate.Pass) error {
	r := newReader(p)
	if err := r.walk(p.Size, 0); err != nil {
		return err
	}
	p.Clear(0, r.off, "msgpack")
	return nil
}

// dtypes are the types of numbers that Flax writes, with their widths.
var dtypes = map[string]int64{"bool": 1, "int4": 1, "uint4": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
	"float16": 2, "bfloat16": 2, "V2": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1,
	"float8_e4m3b11_fnuz": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1}

const (
	maxDims    = 64
	maxNesting = 256
	maxKeys    = 12 << 20 // bytes that the keys of open maps may need
	keyCost    = 64
	maxText    = 1 << 20
)

// frame is an open array or map.
type frame struct {
	left  int64 // values, keys included
	isMap bool
	keys  map[string]bool
	cost  int // bytes of memory that the keys need
}

// walk reads one value, which must end by end. A nested value is part of depth others.
func (r *reader) walk(end int64, depth int) error {
	if err := r.value(nil, end, depth); err != nil {
		return err
	}
	for n := 0; len(r.open) > 0; n++ {
		if n%1024 == 0 {
			if err := r.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		f := &r.open[len(r.open)-1]
		if f.left == 0 {
			r.keys -= f.cost
			r.open = r.open[:len(r.open)-1]
			continue
		}
		f.left--
		key := f
		if !f.isMap || f.left%2 == 0 {
			key = nil
		}
		if err := r.value(key, end, depth); err != nil {
			return err
		}
	}
	return nil
}

// value reads one value; for is the map of which it is a key, or nil.
func (r *reader) value(of *frame, end int64, depth int) error {
	at := r.off
	h, err := r.head()
	if err != nil {
		return err
	}
	if h.n > end-r.off {
		return validate.Malformed(at, "%d bytes or values, %d bytes remain", h.n, end-r.off)
	}
	if of != nil && h.kind == isBytes && h.n <= maxBytesKey { // msgpack-numpy has keys of bytes, and so thinc and spaCy
		s, err := r.text(h.n)
		if err != nil {
			return err
		}
		return r.key(of, s, at)
	}
	if of != nil && h.kind != isText && h.kind != isNumber {
		return validate.Malformed(at, "a key that is no text or number")
	}
	switch h.kind {
	case isText:
		s, err := r.text(h.n)
		if err == nil && of != nil {
			return r.key(of, s, at)
		}
		return err
	case isBytes:
		if err := r.pickled(h.n); err != nil {
			return err
		}
		return r.skip(h.n)
	case isList, isMap:
		if len(r.open) >= maxNesting {
			return validate.Malformed(at, "nested deeper than %d", maxNesting)
		}
		n := h.n
		if h.kind == isMap {
			n *= 2
		}
		r.open = append(r.open, frame{left: n, isMap: h.kind == isMap})
	case isExtension:
		return r.extension(h, at)
	}
	return nil
}

// maxBytesKey is more than the names of fields need.
const maxBytesKey = 64

// pickled judges bytes that begin and end like a pickle as one: msgpack-numpy loads arrays of objects from such bytes.
func (r *reader) pickled(n int64) error {
	if n < 4 {
		return nil
	}
	var b [3]byte
	if _, err := r.p.ReadAt(b[:2], r.off); err != nil {
		return err
	}
	if b[0] != 0x80 || b[1] < 2 || b[1] > 5 {
		return nil
	}
	if _, err := r.p.ReadAt(b[2:], r.off+n-1); err != nil || b[2] != '.' {
		return err
	}
	_, err := r.p.Descend("bytes", r.p.Section(r.off, n), n)
	return err
}

func (r *reader) key(of *frame, s string, at int64) error {
	if of.keys == nil {
		of.keys = map[string]bool{}
	}
	if of.keys[s] {
		r.p.Report(repeatedKey, at, "key %s", validate.Quote(s, 60))
		return nil
	}
	of.cost += keyCost + len(s)
	if r.keys += keyCost + len(s); r.keys > maxKeys {
		return fmt.Errorf("%w: the keys of open maps need more than %d bytes", validate.ErrBudget, maxKeys)
	}
	of.keys[s] = true
	return nil
}

func (r *reader) extension(h head, at int64) error {
	end := r.off + h.n
	switch h.ext {
	case 1, 3:
		if err := r.array(at, end); err != nil {
			return err
		}
	case 2: // two numbers in an array
		if h.n > 32 {
			r.p.Report(array, at, "a complex number of %d bytes", h.n)
		}
	default:
		r.p.Report(extension, at, "extension %d of %d bytes", h.ext, h.n)
	}
	return r.skip(end - r.off)
}

// array reads the tuple of shape, type and bytes.
func (r *reader) array(at, end int64) error {
	bad := func(what string) error { r.p.Report(array, at, "%s", what); return nil }
	tuple, err := r.head()
	if err != nil || tuple.kind != isList || tuple.n != 3 {
		return orBad(err, bad, "no tuple of three")
	}
	shape, err := r.head()
	if err != nil || shape.kind != isList || shape.n > maxDims {
		return orBad(err, bad, "no shape")
	}
	size := int64(1)
	for range shape.n {
		d, err := r.head()
		if err != nil || d.kind != isNumber || d.v < 0 || d.v > 0 && size > (1<<56)/d.v {
			return orBad(err, bad, "a shape of impossible size")
		}
		size *= d.v
	}
	typ, err := r.head()
	if err != nil || typ.kind != isText || typ.n > 32 {
		return orBad(err, bad, "no type")
	}
	name, err := r.text(typ.n)
	if err != nil {
		return err
	}
	data, err := r.head()
	if err != nil {
		return err
	}
	switch width := dtypes[name]; {
	case width == 0:
		return bad("type " + validate.Quote(name, 32))
	case data.kind != isBytes || data.n != size*width || r.off+data.n != end:
		return bad(fmt.Sprintf("%d bytes of %s for %d elements", data.n, name, size))
	}
	return nil
}

func orBad(err error, bad func(string) error, what string) error {
	if err != nil {
		return err
	}
	return bad(what)
}
