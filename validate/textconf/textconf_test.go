package textconf

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(t testing.TB, name, content string) validate.Report {
	return validatetest.Kept(name, content, validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, name, strings.NewReader(content), int64(len(content)), validatetest.Policy().Scan))
}

func TestWhatCallsIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		file, content, rule string
		line                int
	}{
		"TOML":                          {"config.toml", "[model]\n_target_ = \"os.system\"\n", "textconf/target", 2},
		"TOML: an escape":               {"config.toml", "t = \"os\\u002esystem\"\n", "textconf/target", 1},
		"TOML: an expression":           {"config.toml", "x = \"__import__('os').system('id')\"\n", "textconf/expression", 1},
		"INI: an expression":            {"x.ini", "[a]\ny = __import__(\"os\").system(\"id\")\n", "textconf/expression", 2},
		"gin":                           {"operative_config.gin", "import os\nrun.fn = @os.system\n", "textconf/target", 2},
		"JSON by lines":                 {"x.jsonl", "{\"a\":1}\n{\"_target_\":\"subprocess.Popen\"}\n", "textconf/target", 2},
		"JSON5":                         {"x.json5", "{_target_: 'os.system'}", "textconf/target", 1},
		"HOCON without quotes":          {"application.conf", "a.loader = os.system\n", "textconf/target", 1},
		"Caffe: a layer in Python":      {"deploy.prototxt", "layer {\n type: \"Python\"\n}\n", "textconf/python-layer", 2},
		"Caffe: in two pieces":          {"deploy.prototxt", "layer { type: \"Py\" 'thon' }", "textconf/python-layer", 1},
		"Caffe: around a comment":       {"deploy.prototxt", "layer { type: # it's \"\n \"Py\" # '\n \"thon\" }", "textconf/python-layer", 2},
		"Caffe: with escapes":           {"deploy.prototxt", `layer { type: "\x50yth\157n" }`, "textconf/python-layer", 1},
		"Caffe: the layer's parameters": {"deploy.prototxt", "layer { python_param { module: \"x\" } }", "textconf/python-layer", 1},
		"Triton: a library":             {"config.pbtxt", "model_operations { op_library_filename: \"/tmp/x.so\" }", "textconf/server-code", 1},
		"Triton: an environment":        {"config.pbtxt", "parameters { key: \"EXECUTION_ENV_PATH\" value { string_value: \"/x.tar.gz\" } }", "textconf/server-code", 1},
		"Ollama: a Jinja template":      {"Modelfile", "FROM x\nTEMPLATE \"\"\"{{ ''.__class__.__mro__ }}\"\"\"\n", "textconf/template-escape", 2},
		"an escape sequence":            {"x.toml", "a = 1\x1b[2J", "validate/unparsable", -1},
	} {
		rep := scanAs(t, tt.file, tt.content)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && (tt.line < 0 || f.Line == tt.line) }) {
			t.Errorf("%s: want %s in line %d\n%s", name, tt.rule, tt.line, validatetest.Show(rep))
		}
	}
}

func TestOrdinaryFilesAreCleared(t *testing.T) {
	for name, tt := range map[string]struct{ file, content string }{
		"TOML":             {"pyproject.toml", "[project]\nname = \"x\"\ndependencies = [\"torch>=2\", \"importlib.metadata\"]\n[tool.a]\nexclude = ['os.path', \"socket.io\"]\n"},
		"spaCy":            {"config.cfg", "[nlp]\nlang = \"en\"\n[components.ner.model]\n@architectures = \"spacy.TransitionBasedParser.v2\"\n[initialize]\nvectors = ${paths.vectors}\n"},
		"Darknet":          {"yolov3.cfg", "[net]\nbatch=64\nsteps=400000,450000\n[convolutional]\nactivation=leaky\n"},
		"gin":              {"operative_config.gin", "import mesh_tensorflow.optimize\n# Parameters for AdafactorOptimizer:\nAdafactorOptimizer.beta1 = 0.0\nrun.init_checkpoint = 'gs://t5-data/x'\nutils.run.mesh = %x\n"},
		"Caffe":            {"deploy.prototxt", "name: \"n\"\nlayer { name: \"Python\" type: \"Convolution\" bottom: \"d\" top: \"x\" convolution_param { num_output: 3 } }\n"},
		"Triton":           {"config.pbtxt", "name: \"x\"\nbackend: \"onnxruntime\"\ninput [ { name: \"i\" data_type: TYPE_FP32 dims: [ 3, -1 ] } ]\n"},
		"a label map":      {"label_map.pbtxt", "item {\n  id: 1\n  name: 'cat'\n}\nitem { id: 2 name: \"it's\" }\n"},
		"data by lines":    {"train.jsonl", "{\"code\":\"__import__('os').system('id')\",\"prompt\":\"{{ ''.__class__ }}\"}\n{\"text\":\"call os.system(x) now\"}\n"},
		"Ollama":           {"Modelfile", "FROM ./m.gguf\nTEMPLATE \"\"\"{{ if .System }}{{ .System }}{{ end }}\"\"\"\nPARAMETER stop \"</s>\"\n"},
		"comments":         {"x.ini", "# __import__('os') is bad\n; x = __import__('os')\n"},
		"nothing":          {"x.toml", ""},
		"an open quote":    {"x.conf", "motto = it's fine\nnext = 1\n"},
		"quotes at an end": {"x.cfg", "a = \"\\"},
	} {
		if rep := scanAs(t, tt.file, tt.content); !rep.Files[0].Cleared || len(rep.Findings) != 0 {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestMemoryAndFindingsAreBounded(t *testing.T) {
	rep := scanAs(t, "x.toml", strings.Repeat("a = \"os.system\"\n", 10_000)+"b = \""+strings.Repeat("x", 3<<20)+"\"\n")
	if n := len(rep.Findings); n == 0 || n > 2*maxFindings {
		t.Errorf("%d findings", n)
	}
}

func TestOnlyTheseNamesAreClaimed(t *testing.T) {
	for name, want := range map[string]bool{"x.toml": true, "a/MODELFILE": true, "x.PBTXT": true, "README.md": false, "x.json": false, "x": false} {
		if got := match(validate.Head{Name: name, Size: 1, Start: []byte("a")}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if match(validate.Head{Name: "x.toml", Size: 2, Start: []byte("\x80\x02")}) {
		t.Error("bytes are claimed")
	}
}

func FuzzTextconf(f *testing.F) {
	for _, s := range []string{"a = \"os.system\"", "layer { type: \"Py\" 'thon' }", "x = '\\u00", "a = \"\\", "{{ ''.__class__ }}", "\\777\"\\777\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rep := scanAs(t, "x.prototxt", s)
		if again := scanAs(t, "x.prototxt", s); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(s)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkTextconf(b *testing.B) {
	content := strings.Repeat("key = \"some value of a configuration\"  # and a comment\n", 20_000)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		scanAs(b, "x.toml", content)
	}
}
