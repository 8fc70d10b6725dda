package pickle

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// flush reports the names that are not vetted: dangerous ones that were not called, and unknown ones, one
// finding per act, so that a policy can allow each act by itself.
func (j *judge) flush() {
	for _, g := range j.order {
		u := j.uses[g]
		if g.denied != nil {
			if u.calls == 0 {
				j.show(ruleDenied, u.importOff, showName(g), "%s imported (%s)", showName(g), g.denied.reason)
			}
			continue
		}
		j.flushUnknown(g, u)
	}
}

func (j *judge) flushUnknown(g *global, u *use) {
	n, all := showName(g), []string{}
	for _, a := range []struct {
		did  bool
		word string
	}{{u.imported, "imported"}, {u.stored, "used as a value"}, {u.calls > 0, "called"}, {u.builds > 0, "built"}} {
		if a.did {
			all = append(all, a.word)
		}
	}
	hint := allowLine(g, u)
	report := func(act string, off int64, format string, args ...any) {
		j.p.ReportGlobal(ruleUnknown, off, validate.Global{Module: g.module, Name: g.name, Act: act}, "%s", n+" "+fmt.Sprintf(format, args...)+hint)
		hint = ""
	}
	if u.imported || u.stored {
		report("import", u.importOff, "%s", strings.Join(all, ", "))
	}
	if u.calls > 0 {
		report("call", u.callOff, "called with %s", u.callText+times(u.calls))
	}
	if u.builds > 0 {
		report("build", u.buildOff, "built from %s", u.buildText+times(u.builds))
	}
}

// plainName is a name that a policy can list as it stands.
var plainName = lazyre.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// allowLine is the line of a policy that would allow what a stream does with a name.
func allowLine(g *global, u *use) string {
	if full := g.String(); plainName.MatchString(full) && len(full) <= 200 && g.module != "" && !strings.Contains(g.name, ".") {
		var may []string
		for _, a := range []struct {
			did  bool
			word string
		}{{u.imported || u.stored, "import"}, {u.calls > 0, "call"}, {u.builds > 0, "build"}} {
			if a.did {
				may = append(may, a.word)
			}
		}
		return fmt.Sprintf("; to allow it: {name: %s, may: [%s], reason: ...} under allowed_globals", full, strings.Join(may, ", "))
	}
	return ""
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n-1)
}
