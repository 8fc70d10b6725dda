package pmml

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/xmlwalk"
)

var (
	walking = xmlwalk.NewRules("pmml", "PMML")

	class = &validate.Rule{ID: "pmml/class-function", Title: "function that is the name of a class", Severity: validate.High,
		Why: "JPMML loads the class of that name and calls it with the model's arguments.", Fix: "do not load it; ask for a model with PMML's own functions",
		Hostile: `<Apply function="javax.script.ScriptEngineManager">`, Benign: `<Apply function="log10">`}
	function = &validate.Rule{ID: "pmml/unknown-function", Title: "function that neither PMML nor the document defines", Severity: validate.Medium,
		Why: "Evaluators have functions of their own, and let programs add some.", Fix: "find out which evaluator has the function",
		Hostile: `<Apply function="runScript">`, Benign: `<DefineFunction name="runScript"> in the same document`}
	address = &validate.Rule{ID: "pmml/address", Title: "attribute that holds an address", Severity: validate.Medium,
		Why: "PMML refers to nothing outside of the document; a reader that follows the address fetches what its owner likes.", Fix: "look at the element and remove it",
		Hostile: `<Extension href="http://example.com/x"/>`, Benign: `<PMML xmlns="http://www.dmg.org/PMML-4_4">`}
	foreign = &validate.Rule{ID: "pmml/foreign-element", Title: "element of another language", Severity: validate.Medium,
		Why: "It was not judged; a tool that knows the language acts on it.", Fix: "export the model without extensions",
		Hostile: `<svg:script xmlns:svg="http://www.w3.org/2000/svg">`, Benign: `<Extension name="x" value="y"/>`}
	extension = &validate.Rule{ID: "pmml/extension", Title: "extensions of the exporter", Severity: validate.Low,
		Why: "Only the tool that wrote them knows what they mean.", Fix: "nothing, if the tool is the one you use",
		Hostile: `<Extension name="x" value="y"/>`, Benign: `<Header description="x"/>`}
)
