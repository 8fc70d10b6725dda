package zipfile

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/membername"
)

// checkNames judges the members' names, each alone and all together.
func (a *archive) checkNames() {
	seen := make(map[string]*entry, len(a.entries))
	for _, e := range a.entries {
		if what := membername.Escapes(e.name); what != "" {
			a.p.Report(slip, e.header, "%s: %s", quote(e.name), what)
		} else if what := membername.Problem(e.name); what != "" {
			a.p.Report(badName, e.header, "%s: %s", quote(e.name), what)
		} else if e.flags&flagUTF8 == 0 && !membername.IsASCII(e.name) {
			a.p.Report(encoding, e.header, "%s", quote(e.name))
		}
		key := membername.Folded(e.name)
		if other, twice := seen[key]; twice {
			a.p.Report(duplicate, e.header, "%s and %s", quote(other.name), quote(e.name))
		}
		seen[key] = e
	}
}

// quote shows a name of the model, shortened.
func quote(s string) string { return validate.Printable(s[:min(len(s), 200)]) }
