package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
	"github.com/loadlock/loadlock/runner/proxy"
)

// Failed reports whether the command ran and did not end well.
func (res Result) Failed() bool { return res.Exit != nil && res.Status != 0 }

// story is what the report knows about what was refused.
func (res Result) story() advise.Story {
	s := advise.Story{Policy: adviceOn(res.Policy.Effective), Obstacles: append(slices.Clone(res.Obstacles), refusedHosts(res.Network)...)}
	for _, d := range res.Denials {
		by := d.Program
		if d.Library != "" && d.Library != d.Program {
			by += ", in " + filepath.Base(d.Library)
		}
		s.Refusals = append(s.Refusals, advise.Refusal{Call: d.Call, Arg: d.Arg, Errno: d.Errno, Count: d.Count, By: by})
	}
	return s
}

// refusedHosts are the hosts that the proxy kept the command from.
func refusedHosts(list []NetworkDecision) (out []advise.Obstacle) {
	for _, d := range list {
		if d.Verdict != proxy.Refused {
			continue
		}
		o := advise.Obstacle{Kind: advise.HostRefused, What: d.Host, Text: d.Reason}
		if d.Port != 0 && d.Port != policy.DefaultPort {
			o.What = fmt.Sprintf("%s:%d", d.Host, d.Port)
		}
		if _, err := policy.ParseHost(o.What); err != nil {
			o.Kind = advise.HostNever
		}
		if !slices.ContainsFunc(out, func(x advise.Obstacle) bool { return x.What == o.What }) {
			out = append(out, o)
		}
	}
	return out
}

// adviceOn reads what advice needs of a policy, which in a report that was read back is a JSON object.
func adviceOn(effective any) (p advise.Policy) {
	raw, err := json.Marshal(effective)
	if err == nil {
		_ = json.Unmarshal(raw, &p) // a report of another version: advice then names fewer lines
	}
	return p
}

// likely is the line about the most probable reason of a failure; empty when there is none or nothing failed.
func likely(res Result) string {
	if !res.Failed() {
		return ""
	}
	return advise.Likely(advise.Advise(res.story()))
}

// maxAdvice bounds what explain prints; the report has it all.
const maxAdvice = 25

// Refused explains everything that was refused to a command.
func Refused(w io.Writer, res Result, style Style) {
	list := advise.Advise(res.story())
	defer unread(w, res)
	if len(list) == 0 {
		if res.Exit != nil {
			fmt.Fprintln(w, "\nnothing is known to have been refused")
		}
		return
	}
	doubtful := slices.IndexFunc(list, func(a advise.Advice) bool { return a.Weight < advise.Doubtful })
	head := "\nwhat stood in its way, the most probable reason first"
	if doubtful == 0 || !res.Failed() {
		head = "\nwhat was refused"
	}
	fmt.Fprintln(w, style.paint("1", head))
	for i, a := range list[:min(len(list), maxAdvice)] {
		if i == doubtful && i > 0 {
			fmt.Fprintln(w, style.paint("1", "\nalso refused, and seldom the reason of a failure"))
		}
		adviceText(w, i+1, a, style)
	}
	if len(list) > maxAdvice {
		fmt.Fprintf(w, "\n… %d more in the JSON report\n", len(list)-maxAdvice)
	}
	policyFile(w, res.Policy.Name, list)
}

// unread says what this explanation could not look at.
func unread(w io.Writer, res Result) {
	if res.StderrUnread && res.Failed() {
		fmt.Fprintln(w, "\nwhat the command wrote to stderr went straight into a pipe, so that refused files, variables and hosts are not known;\n"+
			"loadlock learn -- COMMAND runs it again and sees them")
	}
	if res.DenialsNotCounted != "" {
		fmt.Fprintf(w, "\nrefused system calls were not counted: %s\n", Plain(res.DenialsNotCounted))
	}
}

func adviceText(w io.Writer, n int, a advise.Advice, style Style) {
	by := ""
	if a.By != "" {
		by = "  (" + Plain(a.By) + ")"
	}
	fmt.Fprintf(w, "\n%2d. %s%s\n", n, style.paint("1", Plain(a.Tried)), by)
	line := func(word, text string) {
		if text != "" {
			fmt.Fprintf(w, "    %-7s %s\n", word, Plain(text))
		}
	}
	line("seen:", a.Seen)
	layer := a.Layer
	if layer == "none" {
		layer = "not the sandbox"
	}
	if a.Why != "" {
		layer += ": " + a.Why
	}
	line("layer:", layer)
	for i, o := range a.Options {
		line([]string{"allow:", "or:"}[min(i, 1)], o.String())
		line("cost:", o.Cost)
	}
	if len(a.Options) == 0 && a.Never != "" {
		line("never:", a.Never)
	}
	line("else:", a.Instead)
}

// templateOr is the template of that name, or the default one.
func templateOr(name string) string {
	list, err := policy.Templates()
	if err == nil && slices.ContainsFunc(list, func(t policy.TemplateInfo) bool { return t.Name == name }) {
		return name
	}
	return "safe"
}

// policyFile shows where policy lines go, with those of the most probable reason.
func policyFile(w io.Writer, name string, list []advise.Advice) {
	lines := list[0].PolicyLines()
	if len(lines) == 0 || list[0].Weight < advise.Doubtful {
		return
	}
	base, _, _ := strings.Cut(name, "+")
	fmt.Fprintf(w, "\nlines of a policy go into a file of your own, given with --policy ./FILE.yaml; for number 1:\n    extends: %s\n", templateOr(base))
	for _, l := range lines {
		fmt.Fprintf(w, "    %s\n", l)
	}
	if base != templateOr(base) {
		fmt.Fprintf(w, "(or into the file that holds the policy %s)\n", Plain(base))
	}
	if base != name {
		fmt.Fprintf(w, "a policy of this host or of yours is a ceiling (%s): it must permit the same\n", Plain(name))
	}
}
