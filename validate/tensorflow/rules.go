package tensorflow

import (
	"slices"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

const pureModel = "do not load it; ask for a model whose graph only computes"

var (
	walking = protowalk.NewRules("tensorflow", "TensorFlow", "NodeDef")

	pythonOp = &validate.Rule{ID: "tensorflow/python-operator", Title: "operator that calls Python", Severity: validate.High,
		Why: "The operator runs a function that the process has registered, with arguments that the model chooses.", Fix: pureModel,
		Hostile: `node { name: "x" op: "PyFunc" }`, Benign: `node { name: "PyFunc" op: "NoOp" }`}
	fileOp = &validate.Rule{ID: "tensorflow/file-operator", Title: "operator that reads or writes files", Severity: validate.High,
		Why: "Running the graph reads secrets into its outputs or overwrites files, without a line of Python.", Fix: pureModel,
		Hostile: `node { op: "WriteFile" input: "path" input: "contents" }`, Benign: `node { op: "SaveV2" }, which every saved model has`,
		Refs: []string{"https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md"}}
	networkOp = &validate.Rule{ID: "tensorflow/network-operator", Title: "operator that opens connections", Severity: validate.High,
		Why: "Running the graph sends data to an address that the model names, or accepts commands from it.", Fix: pureModel,
		Hostile: `node { op: "Rpc" }`, Benign: `node { op: "PartitionedCall" }`}
	processOp = &validate.Rule{ID: "tensorflow/process-operator", Title: "operator that ends the process", Severity: validate.High,
		Why: "Running the graph stops the service that loaded it.", Fix: pureModel,
		Hostile: `node { op: "Abort" }`, Benign: `node { op: "Assert" }`}
	compiledOp = &validate.Rule{ID: "tensorflow/compiled-operator", Title: "program for an accelerator or compiler", Severity: validate.Medium,
		Why:     "The attribute holds a program in another format, which was not read.",
		Fix:     "ask for the model before it was compiled, and compile it here",
		Hostile: `node { op: "XlaCallModule" attr { key: "module" … } }`, Benign: `node { op: "XlaDot" }`}
	unknownOp = &validate.Rule{ID: "tensorflow/unknown-operator", Title: "operator that was not vetted", Severity: validate.Medium,
		Why:     "An operator outside TensorFlow needs a shared library, which whoever loads the model must load first; others act on devices, or outside the graph.",
		Fix:     "find out which library has the operator, decide whether to trust it, and waive this rule",
		Hostile: `node { op: "Evil>Run" }`, Benign: `node { op: "MatMul" }, and a call of a function of the model's own library`}
	textOp = &validate.Rule{ID: "tensorflow/text-operator", Title: "operators of tensorflow-text", Severity: validate.Low,
		Why:     "They need a native library that the user adds, which is TensorFlow's own and splits text.",
		Fix:     "install tensorflow-text from its own package only",
		Hostile: `node { op: "SentencepieceOp" }`, Benign: `node { op: "StringSplitV2" }`}
	assetPath = &validate.Rule{ID: "tensorflow/asset-path", Title: "asset outside the model's folder", Severity: validate.High,
		Why:     "The loader joins the name to the folder of assets and hands the path to the graph, which reads it as a vocabulary.",
		Fix:     "do not load it; an exporter writes plain file names",
		Hostile: `asset_file_def { filename: "../../../etc/passwd" }`, Benign: `asset_file_def { filename: "vocab.txt" }`, Refs: []string{"CWE-22"}}
	tablePath = &validate.Rule{ID: "tensorflow/table-path", Title: "table that reads a file which is no asset", Severity: validate.Medium,
		Why:     "The graph holds or computes the path of the file, whose lines lookups then give away.",
		Fix:     "export the model with its vocabulary as an asset",
		Hostile: `node { op: "InitializeTableFromTextFileV2" input: "table" input: "path" } node { name: "path" op: "Const" … "/etc/passwd" }`, Benign: `asset_file_def { tensor_info { name: "path:0" } filename: "vocab.txt" }`}
	kerasLambda = &validate.Rule{ID: "tensorflow/keras-lambda", Title: "Keras Lambda layer in the saved objects", Severity: validate.High,
		Why:     "Keras revives layers from this description, and a Lambda layer is Python bytecode in it.",
		Fix:     "do not load it with Keras; ask for a model without Lambda layers",
		Hostile: `user_object { identifier: "_tf_keras_layer" metadata: "{\"class_name\": \"Lambda\", …}" }`, Benign: `user_object { metadata: "{\"class_name\": \"Dense\", …}" }`,
		Refs: []string{"CVE-2024-3660"}}
	tensorData = &validate.Rule{ID: "tensorflow/tensor-data", Title: "tensor whose data does not fit its shape", Severity: validate.Medium,
		Why:     "Kernels that trust the shape read or write behind the data; handles in a file point into memory.",
		Fix:     "save the model again with a current TensorFlow",
		Hostile: `tensor { dtype: DT_FLOAT tensor_shape { dim { size: 1000 } } tensor_content: "1234" }`, Benign: `tensor { dtype: DT_FLOAT tensor_shape { dim { size: 1000 } } float_val: 0 }, one value for all`}
	opaque = &validate.Rule{ID: "tensorflow/opaque-message", Title: "message of a type that the file names", Severity: validate.Medium,
		Why:     "Whoever registered the type gets the bytes; they were not read.",
		Fix:     "find out which library registers the type",
		Hostile: `serialized_user_proto { type_url: "type.googleapis.com/evil.Payload" }`, Benign: `any_list { value { type_url: "type.googleapis.com/tensorflow.AssetFileDef" } }`}
	textForm = &validate.Rule{ID: "tensorflow/text-form", Title: "graph in the text form of protocol buffers", Severity: validate.Medium,
		Why:     "TensorFlow loads saved_model.pbtxt as it loads saved_model.pb; the text form is not read here.",
		Fix:     "ask for the binary form",
		Hostile: `saved_model.pbtxt: meta_graphs { graph_def { node { op: "ReadFile" } } }`, Benign: `label_map.pbtxt: item { id: 1 name: "cat" }`}
)

func rules() []*validate.Rule {
	return slices.Concat(walking.All(), []*validate.Rule{pythonOp, fileOp, networkOp, processOp, compiledOp, unknownOp, textOp, assetPath, tablePath, kerasLambda, tensorData, opaque, textForm})
}
