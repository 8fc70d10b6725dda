package keras

import "github.com/loadlock/loadlock/validate"

var (
	lambda = &validate.Rule{ID: "keras/lambda", Title: "Lambda layer with code in the file", Severity: validate.High,
		Why: "The layer carries Python bytecode that Keras unmarshals and runs when the network is called; HDF5 files are loaded without safe mode in many versions.",
		Fix: "ask for a model whose layers are classes, without Lambda", Hostile: `{"class_name":"Lambda","config":{"function":["4wEAAAA…",null,null]}}`,
		Benign: `{"class_name":"Activation","config":{"activation":"relu"}}`, Refs: []string{"CVE-2024-3660", "CVE-2025-9905", "CVE-2025-9906"}}
	marshalled = &validate.Rule{ID: "keras/marshalled-code", Title: "Python bytecode in a text", Severity: validate.High,
		Why: "Marshalled code has no use in a description of a network but to be run.",
		Fix: "ask for a model without code", Hostile: `"standardize": "4wEAAAAAAAAAAAAAAAEAAAADAAAA…"`, Benign: `"name": "4wheel"`, Refs: []string{"CVE-2024-3660"}}
	module = &validate.Rule{ID: "keras/module", Title: "import of something that is no part of Keras", Severity: validate.High,
		Why: "Keras before 3.9 imports any module and calls any function in it with arguments from the file.",
		Fix: "do not load the model; no Keras writes such an entry", Hostile: `{"module":"os","class_name":"function","config":"system"}`,
		Benign: `{"module":"keras.layers","class_name":"Dense","config":{}}`, Refs: []string{"CVE-2025-1550"}}
	gadget = &validate.Rule{ID: "keras/gadget", Title: "Keras function that reads, writes, downloads or unlocks", Severity: validate.High,
		Why: "Functions of Keras that are no layers can fetch a file from the network, load another model or switch safe mode off.",
		Fix: "do not load the model", Hostile: `{"module":"keras.utils","class_name":"get_file","config":{"origin":"https://…"}}`,
		Benign: `{"module":"keras.layers","class_name":"Dense","config":{}}`, Refs: []string{"CVE-2025-8747", "CVE-2025-9906"}}
	loader = &validate.Rule{ID: "keras/loading-layer", Title: "layer that loads another model when it is made", Severity: validate.High,
		Why: "TorchModuleWrapper unpickles a module from the configuration, TFSMLayer loads the SavedModel at a path or URL.",
		Fix: "ask for a model of Keras layers", Hostile: `{"class_name":"TFSMLayer","config":{"filepath":"https://…"}}`,
		Benign: `{"class_name":"Dense","config":{}}`, Refs: []string{"CVE-2025-49655", "CVE-2026-1462"}}
	tfFunction = &validate.Rule{ID: "keras/tf-function", Title: "network that calls a TensorFlow function that is not arithmetic", Severity: validate.High,
		Why: "TFOpLambda calls any exported function of TensorFlow by name, also those that read and write files.",
		Fix: "do not load the model", Hostile: `{"class_name":"TFOpLambda","config":{"function":"io.write_file"}}`,
		Benign: `{"class_name":"TFOpLambda","config":{"function":"math.add"}}`, Refs: []string{"tf_keras/layers/core/tf_op_layer.py"}}
	custom = &validate.Rule{ID: "keras/custom-object", Title: "class or function that is not part of Keras", Severity: validate.Medium, Confidence: validate.Likely,
		Why: "Loading works only with code of the model's author, which the loading program must supply and nobody validated.",
		Fix: "read the code that defines the class; then waive this finding for the file", Hostile: `{"class_name":"EvilLayer","registered_name":"pkg>EvilLayer","config":{}}`,
		Benign: `{"class_name":"Dense","registered_name":null,"config":{}}`, Refs: []string{"https://keras.io/guides/serialization_and_saving/"}}
	outside = &validate.Rule{ID: "keras/outside-path", Title: "configuration names a file outside the model", Severity: validate.High,
		Why: "The layer opens the file when it is made: a vocabulary that is a file of the host, or one fetched from the network.",
		Fix: "ask for a model with the vocabulary inside", Hostile: `{"class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"}}`,
		Benign: `{"class_name":"StringLookup","config":{"vocabulary":["a","b"]}}`, Refs: []string{"CVE-2025-12058"}}
	filePath = &validate.Rule{ID: "keras/file-path", Title: "configuration names a file", Severity: validate.Medium,
		Why: "A relative path is opened in the folder that the program runs in, not in the model.",
		Fix: "ask for a model with the vocabulary inside", Hostile: `{"class_name":"TextVectorization","config":{"vocabulary":"vocab.txt"}}`,
		Benign: `{"class_name":"TextVectorization","config":{"vocabulary":null}}`, Refs: []string{"CVE-2025-12058"}}
	duplicateKey = &validate.Rule{ID: "keras/duplicate-key", Title: "object with a repeated key", Severity: validate.Medium,
		Why: "Python takes the last class_name of two, other readers the first.",
		Fix: "ask for the file as its writer made it", Hostile: `{"class_name":"Dense","class_name":"Lambda"}`, Benign: `{"class_name":"Dense","config":{}}`,
		Refs: []string{"RFC 8259 section 4"}}
	shape = &validate.Rule{ID: "keras/shape", Title: "entry that is no class in the form Keras writes", Severity: validate.Medium,
		Why: "A name that is no text, or a function that is no name, is read by the versions of Keras in different ways.",
		Fix: "ask for the file as its writer made it", Hostile: `{"class_name":["Lambda"],"config":{}}`, Benign: `{"class_name":"Dense","config":{}}`,
		Refs: []string{"keras/src/saving/serialization_lib.py"}}
)

var rules = []*validate.Rule{lambda, marshalled, module, gadget, loader, tfFunction, custom, outside, filePath, duplicateKey, shape}
