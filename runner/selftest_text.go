package runner

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// SelftestText prints one line per check, what is wrong in full, and the count.
func SelftestText(w io.Writer, s Selftest) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	for _, layer := range s.Waived {
		say("loadlock: policy %s starts nothing here: it requires the layer %s, which this host does not give; all others are attacked without it\n  fix:  %s\n", s.Policy, layer, s.Remedy)
	}
	for _, c := range s.Checks {
		detail := c.Why
		if c.Status != CheckNotHere {
			detail = strings.TrimSuffix(observations(c)+"; "+c.Why, "; ")
		}
		say("%-8s  %s  %-58s  %s\n", c.Status, c.ID, c.Title, detail)
		for _, p := range c.Probes {
			if c.Status != CheckStopped && p.Layer == "" {
				say("          %s: saw %s, want %s\n", p.Name, cmp.Or(p.Saw, "nothing"), p.Want)
			}
		}
	}
	for _, change := range s.Changed {
		say("changed   the host: %s\n", change)
	}
	host := "host unchanged"
	if len(s.Changed) > 0 {
		host = "HOST CHANGED"
	}
	say("loadlock selftest: %d checks under policy %s: %d stopped, %d through, %d silent, %d not run here · %s · %.1f s\n",
		len(s.Checks), s.Policy, s.Stopped, s.Through, s.Silent, s.NotHere, host, s.Elapsed.Round(100*time.Millisecond).Seconds())
}

// observations are what the probes of a check saw, each kind once, with the layer: "ENOENT ×3 (mount)".
func observations(c CheckResult) string {
	type kind struct{ saw, layer string }
	var order []kind
	count := map[kind]int{}
	for _, p := range c.Probes {
		k := kind{cmp.Or(p.Saw, "nothing"), p.Layer}
		if count[k] == 0 {
			order = append(order, k)
		}
		count[k]++
	}
	var out []string
	for _, k := range order {
		text := k.saw
		if count[k] > 1 {
			text += fmt.Sprintf(" ×%d", count[k])
		}
		if k.layer != "" {
			text += " (" + k.layer + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
