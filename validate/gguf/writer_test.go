package gguf

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// writer makes GGUF files with every field settable.
type writer struct {
	bytes.Buffer
	order   binary.AppendByteOrder
	version uint32
}

func newWriter(version uint32, order binary.AppendByteOrder) *writer {
	w := &writer{order: order, version: version}
	w.WriteString("GGUF")
	return w.u32(version)
}

func (w *writer) u8(v byte) *writer    { w.WriteByte(v); return w }
func (w *writer) u32(v uint32) *writer { w.Write(w.order.AppendUint32(nil, v)); return w }
func (w *writer) u64(v uint64) *writer { w.Write(w.order.AppendUint64(nil, v)); return w }
func (w *writer) raw(s string) *writer { w.WriteString(s); return w }

func (w *writer) count(v uint64) *writer {
	if w.version == 1 {
		return w.u32(uint32(v))
	}
	return w.u64(v)
}

func (w *writer) str(s string) *writer { return w.count(uint64(len(s))).raw(s) }

func (w *writer) counts(tensors, keys uint64) *writer { return w.count(tensors).count(keys) }

func (w *writer) key(name string, kind uint32) *writer { return w.str(name).u32(kind) }

func (w *writer) text(name, s string) *writer { return w.key(name, typeString).str(s) }

func (w *writer) array(name string, kind uint32, n uint64) *writer {
	return w.key(name, typeArray).u32(kind).count(n)
}

func (w *writer) tensor(name string, kind uint32, off uint64, dims ...uint64) *writer {
	w.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		w.count(d)
	}
	return w.u32(kind).u64(off)
}

// align pads with zeros, and data adds n bytes of a tensor.
func (w *writer) align(n int) *writer {
	for w.Len()%n != 0 {
		w.WriteByte(0)
	}
	return w
}

func (w *writer) data(n int) *writer { w.Write(bytes.Repeat([]byte{0xa5}, n)); return w }

const chat = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"

// model is a whole file with a value of each type, three tensors and padding everywhere.
func model(version uint32, order binary.AppendByteOrder) *writer {
	w := newWriter(version, order)
	keys := uint64(14)
	if version > 1 {
		keys += 3
	}
	w.counts(3, keys)
	w.text("general.architecture", "llama").text("general.url", "https://example.org/model")
	w.key("a.u8", typeU8).u8(200).key("a.i8", typeI8).u8(200).key("a.u16", typeU16).raw("ab").key("a.i16", typeI16).raw("ab")
	w.key("a.u32", typeU32).u32(7).key("a.i32", typeI32).u32(math.MaxUint32).key("a.f32", typeF32).u32(math.Float32bits(1)).key("a.bool", typeBool).u8(1)
	w.text("tokenizer.chat_template", chat).text("tokenizer.chat_template.tool_use", chat)
	w.array("tokenizer.ggml.tokens", typeString, 3).str("<s>").str("").str("\xff\x00")
	w.array("tokenizer.ggml.scores", typeF32, 3).u32(0).u32(1).u32(2)
	if version > 1 {
		w.key("a.u64", typeU64).u64(1).key("a.i64", typeI64).u64(math.MaxUint64).key("a.f64", typeF64).u64(0)
	}
	w.tensor("b", 0, 64, 3).tensor("a", 2, 0, 32, 2).tensor("c", 39, 96, 32)
	return w.align(32).data(36).align(32).data(12).align(32).data(17).align(32)
}

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }
