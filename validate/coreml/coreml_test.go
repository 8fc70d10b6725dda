package coreml

import (
	"bytes"
	"context"
	"reflect"
	"slices"
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

// model writes a Model of one kind.
func model(kind int, m msg) msg {
	return msg{}.Int(1, 7).Msg(2, msg{}.Msg(1, msg{}.Str(1, "input"))).Msg(kind, m)
}

// program is an ML program with one operation, whose value is a file of weights.
func program(operator, file string) msg {
	value := msg{}.Msg(5, msg{}.Str(1, file).Int(2, 64))
	operation := msg{}.Str(1, operator).Msg(5, msg{}.Str(1, "val").Msg(2, value))
	block := msg{}.Msg(3, operation)
	function := msg{}.Str(2, "CoreML7").Msg(3, msg{}.Str(1, "CoreML7").Msg(2, block))
	return model(502, msg{}.Int(1, 1).Msg(2, msg{}.Str(1, "main").Msg(2, function)))
}

// network is a neural network with one layer of a kind.
func network(kind int, m msg) msg {
	return model(500, msg{}.Msg(1, msg{}.Str(1, "l").Str(2, "a").Str(3, "b").Msg(kind, m)))
}

func pipeline(models ...msg) msg {
	var p msg
	for _, m := range models {
		p = p.Msg(1, m)
	}
	return model(202, p)
}

func TestHonestModelsAreCleared(t *testing.T) {
	for name, m := range map[string]msg{
		"a program":  program("const", "@model_path/weights/weight.bin"),
		"a network":  network(100, msg{}.Int(1, 4).Msg(90, msg{}.Str(1, "1234"))),
		"a pipeline": pipeline(network(130, msg{}), model(900, nil)),
	} {
		for _, as := range []string{"m.mlmodel", "m"} {
			if rep := scanAs(as, m); len(rep.Findings) > 0 || !rep.Files[0].Cleared {
				t.Errorf("%s as %s\n%s", name, as, validatetest.Show(rep))
			}
		}
	}
}

func TestHostileModelsAreFound(t *testing.T) {
	parameter := func(s string) msg { return msg{}.Str(1, s) }
	tests := map[string]struct {
		rule     string
		severity validate.Severity
		m        msg
	}{
		"a custom model":               {"coreml/custom-code", validate.Medium, model(555, msg{}.Str(10, "Evil"))},
		"a custom layer":               {"coreml/custom-code", validate.Medium, network(500, msg{}.Str(10, "Evil"))},
		"a custom model in a pipeline": {"coreml/custom-code", validate.Medium, pipeline(pipeline(model(555, msg{}.Str(10, "Evil"))))},
		"a custom operator":            {"coreml/custom-code", validate.Medium, program("custom_layer", "@model_path/w")},
		"weights further up":           {"coreml/path", validate.High, program("const", "@model_path/../../secret")},
		"weights at an absolute path":  {"coreml/path", validate.High, program("const", "/etc/passwd")},
		"weights without the folder":   {"coreml/path", validate.High, program("const", "weights/weight.bin")},
		"a linked model":               {"coreml/linked-model", validate.Medium, model(556, msg{}.Msg(1, msg{}.Msg(1, parameter("other"))))},
		"a linked model further up":    {"coreml/path", validate.High, model(556, msg{}.Msg(1, msg{}.Msg(1, parameter("other")).Msg(2, parameter("../.."))))},
		"a serialized model":           {"coreml/serialized-model", validate.Medium, model(3000, msg{}.Str(1, "x").Str(2, "y"))},
		"two kinds of model":           {"coreml/repeated-field", validate.Medium, model(900, nil).Msg(555, nil)},
		"a field of no version":        {"coreml/unknown-field", validate.Medium, model(900, nil).Int(4000, 1)},
		"no model":                     {"validate/unparsable", validate.Medium, msg{}.Int(1, 7)},
		"bytes behind the model":       {"validate/unparsable", validate.Medium, model(900, nil).Raw("PK\x03\x04")},
	}
	for name, tt := range tests {
		rep := scanAs("m.mlmodel", tt.m)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity == tt.severity }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestThePathsOfAPackageAreJudged(t *testing.T) {
	item := func(path string) string {
		return `{"fileFormatVersion": "1.0.0", "itemInfoEntries": {"A": {"author": "com.apple.CoreML", "path": "` + path + `"}}, "rootModelIdentifier": "A"}`
	}
	if rep := scanAs("m.mlpackage/Manifest.json", []byte(item("com.apple.CoreML/model.mlmodel"))); len(rep.Findings) > 0 || !rep.Files[0].Cleared {
		t.Error(validatetest.Show(rep))
	}
	for _, path := range []string{"../../x", "/etc/passwd", `..\\x`} {
		rep := scanAs("m.mlpackage/Manifest.json", []byte(item(path)))
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == filePath.ID }) {
			t.Errorf("%s\n%s", path, validatetest.Show(rep))
		}
	}
}

func FuzzCoreML(f *testing.F) {
	f.Add([]byte(program("const", "@model_path/weights/weight.bin")))
	f.Add([]byte(pipeline(network(500, msg{}.Str(10, "Evil")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m.mlmodel", b)
		if again := scanAs("m.mlmodel", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkModel(b *testing.B) {
	var layers msg
	for range 10_000 {
		layers = layers.Msg(1, msg{}.Str(1, "layer/with/a/name").Str(2, "a").Str(3, "b").Msg(100, msg{}.Int(1, 4).Msg(90, msg{}.Str(1, "1234"))))
	}
	m := model(500, layers)
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		if rep := scanAs("m.mlmodel", m); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
