package gguf

import (
	"math/bits"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
)

// The types of values (enum gguf_metadata_value_type).
const (
	typeU8 = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeString
	typeArray
	typeU64
	typeI64
	typeF64
)

// width is the bytes of each fixed type; 0 for the others.
var width = [...]int64{typeU8: 1, typeI8: 1, typeU16: 2, typeI16: 2, typeU32: 4, typeI32: 4, typeF32: 4, typeBool: 1, typeString: 0, typeArray: 0, typeU64: 8, typeI64: 8, typeF64: 8}

const (
	maxKey      = 65535 // docs/gguf.md
	heldKey     = 512   // bytes; no key that means anything to a loader is longer
	maxNesting  = 4     // of arrays; llama.cpp reads none
	maxTokens   = 16 << 20
	checkPeriod = 4096 // strings between two looks at the clock
)

// metadata reads the keys and their values.
func (f *file) metadata(keys uint64) error {
	seen := set{}
	for range keys {
		if err := f.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		at := f.in.off
		key, err := f.name(metadata, "key", maxKey)
		if err != nil || f.bad {
			return err
		}
		if !f.add(seen, key) {
			f.report(duplicate, at, "key %s", quote(key))
		}
		kind, err := f.kind()
		if err != nil || f.bad {
			return err
		}
		if err := f.value(string(key[:min(len(key), heldKey)]), kind, 0); err != nil || f.bad {
			return err
		}
	}
	return nil
}

// name reads a string that must be short.
func (f *file) name(r *validate.Rule, what string, max uint64) ([]byte, error) {
	at := f.in.off
	n, err := f.count()
	if err != nil {
		return nil, err
	}
	if n > max || int64(n) > f.in.left() {
		f.report(r, at, "a %s of %d bytes; %d follow, and %d are allowed", what, n, f.in.left(), max)
		return nil, nil
	}
	return f.in.bytes(int64(n))
}

func (f *file) kind() (uint32, error) {
	at := f.in.off
	kind, err := f.in.u32()
	last := uint32(typeF64)
	if f.version == 1 {
		last = typeArray
	}
	if err == nil && kind > last {
		f.report(metadata, at, "a value of type %d", kind)
	}
	return kind, err
}

// value reads one value of a key.
func (f *file) value(key string, kind uint32, depth int) error {
	at := f.in.off
	switch {
	case isTemplate(key) && kind != typeString && kind != typeArray:
		f.report(metadata, at, "%s is no text", quote([]byte(key)))
		return nil
	case kind == typeString:
		return f.text(key)
	case kind == typeArray:
		return f.array(key, depth)
	case width[kind] > f.in.left():
		f.report(metadata, at, "the file ends in the value of %s", quote([]byte(key)))
		return nil
	case key == "general.alignment" && depth == 0:
		return f.alignment(kind)
	case kind == typeBool:
		return f.truths(1)
	}
	return f.in.skip(width[kind])
}

// alignment reads general.alignment.
func (f *file) alignment(kind uint32) error {
	at := f.in.off
	if kind != typeU32 {
		f.report(alignment, at, "general.alignment has type %d", kind)
		return nil
	}
	v, err := f.in.u32()
	if err != nil {
		return err
	}
	if bits.OnesCount32(v) != 1 || v > 64<<10 {
		f.report(alignment, at, "general.alignment is %d", v)
		return nil
	}
	f.align, f.aligned = int64(v), true
	return nil
}

// truths reads n values of one byte that must be 0 or 1.
func (f *file) truths(n int64) error {
	for i := range n {
		b, err := f.in.r.ReadByte()
		if err != nil {
			return err
		}
		if f.in.off++; b > 1 {
			f.report(metadata, f.in.off-1, "a truth value of %d", b)
			return nil
		}
		if i%(1<<20) == 0 {
			if err := f.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// array reads the elements of an array; those of fixed width are passed over.
func (f *file) array(key string, depth int) error {
	at := f.in.off
	if depth >= maxNesting {
		f.report(metadata, at, "arrays nested deeper than %d", maxNesting)
		return nil
	}
	kind, err := f.kind()
	if err != nil || f.bad {
		return err
	}
	at = f.in.off
	n, err := f.count()
	if err != nil {
		return err
	}
	least := uint64(max(width[kind], 4)) // a string or an array has at least its length
	if kind < typeString || kind > typeArray {
		least = uint64(width[kind])
	}
	if n > uint64(f.in.left())/least {
		f.report(metadata, at, "an array of %d elements; %d bytes follow", n, f.in.left())
		return nil
	}
	switch {
	case kind == typeBool:
		return f.truths(int64(n))
	case kind != typeString && kind != typeArray:
		return f.in.skip(int64(n) * width[kind])
	case n > maxTokens:
		f.report(metadata, at, "an array of %d elements; %d are judged", n, maxTokens)
		return nil
	}
	for i := range n {
		if i%checkPeriod == 0 || kind == typeArray {
			if err := f.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		if err := f.value(key, kind, depth+1); err != nil || f.bad {
			return err
		}
	}
	return nil
}

// tokenizerJSON is the key under which a whole tokenizer.json can stand (docs/gguf.md).
const tokenizerJSON = "tokenizer.huggingface.json"

// maxText bounds the strings that are looked at for templates under keys that do not say so.
const maxText = 64 << 10

// text reads a string: a template is judged, a tokenizer of Hugging Face as its file would be, and in anything else only
// what leads out of a template is looked for.
func (f *file) text(key string) error {
	at := f.in.off
	n, err := f.count()
	if err != nil {
		return err
	}
	if n > uint64(f.in.left()) {
		f.report(metadata, at, "a string of %d bytes in %s; %d follow", n, quote([]byte(key)), f.in.left())
		return nil
	}
	at = f.in.off
	switch {
	case isTemplate(key):
	case key == tokenizerJSON:
		if _, err := f.p.Descend(key+".json", f.p.Section(at, int64(n)), int64(n)); err != nil {
			return err
		}
		return f.in.skip(int64(n))
	case n < 16 || n > maxText:
		return f.in.skip(int64(n))
	default:
		src, err := f.in.bytes(int64(n))
		if err == nil {
			templates.Suspect(f.p, at, quote([]byte(key)), src, true)
		}
		return err
	}
	if n > jinja.MaxTemplate {
		f.report(templates.Broken, at, "%s: a template of %d bytes is not read", quote([]byte(key)), n)
		return nil
	}
	src, err := f.in.bytes(int64(n))
	if err != nil {
		return err
	}
	templates.Judge(f.p, at, quote([]byte(key)), src, true)
	return nil
}

// isTemplate reports whether a program renders what stands under a key. The names of templates (an array) pass as
// templates without code.
func isTemplate(key string) bool { return strings.Contains(strings.ToLower(key), "template") }
