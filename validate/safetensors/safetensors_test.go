package safetensors

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// file puts the length in front of a header and n bytes of tensors behind it.
func file(head string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), make([]byte, n)...)
}

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

const twoTensors = `{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}`

func TestWholeFilesAreCleared(t *testing.T) {
	one := func(dtype, shape string, n int) []byte {
		return file(fmt.Sprintf(`{"a":{"dtype":%q,"shape":%s,"data_offsets":[0,%d]}}`, dtype, shape, n), n)
	}
	tests := map[string][]byte{
		"two tensors":                     file(twoTensors, 26),
		"no tensors":                      file(`{}`, 0),
		"metadata":                        file(`{"__metadata__":{"format":"pt","x":""}}`, 0),
		"spaces after the header":         file(twoTensors+"      ", 26),
		"spaces inside the header":        file("{ \"a\" : {\"dtype\":\"U8\",\n\"shape\":[1],\"data_offsets\":[0,1]} }", 1),
		"members in another order":        file(`{"a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}`, 1),
		"tensors in another order":        file(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2),
		"an empty tensor between others":  file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[1,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		"F4 of whole bytes":               one("F4", "[2,3]", 3),
		"F6 of whole bytes":               one("F6_E2M3", "[4]", 3),
		"F8_E8M0":                         one("F8_E8M0", "[5]", 5),
		"C64":                             one("C64", "[2]", 16),
		"a length that looks like zlib":   file(twoTensors+strings.Repeat(" ", 0x2078-len(twoTensors)), 26),
		"a length that looks like gzip":   file(twoTensors+strings.Repeat(" ", 0x8b1f-len(twoTensors)), 26),
		"a length that looks like pickle": file(twoTensors+strings.Repeat(" ", 0x0480-len(twoTensors)), 26),
		"escapes in a name":               file(`{"\u00e9\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			for _, as := range []string{"model.safetensors", "no-extension"} {
				if rep := scanAs(as, b); !clean(rep) {
					t.Errorf("as %s\n%s", as, validatetest.Show(rep))
				}
			}
		})
	}
}

func TestBrokenFilesAreNotCleared(t *testing.T) {
	tensor := func(dtype, shape, offsets string) []byte {
		return file(fmt.Sprintf(`{"a":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), 8)
	}
	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"nothing":                           {"validate/unparsable", nil},
		"seven bytes":                       {"validate/unparsable", []byte("\x02\x00\x00\x00\x00\x00\x00")},
		"a length above the file":           {"safetensors/header", append(binary.LittleEndian.AppendUint64(nil, 99), "{}"...)},
		"a length above the format's bound": {"safetensors/header", append(binary.LittleEndian.AppendUint64(nil, 100_000_001), "{}"...)},
		"a length with the highest bit":     {"safetensors/header", append(binary.LittleEndian.AppendUint64(nil, 1<<63), "{}"...)},
		"a header of one byte":              {"safetensors/header", file("{", 0)},
		"a space first":                     {"safetensors/header", file(" {}", 0)},
		"a header of spaces":                {"safetensors/header", append(binary.LittleEndian.AppendUint64(nil, 2), " \n"...)},
		"an array":                          {"safetensors/header", file("[]", 0)},
		"invalid UTF-8":                     {"safetensors/header", file("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0)},
		"JSON that ends early":              {"safetensors/header", file(`{"a":`, 0)},
		"a comma too many":                  {"safetensors/header", file(`{"__metadata__":{},}`, 0)},
		"two JSON values":                   {"safetensors/header", file(`{}{}`, 0)},
		"a second format in the padding":    {"safetensors/header", file("{}   PK\x03\x04", 0)},
		"a newline as padding":              {"safetensors/header", file("{}\n", 0)},
		"a tensor twice":                    {"safetensors/duplicate-key", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2)},
		"a tensor twice, once escaped":      {"safetensors/duplicate-key", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2)},
		"a member twice":                    {"safetensors/duplicate-key", file(`{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1)},
		"metadata twice":                    {"safetensors/duplicate-key", file(`{"__metadata__":{},"__metadata__":{}}`, 0)},
		"a metadata key twice":              {"safetensors/duplicate-key", file(`{"__metadata__":{"a":"","a":""}}`, 0)},
		"metadata that is a list":           {"safetensors/metadata", file(`{"__metadata__":[]}`, 0)},
		"metadata of numbers":               {"safetensors/metadata", file(`{"__metadata__":{"a":1}}`, 0)},
		"metadata of objects":               {"safetensors/metadata", file(`{"__metadata__":{"a":{"b":"c"}}}`, 0)},
		"an unknown dtype":                  {"safetensors/dtype", tensor(`"F128"`, "[1]", "[0,8]")},
		"a dtype in small letters":          {"safetensors/dtype", tensor(`"i64"`, "[1]", "[0,8]")},
		"a dtype that is a number":          {"safetensors/header", tensor(`1`, "[1]", "[0,8]")},
		"an unknown member":                 {"safetensors/header", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"code":"x"}}`, 1)},
		"a missing member":                  {"safetensors/header", file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1)},
		"a shape that is too small":         {"safetensors/shape", tensor(`"I32"`, "[1]", "[0,8]")},
		"a shape that is too large":         {"safetensors/shape", tensor(`"I32"`, "[3]", "[0,8]")},
		"a shape whose product overflows":   {"safetensors/shape", tensor(`"I64"`, "[4294967296,4294967296]", "[0,8]")},
		"an overflow that a zero hides":     {"safetensors/shape", file(`{"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`, 0)},
		"a product that overflows in bits":  {"safetensors/shape", tensor(`"I64"`, "[4611686018427387905]", "[0,8]")},
		"F4 of half a byte":                 {"safetensors/shape", tensor(`"F4"`, "[15]", "[0,8]")},
		"a negative dimension":              {"safetensors/header", tensor(`"I64"`, "[-1]", "[0,8]")},
		"a fraction as dimension":           {"safetensors/header", tensor(`"I64"`, "[1.0]", "[0,8]")},
		"an exponent as dimension":          {"safetensors/header", tensor(`"U8"`, "[8e0]", "[0,8]")},
		"a dimension in a list":             {"safetensors/header", tensor(`"I64"`, "[[1]]", "[0,8]")},
		"reversed offsets":                  {"safetensors/offsets", tensor(`"I64"`, "[1]", "[8,0]")},
		"offsets outside":                   {"safetensors/offsets", tensor(`"I64"`, "[2]", "[0,16]")},
		"offsets above 63 bits":             {"safetensors/offsets", tensor(`"I64"`, "[1]", "[0,18446744073709551615]")},
		"one offset":                        {"safetensors/header", tensor(`"I64"`, "[1]", "[8]")},
		"three offsets":                     {"safetensors/header", tensor(`"I64"`, "[1]", "[0,8,8]")},
		"overlapping tensors":               {"safetensors/offsets", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6)},
		"the same bytes twice":              {"safetensors/offsets", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4)},
		"a hole in front":                   {"safetensors/offsets", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}`, 5)},
		"a hole between":                    {"safetensors/offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3)},
		"bytes after the last tensor":       {"safetensors/trailing", file(twoTensors, 27)},
		"data without a tensor":             {"safetensors/trailing", file(`{}`, 1)},
		"a file that ends inside a tensor":  {"safetensors/offsets", file(twoTensors, 25)},
		"half a surrogate pair":             {"safetensors/header", file(`{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)},
		"a tensor that is a number":         {"safetensors/header", file(`{"a":1}`, 0)},
		"a tensor that is a list":           {"safetensors/header", file(`{"a":[]}`, 0)},
		"a shape that is a number":          {"safetensors/header", file(`{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}`, 1)},
		"a shape that is an object":         {"safetensors/header", file(`{"a":{"dtype":"U8","shape":{"a":1},"data_offsets":[0,1]}}`, 1)},
		"NaN as dimension":                  {"safetensors/header", tensor(`"U8"`, "[NaN]", "[0,8]")},
		"no offset":                         {"safetensors/header", tensor(`"I64"`, "[1]", "[]")},
		"metadata that is text":             {"safetensors/metadata", file(`{"__metadata__":"x"}`, 0)},
		"a dtype that is null":              {"safetensors/header", tensor(`null`, "[1]", "[0,8]")},
		"deep nesting":                      {"safetensors/header", file(`{"a":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}`, 0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("model.safetensors", tt.b)
			if rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity >= validate.Medium }) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
}

// endless is a header of any size that nobody holds.
type endless struct {
	record func(i int64) string // all of one length
	n      int64
}

func (e endless) size() int64 { return 8 + e.header() }

func (e endless) header() int64 { return 2 + e.n*int64(len(e.record(0))) }

func (e endless) ReadAt(b []byte, off int64) (int, error) {
	width := int64(len(e.record(0)))
	for i := 0; i < len(b); {
		switch at := off + int64(i); {
		case at >= e.size():
			return i, io.EOF
		case at < 8:
			b[i] = binary.LittleEndian.AppendUint64(nil, uint64(e.header()))[at]
			i++
		case at == 8:
			b[i] = '{'
			i++
		case at == e.size()-1:
			b[i] = '}'
			i++
		default:
			k := (at - 9) / width
			s := e.record(k)
			if k == e.n-1 {
				s = s[:width-1] + " "
			}
			i += copy(b[i:], s[(at-9)%width:])
		}
	}
	return len(b), nil
}

func TestALargeHeaderIsNotHeld(t *testing.T) {
	record := []byte(`"model.layers.00000000.mlp.experts.weight":{"dtype":"BF16","shape":[0,4096],"data_offsets":[0,0]},`)
	empty := func(i int64) string {
		for k := 21; k > 13; k-- {
			record[k] = byte('0' + i%10)
			i /= 10
		}
		return string(record)
	}
	for name, tt := range map[string]struct {
		e    endless
		rule string
	}{
		"200,000 tensors":   {endless{empty, 200_000}, ""},
		"a million tensors": {endless{empty, 1_000_000}, "validate/budget"},
		"spaces":            {endless{func(int64) string { return strings.Repeat(" ", 1000) }, 90_000}, ""},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		rep := validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, "m.safetensors", tt.e, tt.e.size(), validatetest.Policy().Scan)
		runtime.ReadMemStats(&after)
		if (tt.rule == "") != clean(rep) || tt.rule != "" && rep.Findings[0].Rule != tt.rule {
			t.Errorf("%s: want %q\n%s", name, tt.rule, validatetest.Show(rep))
		}
		if held := int64(after.HeapSys) - int64(before.HeapSys); held > 40<<20 {
			t.Errorf("%s: %d MiB of header took %d MiB from the system", name, tt.e.size()>>20, held>>20)
		}
	}
}

// data is a file of which only the header exists.
type data struct{ head []byte }

func (d data) ReadAt(b []byte, off int64) (int, error) {
	if off >= int64(len(d.head)) {
		return 0, fmt.Errorf("tensor data is read at %d", off)
	}
	n := copy(b, d.head[off:])
	if n < len(b) && n < 4096 {
		return len(b), nil // the first bytes of any file are looked at
	}
	return n, io.EOF
}

func TestTensorDataIsNeverRead(t *testing.T) {
	const size = 1 << 40
	head := file(fmt.Sprintf(`{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, size, size), 0)
	rep := validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, "m", data{head}, int64(len(head))+size, validatetest.Policy().Scan)
	if !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
}

// FuzzSafetensors checks that a report is the same twice and inside the file, and that a cleared file is no
// longer cleared when it is cut or grows.
func FuzzSafetensors(f *testing.F) {
	for _, head := range []string{twoTensors, `{}`, `{"__metadata__":{"format":"pt"}}`, `{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}`, twoTensors + "  "} {
		f.Add(file(head, 26))
		f.Add(file(head, 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m.safetensors", b)
		if again := scanAs("m.safetensors", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
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
		if !clean(rep) {
			return
		}
		if clean(scanAs("m.safetensors", append(slices.Clone(b), 0))) || clean(scanAs("m.safetensors", b[:len(b)-1])) {
			t.Fatal("a byte more or less is cleared too")
		}
	})
}

func BenchmarkHeader(b *testing.B) {
	var head strings.Builder
	head.WriteString(`{"__metadata__":{"format":"pt"}`)
	for i := range 1000 {
		fmt.Fprintf(&head, `,"model.layers.%d.self_attn.q_proj.weight":{"dtype":"BF16","shape":[4096,4096],"data_offsets":[%d,%d]}`, i, int64(i)<<25, int64(i+1)<<25)
	}
	head.WriteString("}")
	h := file(head.String(), 0)
	b.SetBytes(int64(len(h)))
	b.ReportAllocs()
	for b.Loop() {
		rep := validate.ScanReader(b.Context(), []*validate.Scanner{Scanner()}, "m", data{h}, int64(len(h))+1000<<25, validatetest.Policy().Scan)
		if !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
