package openvino

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/xmlwalk"
)

const again = "convert the model again with a current OpenVINO"

var (
	walking = xmlwalk.NewRules("openvino", "net")

	extension = &validate.Rule{ID: "openvino/extension", Title: "layer that needs a native library from elsewhere", Severity: validate.Medium,
		Why:     "No plugin has this layer: whoever loads the model must first add a shared library, often the one the model's author offers.",
		Fix:     "find out which library implements the layer, decide whether to trust it, and waive this rule",
		Hostile: `<layer type="EvilRun" version="extension">`, Benign: `<layer type="MatMul" version="opset1">`}
	tokenizers = &validate.Rule{ID: "openvino/tokenizers", Title: "layers of openvino_tokenizers", Severity: validate.Low,
		Why:     "They need a native library that the user adds, which is Intel's and splits text.",
		Fix:     "install openvino-tokenizers from its own package only",
		Hostile: `<layer type="BPETokenizer" version="extension">`, Benign: `<layer type="Gather" version="opset8">`}
	constant = &validate.Rule{ID: "openvino/constant", Title: "constant whose place or size cannot be", Severity: validate.Medium,
		Why: "A runtime that trusts the numbers reads behind the weights.", Fix: again,
		Hostile: `<data element_type="f32" shape="1000" offset="0" size="4"/>`, Benign: `<data element_type="f32" shape="1" offset="0" size="4"/>`}
	entity = &validate.Rule{ID: "openvino/entity", Title: "XML that makes its readers fetch or grow something", Severity: validate.Medium,
		Why:     "Readers replace such entities and inclusions by files of the machine, answers of servers, or gigabytes (XXE, billion laughs).",
		Fix:     "remove the file from the model if nothing needs it, or the declaration after looking at it",
		Hostile: `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, Benign: `<!DOCTYPE a SYSTEM "a.dtd"><a/>`, Refs: []string{"CWE-611", "CWE-776"}}
	doctype = &validate.Rule{ID: "openvino/document-type", Title: "document type in XML that is no model", Severity: validate.Low,
		Why: "Few readers fetch it, and none has to.", Fix: "nothing",
		Hostile: `<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>`, Benign: `<a/>`}
	unread = &validate.Rule{ID: "openvino/unread", Title: "document that is not an intermediate representation of today", Severity: validate.Medium,
		Why: "Versions below 10 keep weights in other elements, and other roots mean other formats; they were not judged.", Fix: again,
		Hostile: `<net name="m" version="7">`, Benign: `<net name="m" version="11">`}
)

func rules() []*validate.Rule {
	return append(walking.All(), extension, tokenizers, constant, entity, doctype, unread)
}
