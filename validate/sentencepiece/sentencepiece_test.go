package sentencepiece

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func number(num int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(num)<<3), v)
}

func text[T string | []byte](num int, s T) []byte {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(num)<<3|bytesOf), uint64(len(s)))
	return append(b, s...)
}

func float(num int, v float32) []byte {
	return binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(num)<<3|fixed32), math.Float32bits(v))
}

func piece(s string) []byte { return text(1, cat(text(1, s), float(2, -1.5), number(3, 1))) }

// charsmap is a double array of empty units with change applied, and replacements.
func charsmap(change func(units []byte)) []byte {
	units := make([]byte, 1024)
	if change != nil {
		change(units)
	}
	return cat(binary.LittleEndian.AppendUint32(nil, 1024), units, []byte("a\x00é\x00"))
}

func model(extra ...[]byte) []byte {
	return cat(piece("<unk>"), piece("▁the"), piece("\n"), text(2, cat(text(1, "/home/author/corpus.txt"), number(3, 2), float(10, 0.99), text(30, "<pad>"), number(40, 0), number(43, math.MaxUint64))),
		text(3, cat(text(1, "nmt_nfkc"), text(2, charsmap(nil)), number(3, 1))), cat(extra...))
}

func TestModelsAreCleared(t *testing.T) {
	for name, b := range map[string][]byte{"whole": model(), "no scores, as the library writes zero": cat(text(1, cat(text(1, "<unk>"), number(3, 2))), text(1, text(1, "a")), text(3, text(1, "identity"))), "self test": model(text(4, text(1, cat(text(1, "in"), text(2, "out"))))), "denormalizer": model(text(5, text(1, "x")))} {
		for _, as := range []string{"tokenizer.model", "x.bin"} {
			if rep := scanAs(as, b); !clean(rep) {
				t.Errorf("%s: %s", name, validatetest.Show(rep))
			}
		}
	}
	if rep := scanAs("tokenizer.model", []byte("IQ== 0\nIg== 1\n")); len(rep.Files[0].Scanners) != 0 {
		t.Error("a tiktoken vocabulary is taken for sentencepiece")
	}
}

func TestBrokenModelsAreNotCleared(t *testing.T) {
	unit := func(i int, u uint32) []byte {
		return text(3, text(2, charsmap(func(units []byte) { binary.LittleEndian.PutUint32(units[4*i:], u) })))
	}
	for name, tt := range map[string]struct {
		rule string
		at   int // from the end of the ordinary model
		tail []byte
	}{
		"an extension":                      {"sentencepiece/unknown-field", 0, text(200, "PK\x03\x04")},
		"an extension in a piece":           {"sentencepiece/unknown-field", 2, text(1, text(200, "x"))},
		"a field of another type":           {"sentencepiece/unknown-field", 0, number(1, 5)},
		"an unknown field of the settings":  {"sentencepiece/unknown-field", 2, text(2, text(60, "x"))},
		"a double array that leads outside": {"sentencepiece/charsmap", -1, unit(3, 1<<20)},
		"a step scaled by 256":              {"sentencepiece/charsmap", -1, unit(3, 1<<10|1<<9)},
		"a value outside the replacements":  {"sentencepiece/charsmap", -1, unit(3, 1<<31|9)},
		"a table of one byte":               {"sentencepiece/charsmap", -1, text(3, text(2, "x"))},
		"a table that declares too much":    {"sentencepiece/charsmap", -1, text(3, text(2, "\x00\x04\x00\x01"+strings.Repeat("\x00", 1024)))},
		"text that is not UTF-8":            {"validate/unparsable", -1, piece("\xff")},
		"a field that ends early":           {"validate/unparsable", 0, []byte("\x0a\x7fabc")},
		"a field longer than its message":   {"validate/unparsable", -1, text(1, "\x0a\x05abc")},
		"a group":                           {"validate/unparsable", 0, []byte{0x0b}},
		"field number 0":                    {"validate/unparsable", 0, []byte{0x02, 0}},
		"a long form of a number":           {"validate/unparsable", -1, []byte{0x0a, 0x80, 0x00}},
		"a number of 70 bits":               {"validate/unparsable", -1, []byte("\x12\x0c\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")},
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("tokenizer.model", model(tt.tail))
			if rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
				return f.Rule == tt.rule && (tt.at < 0 || f.Offset == int64(len(model())+tt.at))
			}) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
	for _, b := range [][]byte{{}, text(3, text(1, "x")), []byte("\x08\x01")} {
		if rep := scanAs("spiece.model", b); rep.Files[0].Cleared {
			t.Errorf("%q is cleared", b)
		}
	}
}

func FuzzSentencepiece(f *testing.F) {
	f.Add(model())
	f.Add(model(text(200, "x")))
	f.Add(model(text(4, text(1, text(1, "in")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("tokenizer.model", b), scanAs("tokenizer.model", b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkModel(b *testing.B) {
	var parts [][]byte
	for range 100_000 {
		parts = append(parts, piece("▁piece"))
	}
	m := cat(cat(parts...), model())
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("tokenizer.model", m); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
