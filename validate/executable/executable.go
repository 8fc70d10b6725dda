// Package executable recognises programs among the files of a model: native code, byte code of other machines, scripts.
//
// References: the headers of ELF (System V ABI), PE (Microsoft PE and COFF), Mach-O (loader.h), Java class files (JVM
// specification chapter 4), WebAssembly (core specification 5.5.16), APE (justine.lol/ape), LLVM bitcode.
//
// # Security
//
// Nothing that loads weights runs such a file because of its content. A program under the name of weights is there to
// mislead and is rejected; a program under its own name keeps the verdict from being clean, because a library is loaded
// by whoever finds it; formats that are native code by design (llamafile, TensorRT engines) are said to be that. Scripts
// are texts that people run: they are noted and withheld as code. What a program does is not judged.
package executable

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

var (
	disguised = &validate.Rule{ID: "executable/disguised", Title: "program under the name of weights", Severity: validate.High,
		Why:     "No writer of models makes such a file; it waits for a second step that runs it.",
		Fix:     "do not use this model; tell the place it came from",
		Hostile: "an ELF file named pytorch_model.bin", Benign: "an ELF file named libcustom.so (executable/native)"}
	nativeCode = &validate.Rule{ID: "executable/native", Title: "native program or library", Severity: validate.Medium,
		Why:     "A library in the model's folder is loaded by code or configuration that finds it, and can do all the process can.",
		Fix:     "remove the file, or build the library yourself from source",
		Hostile: "libcustom.so", Benign: "README.md that mentions libcustom.so"}
	byDesign = &validate.Rule{ID: "executable/engine", Title: "model that is native code by design", Severity: validate.Medium,
		Why:     "The file is a program or holds machine code for one kind of device; running the model means running it.",
		Fix:     "build the engine yourself from weights, or run it where it can do no harm and waive the rule for its SHA-256",
		Hostile: "model.llamafile, model.plan", Benign: "model.gguf"}
	script = &validate.Rule{ID: "executable/script", Title: "script for a command interpreter", Severity: validate.Low,
		Why:     "Nothing that loads weights runs it, but a person who follows the model's instructions may.",
		Fix:     "read it before running it by hand; it is withheld like other code",
		Hostile: "setup.sh", Benign: "a README with commands in it"}
)

// Scanner recognises programs.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "executable", Doc: "native code, byte code, scripts", Version: 1,
		Rules: []*validate.Rule{disguised, nativeCode, byDesign, script}, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool { _, ok := recognise(h); return ok }

// program is what a file was recognised as.
type program struct {
	what string
	rule *validate.Rule
}

func recognise(h validate.Head) (program, bool) {
	for _, k := range kinds {
		if k.is(h) {
			return program{k.what, k.rule}, true
		}
	}
	if line, ok := interpreter(h.Start); ok && (!python.MatchString(line) || slices.Contains(weightNames, validate.Ext(h.Name))) {
		return program{"script that begins with " + validate.Quote(line, 80), script}, true
	}
	ext := extension(h.Name)
	switch {
	case slices.Contains(engineNames, ext) && !h.Text():
		return program{"engine by its name, of an unknown version", byDesign}, true
	case slices.Contains(nativeNames, ext) && h.Size > 0 && !h.Text():
		return program{"native code by its name, of an unknown kind", nativeCode}, true
	case slices.Contains(scriptNames, ext):
		return program{"script by its name", script}, true
	}
	return program{}, false
}

// extension is validate.Ext without the version behind the names of shared libraries: libx.so.1.2.
func extension(name string) string {
	for {
		ext := validate.Ext(name)
		if len(ext) < 2 || strings.Trim(ext[1:], "0123456789") != "" || !strings.Contains(strings.ToLower(name), ".so.") {
			return ext
		}
		name = name[:len(name)-len(ext)]
	}
}

var (
	engineNames = []string{".engine", ".plan", ".trt", ".llamafile"}
	nativeNames = []string{".so", ".dll", ".dylib", ".pyd", ".node", ".exe", ".com", ".scr", ".sys", ".o", ".obj", ".a", ".lib", ".ko", ".elf", ".out", ".jar",
		".war", ".apk", ".class", ".dex", ".wasm", ".cubin", ".fatbin", ".bc", ".msi", ".deb", ".rpm", ".appimage", ".lnk"}
	scriptNames = []string{".sh", ".bash", ".zsh", ".ksh", ".csh", ".fish", ".command", ".bat", ".cmd", ".ps1", ".psm1", ".psd1", ".vbs", ".vbe", ".wsf", ".hta",
		".js", ".mjs", ".cjs", ".pl", ".pm", ".rb", ".php", ".lua", ".tcl", ".awk", ".r", ".jl", ".applescript", ".reg", ".desktop", ".service", ".url"}
	// The names under which loaders read weights or configuration.
	weightNames = []string{".bin", ".pt", ".pth", ".ckpt", ".safetensors", ".gguf", ".ggml", ".h5", ".hdf5", ".keras", ".onnx", ".json", ".npy", ".npz", ".pkl",
		".pickle", ".joblib", ".msgpack", ".tflite", ".pb", ".mlmodel", ".params", ".model", ".mar", ".nemo", ".pte", ".pt2", ".ptl", ".ot", ".skops", ".ubj",
		".cbm", ".rds", ".rda", ".t7", ".caffemodel", ".pdparams", ".pdmodel", ".data", ".weights", ".tensors", ".spm", ".index", ".yaml", ".yml", ".jinja"}
)

func scan(p *validate.Pass) error {
	h := validate.Head{Name: p.Name, Size: p.Size, ReaderAt: p, Start: make([]byte, min(p.Size, 4096))}
	if _, err := p.ReadAt(h.Start, 0); err != nil {
		return err
	}
	prog, ok := recognise(h)
	if !ok {
		return validate.Malformed(0, "the file changed while it was looked at")
	}
	asWeights := slices.Contains(weightNames, validate.Ext(p.Name))
	if asWeights && prog.rule != byDesign {
		p.ReportAt(disguised, validate.Place{Evidence: validate.Quote(h.Start[:min(16, len(h.Start))], 16)}, "%s", prog.what)
		return nil
	}
	if prog.rule == script {
		return scanScript(p, prog.what)
	}
	p.ReportAt(prog.rule, validate.Place{Evidence: validate.Quote(h.Start[:min(16, len(h.Start))], 16)}, "%s", prog.what)
	p.Clear(0, p.Size, prog.what) // what it is has been said; there is nothing hidden in it
	return nil
}

// scanScript clears a script as text: that it is one is a note, and the policy withholds code.
func scanScript(p *validate.Pass, what string) error {
	p.IsCode()
	lines := 0
	err := p.ReadText(func(off int64, chunk []byte) error {
		lines += bytes.Count(chunk, []byte("\n"))
		p.Clear(off, int64(len(chunk)), "script")
		return nil
	})
	p.ReportAt(script, validate.Place{Line: 1}, "%s; %d lines", what, lines)
	if err != nil {
		return fmt.Errorf("a script that is not text: %w", err)
	}
	return nil
}

// python is a first line that names Python and nothing else: validate/pysource judges what follows it.
var python = lazyre.New(`^#![ \t]*/[\w./-]+(/env[ \t]+|/)python[0-9.]*([ \t]+-[uOBEsSI]+)*[ \t]*\r?$`)

// interpreter is the first line of a script that names its interpreter.
func interpreter(b []byte) (string, bool) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	line, _, _ := bytes.Cut(b[:min(len(b), 256)], []byte("\n"))
	if bytes.HasPrefix(line, []byte("<?php")) || bytes.HasPrefix(line, []byte("#!")) && bytes.HasPrefix(bytes.TrimLeft(line[2:], " \t"), []byte("/")) {
		return string(line), true
	}
	return "", false
}
