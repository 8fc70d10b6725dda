package protowalk

import "github.com/loadlock/loadlock/validate"

// Rules are the findings of the walk itself, under the name of the format.
type Rules struct{ Unknown, Repeated *validate.Rule }

// NewRules makes the rules of a format: prefix is that of its rule IDs, format its name in a sentence, example a
// message of it.
func NewRules(prefix, format, example string) Rules {
	const fix = "write the model again with a current version of its own tools; a field that is new in them can be waived after looking at it"
	return Rules{
		Unknown: &validate.Rule{ID: prefix + "/unknown-field", Title: "field that the " + format + " format does not have", Severity: validate.Medium,
			Why:     "Readers skip fields that they do not know, so such a field carries anything, and a newer reader may act on it.",
			Fix:     fix,
			Hostile: example + " { field 9999: bytes \"PK\\x03\\x04…\" }", Benign: example + " with the fields of the published .proto files only"},
		Repeated: &validate.Rule{ID: prefix + "/repeated-field", Title: "field that occurs twice where the format has one", Severity: validate.Medium,
			Why:     "One reader takes the first value, another the last, a third merges both: what was judged is not what is loaded.",
			Fix:     fix,
			Hostile: example + " { name: \"a\" name: \"b\" }", Benign: example + " { name: \"a\" }, and repeated fields any number of times"},
	}
}

// All lists the rules for a scanner's list.
func (r Rules) All() []*validate.Rule { return []*validate.Rule{r.Unknown, r.Repeated} }
