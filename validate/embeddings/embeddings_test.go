package embeddings

import (
	"bytes"
	"context"
	"encoding/binary"
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

func i32(vs ...int32) string {
	var b []byte
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return string(b)
}

func i64(vs ...int64) string {
	var b []byte
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return string(b)
}

func zeros(n int) string { return strings.Repeat("\x00", n) }

// fastText is a model of two words and a label, as change makes it.
type fastText struct {
	version, size, words, labels int32
	pruned                       int64
	kind                         string
	input                        string
}

func ordinary() fastText {
	return fastText{version: 12, size: 3, words: 2, labels: 1, pruned: -1, kind: "\x00", input: "\x00" + i64(5, 2) + zeros(40)}
}

func (f fastText) write() string {
	s := i32(fastTextMagic, f.version) + zeros(56) + i32(f.size, f.words, f.labels) + i64(100, f.pruned)
	for _, w := range []string{"the", "é", "__label__x"} {
		s += w + "\x00" + i64(3) + f.kind
	}
	return s + zeros(int(max(0, f.pruned))*8) + f.input + "\x00" + i64(1, 2) + zeros(8)
}

func quantized(norms bool) string {
	pq := i32(2, 1, 2, 2) + zeros(2*256*4)
	s := "\x01" + map[bool]string{true: "\x01", false: "\x00"}[norms] + i64(5, 2) + i32(5) + zeros(5) + pq
	if norms {
		s += zeros(5) + i32(1, 1, 1, 1) + zeros(256*4)
	}
	return s
}

func models() map[string]string {
	norm, plain, pruned := ordinary(), ordinary(), ordinary()
	norm.input, plain.input, pruned.pruned = quantized(true), quantized(false), 2
	return map[string]string{"fastText": ordinary().write(), "with norms": norm.write(), "quantized": plain.write(), "pruned": pruned.write(),
		"word2vec": "2 3\nthe " + zeros(12) + "\né " + zeros(12) + "\n", "word2vec of gensim": "2 3\nthe " + zeros(12) + "é " + zeros(12)}
}

func TestVectorsAreCleared(t *testing.T) {
	for name, s := range models() {
		if rep := scanAs("model.bin", []byte(s)); !clean(rep) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
		if clean(scanAs("model.bin", []byte(s+"PK"))) || clean(scanAs("model.bin", []byte(s[:len(s)-2]))) {
			t.Errorf("%s: two bytes more or less are cleared", name)
		}
	}
	if rep := scanAs("glove.txt", []byte("2 3\nthe 0 0 0\n")); len(rep.Files[0].Scanners) != 0 {
		t.Error("text is claimed")
	}
}

func TestContradictionsAreNotCleared(t *testing.T) {
	for name, tt := range map[string]struct {
		rule   string
		change func(f *fastText)
	}{
		"a negative count of words":   {"embeddings/sizes", func(f *fastText) { f.size, f.words = -1, -2 }},
		"words that do not add up":    {"embeddings/sizes", func(f *fastText) { f.words = 3 }},
		"more words than the file":    {"validate/unparsable", func(f *fastText) { f.size, f.words = 1<<20, 1<<20-1 }},
		"an entry of unknown kind":    {"embeddings/sizes", func(f *fastText) { f.kind = "\x07" }},
		"an unknown version":          {"embeddings/sizes", func(f *fastText) { f.version = 13 }},
		"pruned beyond reason":        {"embeddings/sizes", func(f *fastText) { f.pruned = -2 }},
		"a matrix of negative size":   {"embeddings/sizes", func(f *fastText) { f.input = "\x00" + i64(-1, 2) }},
		"a matrix beyond the file":    {"validate/unparsable", func(f *fastText) { f.input = "\x00" + i64(1<<39, 2) }},
		"a flag that is none":         {"embeddings/sizes", func(f *fastText) { f.input = "\x02" }},
		"codes beyond the file":       {"validate/unparsable", func(f *fastText) { f.input = "\x01\x00" + i64(5, 2) + i32(1<<30) }},
		"a quantizer of no dimension": {"embeddings/sizes", func(f *fastText) { f.input = "\x01\x00" + i64(5, 2) + i32(0) + i32(-1, 0, 0, 0) }},
	} {
		f := ordinary()
		tt.change(&f)
		rep := scanAs("model.bin", []byte(strings.TrimRight(f.write(), "")))
		if rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
	for name, s := range map[string]string{"a word without an end": "1 1\n" + strings.Repeat("a", 3000) + "\x00", "a word that is not text": "1 1\n\xff " + zeros(4), "too few words": "9 1\na " + zeros(4)} {
		if rep := scanAs("w.bin", []byte(s)); rep.Files[0].Cleared || len(rep.Files[0].Scanners) == 0 {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func FuzzEmbeddings(f *testing.F) {
	for _, s := range models() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("m.bin", b), scanAs("m.bin", b)
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

func BenchmarkWord2vec(b *testing.B) {
	s := []byte("100000 100\n" + strings.Repeat("word "+zeros(400)+"\n", 100_000))
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("w.bin", s); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
