package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
)

// Proposal is the smallest change with which a command might work, as one run showed it.
type Proposal struct {
	Base  string   // name of the policy that holds
	Lines []Change // of the policy
	Kept  []string // lines in which the policy that holds differs from its template, and that stay as they are
	Flags []Change // of the command line, for paths, variables and ports
	Never []Change // what was refused and is not proposed; New is what was tried
	Notes []string // what this run could not show
}

// Change is one line of a proposal.
type Change struct {
	Old, New string // Old is empty for a new line; New "" for one that goes
	Why      string // what was tried, and by what
	Cost     string // what the line costs in safety; empty for a line that tightens
}

// proposal draws the conclusions from a run.
func (l *learning) proposal(res Result) Proposal {
	p := Proposal{Base: res.Policy.Name}
	s := res.story()
	for _, o := range l.obstacles { // a message says the same of a path, and who asked
		same := slices.IndexFunc(s.Obstacles, func(x advise.Obstacle) bool { return x.Kind == o.Kind && x.What == o.What })
		if same < 0 {
			s.Obstacles = append(s.Obstacles, o)
		}
	}
	w := widening{policy: s.Policy, why: map[string][]string{}, costs: map[string]string{}}
	for _, a := range advise.Advise(s) {
		w.take(&p, a)
	}
	w.lines(&p)
	if res.Exit != nil && res.Status == 0 && len(l.seen.Lookups) > 0 { // nothing seen is not nothing used
		l.tighten(&p, s.Policy, w.lift)
	}
	p.keep(res.Policy.Effective)
	for _, h := range l.hidden {
		p.Never = append(p.Never, Change{New: "use " + h.path, Why: h.why})
	}
	l.notes(&p, res)
	return p
}

// widening collects what advice permits, so that two lines about one key become one.
type widening struct {
	policy advise.Policy
	lift   []string // operations that are no longer restricted
	hosts  []string
	others []string // policy lines about other keys
	why    map[string][]string
	costs  map[string]string
}

// take adds the first way of an advice that names the thing; advice about what programs do without is left out.
func (w *widening) take(p *Proposal, a advise.Advice) {
	tried := a.Tried
	if a.By != "" {
		tried += ", by " + a.By
	}
	switch {
	case a.Weight < advise.Doubtful || a.Layer == "none":
		return
	case a.Kind == advise.EnvSecret:
		p.Never = append(p.Never, Change{New: a.Tried, Why: "its name says that it is a credential; whoever wants to pass it all the same writes " + a.Options[0].String()})
		return
	case len(a.Options) == 0:
		p.Never = append(p.Never, Change{New: a.Tried, Why: a.Never})
		return
	}
	o := a.Options[0]
	for _, x := range a.Options {
		if !x.Open { // the first that names everything
			o = x
			break
		}
	}
	if o.Open {
		p.Notes = append(p.Notes, a.Tried+": which one the run did not show; "+o.String())
		return
	}
	if o.Lift != "" {
		w.because("restricted_operations", tried, o.Cost)
		w.lift = append(w.lift, o.Lift)
	}
	for _, f := range o.Flags {
		if host, ok := strings.CutPrefix(f, "--net allow:"); ok {
			w.hosts = append(w.hosts, host)
			w.because("network", tried, o.Cost)
			continue
		}
		if !slices.ContainsFunc(p.Flags, func(c Change) bool { return c.New == f }) {
			p.Flags = append(p.Flags, Change{New: f, Why: tried, Cost: o.Cost})
		}
	}
	for _, line := range o.Policy {
		key, _, _ := strings.Cut(line, ":")
		if key != "restricted_operations" && key != "network" && key != "network_hosts" && !slices.Contains(w.others, line) {
			w.others = append(w.others, line)
			w.because(key, tried, o.Cost)
		}
	}
}

func (w *widening) because(key, tried, cost string) {
	if !slices.Contains(w.why[key], tried) {
		w.why[key] = append(w.why[key], tried)
	}
	if old := w.costs[key]; !strings.Contains(old, cost) {
		w.costs[key] = strings.TrimPrefix(old+"; "+cost, "; ")
	}
}

// lines makes the policy's lines.
func (w *widening) lines(p *Proposal) {
	add := func(key, old, line string) {
		p.Lines = append(p.Lines, Change{Old: old, New: line, Why: strings.Join(w.why[key], "; "), Cost: w.costs[key]})
	}
	if len(w.lift) > 0 {
		rest := slices.DeleteFunc(slices.Clone(w.policy.Restricted), func(op string) bool { return slices.Contains(w.lift, op) })
		add("restricted_operations", operations(w.policy.Restricted), operations(rest))
	}
	if len(w.hosts) > 0 {
		slices.Sort(w.hosts)
		w.hosts = slices.Compact(w.hosts)
		if w.policy.Network != "allow" {
			add("network", "network: "+w.policy.Network, "network: allow")
		}
		all := slices.Concat(w.policy.Hosts, w.hosts)
		slices.Sort(all)
		add("network", "network_hosts: "+list(w.policy.Hosts), "network_hosts: "+list(slices.Compact(all)))
		p.Flags = append(p.Flags, Change{New: "--net allow:" + strings.Join(w.hosts, ","), Why: strings.Join(w.why["network"], "; "), Cost: w.costs["network"]})
	}
	for _, line := range w.others {
		key, _, _ := strings.Cut(line, ":")
		add(key, "", line)
	}
}

func operations(ops []string) string { return "restricted_operations: " + list(ops) }

func list(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

// tighten proposes to restrict what a command that worked did not need.
func (l *learning) tighten(p *Proposal, now advise.Policy, lifted []string) {
	unused := map[string]bool{"subprocess": !l.seen.Processes, "native_code": !l.native && !l.seen.Memfd}
	ops := slices.Clone(now.Restricted)
	var without []string
	for _, op := range []string{"subprocess", "native_code"} {
		if unused[op] && !slices.Contains(ops, op) && !slices.Contains(lifted, op) {
			ops, without = append(ops, op), append(without, op)
		}
	}
	if len(ops) == len(now.Restricted) || len(lifted) > 0 {
		return
	}
	p.Lines = append(p.Lines, Change{Old: operations(now.Restricted), New: operations(ops), Why: "tighter: the command worked without " + strings.Join(without, " and ")})
}

// keep notes in what the policy that holds differs from the template that the proposal extends: a proposal must not
// give back what a file, a ceiling or a flag took away.
func (p *Proposal) keep(effective any) {
	base, _, _ := strings.Cut(p.Base, "+")
	t, err := policy.Template(templateOr(base))
	if err != nil {
		return // a fault of this build: Check then says what is missing
	}
	now, was := keysOf(effective), keysOf(t)
	for _, key := range slices.Sorted(maps.Keys(now)) {
		changed := slices.ContainsFunc(p.Lines, func(c Change) bool { return strings.HasPrefix(c.New, key+":") })
		if !changed && !bytes.Equal(now[key], was[key]) && key != "name" && key != "description" {
			p.Kept = append(p.Kept, fmt.Sprintf("%s: %s", key, now[key]))
		}
	}
}

// keysOf are the keys of a policy file with their values as JSON, which YAML reads.
func keysOf(p any) (keys map[string]json.RawMessage) {
	raw, err := json.Marshal(p)
	if err == nil {
		_ = json.Unmarshal(raw, &keys) // an object of ours
	}
	return keys
}

// notes says what one run does not show.
func (l *learning) notes(p *Proposal, res Result) {
	if res.DenialsNotCounted != "" {
		p.Notes = append(p.Notes, "neither refused calls nor paths could be seen: "+res.DenialsNotCounted)
	}
	if l.seen.More > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d lookups were beyond what is remembered", l.seen.More))
	}
	if l.common > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d files below /etc and /run that libraries probe and do without are not proposed", l.common))
	}
	if res.Failed() {
		p.Notes = append(p.Notes, "the command failed: what it would have wanted afterwards was not seen; run learn again with these lines")
	}
	p.Notes = append(p.Notes, "what a command looks for is its own choice: permit only what you know it needs")
	p.Notes = append(p.Notes, "one run misses rare paths, and variables of the environment are seen only when the command's last words name them")
}

// YAML is the proposal as a policy file.
func (p Proposal) YAML() string {
	var b strings.Builder
	base, _, _ := strings.Cut(p.Base, "+")
	fmt.Fprintf(&b, "# Proposed by loadlock learn from one run. Read what each line costs before you use it.\nversion: 1\nname: learned\nextends: %s\n", templateOr(base))
	if len(p.Kept) > 0 {
		fmt.Fprintf(&b, "\n# As in the policy %s that held:\n%s\n", comment(p.Base), strings.Join(p.Kept, "\n"))
	}
	for _, c := range p.Lines {
		fmt.Fprintf(&b, "\n# for: %s\n", comment(c.Why))
		if c.Cost != "" {
			fmt.Fprintf(&b, "# cost: %s\n", comment(c.Cost))
		}
		fmt.Fprintln(&b, c.New)
	}
	for i, f := range p.Flags {
		if i == 0 {
			fmt.Fprint(&b, "\n# The command line needs, too:\n")
		}
		fmt.Fprintf(&b, "#   %s\n", comment(f.New))
	}
	return b.String()
}

// comment keeps a text that the command chose on the line of a comment.
func comment(s string) string { return Plain(strings.ReplaceAll(s, "\n", " ")) }

// Check reports whether the proposal is a policy, and which of its lines a ceiling of this host or user takes back.
func (p Proposal) Check(file string) (clipped []policy.Origin, err error) {
	_, prov, err := policy.Load(policy.Sources{Explicit: file})
	return prov.Clipped(), err
}
