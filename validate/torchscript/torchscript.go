// Package torchscript judges programs for torch's own interpreters: TorchScript source and bytecode inside archives of
// torch.jit.save, exported graphs of torch.export (.pt2), and recognises ExecuTorch programs.
//
// References: torch/docs/source/jit_language_reference.rst; torch/csrc/jit/serialization/import_source.cpp and
// python_print.cpp; torch/_export/serde/schema.py; executorch/schema/program.fbs.
//
// # Security
//
// A TorchScript member can name nothing but operators, classes of the archive, and a few builtins, so what it can do is
// what the operators do that it names. Every operator it names is looked up in a list of vetted names: the ones that
// compute in memory (operators.txt). Ways to have an operator without its full name (a namespace in a variable, getattr,
// an operator as a method of a value) are findings. Bytecode of the mobile interpreter names its operators in strings,
// which its reader does not unescape, so every "a::b" in it is looked up too.
//
// An exported graph names Python functions, which torch.export resolves by walking attributes, and size expressions,
// which sympy evaluates: targets and expressions are held to what the exporter writes. Metadata that is resolved but
// never called (source_fn_stack) is not judged. What a program computes is out of scope; an operator with a bug in its
// native code is a matter of the box.
package torchscript

import (
	"bytes"
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jitsource"
)

// Scanner judges programs for torch's interpreters.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "torchscript", Doc: "TorchScript source and bytecode, torch.export graphs, ExecuTorch", Version: 1,
		Rules: rules, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool { return reader(h) != nil }

// reader chooses what reads the file.
func reader(h validate.Head) func(*validate.Pass) error {
	switch {
	case jitsource.Is(h):
		return scanSource
	case path.Base(h.Name) == "bytecode.pkl":
		return scanBytecode
	case isExecutorch(h.Start):
		return scanExecutorch
	case isExport(h):
		return scanExport
	}
	return nil
}

func scan(p *validate.Pass) error {
	h := validate.Head{Name: p.Name, Size: p.Size, ReaderAt: p, Start: make([]byte, min(p.Size, 4096))}
	if _, err := p.ReadAt(h.Start, 0); err != nil {
		return err
	}
	if read := reader(h); read != nil {
		return read(p)
	}
	return validate.Malformed(0, "the file changed while it was looked at")
}

// isExecutorch knows the flatbuffer identifier of program.fbs, ET and two digits, behind a plausible root offset.
func isExecutorch(b []byte) bool {
	return len(b) >= 8 && b[4] == 'E' && b[5] == 'T' && isDigit(b[6]) && isDigit(b[7]) && b[3] == 0
}

func scanExecutorch(p *validate.Pass) error {
	p.Report(executorch, 4, "flatbuffer of an ExecuTorch program, %d bytes", p.Size)
	p.Clear(0, p.Size, "ExecuTorch program") // what is not judged in it has been said
	return nil
}

// isExport looks for the graph; the name decides only where the exporter always uses it.
func isExport(h validate.Head) bool {
	name := strings.ToLower(h.Name)
	if validate.Ext(name) != ".json" {
		return false
	}
	return path.Base(name) == "serialized_exported_program.json" || path.Base(path.Dir(name)) == "models" && bytes.Contains(h.Start, []byte("graph")) ||
		bytes.Contains(h.Start, []byte(`"graph_module"`)) || bytes.Contains(h.Start, []byte(`"exported_program"`))
}
