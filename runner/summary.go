package runner

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

// Style says how human text looks.
type Style struct{ Colour bool }

func (s Style) paint(code, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Summary prints what happened, for a person. The JSON report is the truth; this is its summary.
func Summary(w io.Writer, res Result, style Style) {
	var b strings.Builder
	defer func() { _, _ = io.WriteString(w, b.String()) }()
	judged := res.Models
	if res.Script != nil {
		judged = append(slices.Clone(judged), *res.Script)
	}
	for _, m := range judged {
		if m.Verdict != validate.Admit || m.Unsafe != "" {
			Verdict(&b, m, res.Policy.Name, style)
		}
	}
	if res.Error != nil {
		fmt.Fprintf(&b, "loadlock: %s\n", Plain(res.Error.Message))
		if res.Error.Hint != "" {
			fmt.Fprintf(&b, "  fix:  %s\n", res.Error.Hint)
		}
	}
	switch {
	case res.Exit == nil && res.Outcome == Planned:
		fmt.Fprintf(&b, "loadlock: planned, not run: %s\n", admitted(res))
		if res.GPU != nil && res.GPU.Plan != nil {
			b.WriteString(res.GPU.text(*res.GPU.Plan))
		}
	case res.Exit == nil:
		fmt.Fprintf(&b, "%s%*s\n", style.paint("1", "not run."), 70, fmt.Sprintf("(exit %d)", res.Status))
	default:
		ran(&b, res, style)
	}
	if why := likely(res); why != "" {
		fmt.Fprintf(&b, "%s %s; loadlock explain last\n", style.paint("31", "          likely:"), Plain(why))
	}
	for _, note := range res.Notes {
		fmt.Fprintf(&b, "%s %s\n", style.paint("33", "          note:"), Plain(note))
	}
	for _, line := range res.Weakened {
		fmt.Fprintf(&b, "%s %s\n", style.paint("33", "          weaker:"), line)
	}
}

// ran is the line about a command that ran.
func ran(b *strings.Builder, res Result, style Style) {
	word := map[Outcome]string{Exited: "ok", TimedOut: "time limit", OutOfMemory: "out of memory", Signaled: "signal", Denied: "failed on denied calls"}[res.Outcome]
	if res.Outcome == Exited && res.Status != 0 {
		word = fmt.Sprintf("exit %d", res.Status)
	}
	if res.GPU.exceeded() {
		word = "out of GPU memory"
	}
	if res.Outcome == Signaled {
		word = fmt.Sprintf("ended by signal %d", res.Exit.Signal)
	}
	colour := "32"
	if word != "ok" {
		colour = "31"
	}
	fmt.Fprintf(b, "loadlock: %s in %s (ours %s) · %s · %s\n", style.paint(colour, word), short(res.Timings.Total), short(res.Timings.Ours()), admitted(res), layers(res.Layers))
	u := res.Exit.Usage
	var parts []string
	if u.PeakMemory >= 0 {
		parts = append(parts, "peak memory "+size(u.PeakMemory))
		parts = append(parts, short(time.Duration(u.CPU))+" CPU")
	} else if slices.ContainsFunc(res.Layers, func(e isolate.Enforcement) bool { return e.Layer == "cgroup" && e.Strength == isolate.Full }) {
		parts = append(parts, "memory not measured: the cgroup was gone with the last process")
	} else {
		parts = append(parts, "memory not limited and not measured")
	}
	if u.PeakGPU > 0 {
		parts = append(parts, "peak GPU memory "+size(u.PeakGPU))
	}
	if u.OOMKills > 0 {
		parts = append(parts, fmt.Sprintf("%d killed for memory", u.OOMKills))
	}
	if u.PidsDenied > 0 {
		parts = append(parts, fmt.Sprintf("%d forks refused by the pids limit", u.PidsDenied))
	}
	parts = append(parts, deniedPart(res)...)
	for _, m := range res.Models {
		for _, h := range m.Withheld {
			parts = append(parts, "withheld "+validate.Printable(h.Path)+": "+h.Why)
		}
	}
	parts = append(parts, held(res)...)
	parts = append(parts, res.GPU.summary()...)
	parts = append(parts, networkUse(res.Network)...)
	for _, s := range res.Skipped {
		parts = append(parts, "not copied out: "+s)
	}
	fmt.Fprintf(b, "          %s\n", strings.Join(parts, " · "))
	if res.Outcome == TimedOut {
		lastDenials(b, res)
	}
}

// held says what keeps the large files of the models as they were scanned: "held by lease: 2 files".
func held(res Result) (parts []string) {
	count := map[validate.Keeping]int{}
	for _, m := range res.Models {
		for _, f := range m.Files {
			count[f.HeldBy]++
		}
	}
	for _, by := range []validate.Keeping{validate.Verity, validate.ReadOnly, validate.Lease, validate.Reflink, validate.FullCopy, validate.Identity} {
		if n := count[by]; n > 0 {
			parts = append(parts, fmt.Sprintf("held by %s: %d file%s", by, n, map[bool]string{true: "", false: "s"}[n == 1]))
		}
	}
	return parts
}

func admitted(res Result) string {
	if len(res.Models) == 0 {
		return "nothing was validated (no --model)"
	}
	n := 0
	for _, m := range res.Models {
		n += len(m.Admitted)
	}
	return fmt.Sprintf("admitted %d file%s under %s", n, map[bool]string{true: "", false: "s"}[n == 1], res.Policy.Name)
}

// layers names the layers by strength: "user mount …: full · cgroup: off (why)".
func layers(es []isolate.Enforcement) string {
	var full, rest []string
	for _, e := range es {
		if e.Strength == isolate.Full {
			full = append(full, e.Layer)
		} else {
			rest = append(rest, fmt.Sprintf("%s: %s (%s)", e.Layer, e.Strength, e.Why))
		}
	}
	return strings.Join(append([]string{strings.Join(full, " ") + ": full"}, rest...), " · ")
}

// maxShown bounds the findings printed for a person; the report has them all.
const maxShown = 10

// maxNotes bounds the notes that are printed about an admitted model.
const maxNotes = 3

// Verdict prints one model's verdict and why.
func Verdict(w io.Writer, m ModelResult, policyName string, style Style) {
	word := map[validate.Verdict]string{validate.Admit: style.paint("32", "admitted"), validate.Reject: style.paint("31", "refused"),
		validate.Inconclusive: style.paint("33", "inconclusive")}[m.Verdict]
	fmt.Fprintf(w, "loadlock: %s: %s  (policy %s, digest %s)\n", word, validate.Printable(m.Path), policyName, digest(m))
	rules := rules()
	shown, notes, explained := 0, 0, map[string]bool{}
	for _, f := range m.Findings {
		if f.Waived != "" || f.Severity == validate.Low && m.Verdict != validate.Admit {
			continue
		}
		if f.Severity == validate.Low {
			if notes++; notes > maxNotes {
				continue
			}
		}
		if shown++; shown > maxShown {
			continue
		}
		fmt.Fprintf(w, "  %s %s   %s %s   %s\n", style.paint("1", fmt.Sprintf("%-6s", f.Severity)), f.Rule, f.File, place(f), f.Detail)
		if f.Evidence != "" && f.Line > 0 && !strings.Contains(f.Detail, f.Evidence) {
			fmt.Fprintf(w, "        here: %s\n", f.Evidence)
		}
		if r, known := rules[f.Rule]; known && f.Severity != validate.Low && !explained[r.ID] {
			explained[r.ID] = true
			fmt.Fprintf(w, "        why:  %s\n        fix:  %s; loadlock explain %s\n", r.Why, r.Fix, r.ID)
		}
	}
	allowLines(w, m.Findings)
	if notes > maxNotes {
		fmt.Fprintf(w, "  … %d more notes in the JSON report\n", notes-maxNotes)
	}
	if shown > maxShown {
		fmt.Fprintf(w, "  … %d more in the JSON report\n", shown-maxShown)
	}
	for _, h := range m.Withheld {
		fmt.Fprintf(w, "  withheld  %s: %s\n", validate.Printable(h.Path), h.Why)
	}
}

// place is where in its file a finding is: a line of a text, else a byte.
func place(f validate.Finding) string {
	if f.Line > 0 {
		return fmt.Sprintf("line %d", f.Line)
	}
	return fmt.Sprintf("@ %#x", f.Offset)
}

// allowLines prints the exact policy lines that would permit the unknown names, and what they mean.
func allowLines(w io.Writer, findings []validate.Finding) {
	acts := map[string][]string{}
	var names []string
	for _, f := range findings {
		if f.Global == nil || f.Rule != validate.UnknownGlobalID || f.Waived != "" {
			continue
		}
		name := f.Global.Module + "." + f.Global.Name
		if acts[name] == nil {
			names = append(names, name)
		}
		if !slices.Contains(acts[name], f.Global.Act) {
			acts[name] = append(acts[name], f.Global.Act)
		}
	}
	if len(names) == 0 || len(names) > maxShown {
		return
	}
	fmt.Fprintln(w, "  to allow, after reading the code behind the name, in your policy (every pickle may then do this, with arguments of its choice):\n    allowed_globals:")
	for _, n := range names {
		fmt.Fprintf(w, "      - {name: %s, may: [%s], reason: \"…\"}\n", strconv.QuoteToASCII(n), strings.Join(acts[n], ", "))
	}
}

func digest(m ModelResult) string {
	if len(m.Digest) > 19 {
		return m.Digest[:19] + "…"
	}
	return m.Digest
}

// rules is every rule by its ID.
func rules() map[string]*validate.Rule {
	out := map[string]*validate.Rule{}
	for _, r := range validate.CoreRules {
		out[r.ID] = r
	}
	for _, s := range all.Scanners() {
		for _, r := range s.Rules {
			out[r.ID] = r
		}
	}
	return out
}

// Plain replaces what a terminal would interpret; messages may hold names from a model or a command line.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, s)
}

func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func size(n int64) string {
	for _, u := range []struct {
		name string
		unit int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.unit {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(u.unit), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
