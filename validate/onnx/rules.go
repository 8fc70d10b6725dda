package onnx

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

var (
	walking = protowalk.NewRules("onnx", "ONNX", "NodeProto")

	escape = &validate.Rule{ID: "onnx/external-path", Title: "external data outside the model's folder", Severity: validate.High,
		Why:     "The loader opens this path and reads it as weights, which then leave the machine with any copy of the model.",
		Fix:     "do not load it; an exporter writes a file name beside the model",
		Hostile: `external_data { key: "location" value: "../../../../etc/passwd" }`, Benign: `external_data { key: "location" value: "weights/model.onnx_data" }`,
		Refs: []string{"CVE-2022-25882", "CVE-2024-27318", "CVE-2025-51480", "CVE-2026-34447"}}
	external = &validate.Rule{ID: "onnx/external-data", Title: "external data that readers understand differently", Severity: validate.Medium,
		Why:     "A range that overflows, a number with spaces, a key that no reader knows or data in two places make one reader load other bytes than another, or bytes outside the file.",
		Fix:     "save the model again with onnx.save_model(save_as_external_data=True)",
		Hostile: `external_data { key: "offset" value: "-8" }`, Benign: `external_data { key: "offset" value: "4096" }`, Refs: []string{"https://onnx.ai/onnx/repo-docs/ExternalData.html"}}
	shape = &validate.Rule{ID: "onnx/tensor-data", Title: "tensor whose data does not fit its shape", Severity: validate.Medium,
		Why:     "A runtime that trusts the shape reads or writes behind the data.",
		Fix:     "check the model with onnx.checker and export it again",
		Hostile: "dims: 1000000 data_type: FLOAT raw_data: 4 bytes", Benign: "dims: 1 data_type: FLOAT raw_data: 4 bytes"}
	python = &validate.Rule{ID: "onnx/python-operator", Title: "operator that calls Python", Severity: validate.High,
		Why:     "The operator runs a Python function that the model names, with whatever the process may do.",
		Fix:     "do not load it; ask for a model without PyOp or PythonOp",
		Hostile: `node { domain: "ai.onnx.contrib" op_type: "PyOp" }`, Benign: `node { domain: "ai.onnx.contrib" op_type: "GPT2Tokenizer" }`}
	network = &validate.Rule{ID: "onnx/network-operator", Title: "operator that calls a service", Severity: validate.High,
		Why:     "The operators of onnxruntime-extensions for Azure send their inputs to the address in an attribute of the model.",
		Fix:     "do not load it; ask for a model that computes on this machine",
		Hostile: `node { domain: "com.microsoft.extensions" op_type: "OpenAIChat" attribute { name: "model_uri" … } }`, Benign: `node { domain: "ai.onnx.contrib" op_type: "AudioDecoder" }`}
	options = &validate.Rule{ID: "onnx/session-options", Title: "session options that the model sets", Severity: validate.Medium,
		Why:     "ONNX Runtime can take its options from this entry of the metadata: profiles are then written where the model says, and limits are off.",
		Fix:     "remove the entry from metadata_props",
		Hostile: `metadata_props { key: "ort_config" value: "{\"session_options\": {\"enable_profiling\": 1}}" }`, Benign: `metadata_props { key: "author" value: "x" }`,
		Refs: []string{"https://github.com/microsoft/onnxruntime (inference_session_utils.h)"}}
	domain = &validate.Rule{ID: "onnx/unknown-domain", Title: "operator that needs a native library from elsewhere", Severity: validate.Medium,
		Why:     "No runtime has this operator: whoever loads the model must first load a shared library, often the one the model's author offers.",
		Fix:     "find out which library implements the domain, decide whether to trust it, and waive this rule",
		Hostile: `node { domain: "evil.ops" op_type: "Run" }`, Benign: `node { domain: "com.microsoft" op_type: "FusedMatMul" }`}
	extensions = &validate.Rule{ID: "onnx/extensions", Title: "operators of onnxruntime-extensions", Severity: validate.Low,
		Why:     "They need a native library that the user adds, which is Microsoft's and implements text and media operators.",
		Fix:     "install onnxruntime-extensions from its own package only",
		Hostile: `node { domain: "ai.onnx.contrib" op_type: "GPT2Tokenizer" }`, Benign: `node { op_type: "Gemm" }`}
	compiled = &validate.Rule{ID: "onnx/compiled-context", Title: "compiled program of an execution provider", Severity: validate.Medium,
		Why:     "EPContext holds, or names, a program for one accelerator that its driver runs; what it does cannot be seen here.",
		Fix:     "ask for the model before it was compiled, and compile it here",
		Hostile: `node { domain: "com.microsoft" op_type: "EPContext" }`, Benign: `node { domain: "com.microsoft" op_type: "Attention" }`}
	functions = &validate.Rule{ID: "onnx/function-expansion", Title: "functions that call themselves or expand without bound", Severity: validate.Medium,
		Why:     "Runtimes put the body of a function in place of each call: few bytes become more nodes than memory holds.",
		Fix:     "ask for a model without nested functions",
		Hostile: "30 functions, each of which calls the next one ten times", Benign: "a function per layer, called once each"}
)

func rules() []*validate.Rule {
	return append(walking.All(), escape, external, shape, python, network, options, domain, extensions, compiled, functions)
}
