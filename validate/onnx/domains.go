package onnx

import (
	_ "embed"
	"strings"
)

//go:embed domains.txt
var domainsText string

//go:embed contrib.txt
var contribText string

// tables are the vetted names.
type tables struct {
	domains map[string]bool // false: needs a library
	contrib map[string]bool // operators of ai.onnx.contrib
}

// readTables reads the embedded lists. A mistake in them is a mistake of the program.
func readTables() tables {
	t := tables{domains: map[string]bool{}, contrib: map[string]bool{}}
	for line := range strings.Lines(domainsText) {
		if line[0] == '#' {
			continue
		}
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(words) != 3 || words[1] != "known" && words[1] != "library" {
			panic("onnx: domains.txt: want name, known or library, and a reason: " + line)
		}
		if _, twice := t.domains[words[0]]; twice {
			panic("onnx: domains.txt: " + words[0] + " twice")
		}
		t.domains[words[0]] = words[1] == "known"
	}
	for line := range strings.Lines(contribText) {
		if line[0] == '#' {
			continue
		}
		for _, name := range strings.Fields(line) {
			if t.contrib[name] {
				panic("onnx: contrib.txt: " + name + " twice")
			}
			t.contrib[name] = true
		}
	}
	return t
}

// contribDomain is where onnxruntime-extensions puts its operators.
const contribDomain = "ai.onnx.contrib"

// pythonOps call Python, in whatever domain a build of the runtime registers them.
var pythonOps = map[string]bool{"PyOp": true, "PyCustomOp": true, "PythonOp": true, "PythonOpGrad": true}

// serviceOps of onnxruntime-extensions call an address in the model.
var serviceOps = map[string]bool{"AzureAudioToText": true, "AzureTextToText": true, "AzureTritonInvoker": true, "OpenAIAudioToText": true, "OpenAIChat": true,
	"OpenAIEmbeddings": true}
