package pickle

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// storage is one raw tensor storage that persistent ids of a stream name.
type storage struct {
	key   string
	typ   string
	bytes int64
	width int64 // bytes of an element
}

// storageWidths are torch's storage types (torch/_utils.py, torch/storage.py).
var storageWidths = map[string]int64{
	"DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4, "ShortStorage": 2,
	"CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QInt8Storage": 1,
	"QUInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1, "QUInt2x4Storage": 1, "UntypedStorage": 1, "_UntypedStorage": 1,
}

// packed are types with several elements in a byte.
var packed = map[string]int64{"QUInt4x2Storage": 2, "QUInt2x4Storage": 4}

var dtypeWidths = map[string]int64{
	"float64": 8, "double": 8, "float32": 4, "float": 4, "float16": 2, "half": 2, "bfloat16": 2, "int64": 8, "long": 8, "int32": 4, "int": 4,
	"int16": 2, "short": 2, "int8": 1, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex32": 4, "complex64": 8, "complex128": 16,
	"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "qint8": 1, "quint8": 1, "qint32": 4,
}

// maxStorages bounds what is kept per file; the largest models have some thousands.
const maxStorages = 1 << 16

// maxElements keeps sizes far from overflow.
const maxElements = 1 << 48

// persistent judges a persistent id: ('storage', type, key, location, numel[, view]), or in files of the old
// format ('module', class, path, source), which stands for the class.
func (j *judge) persistent(off int64, id *value) *value {
	if id.kind == kTuple && !id.cut() && len(id.items) == 4 && isText(id.items[0], "module") &&
		id.items[1].kind == kImport && id.items[2].kind == kStr && id.items[3].kind == kStr {
		return id.items[1]
	}
	if tarTensor(j.p, id) {
		return &value{kind: kUnknown, off: off}
	}
	s, ok := j.storage(off, id)
	if !ok {
		j.note(rulePersistent, off, "%s", render(id))
		return &value{kind: kUnknown, off: off}
	}
	return &value{kind: kPersist, off: off, n: s.bytes, text: s.key, fn: id.items[1]}
}

func isText(v *value, s string) bool { t, ok := v.str(); return ok && t == s }

func (j *judge) storage(off int64, id *value) (*storage, bool) {
	if id.kind != kTuple || id.cut() || len(id.items) < 5 || len(id.items) > 6 || !isText(id.items[0], "storage") {
		return nil, false
	}
	typ, numel := id.items[1], id.items[4]
	key, ok := id.items[2].str()
	if !ok || key == "" || typ.kind != kImport || id.items[3].kind != kStr || numel.kind != kInt || numel.n < 0 || numel.n > maxElements {
		return nil, false
	}
	width := storageWidths[typ.g.name]
	if width == 0 || typ.g.module != "torch" && typ.g.module != "torch.storage" {
		return nil, false
	}
	s := &storage{key: key, typ: typ.g.name, bytes: numel.n * width, width: width}
	if len(id.items) == 6 && !s.view(id.items[5], numel.n) {
		return nil, false
	}
	if old := j.storages[key]; old != nil {
		if old.bytes != s.bytes {
			j.note(ruleTensor, off, "storage %s has %d bytes here and %d bytes before", quote(key), s.bytes, old.bytes)
		}
		return old, true
	}
	if len(j.storages) >= maxStorages {
		j.note(ruleExcessive, off, "more than %d storages", maxStorages)
		return nil, false
	}
	j.storages[key] = s
	return s, true
}

// view judges the sixth item of old files: None, or (key, offset, numel) of a part of the storage.
func (s *storage) view(v *value, numel int64) bool {
	if v.kind == kNone {
		return true
	}
	return v.kind == kTuple && len(v.items) == 3 && v.items[1].kind == kInt && v.items[2].kind == kInt &&
		v.items[1].n >= 0 && v.items[2].n >= 0 && v.items[1].n <= numel && v.items[2].n <= numel-v.items[1].n
}

// Kinds of facts: a storage that the container must hold under "data/<key>", and one that this very file
// holds, whose key is its type.
const (
	factStorage   = "storage"
	factContained = "contained-storage"
)

// facts tells the container about the storages, in a stable order.
func (j *judge) facts(contained bool) {
	for _, key := range slices.Sorted(maps.Keys(j.storages)) {
		s := j.storages[key]
		f := validate.Fact{Kind: factStorage, Key: s.key, Size: s.bytes}
		if contained {
			f.Kind, f.Key = factContained, s.typ
		}
		j.p.Fact(f)
	}
}

// shapeTensor compares a tensor with its storage: (storage, offset, size, stride, …).
func shapeTensor(j *judge, c *call, _ *value) (string, error) {
	if len(c.args) < 4 || c.kw != nil || c.cut {
		return "(storage, offset, size, stride) is expected", nil
	}
	st, offset, size, stride := c.args[0], c.args[1], dims(c.args[2]), dims(c.args[3])
	width := int64(0)
	switch {
	case st.kind == kPersist:
		width = storageWidths[storageName(st)]
	case st.kind == kCall && st.fn.is("torch.storage", "_load_from_bytes"):
		width = storageWidths[storageName(st)] // 0 when the nested file holds something else
	default:
		return "the first argument is not a storage", nil
	}
	if offset.kind != kInt || size == nil || stride == nil || len(size) != len(stride) {
		return "offset, size and stride are not numbers", nil
	}
	if c.fn.g.name == "_rebuild_tensor_v3" {
		if len(c.args) < 7 || c.args[6].kind != kImport || c.args[6].g.module != "torch" {
			return "an element type is expected", nil
		}
		width = dtypeWidths[c.args[6].g.name]
	}
	if width == 0 {
		return "the size of an element is not known", nil
	}
	if why := hooked(c); why != "" {
		return why, nil
	}
	per := max(packed[storageName(st)], 1)
	if why := outside(offset.n, size, stride, st.n/width*per); why != "" {
		j.note(ruleTensor, c.off, "%s(%s): %s", showName(c.fn.g), renderArgs(c), why)
	}
	return "", nil
}

// storageName is the type of a storage that a persistent id or a nested file stands for, or "".
func storageName(v *value) string {
	if v.kind == kPersist {
		return v.fn.g.name
	}
	return v.text
}

// dims returns the numbers of a tuple, a list or a torch.Size, not nil, or nil.
func dims(v *value) []int64 {
	if v.kind == kCall && v.fn.is("torch", "Size") && len(v.items) == 1 {
		v = v.items[0]
	}
	if v.kind != kTuple && v.kind != kList || v.cut() {
		return nil
	}
	out := make([]int64, 0, len(v.items))
	for _, item := range v.items {
		if item.kind != kInt {
			return nil
		}
		out = append(out, item.n)
	}
	return out
}

// shapeSize: torch.Size(numbers). The numbers are copied, as the call does: the list may be filled further afterwards.
func shapeSize(_ *judge, c *call, result *value) (string, error) {
	if len(c.args) == 0 {
		result.items = []*value{{kind: kTuple, off: c.off}}
		return want(c.kw == nil, "keywords"), nil
	}
	if len(c.args) != 1 || c.kw != nil || c.args[0].kind == kCall || dims(c.args[0]) == nil {
		return "only a container of numbers is vetted", nil
	}
	of := c.args[0]
	result.items = []*value{{kind: kTuple, off: c.off, n: of.n, items: append([]*value(nil), of.items...)}}
	return "", nil
}

// outside says why a tensor does not lie in a storage of that many elements, or "".
func outside(offset int64, size, stride []int64, elements int64) string {
	if offset < 0 {
		return "the offset is negative"
	}
	last, none := uint64(offset), false
	for i, n := range size {
		if n < 0 || stride[i] < 0 {
			return "a size or stride is negative"
		}
		none = none || n == 0
	}
	if none {
		return "" // no elements, nothing is touched
	}
	for i, n := range size {
		hi, span := bits.Mul64(uint64(n-1), uint64(stride[i]))
		var carry uint64
		if last, carry = bits.Add64(last, span, 0); hi != 0 || carry != 0 || last > maxElements {
			return "size and stride overflow"
		}
	}
	if last >= uint64(elements) {
		return fmt.Sprintf("element %d of a storage of %d", last, elements)
	}
	return ""
}

// shapeNested: torch.storage._load_from_bytes(literal) is torch.load of the literal, which is scanned as a file
// of its own.
func shapeNested(j *judge, c *call, result *value) (string, error) {
	if len(c.args) != 1 || c.kw != nil || !c.args[0].bytesLike() || c.args[0].flags&fForgotten != 0 {
		return "only literal bytes are vetted", nil
	}
	lit := c.args[0]
	if lit.kind == kCall {
		if len(lit.items) != 2 {
			return "only literal bytes are vetted", nil
		}
		lit = lit.items[0]
	}
	if old := j.nested[lit.off]; old != nil {
		result.n, result.text = old.n, old.text
		return "", nil
	}
	data, size, err := j.literalData(lit)
	if err != nil {
		return "", err
	}
	if data == nil {
		return "the literal cannot be read back", nil
	}
	got, err := j.p.Descend(fmt.Sprintf("literal@%#x", lit.off), data, size)
	if err != nil {
		return "", err
	}
	// What torch.load reads is a pickle or an archive; a literal that clears as something else is not understood.
	if !got.Cleared || !slices.ContainsFunc(got.Scanners, func(s string) bool { return s == "pickle" || strings.HasPrefix(s, "zip") }) {
		j.note(ruleNested, c.off, "%d bytes passed to %s", size, showName(c.fn.g))
	}
	if len(got.Facts) == 1 && got.Facts[0].Kind == factContained {
		result.n, result.text = got.Facts[0].Size, got.Facts[0].Key
	}
	j.nested[lit.off] = result
	return "", nil
}

// literalData gives the bytes of a literal: those in the file, or what its text encodes as Latin-1.
func (j *judge) literalData(lit *value) (io.ReaderAt, int64, error) {
	switch {
	case lit.kind == kBytes || lit.kind == kByteArray:
		return j.p.Section(lit.off, lit.n), lit.n, nil
	case lit.kind != kStr || lit.flags&fQuoted != 0:
		return nil, 0, nil
	}
	raw, err := j.p.Bytes(lit.off, lit.n)
	if err != nil {
		return nil, 0, err
	}
	text := string(raw)
	if lit.flags&fEncoded != 0 { // protocol 0 writes Latin-1 with \u escapes
		var ok bool
		if text, ok = rawUnicode(raw); !ok {
			return nil, 0, nil
		}
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, 0, nil
		}
		out = append(out, byte(r))
	}
	return bytes.NewReader(out), int64(len(out)), nil
}
