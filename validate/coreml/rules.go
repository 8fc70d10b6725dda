package coreml

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

var (
	walking = protowalk.NewRules("coreml", "Core ML", "Model")

	custom = &validate.Rule{ID: "coreml/custom-code", Title: "custom model or layer", Severity: validate.Medium,
		Why:     "Core ML looks up a class of that name in the program and hands it the model's parameters: the model runs native code that is not in it.",
		Fix:     "find out which program brings the class, decide whether to trust it, and waive this rule",
		Hostile: `customModel { className: "Evil" }`, Benign: `layers { convolution { … } }`}
	filePath = &validate.Rule{ID: "coreml/path", Title: "file outside the model", Severity: validate.High,
		Why: "Core ML opens this path and reads it as weights or as a model.", Fix: "do not load it; converters write @model_path/weights/weight.bin",
		Hostile: `blobFileValue { fileName: "@model_path/../../secret" }`, Benign: `blobFileValue { fileName: "@model_path/weights/weight.bin" }`, Refs: []string{"CWE-22"}}
	linked = &validate.Rule{ID: "coreml/linked-model", Title: "model that is another file", Severity: validate.Medium,
		Why: "What is loaded is a compiled model that is found by name in a search path, and was not judged.", Fix: "ask for the model itself",
		Hostile: `linkedModel { linkedModelFileName { defaultValue: "other.mlmodelc" } }`, Benign: `pipeline { models { … } }`}
	serialized = &validate.Rule{ID: "coreml/serialized-model", Title: "model in a form that only its framework knows", Severity: validate.Medium,
		Why: "The bytes were not read; the framework that the identifier names parses them.", Fix: "ask for a model in the published format",
		Hostile: `serializedModel { identifier: "x" model: … }`, Benign: `neuralNetwork { … }`}
)

func rules() []*validate.Rule { return append(walking.All(), custom, filePath, linked, serialized) }
