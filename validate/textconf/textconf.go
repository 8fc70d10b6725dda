// Package textconf judges configuration in line-based text: TOML, INI, gin, HOCON, JSON with comments or by lines, and
// the text form of protocol buffers that Caffe and Triton read.
//
// References: https://toml.io/en/v1.0.0; https://github.com/google/gin-config; protobuf's text format specification;
// caffe.proto (PythonParameter); Triton's model_config.proto (op_library_filename, EXECUTION_ENV_PATH).
//
// # Security
//
// None of these formats is parsed: what a file means is decided by the program that reads it. Judged is each text in it,
// after escapes and with its neighbours, and each value of a line, as in YAML and JSON: the names of functions that run
// programs or code, expressions that lead out, templates with ways out, and the few keys of the named servers that make
// them load code. Everything else is text, without control characters. Not judged: names of modules that a gin file
// imports, beyond the harmful ones, and paths.
package textconf

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
)

var templates = jinja.NewRules("textconf")

var (
	target = &validate.Rule{ID: "textconf/target", Title: "configuration that names a function which does harm", Severity: validate.High,
		Why: "Programs that build objects from their configuration import the name and call it with the values beside it.",
		Fix: "do not load the file", Hostile: `_target_ = "os.system"`, Benign: `_target_ = "torch.nn.Linear"`}
	expression = &validate.Rule{ID: "textconf/expression", Title: "configuration with an expression that leads to programs", Severity: validate.High,
		Why: "Programs that evaluate the values of their configuration run it.",
		Fix: "do not load the file", Hostile: `x = "__import__('os').system('id')"`, Benign: `x = "1 + 1"`}
	pythonLayer = &validate.Rule{ID: "textconf/python-layer", Title: "network with a layer in Python", Severity: validate.High,
		Why: "Caffe imports the module and runs it when it loads the network.",
		Fix: "do not load the network; ask for one without layers in Python", Hostile: `layer { type: "Python" python_param { module: "x" layer: "L" } }`, Benign: `layer { type: "Convolution" }`}
	serverCode = &validate.Rule{ID: "textconf/server-code", Title: "configuration that makes a server load code", Severity: validate.Medium,
		Why: "Triton loads the library, or unpacks the environment and runs its Python.",
		Fix: "build the library or the environment yourself", Hostile: `model_operations { op_library_filename: "x.so" }`, Benign: `backend: "onnxruntime"`}
)

// Scanner judges configuration in text.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "textconf", Doc: "TOML, INI, gin, HOCON, JSON by lines, prototxt", Version: 1,
		Rules: []*validate.Rule{target, expression, pythonLayer, serverCode, templates.Escape}, // texts are only suspected of being templates
		Match: match, Scan: scan,
	}
}

var (
	extensions = []string{".toml", ".ini", ".cfg", ".conf", ".properties", ".gin", ".hocon", ".json5", ".jsonc", ".jsonnet", ".libsonnet", ".jsonl", ".ndjson", ".prototxt", ".pbtxt"}
	byLines    = []string{".jsonl", ".ndjson"} // mostly data: whole programs may stand in it
	protoText  = []string{".prototxt", ".pbtxt"}
)

func match(h validate.Head) bool {
	return (slices.Contains(extensions, validate.Ext(h.Name)) || strings.EqualFold(path.Base(h.Name), "Modelfile")) && h.Text()
}

func scan(p *validate.Pass) error {
	ext := validate.Ext(p.Name)
	r := &reader{judge: &judge{p: p, data: slices.Contains(byLines, ext), proto: slices.Contains(protoText, ext)}}
	err := p.ReadText(func(off int64, chunk []byte) error {
		i := bytes.IndexFunc(chunk, func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\n\r\f", c) || c == 0x7f })
		if i >= 0 {
			return validate.Malformed(off+int64(i), "control character %#02x in text", chunk[i])
		}
		r.read(off, chunk)
		p.Clear(off, int64(len(chunk)), "text")
		return nil
	})
	r.end()
	if err == nil && p.Size <= jinja.MaxTemplate && !r.judge.data {
		src, err := p.Bytes(0, p.Size)
		if err != nil {
			return err
		}
		templates.Suspect(p, 0, "text", src, true)
	}
	return err
}
