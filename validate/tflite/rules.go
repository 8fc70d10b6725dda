package tflite

import "github.com/loadlock/loadlock/validate"

const again = "convert the model again with a current converter"

var (
	unknownField = &validate.Rule{ID: "tflite/unknown-field", Title: "field that the TensorFlow Lite format does not have", Severity: validate.Medium,
		Why: "Readers skip fields that they do not know, so such a field carries anything, and a newer reader may act on it.", Fix: again,
		Hostile: "a Buffer with a fourth field", Benign: "a Buffer with data, offset and size"}
	overlap = &validate.Rule{ID: "tflite/overlap", Title: "structures that share bytes", Severity: validate.Medium,
		Why: "The same bytes are read as two things, so that what one reader checks another one reads differently.", Fix: again,
		Hostile: "a string that lies inside the data of a buffer", Benign: "one vtable for many tables of the same form"}
	gap = &validate.Rule{ID: "tflite/hidden-bytes", Title: "bytes that belong to no structure", Severity: validate.Medium,
		Why: "What no offset leads to is where a second file hides.", Fix: again,
		Hostile: "a zip archive between two buffers", Benign: "zeros up to the next multiple of 16"}
	behind = &validate.Rule{ID: "tflite/labels", Title: "archive of labels behind the model", Severity: validate.Low,
		Why: "TensorFlow Lite's metadata packs labels and vocabularies there; the members of the archive are judged as those of any other.", Fix: "nothing",
		Hostile: "an archive with a pickle behind the model", Benign: "an archive with labels.txt behind the model"}
	associated = &validate.Rule{ID: "tflite/associated-files", Title: "archive behind the model that does not begin where the model ends", Severity: validate.Medium,
		Why:     "Labels and vocabularies are packed as an archive right behind the model; a file that is two formats otherwise is read differently by each reader.",
		Fix:     "unpack the archive, judge its files, and cut it off the model; or waive this rule for the file's SHA-256",
		Hostile: "model, then PK\\x03\\x04 and a payload", Benign: "a model that ends with its last buffer"}
	fileOp = &validate.Rule{ID: "tflite/flex-operator", Title: "operator of TensorFlow that reaches outside", Severity: validate.High,
		Why:     "Flex operators run TensorFlow's own, among them those that read and write files, open connections or call Python.",
		Fix:     "do not load it; ask for a model whose graph only computes",
		Hostile: `custom_code: "FlexReadFile"`, Benign: `custom_code: "FlexErf"`}
	flex = &validate.Rule{ID: "tflite/flex-unread", Title: "operator of TensorFlow that was not vetted", Severity: validate.Medium,
		Why:     "The runtime executes the node that the options hold, whatever name the operator has; this one could not be read, or is not vetted.",
		Fix:     again,
		Hostile: `custom_code: "FlexErf", custom_options: a node with op "EvilRun"`, Benign: `custom_code: "FlexErf", custom_options: a node with op "Erf"`}
	flexNote = &validate.Rule{ID: "tflite/flex", Title: "operators of TensorFlow", Severity: validate.Low,
		Why: "The model needs the Flex delegate, which contains TensorFlow.", Fix: "nothing, if the operators are expected",
		Hostile: `custom_code: "FlexErf"`, Benign: "builtin operators only"}
	custom = &validate.Rule{ID: "tflite/custom-operator", Title: "operator that needs a native library from elsewhere", Severity: validate.Medium,
		Why:     "No runtime has this operator: whoever loads the model must first register code for it, often the code the model's author offers.",
		Fix:     "find out which library implements the operator, decide whether to trust it, and waive this rule",
		Hostile: `custom_code: "EvilRun"`, Benign: `custom_code: "TFLite_Detection_PostProcess"`}
	externalPath = &validate.Rule{ID: "tflite/external-path", Title: "external buffer outside the model's folder", Severity: validate.High,
		Why: "The loader opens this path and reads it as weights.", Fix: "do not load it",
		Hostile: `external_buffer_groups: [{ name: "/etc/passwd" }]`, Benign: `external_buffer_groups: [{ name: "model.weights" }]`, Refs: []string{"CWE-22"}}
)

func rules() []*validate.Rule {
	return []*validate.Rule{unknownField, overlap, gap, behind, associated, fileOp, flex, flexNote, custom, externalPath}
}
