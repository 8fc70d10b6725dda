package tflite

import (
	"bytes"
	"context"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk/prototest"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var scanners = []*validate.Scanner{Scanner()}

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), scanners, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

// builtin and customCode write operator codes.
func builtin(n int) tab { return tab{codeOld: u8(min(n, 127)), codeNew: u32(n)} }

func customCode(name string) tab {
	return tab{codeOld: u8(builtinCustom), codeCustom: name, codeNew: u32(builtinCustom)}
}

// model3 is a model with operator codes, and one operator for each with the options given.
func model3(codes []tab, options ...[]byte) tab {
	var ops []tab
	for i := range codes {
		op := tab{operatorCode: u32(i)}
		if i < len(options) && options[i] != nil {
			op[operatorOptions] = options[i]
		}
		ops = append(ops, op)
	}
	tensors := []tab{{0: []byte{}, 1: u8(0), 2: u32(1), 3: "input"}}
	return tab{0: u32(3), modelCodes: codes, 2: []tab{{0: tensors, 3: ops, 4: "main"}}, 3: "a test", 4: []tab{{}, {0: bytes.Repeat([]byte{0xc1}, 40)}}}
}

func nodeDef(op string) []byte { return prototest.M{}.Str(1, "n").Str(2, op) }

func TestHonestModelsAreCleared(t *testing.T) {
	for name, m := range map[string]tab{
		"builtin operators":      model3([]tab{builtin(0), builtin(builtinLast), {codeOld: u8(9)}}),
		"a known custom one":     model3([]tab{customCode("TFLite_Detection_PostProcess")}, []byte("options")),
		"an operator of Flex":    model3([]tab{customCode("FlexErf")}, flexOptions("Erf", nodeDef("Erf"))),
		"no operators":           model3(nil),
		"a Conv2D with options":  {0: u32(3), modelCodes: []tab{builtin(3)}, 2: []tab{{3: []tab{{0: u32(0), 3: u8(1), 4: tab{0: u8(1), 1: u32(2)}}}}}},
		"a buffer of the future": {0: u32(3), 4: []tab{{bufferOffset: u64(1), bufferSize: u64(1)}}},
	} {
		b := file(m)
		rep := scanAs("m.tflite", b)
		if !rep.Files[0].Cleared || slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low }) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
		for n := range b {
			if n < len(b)-16 && scanAs("m.tflite", b[:n]).Files[0].Cleared {
				t.Errorf("%s, cut to %d of %d bytes, is cleared", name, n, len(b))
			}
		}
	}
}

func TestHostileModelsAreFound(t *testing.T) {
	const broken = "validate/unparsable"
	plain := file(model3([]tab{builtin(0)}))
	patch := func(old, with string) []byte { return bytes.Replace(plain, []byte(old), []byte(with), 1) }
	loop := func() []byte { // a table whose field of a table is itself
		b := append([]byte{0, 0, 0, 0}, mark...)
		binary.LittleEndian.PutUint32(b, 8)
		return append(b, make([]byte, 64)...)
	}
	flexNode := func(options []byte) []byte { return file(model3([]tab{customCode("FlexErf")}, options)) }
	overlapping := func() []byte { // the description is the beginning of a buffer
		b := slices.Clone(plain)
		at := bytes.Index(b, []byte("\x06\x00\x00\x00a test")) // its place; the field that leads there is found by value
		for i := 8; i+4 <= len(b); i += 4 {
			if int(binary.LittleEndian.Uint32(b[i:]))+i == at {
				binary.LittleEndian.PutUint32(b[i:], uint32(bytes.Index(b, []byte("\x04\x00\x00\x00main"))+5-i))
			}
		}
		return b
	}
	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"an unknown custom operator":          {"tflite/custom-operator", file(model3([]tab{builtin(0), customCode("EvilRun")}))},
		"a custom operator without a name":    {"tflite/custom-operator", file(model3([]tab{{codeOld: u8(builtinCustom)}}))},
		"a custom name beside a builtin code": {"tflite/custom-operator", file(model3([]tab{{codeOld: u8(1), codeCustom: "EvilRun"}}))},
		"a builtin operator of the future":    {"tflite/custom-operator", file(model3([]tab{builtin(builtinLast + 1)}))},
		"a delegate in the file":              {"tflite/custom-operator", file(model3([]tab{builtin(builtinDelegate)}))},
		"Flex that reads a file":              {"tflite/flex-operator", file(model3([]tab{customCode("FlexReadFile")}))},
		"Flex that calls Python":              {"tflite/flex-operator", file(model3([]tab{customCode("FlexPyFunc")}))},
		"Flex whose node reads a file":        {"tflite/flex-operator", flexNode(flexOptions("Erf", nodeDef("ReadFile")))},
		"Flex whose node is unknown":          {"tflite/flex-unread", flexNode(flexOptions("Erf", nodeDef("EvilRun")))},
		"Flex with two operators in the node": {"tflite/flex-unread", flexNode(flexOptions("Erf", append(nodeDef("Erf"), nodeDef("ReadFile")...)))},
		"Flex without a node":                 {"tflite/flex-unread", flexNode(nil)},
		"Flex with options of another form":   {"tflite/flex-unread", flexNode([]byte("whatever"))},
		"a field of no version":               {"tflite/unknown-field", file(tab{0: u32(3), 20: u32(1)})},
		"a union of no version":               {"tflite/unknown-field", file(tab{0: u32(3), modelCodes: []tab{builtin(3)}, 2: []tab{{3: []tab{{3: u8(250), 4: tab{}}}}}})},
		"an operator of no code":              {broken, file(tab{0: u32(3), modelCodes: []tab{}, 2: []tab{{3: []tab{{0: u32(7)}}}}})},
		"an external buffer further up":       {"tflite/external-path", file(tab{0: u32(3), 8: []tab{{0: "../w"}}})},
		"a buffer behind the file":            {broken, file(tab{0: u32(3), 4: []tab{{bufferOffset: u64(1 << 40), bufferSize: u64(8)}}})},
		"a buffer whose end overflows":        {broken, file(tab{0: u32(3), 4: []tab{{bufferOffset: u64(16), bufferSize: u64(1<<64 - 8)}}})},
		"a string that lies in another":       {"", overlapping()},
		"a string without its zero":           {broken, patch("a test\x00", "a testX")},
		"an offset behind the file":           {broken, append([]byte{0xff, 0xff, 0xff, 0x7f}, plain[4:]...)},
		"an offset of zero":                   {broken, append([]byte{0, 0, 0, 0}, plain[4:]...)},
		"nothing but zeros":                   {broken, loop()},
		"bytes behind the model":              {"tflite/hidden-bytes", append(slices.Clone(plain), "MZ payload"...)},
		"an archive behind the model":         {"tflite/associated-files", append(slices.Clone(plain), "PK\x03\x04x PK\x05\x06"+strings.Repeat("\x00", 18)...)},
		"more zeros than padding":             {"tflite/hidden-bytes", append(slices.Clone(plain), make([]byte, maxPadding+1)...)},
		"another mark":                        {broken, append(append(slices.Clone(plain[:4]), "TFL9"...), plain[8:]...)},
	}
	for name, tt := range tests {
		rep := scanAs("m.tflite", tt.b)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
			return (tt.rule == "" || f.Rule == tt.rule) && f.Severity >= validate.Medium
		}) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestAnExternalBufferIsClearedInTheFolder(t *testing.T) {
	m := file(tab{0: u32(3), 8: []tab{{0: "m.weights"}}, 9: []tab{{1: u32(0), 2: u64(0), 3: u64(16)}}})
	files := map[string][]byte{"d/m.tflite": m, "d/m.weights": bytes.Repeat([]byte{0xc1}, 16)}
	if rep, d := validatetest.RunPolicy(t, validatetest.Policy(), scanners, files); d.Verdict != validate.Admit {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	files["d/m.weights"] = bytes.Repeat([]byte{0xc1}, 17)
	if _, d := validatetest.RunPolicy(t, validatetest.Policy(), scanners, files); d.Verdict == validate.Admit {
		t.Error("a longer file is admitted")
	}
}

func FuzzTFLite(f *testing.F) {
	f.Add(file(model3([]tab{builtin(0), customCode("FlexErf")}, nil, flexOptions("Erf", nodeDef("Erf")))))
	f.Add(file(tab{0: u32(3), 8: []tab{{0: "m.weights"}}, 9: []tab{{1: u32(0), 2: u64(0), 3: u64(16)}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m.tflite", b)
		if again := scanAs("m.tflite", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		if !rep.Files[0].Cleared && len(rep.Findings) == 0 {
			t.Fatal("not cleared, for no reason")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkModel(b *testing.B) {
	var tensors, buffers []tab
	for range 20_000 {
		tensors = append(tensors, tab{0: []byte{}, 3: "layer/with/a/name"})
		buffers = append(buffers, tab{0: make([]byte, 256)})
	}
	m := file(tab{0: u32(3), 2: []tab{{0: tensors}}, 4: buffers})
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("m.tflite", m); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
