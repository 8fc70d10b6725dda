package msgpack

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
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

func text(s string) string { return "\xd9" + string(byte(len(s))) + s }

func ext(kind byte, body string) string {
	return "\xc9" + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + string(kind) + body
}

// array of two dimensions.
func array2(dtype string, rows, columns byte, data int) string {
	return ext(1, "\x93\x92"+string(rows)+string(columns)+text(dtype)+"\xc6"+string(binary.BigEndian.AppendUint32(nil, uint32(data)))+strings.Repeat("\x00", data))
}

func params(v string) string { return "\x81" + text("params") + "\x82" + text("w") + v + "\xa1b\xc0" }

func TestParametersAreCleared(t *testing.T) {
	for _, v := range []string{array2("float32", 2, 3, 24), array2("bfloat16", 0, 3, 0), ext(3, "\x93\x90"+text("float32")+"\xc4\x04abcd"), ext(2, "\x92\x01\x02"), "\xcb12345678", "\x93\x01\xff\xcd\x01\x02", "\xc4\x03abc", "\xdc\x00\x01\xc3", "\xde\x00\x00"} {
		b := []byte(params(v))
		if rep := scanAs("flax_model.msgpack", b); !clean(rep) {
			t.Errorf("%q\n%s", v, validatetest.Show(rep))
		}
		for n := 1; n < len(b); n++ {
			if clean(scanAs("m.msgpack", b[:len(b)-n])) {
				t.Fatalf("%q without %d bytes is cleared", v, n)
			}
		}
	}
}

func TestOtherFilesAreNotCleared(t *testing.T) {
	for name, tt := range map[string]struct{ rule, text string }{
		"a byte behind":               {"validate/unexplained", params("\xc0") + "x"},
		"a pickle under the name":     {"validate/unexplained", "\x80\x02cos\nsystem\n."},
		"another extension":           {"msgpack/extension", params(ext(42, "\x80\x02N."))},
		"an array of objects":         {"msgpack/array", params(array2("object", 1, 1, 8))},
		"an array of too few bytes":   {"msgpack/array", params(array2("float32", 2, 3, 20))},
		"an array of too many bytes":  {"msgpack/array", params(array2("float32", 2, 3, 28))},
		"an array that is a map":      {"msgpack/array", params(ext(1, "\x80"))},
		"a shape that overflows":      {"msgpack/array", params(ext(1, "\x93\x92\xcf\x7f\xff\xff\xff\xff\xff\xff\xff\x7f"+text("int8")+"\xc0"))},
		"bytes behind an array":       {"msgpack/array", params(ext(1, "\x93\x90"+text("int8")+"\xc4\x01ab"))},
		"a repeated key":              {"msgpack/repeated-key", "\x82\xa1a\x01\xa1a\x02"},
		"a list longer than the file": {"validate/unparsable", "\xdd\xff\xff\xff\xff"},
		"a map as key":                {"validate/unparsable", "\x81\x80\x01"},
		"the byte that is never used": {"validate/unparsable", "\xc1"},
		"deep nesting":                {"validate/unparsable", strings.Repeat("\x91", 1000) + "\xc0"},
		"text that is not UTF-8":      {"validate/unparsable", "\xa1\xff"},
	} {
		rep := scanAs("m.msgpack", []byte(tt.text))
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func FuzzMsgpack(f *testing.F) {
	f.Add([]byte(params(array2("float32", 2, 3, 24))))
	f.Add([]byte(params(ext(42, "x"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("m.msgpack", b), scanAs("m.msgpack", b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
		if clean(rep) && clean(scanAs("m.msgpack", b[:len(b)-1])) {
			t.Fatal("cut, it is cleared too")
		}
	})
}

func BenchmarkParameters(b *testing.B) {
	var s strings.Builder
	s.WriteString("\xde\x4e\x20") // 20,000 pairs
	for i := range 20_000 {
		s.WriteString(text(fmt.Sprint("layer", i)) + array2("float32", 4, 4, 64))
	}
	data := []byte(s.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("m.msgpack", data); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
