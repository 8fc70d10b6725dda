package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var le, be = binary.LittleEndian, binary.BigEndian

func TestWholeFilesAreCleared(t *testing.T) {
	unpadded := model(3, le).Bytes()
	tests := map[string][]byte{
		"version 1": model(1, le).Bytes(), "version 2": model(2, le).Bytes(), "version 3": model(3, le).Bytes(), "big endian": model(3, be).Bytes(),
		"without padding at the end": unpadded[:len(unpadded)-15],
		"nothing but a header":       newWriter(3, le).counts(0, 0).Bytes(),
		"a vocabulary, padded":       newWriter(3, le).counts(0, 1).text("a", "b").align(32).Bytes(),
		"an alignment of its own":    newWriter(3, le).counts(2, 1).key("general.alignment", typeU32).u32(8).tensor("a", 24, 0, 3).tensor("b", 24, 8, 1).align(8).data(3).align(8).data(1).Bytes(),
		"nested arrays":              newWriter(3, le).counts(0, 1).array("a", typeArray, 2).u32(typeU8).u64(1).u8(1).u32(typeString).u64(1).str("x").Bytes(),
		"a tensor of no dimensions":  newWriter(3, le).counts(1, 0).tensor("a", 0, 0).align(32).data(4).Bytes(),
		"an empty tensor":            newWriter(3, le).counts(1, 0).tensor("a", 0, 0, 0).align(32).Bytes(),
		"an empty array":             newWriter(3, le).counts(0, 1).array("a", typeString, 0).Bytes(),
		"truth values in an array":   newWriter(3, le).counts(0, 1).array("a", typeBool, 2).u8(1).u8(0).Bytes(),
		"braces in a description":    newWriter(3, le).counts(0, 1).text("general.description", "use {{ x }} and {% y.z %} freely").Bytes(),
		"names of templates":         newWriter(3, le).counts(0, 1).array("tokenizer.chat_templates", typeString, 1).str("tool_use").Bytes(),
		"a split model's first part": newWriter(3, le).counts(0, 1).key("split.count", typeU16).raw("\x02\x00").Bytes(),
	}
	for name, b := range tests {
		for _, as := range []string{"model.gguf", "model"} {
			if rep := scanAs(as, b); !clean(rep) {
				t.Errorf("%s as %s\n%s", name, as, validatetest.Show(rep))
			}
		}
	}
}

// Every field of the format with a value it cannot have, and where the finding must point.
func TestBrokenFieldsAreFoundWhereTheyAre(t *testing.T) {
	key := func() *writer { return newWriter(3, le).counts(0, 1) }
	one := func(name string, kind uint32, off uint64, dims ...uint64) *writer {
		return newWriter(3, le).counts(1, 0).tensor(name, kind, off, dims...).align(32).data(64)
	}
	tests := map[string]struct {
		rule string
		at   int64
		w    *writer
	}{
		"version 0":                                   {"gguf/header", 4, newWriter(0, le).counts(0, 0)},
		"version 4":                                   {"gguf/header", 4, newWriter(4, le).counts(0, 0)},
		"CVE-2024-21836: 2^60 tensors":                {"gguf/header", 8, newWriter(3, le).counts(1<<60, 0)},
		"CVE-2024-23605: 2^60 keys":                   {"gguf/header", 16, newWriter(3, le).counts(0, 1<<60)},
		"more tensors than fit the file":              {"gguf/header", 8, newWriter(3, le).counts(20, 0).data(100)},
		"CVE-2024-23496: a key of 2^64-1 bytes":       {"gguf/value", 24, key().u64(1<<64 - 1).data(16)},
		"a key longer than the file":                  {"gguf/value", 24, key().u64(99).data(16)},
		"a key longer than the format allows":         {"gguf/value", 24, key().str(strings.Repeat("a", 65536)).u32(typeU8).u8(0)},
		"CVE-2024-21825: a type that does not exist":  {"gguf/value", 33, key().key("a", 13).data(8)},
		"a type that version 1 does not have":         {"gguf/value", 21, newWriter(1, le).counts(0, 1).key("a", typeU64).u64(0)},
		"a string of 2^64-1 bytes":                    {"gguf/value", 37, key().key("a", typeString).u64(1<<64 - 1)},
		"a string one byte longer than the file":      {"gguf/value", 37, key().key("a", typeString).u64(4).raw("abc")},
		"an array of 2^62 numbers":                    {"gguf/value", 41, key().array("a", typeU64, 1<<62).data(16)},
		"an array of 2^61+1 numbers":                  {"gguf/value", 41, key().array("a", typeU64, 1<<61+1).data(16)},
		"an array of 2^60 strings":                    {"gguf/value", 41, key().array("a", typeString, 1<<60).data(16)},
		"an array of a type that does not exist":      {"gguf/value", 37, key().array("a", 99, 1).data(16)},
		"a string in an array beyond the file":        {"gguf/value", 49, key().array("a", typeString, 1).u64(9).data(8)},
		"arrays nested too deep":                      {"gguf/value", 85, key().array("a", typeArray, 1).u32(typeArray).u64(1).u32(typeArray).u64(1).u32(typeArray).u64(1).u32(typeU8).u64(0)},
		"a truth value of 2":                          {"gguf/value", 37, key().key("a", typeBool).u8(2)},
		"a truth value of 2 in an array":              {"gguf/value", 50, key().array("a", typeBool, 2).u8(1).u8(2)},
		"a number that the file ends in":              {"gguf/value", 37, key().key("a", typeU64).u32(1)},
		"a template that is a number":                 {"gguf/value", 59, key().key("tokenizer.chat_template", typeU32).u32(1)},
		"a key twice":                                 {"gguf/duplicate", 38, newWriter(3, le).counts(0, 2).key("a", typeU8).u8(1).key("a", typeU8).u8(1)},
		"a tensor twice":                              {"gguf/duplicate", 57, newWriter(3, le).counts(2, 0).tensor("a", 0, 0, 1).tensor("a", 0, 0, 1)},
		"alignment 0":                                 {"gguf/alignment", 53, key().key("general.alignment", typeU32).u32(0)},
		"alignment 48":                                {"gguf/alignment", 53, key().key("general.alignment", typeU32).u32(48)},
		"alignment 2^31":                              {"gguf/alignment", 53, key().key("general.alignment", typeU32).u32(1 << 31)},
		"alignment as text":                           {"gguf/value", -1, key().key("general.alignment", typeString).u64(1 << 40)},
		"alignment of another type":                   {"gguf/alignment", 53, key().key("general.alignment", typeU64).u64(32)},
		"CVE-2024-21802: five dimensions":             {"gguf/tensor", 33, one("a", 0, 0, 1, 1, 1, 1, 1)},
		"2^32-1 dimensions":                           {"gguf/tensor", 33, newWriter(3, le).counts(1, 0).str("a").u32(1<<32 - 1).data(64)},
		"CVE-2025-53630: a size that overflows":       {"gguf/tensor", 33, one("a", 0, 0, 1<<32, 1<<32)},
		"an overflow that a zero hides":               {"gguf/tensor", 33, one("a", 0, 0, 1<<32, 1<<32, 0)},
		"a size in bytes that overflows":              {"gguf/tensor", 33, one("a", 0, 0, 1<<62)},
		"a negative dimension":                        {"gguf/tensor", 33, one("a", 0, 0, 1<<63, 0)},
		"a type that was removed":                     {"gguf/tensor", 45, one("a", 4, 0, 32)},
		"type 2^32-1":                                 {"gguf/tensor", 45, one("a", 1<<32-1, 0, 32)},
		"a row of half a block":                       {"gguf/tensor", 33, one("a", 2, 0, 16, 2)},
		"a name of 65 bytes":                          {"gguf/tensor", 24, one(strings.Repeat("a", 65), 0, 0, 1)},
		"an offset that is not aligned":               {"gguf/offsets", 49, one("a", 0, 4, 1)},
		"offset 2^63":                                 {"gguf/offsets", 49, one("a", 0, 1<<63, 1)},
		"a tensor outside the file":                   {"gguf/offsets", 24, one("a", 0, 0, 17)},
		"a tensor beginning outside the file":         {"gguf/offsets", 24, one("a", 0, 4096, 1)},
		"tensors that overlap":                        {"gguf/offsets", 57, newWriter(3, le).counts(2, 0).tensor("a", 24, 0, 64).tensor("b", 24, 32, 32).align(32).data(64)},
		"a hole between tensors":                      {"gguf/offsets", 57, newWriter(3, le).counts(2, 0).tensor("a", 24, 0, 32).tensor("b", 24, 64, 32).align(32).data(96)},
		"a hole in front":                             {"gguf/offsets", 24, one("a", 24, 32, 32)},
		"padding in front of the tensors":             {"gguf/padding", 57, newWriter(3, le).counts(1, 0).tensor("a", 24, 0, 32).raw("PK\x03\x04").align(32).data(32)},
		"padding between tensors":                     {"gguf/padding", 97, newWriter(3, le).counts(2, 0).tensor("a", 24, 0, 1).tensor("b", 24, 32, 32).align(32).data(2).align(32).data(32)},
		"padding behind the tensors":                  {"gguf/padding", 65, newWriter(3, le).counts(1, 0).tensor("a", 24, 0, 1).align(32).data(2).align(32)},
		"bytes behind the last tensor":                {"gguf/trailing", 96, newWriter(3, le).counts(1, 0).tensor("a", 24, 0, 32).align(32).data(33)},
		"bytes behind the metadata":                   {"gguf/trailing", 24, newWriter(3, le).counts(0, 0).data(1)},
		"CVE-2024-34359":                              {"gguf/template-escape", -1, key().text("tokenizer.chat_template", "{{ ''.__class__ }}")},
		"a second, named template":                    {"gguf/template-escape", -1, newWriter(3, le).counts(0, 2).text("tokenizer.chat_template", chat).text("tokenizer.chat_template.tool_use", "{{ ''['__cla'~'ss__'] }}")},
		"a template in an array":                      {"gguf/template-escape", -1, key().array("tokenizer.chat_templates", typeString, 1).str("{{ ''.__class__ }}")},
		"a template under another key":                {"gguf/template-unlisted", -1, key().text("my.Prompt_Template", "{{ lipsum }}")},
		"a template under a key that does not say so": {"gguf/template-escape", -1, key().text("tokenizer.prompt", "{{ ''.__class__.__mro__ }}")},
		"a template that is no template":              {"gguf/template-unparsable", -1, key().text("tokenizer.chat_template", "{{ x")},
		"a template that includes":                    {"gguf/template-reads", -1, key().text("tokenizer.chat_template", "{% include 'x' %}")},
		"a template of a megabyte":                    {"gguf/template-unparsable", 67, key().text("tokenizer.chat_template", strings.Repeat("a", 1<<20))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("model.gguf", tt.w.Bytes())
			if rep.Files[0].Cleared && !strings.Contains(tt.rule, "template") || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
				return f.Rule == tt.rule && f.Severity >= validate.Medium && (tt.at < 0 || f.Offset == tt.at)
			}) {
				t.Errorf("want %s at %d\n%s", tt.rule, tt.at, validatetest.Show(rep))
			}
		})
	}
}

func TestATruncatedFileIsNeverCleared(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{le, be} {
		whole := model(3, order).Bytes()
		for n := range len(whole) - 1 {
			if rep := scanAs("model.gguf", whole[:n]); rep.Files[0].Cleared && n != len(whole)-15 {
				t.Fatalf("cleared at %d of %d bytes", n, len(whole))
			}
		}
	}
}

func TestOlderFormatsAreNamed(t *testing.T) {
	for magic, name := range oldMagic {
		for _, file := range []string{"ggml-model.bin", "x.gguf"} {
			rep := scanAs(file, []byte(magic+"\x01\x00\x00\x00\x00\x01\x02\x03"))
			if rep.Files[0].Cleared || len(rep.Findings) == 0 || rep.Findings[0].Rule != "gguf/old-format" || !strings.Contains(rep.Findings[0].Detail, name) {
				t.Error(validatetest.Show(rep))
			}
		}
	}
}

func TestContentDecides(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          bool
	}{{"x", "GGUF\x03\x00\x00\x00", true}, {"x", "GGUF\x00\x00\x00\x03", true}, {"README.md", "GGUF files of the model", false}, {"x.GGUF", "", true}, {"x.txt", "tjgg is text", false}, {"x", "GGUF", false}} {
		if got := match(validate.Head{Name: tt.name, Size: int64(len(tt.content)), Start: []byte(tt.content)}); got != tt.want {
			t.Errorf("%s %q: %v", tt.name, tt.content, got)
		}
	}
	if rep := scanAs("x.gguf", []byte("PK\x03\x04")); rep.Files[0].Cleared || len(rep.Findings) == 0 {
		t.Error(validatetest.Show(rep))
	}
}

// sparse is a file of which only the head is there; reading its data fails the test.
type sparse struct {
	head []byte
	size int64
}

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(s.head)) {
		copy(b, s.head[off:])
	}
	if off > int64(len(s.head)) && len(b) > 4096 && off < s.size-4096 {
		return 0, fmt.Errorf("%d bytes of data are read at %d", len(b), off)
	}
	if off+int64(len(b)) > s.size {
		return int(s.size - off), io.EOF
	}
	return len(b), nil
}

// large is the head of a model with a vocabulary of 300,000 words and ten gigabytes of tensors.
func large(tensors int) sparse {
	w := newWriter(3, le).counts(uint64(tensors), 3)
	for _, key := range []string{"tokenizer.ggml.tokens", "tokenizer.ggml.merges"} {
		w.array(key, typeString, 300_000)
		for i := range 300_000 {
			w.str(fmt.Sprintf("token%d", i))
		}
	}
	w.text("tokenizer.chat_template", chat)
	const each = 10 << 20
	for i := range tensors {
		w.tensor(fmt.Sprintf("blk.%d.attn_q.weight", i), 24, uint64(i)*each, each)
	}
	w.align(32)
	return sparse{w.Bytes(), int64(w.Len()) + int64(tensors)*each}
}

func TestTensorDataIsNotReadAndMemoryStaysSmall(t *testing.T) {
	s := large(1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	rep := validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, "m.gguf", s, s.size, validatetest.Policy().Scan)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if !clean(rep) {
		t.Fatal(validatetest.Show(rep))
	}
	if after.TotalAlloc-before.TotalAlloc > 8<<20 || took > 2*time.Second {
		t.Errorf("%d GiB took %v and %d KiB", s.size>>30, took, (after.TotalAlloc-before.TotalAlloc)>>10)
	}
}

func FuzzGGUF(f *testing.F) {
	for _, w := range []*writer{model(1, le), model(2, le), model(3, le), model(3, be), newWriter(3, le).counts(0, 0), newWriter(3, le).counts(1, 0).tensor("a", 0, 0, 1).align(32).data(4)} {
		f.Add(w.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m.gguf", b)
		if again := scanAs("m.gguf", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		if !rep.Files[0].Cleared && len(rep.Findings) == 0 {
			t.Fatal("not cleared, for no reason")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if rep.Files[0].Cleared && scanAs("m.gguf", append(bytes.Clone(b), 1)).Files[0].Cleared {
			t.Fatal("a byte more is cleared too")
		}
	})
}

func BenchmarkGGUF(b *testing.B) {
	s := large(1000)
	b.SetBytes(int64(len(s.head)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := validate.ScanReader(b.Context(), []*validate.Scanner{Scanner()}, "m.gguf", s, s.size, validatetest.Policy().Scan); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
