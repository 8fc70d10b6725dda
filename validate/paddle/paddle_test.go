package paddle

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

type msg = prototest.M

var scanners = []*validate.Scanner{Scanner()}

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), scanners, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

// program is a ProgramDesc with one block of operators.
func program(ops ...string) msg {
	block := msg{}.Int(1, 0).Int(2, -1).Msg(3, msg{}.Str(1, "x").Msg(2, msg{}.Int(1, 7).Msg(3, msg{}.Msg(1, msg{}.Int(1, 5).Int(2, -1).Int(2, 4)))))
	for _, op := range ops {
		block = block.Msg(4, msg{}.Msg(1, msg{}.Str(1, "X").Str(2, "x")).Str(3, op).Msg(4, msg{}.Str(1, "axis").Int(2, 0).Int(3, -1)))
	}
	return msg{}.Msg(1, block).Msg(4, msg{}.Int(1, 2004000))
}

// parameter is one tensor with its description; n bytes of data.
func parameter(n int, dataType int64, dims ...int64) []byte {
	desc := msg{}.Int(1, dataType)
	for _, d := range dims {
		desc = desc.Int(2, d)
	}
	b := make([]byte, prefix+4)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	return append(append(b, desc...), bytes.Repeat([]byte{0xc1}, n)...)
}

func TestHonestModelsAreCleared(t *testing.T) {
	lod := slices.Concat([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 16), parameter(4, 5, 1)[prefix:])
	for name, tt := range map[string]struct {
		file string
		b    []byte
	}{
		"a program":               {"m.pdmodel", program("feed", "matmul_v2", "fetch")},
		"a program, by content":   {"m.bin", program("feed", "fetch")},
		"parameters":              {"m.pdiparams", slices.Concat(parameter(24, 5, 2, 3), parameter(2, 4, 1), parameter(0, 5, 0), parameter(8, 3))},
		"parameters, by content":  {"__params__", parameter(24, 5, 2, 3)},
		"parameters with a level": {"m.pdiparams", lod},
	} {
		if rep := scanAs(tt.file, tt.b); len(rep.Findings) > 0 || !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileModelsAreFound(t *testing.T) {
	good := parameter(24, 5, 2, 3)
	for name, tt := range map[string]struct {
		rule, file string
		b          []byte
	}{
		"py_func":                     {"paddle/python-operator", "m.pdmodel", program("feed", "py_func")},
		"save":                        {"paddle/file-operator", "m.pdmodel", program("save_combine")},
		"read_file":                   {"paddle/file-operator", "__model__", program("read_file")},
		"a server":                    {"paddle/network-operator", "m", program("listen_and_serv")},
		"an engine":                   {"paddle/unknown-operator", "m.pdmodel", program("tensorrt_engine")},
		"a custom operator":           {"paddle/unknown-operator", "m.pdmodel", program("evil_run")},
		"an operator without a name":  {"paddle/unknown-operator", "m.pdmodel", program("")},
		"a field of no version":       {"paddle/unknown-field", "m.pdmodel", program("feed").Int(99, 1)},
		"a name twice":                {"paddle/repeated-field", "m.pdmodel", msg{}.Msg(1, msg{}.Int(1, 0).Msg(4, msg{}.Str(3, "feed").Str(3, "py_func")))},
		"a program cut":               {"validate/unparsable", "m.pdmodel", program("feed")[:20]},
		"fewer bytes than the shape":  {"paddle/tensor", "m.pdiparams", good[:len(good)-1]},
		"bytes behind the parameters": {"validate/unparsable", "m.pdiparams", append(slices.Clone(good), "MZ"...)},
		"a shape that overflows":      {"paddle/tensor", "m.pdiparams", parameter(8, 5, 1<<40, 1<<40)},
		"a dimension below zero":      {"paddle/tensor", "m.pdiparams", parameter(8, 5, -1)},
		"an unknown type":             {"paddle/tensor", "m.pdiparams", parameter(8, 99, 1)},
		"another version":             {"validate/unparsable", "m.pdiparams", append([]byte{1}, good[1:]...)},
		"many levels":                 {"validate/unparsable", "m.pdiparams", append([]byte{0, 0, 0, 0, 0xff}, good[5:]...)},
		"a level behind the file":     {"validate/unparsable", "m.pdiparams", slices.Concat([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0xf8}, 8), good)},
		"a long description":          {"validate/unparsable", "m.pdiparams", append(append(make([]byte, 16), 0xff, 0xff, 0xff, 0x7f), good...)},
	} {
		rep := scanAs(tt.file, tt.b)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

// An operator is found in whichever block it stands.
func TestEveryBlockIsJudged(t *testing.T) {
	inner := msg{}.Int(1, 1).Int(2, 0).Msg(4, msg{}.Str(3, "py_func"))
	if rep := scanAs("m.pdmodel", program("feed").Msg(1, inner)); !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == python.ID }) {
		t.Error(validatetest.Show(rep))
	}
}

func TestTheListOfOperatorsIsLongEnough(t *testing.T) {
	if ops := readOps(); len(ops) < 400 || !ops["conv2d"] {
		t.Errorf("%d operators", len(ops))
	}
}

func FuzzPaddle(f *testing.F) {
	f.Add([]byte(program("feed", "py_func")))
	f.Add(slices.Concat(parameter(24, 5, 2, 3), parameter(2, 4, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range []string{"m.pdmodel", "m.pdiparams"} {
			rep := scanAs(name, b)
			if again := scanAs(name, b); !reflect.DeepEqual(rep.Findings, again.Findings) {
				t.Fatal("two scans differ")
			}
			for _, x := range rep.Findings {
				if x.Offset < 0 || x.Offset > int64(len(b)) {
					t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
				}
			}
		}
	})
}

func BenchmarkParameters(b *testing.B) {
	var data []byte
	for range 2000 {
		data = append(data, parameter(4096, 5, 1024)...)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanAs("m.pdiparams", data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}

func BenchmarkProgram(b *testing.B) {
	m := program(strings.Fields(strings.Repeat("feed matmul_v2 relu ", 5000))...)
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		if rep := scanAs("m.pdmodel", m); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
