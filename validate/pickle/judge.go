package pickle

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// judge turns the events of one stream into findings. Nothing it has not been told to allow passes.
type judge struct {
	p        *validate.Pass
	uses     map[*global]*use
	order    []*global
	reported map[string]int
	storages map[string]*storage
	nested   map[int64]*value // literals that were scanned as pickles, by offset
	natives  map[string]bool  // names whose state goes to compiled code
	script   bool             // a class of TorchScript was named
	eye      *reader          // for looking at numbers as instructions
}

// use is what a stream does with a name that is not vetted for it.
type use struct {
	importOff        int64
	imported, stored bool
	calls, builds    int
	callOff          int64
	buildOff         int64
	callText         string
	buildText        string
}

// maxReported bounds the findings per rule and stream; further ones change no verdict.
const (
	maxReported = 64
	maxUses     = 4096
)

func newJudge(p *validate.Pass) *judge {
	return &judge{p: p, uses: map[*global]*use{}, reported: map[string]int{}, storages: map[string]*storage{}, nested: map[int64]*value{}}
}

func (j *judge) note(r *validate.Rule, off int64, format string, args ...any) {
	j.show(r, off, "", format, args...)
}

// show is note with evidence.
func (j *judge) show(r *validate.Rule, off int64, evidence, format string, args ...any) {
	if j.reported[r.ID]++; j.reported[r.ID] <= maxReported {
		j.p.ReportAt(r, validate.Place{Offset: off, Evidence: evidence}, format, args...)
	}
}

// use returns the record of a name, or nil when there are too many to keep apart; then the name is reported at
// once, in a way that no list of allowed names can permit.
func (j *judge) use(off int64, g *global) *use {
	u := j.uses[g]
	if u == nil {
		if len(j.uses) >= maxUses {
			j.note(ruleUnknown, off, "%s, one of more than %d names", showName(g), maxUses)
			return nil
		}
		u = &use{importOff: off}
		j.uses[g] = u
		j.order = append(j.order, g)
	}
	return u
}

func (j *judge) imported(off int64, g *global) {
	if strings.Contains(g.name, ".") && g.entry == nil {
		j.show(ruleDotted, off, showName(g), "%s imported", showName(g))
	}
	if g.entry == scriptClass && j.p.Depth == 0 {
		g.entry = nil // no archive around it: Python would look for a module of that name
	}
	if g.entry == scriptClass && !j.script {
		j.script = true
		j.note(ruleScript, off, "%s, and what else is below __torch__", showName(g))
	}
	if g.entry == nil {
		if u := j.use(off, g); u != nil {
			u.imported = true
		}
	}
}

func (j *judge) stored(off int64, v *value) {
	if v.g.entry != nil && v.g.entry.acts&actImport == 0 {
		if u := j.use(off, v.g); u != nil {
			u.stored = true
		}
	}
}

// called judges one call and says what it returns.
func (j *judge) called(c *call) (*value, error) {
	v := &value{kind: kCall, off: c.off, fn: c.fn, items: c.args, weight: 1}
	if c.cut {
		v.flags |= fCut
	}
	if c.op != opREDUCE {
		v.kind, v.items = kInstance, nil
	}
	for _, a := range c.args {
		v.weight = addWeight(v.weight, a.weight)
	}
	if v.nest(c.args) {
		j.note(ruleExcessive, c.off, "values in values, more than %d deep", maxNesting)
	}
	if v.weight > bombWeight {
		j.note(ruleExcessive, c.off, "%s called with arguments whose hash visits more than %d values", render(c.fn), bombWeight)
	}
	if c.fn.kind != kImport {
		j.show(ruleComputedCall, c.off, renderCall(c), "%s called with %s", render(c.fn), renderArgs(c))
		return &value{kind: kUnknown, off: c.off}, nil
	}
	g := c.fn.g
	if e := g.entry; e != nil && e.acts&actCall != 0 {
		if e.acts&actNative != 0 && c.op == opREDUCE {
			j.native(c.off, g)
		}
		if c.cut {
			j.show(ruleShape, c.off, renderCall(c), "%s called with %s: arguments that are not all known", showName(g), renderArgs(c))
			return v, nil
		}
		why, err := e.shape(j, c, v)
		if why != "" {
			j.show(ruleShape, c.off, renderCall(c), "%s called with %s: %s", showName(g), renderArgs(c), why)
		}
		return v, err
	}
	u := j.use(c.off, g)
	if u == nil {
		return v, nil
	}
	if u.calls++; u.calls == 1 || g.denied != nil && u.calls <= maxReported {
		u.callOff, u.callText = c.off, renderArgs(c)
		if g.denied != nil {
			j.show(ruleDenied, c.off, renderCall(c), "%s called with %s (%s)", showName(g), u.callText, g.denied.reason)
		}
	}
	return v, nil
}

// built judges BUILD.
func (j *judge) built(off int64, target, state *value) {
	g := target.class()
	if g == nil {
		j.note(ruleBuildImport, off, "state %s is set on %s", render(state), j.describe(target))
		return
	}
	if what := specialState(state); what != "" {
		j.note(ruleDunder, off, "state of an instance of %s sets %s", showName(g), what)
	}
	if target.flags&fSpecial != 0 && g.module != "collections" && g.module != "builtins" {
		j.note(ruleDunder, off, "%s, whose items are attributes as well, has the item %s when its state is set", showName(g), target.text)
	}
	if g.entry != nil && g.entry.acts&actBuild != 0 {
		if g.entry.acts&actNative != 0 {
			j.native(off, g)
		}
		if why := j.knownState(g, target, state); why != "" {
			j.note(ruleShape, off, "state %s for %s: %s", render(state), showName(g), why)
		}
		return
	}
	if g.denied != nil {
		return // making the instance was reported
	}
	if u := j.use(off, g); u != nil {
		if u.builds++; u.builds == 1 {
			u.buildOff, u.buildText = off, render(state)
		}
	}
}

// native notes, once per name, that compiled code gets state which nobody compares with what that code can bear.
func (j *judge) native(off int64, g *global) {
	if !j.natives[g.String()] && len(j.natives) < maxReported {
		if j.natives == nil {
			j.natives = map[string]bool{}
		}
		j.natives[g.String()] = true
		j.note(ruleNative, off, "%s (%s)", showName(g), g.entry.reason)
	}
}

// filled judges items that go into anything but a plain list, dict or set.
func (j *judge) filled(off int64, op byte, target *value, items []*value) {
	g := target.class()
	if target.flags&fSettled != 0 && (target.kind == kDict || target.kind == kCall && !isDtype(target)) {
		j.note(ruleShape, off, "item %s is put into a table of hooks that is in use", render(items[0]))
		return
	}
	if g == nil {
		j.note(ruleBuildImport, off, "item %s is put into %s", render(items[0]), j.describe(target))
		return
	}
	if g.denied != nil {
		return
	}
	if g.entry != nil && g.entry.acts&actItems != 0 {
		// A table has no append, so that it would be looked up among its attributes, which the stream can set.
		if pairs := op == opSETITEM || op == opSETITEMS; pairs == isListClass(g) {
			j.note(ruleShape, off, "item %s is put into an instance of %s as if it were another container", render(items[0]), showName(g))
		}
		return
	}
	if g.entry != nil {
		j.note(ruleShape, off, "item %s is put into an instance of %s", render(items[0]), showName(g))
		return
	}
	if u := j.use(off, g); u != nil {
		if u.builds++; u.builds == 1 {
			u.buildOff, u.buildText = off, "item "+render(items[0])
		}
	}
}

// isListClass reports the classes with items that are not tables.
func isListClass(g *global) bool {
	return g.module == "builtins" && (g.name == "list" || g.name == "set" || g.name == "bytearray") || g.module == "collections" && g.name == "deque"
}

func (j *judge) describe(v *value) string {
	if v.kind == kImport {
		return "the import " + showName(v.g)
	}
	return kindWords[v.kind] + " " + render(v)
}
