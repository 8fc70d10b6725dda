package xmlwalk

import "github.com/loadlock/loadlock/validate"

// Rules are the findings of the walk itself, under the name of the format.
type Rules struct{ Doctype, Include, Instruction, Twice *validate.Rule }

// NewRules makes the rules of a format: prefix is that of its rule IDs, root an element of it.
func NewRules(prefix, root string) Rules {
	const fix = "do not load it; no exporter writes this"
	return Rules{
		Doctype: &validate.Rule{ID: prefix + "/doctype", Title: "DOCTYPE in a model", Severity: validate.High,
			Why: "It declares entities, which readers replace by files of the machine, answers of servers, or gigabytes (XXE, billion laughs).", Fix: fix,
			Hostile: `<!DOCTYPE ` + root + ` [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, Benign: `<?xml version="1.0"?><` + root + `>`, Refs: []string{"CWE-611", "CWE-776"}},
		Include: &validate.Rule{ID: prefix + "/include", Title: "inclusion of another document", Severity: validate.High,
			Why: "Readers that know XInclude put a file or the answer of a server in its place.", Fix: fix,
			Hostile: `<xi:include href="file:///etc/passwd" parse="text"/>`, Benign: `<` + root + ` xmlns="…">`, Refs: []string{"https://www.w3.org/TR/xinclude/"}},
		Instruction: &validate.Rule{ID: prefix + "/instruction", Title: "processing instruction", Severity: validate.Medium,
			Why: "A style sheet is a program that browsers and some readers fetch and run over the document.", Fix: "remove the instruction after looking at it",
			Hostile: `<?xml-stylesheet href="http://example.com/x.xsl"?>`, Benign: `<?xml version="1.0" encoding="UTF-8"?>`},
		Twice: &validate.Rule{ID: prefix + "/repeated-attribute", Title: "attribute that occurs twice", Severity: validate.Medium,
			Why: "XML forbids it; of the readers that do not check one takes the first, another the last.", Fix: "export the model again",
			Hostile: `<layer type="Const" type="Evil">`, Benign: `<layer type="Const" name="type">`},
	}
}

// All lists the rules for a scanner's list.
func (r Rules) All() []*validate.Rule {
	return []*validate.Rule{r.Doctype, r.Include, r.Instruction, r.Twice}
}
