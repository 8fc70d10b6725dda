package tensorbundle

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk/prototest"
	"github.com/loadlock/loadlock/validate/validatetest"
)

type msg = prototest.M

var scanners = []*validate.Scanner{Scanner()}

func scan1(b []byte) validate.Report {
	return validate.ScanReader(context.Background(), scanners, "m.index", bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan)
}

// pair is an entry of a table.
type pair struct{ key, value string }

// block writes entries with shared prefixes, every second one a restart point.
func block(pairs ...pair) []byte {
	var b []byte
	var restarts []uint32
	last := ""
	for i, p := range pairs {
		shared := 0
		if i%2 == 0 {
			restarts = append(restarts, uint32(len(b)))
		} else {
			for shared < min(len(last), len(p.key)) && last[shared] == p.key[shared] {
				shared++
			}
		}
		for _, n := range []int{shared, len(p.key) - shared, len(p.value)} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		b = append(append(b, p.key[shared:]...), p.value...)
		last = p.key
	}
	if len(restarts) == 0 {
		restarts = []uint32{0}
	}
	for _, x := range restarts {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return binary.LittleEndian.AppendUint32(b, uint32(len(restarts)))
}

// file puts blocks one behind the other: data blocks, the meta block, the index, the footer.
func file(blocks ...[]pair) []byte {
	var out, footer []byte
	put := func(b []byte) string {
		h := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(out))), uint64(len(b)))
		b = append(slices.Clone(b), 0)
		sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		out = append(append(out, b...), binary.LittleEndian.AppendUint32(nil, bits.RotateLeft32(sum, 17)+0xa282ead8)...)
		return string(h)
	}
	var index []pair
	for _, pairs := range blocks {
		index = append(index, pair{pairs[len(pairs)-1].key + "~", put(block(pairs...))})
	}
	footer = append(footer, put(block())...)
	footer = append(footer, put(block(index...))...)
	footer = append(footer, make([]byte, handlesSize-len(footer))...)
	return append(append(out, footer...), binary.LittleEndian.AppendUint64(nil, magic)...)
}

func header(shards int64) pair {
	return pair{"", string(msg{}.Int(1, shards).Msg(3, msg{}.Int(1, 1)))}
}

// floats is an entry of n floats.
func floats(key string, n, shard, offset int64) pair {
	m := msg{}.Int(1, 1).Msg(2, msg{}.Msg(2, msg{}.Int(1, n)))
	if shard > 0 {
		m = m.Int(3, shard)
	}
	if offset > 0 {
		m = m.Int(4, offset)
	}
	return pair{key, string(m.Int(5, 4*n).Fixed32(6, 1))}
}

func honest() []byte {
	return file([]pair{header(2), floats("layer/bias", 4, 0, 0), floats("layer/kernel", 8, 0, 16)}, []pair{floats("layer2/kernel", 2, 1, 0)})
}

func TestACheckpointIsAdmittedWithItsDataFiles(t *testing.T) {
	files := map[string][]byte{"variables/variables.index": honest(), "variables/variables.data-00000-of-00002": bytes.Repeat([]byte{0xc1}, 48), "variables/variables.data-00001-of-00002": bytes.Repeat([]byte{0xc1}, 8)}
	if rep, d := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{Scanner()}, files); d.Verdict != validate.Admit {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	for name, n := range map[string]int{"longer": 49, "shorter": 47} {
		files["variables/variables.data-00000-of-00002"] = bytes.Repeat([]byte{0xc1}, n)
		if _, d := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{Scanner()}, files); d.Verdict == validate.Admit {
			t.Errorf("a data file that is %s is admitted", name)
		}
	}
}

func TestBrokenIndexesAreNotCleared(t *testing.T) {
	const broken = "validate/unparsable"
	edit := func(at int, with string) []byte {
		b := honest()
		copy(b[at:], with)
		return b
	}
	raw := func(m msg) []byte { return file([]pair{header(1), {"w", string(m)}}) }
	huge := msg{}.Int(1, 1).Msg(2, msg{}.Msg(2, msg{}.Int(1, 1<<40)).Msg(2, msg{}.Int(1, 1<<40)))
	n := len(honest())
	for name, tt := range map[string]struct {
		rule string
		b    []byte
	}{
		"a byte changed": {"tensorbundle/checksum", edit(9, "\x03")},
		"a compressed block": {"tensorbundle/compressed", func() []byte {
			b := honest()
			b[len(block(header(2), floats("layer/bias", 4, 0, 0), floats("layer/kernel", 8, 0, 16)))] = 1
			return b
		}()},
		"a key twice":                      {"tensorbundle/table", file([]pair{header(1), floats("a", 1, 0, 0), floats("a", 1, 0, 4)})},
		"keys out of order":                {"tensorbundle/table", file([]pair{header(1), floats("b", 1, 0, 0), floats("a", 1, 0, 4)})},
		"keys out of order between blocks": {"tensorbundle/table", file([]pair{header(1), floats("b", 1, 0, 0)}, []pair{floats("a", 1, 0, 4)})},
		"no header":                        {broken, file([]pair{floats("a", 1, 0, 0)})},
		"no data files":                    {broken, file([]pair{header(0)})},
		"a data file that is not there":    {"tensorbundle/entry", file([]pair{header(1), floats("a", 1, 1, 0)})},
		"an offset below zero":             {"tensorbundle/entry", raw(msg{}.Int(1, 1).Int(4, -4).Int(5, 4))},
		"an end above 63 bits":             {"tensorbundle/entry", raw(msg{}.Int(1, 7).Int(4, 1<<62).Int(5, 1<<62+1<<61))},
		"fewer bytes than the shape":       {"tensorbundle/entry", raw(msg{}.Int(1, 1).Msg(2, msg{}.Msg(2, msg{}.Int(1, 1000))).Int(5, 4))},
		"a shape that overflows":           {"tensorbundle/entry", raw(huge.Int(5, 0))},
		"a dimension below zero":           {"tensorbundle/entry", raw(msg{}.Int(1, 1).Msg(2, msg{}.Msg(2, msg{}.Int(1, -1))))},
		"an unknown type":                  {"tensorbundle/entry", raw(msg{}.Int(1, 99).Int(5, 4))},
		"a field of no version":            {"tensorbundle/unknown-field", raw(msg{}.Int(1, 1).Int(5, 4).Str(99, "x"))},
		"a type twice":                     {"tensorbundle/repeated-field", raw(msg{}.Int(1, 1).Int(1, 2).Int(5, 4))},
		"an old checkpoint":                {"tensorbundle/old-checkpoint", file([]pair{{"", string(msg{}.Msg(1, msg{}.Str(1, "w")))}})},
		"bytes before the blocks":          {broken, append([]byte("PK\x03\x04"), honest()...)},
		"bytes before the footer":          {"validate/unexplained", slices.Concat(honest()[:n-footerSize], []byte("MZ"), honest()[n-footerSize:])},
		"a footer with something in it":    {broken, edit(n-12, "x")},
	} {
		rep := scan1(tt.b)
		if rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			if rep.Files[0].Cleared && slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity >= validate.Medium }) {
				continue
			}
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(honest())
	f.Add(file([]pair{header(1), floats("a", 1, 0, 0)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scan1(b)
		if again := scan1(b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if rep.Files[0].Cleared && (scan1(b[:len(b)-1]).Files[0].Cleared || scan1(append([]byte{0}, b...)).Files[0].Cleared) {
			t.Fatal("a byte more or less is cleared too")
		}
	})
}

func BenchmarkIndex(b *testing.B) {
	var blocks [][]pair
	for i := range 100 {
		var pairs []pair
		if i == 0 {
			pairs = append(pairs, header(1))
		}
		for j := range 100 {
			pairs = append(pairs, floats(fmt.Sprintf("model/layer-%03d/%s/%03d", i, strings.Repeat("x", 20), j), 4, 0, int64(i*100+j)*16))
		}
		blocks = append(blocks, pairs)
	}
	data := file(blocks...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scan1(data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
