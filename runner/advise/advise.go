package advise

import (
	"fmt"
	"slices"
	"strings"
)

// Refusal is one kind of refused system call.
type Refusal struct {
	Call, Arg, Errno string
	Count            int64
	By               string // program and library, as far as known
}

// Story is what is known about a run.
type Story struct {
	Policy    Policy
	Obstacles []Obstacle // the most probable reason first
	Refusals  []Refusal
}

// Advice explains one thing that was refused.
type Advice struct {
	Kind    Kind   // of the obstacle; empty for a refused call
	Tried   string // "write /data/out.txt"
	By      string // file, line, library; may be empty
	Seen    string // the error's own words
	Layer   string // which layer refused it; "none" when the sandbox did not
	Why     string
	Options []Option // what costs least first; empty: nothing permits it, and Never says why
	Never   string
	Instead string
	Weight  int // how likely this is the reason why a command failed; below Doubtful it is not
}

// Doubtful is the weight below which a refusal is reported and not named as the reason of a failure.
const Doubtful = 50

// Advise explains everything that was refused, the most probable reason of a failure first.
func Advise(s Story) []Advice {
	var out []Advice
	for i, o := range s.Obstacles {
		a := s.obstacle(o)
		a.Weight -= min(i, 9) // what a program says last is nearest to why it ended
		out = append(out, a)
	}
	for _, r := range s.Refusals {
		out = append(out, s.refusal(r))
	}
	slices.SortStableFunc(out, func(a, b Advice) int { return b.Weight - a.Weight })
	return out
}

// Likely is the most probable reason of a failure in a few words, with what permits it; empty when there is none.
func Likely(list []Advice) string {
	if len(list) == 0 || list[0].Weight < Doubtful {
		return ""
	}
	a := list[0]
	line := "it could not " + a.Tried
	if a.Layer != "none" {
		line += " (" + a.Layer + ")"
	}
	var ways []string
	for _, o := range a.Options {
		if ways = append(ways, strings.Join(o.Flags, " ")); len(o.Flags) == 0 {
			ways[len(ways)-1] = strings.Join(o.Policy, "; ")
		}
	}
	if len(ways) > 0 {
		line += ": " + strings.Join(ways, ", or ")
	}
	return line
}

func (s Story) obstacle(o Obstacle) Advice {
	p := pages()[o.Kind]
	a := Advice{Kind: o.Kind, Tried: fill(p.tried, o.What, s.unnamed(o.Kind)), By: o.By, Seen: o.Text, Layer: p.layer, Why: p.why, Instead: fill(p.instead, o.What, "NAME"), Weight: p.weight}
	if o.Extra != "" {
		a.Why += "; " + o.Extra
	}
	if o.Flag != "" {
		a.Options = []Option{{Flags: []string{o.Flag + " " + s.raised(o.Kind)}, Cost: remedies()[p.options[0]].cost}}
		a.Why += "; " + o.Flag + " set it"
		return a
	}
	for _, name := range p.options {
		what := o.What
		switch {
		case name == "output":
			what = o.Output
		case o.Show != "":
			what = o.Show
		}
		if name == "model" || name == "gpu" {
			what = "" // the path of a download that is not there yet; an entry of the catalogue
		}
		a.permit(option(name, what, s.Policy))
	}
	if o.Kind == PathReadOnly && o.Output == "" {
		slices.Reverse(a.Options) // --output helps only a command that can write elsewhere
	}
	switch {
	case len(a.Options) > 0:
	case len(p.options) > 0:
		a.Never = permitted
	default:
		a.Never, a.Instead = a.Instead, ""
	}
	return a
}

const permitted = "the policy permits it already: something else refused it"

// permit adds an option, unless the policy already permits all of it.
func (a *Advice) permit(o Option) {
	if len(o.Flags)+len(o.Policy) > 0 {
		a.Options = append(a.Options, o)
	}
}

// unnamed says a thing that no message named.
func (s Story) unnamed(k Kind) string {
	return map[Kind]string{Host: "a host", HostRefused: "a host", Listen: "of its own", Space: "/tmp or /dev/shm"}[k]
}

// raised is a limit that a flag lowered, raised.
func (s Story) raised(k Kind) string {
	switch k {
	case Memory:
		return fmt.Sprintf("%dM", 2*s.Policy.MemoryMB)
	case Shm:
		return fmt.Sprintf("%dM", roomy*s.Policy.ShmMB)
	case Pids:
		return fmt.Sprint(roomy * s.Policy.Pids)
	case Timeout:
		return fmt.Sprintf("%ds", 2*s.Policy.TimeoutSec)
	}
	return "MORE"
}

func fill(text, what, unnamed string) string {
	if what == "" {
		what = unnamed
	}
	return strings.ReplaceAll(text, "{}", what)
}

func weights() map[harm]int {
	return map[harm]int{harmless: 5, notable: 40, breaking: 78}
}

func (s Story) refusal(r Refusal) Advice {
	row := lookup(r.Call, r.Arg)
	a := Advice{Tried: row.purpose, By: r.By, Layer: "seccomp", Never: row.never, Instead: row.instead, Weight: weights()[row.harm]}
	name := r.Call
	if r.Arg != "" {
		name += "(" + r.Arg + ")"
	}
	a.Seen = fmt.Sprintf("%s answered %s, %d time", name, r.Errno, r.Count)
	if r.Count != 1 {
		a.Seen += "s"
	}
	for _, o := range row.options {
		a.permit(option(o, "", s.Policy))
	}
	if len(row.options) > 0 && len(a.Options) == 0 {
		a.Never = permitted
	}
	if s.said(row.options) {
		a.Weight = weights()[harmless] // a message said it already, and better
	}
	return a
}

// said reports whether an obstacle already tells of a thing that these remedies permit.
func (s Story) said(options []string) bool {
	return slices.ContainsFunc(s.Obstacles, func(o Obstacle) bool {
		return slices.ContainsFunc(pages()[o.Kind].options, func(name string) bool { return slices.Contains(options, name) })
	})
}

// PolicyLines are the policy lines of the first way to permit it that needs some.
func (a Advice) PolicyLines() []string {
	for _, o := range a.Options {
		if len(o.Policy) > 0 {
			return o.Policy
		}
	}
	return nil
}

// String is the option in one line.
func (o Option) String() string {
	text := strings.Join(o.Flags, " ")
	if len(o.Policy) > 0 {
		if text != "" {
			text += ", and "
		}
		text += "in the policy: " + strings.Join(o.Policy, "; ")
	}
	return text
}

// Call is what the table says about a call by its name, each with the argument it is about.
func Call(name string, p Policy) (out []Advice) {
	for _, r := range calls {
		if !hasWord(r.calls, name) {
			continue
		}
		a := Advice{Tried: r.purpose, Layer: "seccomp", Never: r.never, Instead: r.instead}
		if r.arg != "" {
			a.Tried = r.arg + ": " + r.purpose
		}
		for _, o := range r.options {
			a.Options = append(a.Options, option(o, "", p))
		}
		out = append(out, a)
	}
	return out
}
