package runner

import (
	"fmt"
	"io"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
)

// explainLayer is the page of a layer.
func explainLayer(w io.Writer, l isolate.Layer, style Style) {
	page := advise.Layers()[l.Name]
	fmt.Fprintf(w, "%s  %s\n\nstops:     %s\nsee it:    %s\nweakened:  %s\n", style.paint("1", l.Name), l.Doc, page.Stops, page.See, page.Weakened)
	if l.Remedy != "" {
		fmt.Fprintf(w, "missing:   %s\n", l.Remedy)
	}
}

// explainCall is the page of a system call, under the policy that holds. It reports false for what is none.
func explainCall(w io.Writer, name string, style Style) bool {
	p, _, err := policy.Load(policy.Sources{})
	if err != nil {
		p = policy.Policy{}
	}
	entries, ok := isolate.SystemCall(name, p.Sandbox)
	if !ok {
		return false
	}
	fmt.Fprintf(w, "%s  a system call; see man 2 %s\n", style.paint("1", name), name)
	permitted := false
	for _, e := range entries {
		state := "under the policy " + p.Name + ": "
		switch {
		case e.Answer != "":
			state = "always answered " + e.Answer
		case !e.In:
			state += "not permitted by this block"
		case e.Partly:
			state += "permitted with some arguments"
			permitted = true
		default:
			state += "permitted"
			permitted = true
		}
		if e.In && e.Another != "" {
			state += "; others are answered " + e.Another
		}
		fmt.Fprintf(w, "\nblock:     %s (%s)\nstate:     %s\nreason:    %s\n", e.Block, e.Why, state, e.Reason)
	}
	if len(entries) == 0 {
		fmt.Fprintf(w, "\nstate:     refused with EPERM under every policy: it is in no block (ENOSYS where it is newer than the tables)\n")
	}
	rows := advise.Call(name, adviceOn(p))
	if len(rows) > 0 && permitted {
		fmt.Fprintf(w, "\n%s\n", style.paint("1", "when it is refused:"))
	}
	for _, a := range rows {
		fmt.Fprintln(w)
		fmt.Fprintf(w, "wanted:    %s\n", a.Tried)
		for _, o := range a.Options {
			fmt.Fprintf(w, "allow:     %s\ncost:      %s\n", o, o.Cost)
		}
		if a.Never != "" {
			fmt.Fprintf(w, "never:     %s\n", a.Never)
		}
		if a.Instead != "" {
			fmt.Fprintf(w, "else:      %s\n", a.Instead)
		}
	}
	if name == "ioctl" {
		explainCommands(w, style)
	}
	return true
}
