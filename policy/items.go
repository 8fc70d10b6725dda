package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// allowedGlobals is the value of allowed_globals.
type allowedGlobals struct{}

// acts are the words of `may`, in the order they are printed.
var acts = []struct {
	name string
	at   func(*Global) *bool
}{
	{"import", func(g *Global) *bool { return &g.Import }},
	{"call", func(g *Global) *bool { return &g.Call }},
	{"build", func(g *Global) *bool { return &g.Build }},
}

func actNames() []string {
	names := make([]string, len(acts))
	for i, a := range acts {
		names[i] = a.name
	}
	return names
}

func (allowedGlobals) read(at place, n *yaml.Node, p *Policy) error {
	list := []Global{}
	seen := map[[2]string]bool{}
	err := readItems(at, n, "allowed names", func(at place, n *yaml.Node) error {
		g, err := readGlobal(at, n)
		if err != nil {
			return err
		}
		id := [2]string{g.Module, g.Name}
		if seen[id] {
			return at.fault(n, "put everything it may do into one item", "%s.%s is listed twice", g.Module, g.Name)
		}
		seen[id] = true
		list = append(list, g)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b Global) int { return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Name, b.Name)) })
	p.AllowedGlobals = list
	return nil
}

func readGlobal(at place, n *yaml.Node) (g Global, err error) {
	f, err := readFields(at, n, []string{"name", "module", "may", "reason"}, []string{"name", "may", "reason"})
	if err != nil {
		return g, err
	}
	if g.Name, err = readText(at.below("name"), f["name"]); err != nil {
		return g, err
	}
	if m := f["module"]; m != nil {
		if g.Module, err = readText(at.below("module"), m); err != nil {
			return g, err
		}
	} else {
		dot := strings.LastIndexByte(g.Name, '.')
		if dot < 0 {
			return g, at.below("name").fault(f["name"], "write it with its module: mypkg.model.Net", "%q has no module", g.Name)
		}
		g.Module, g.Name = g.Name[:dot], g.Name[dot+1:]
	}
	if !dotted(g.Module) || !dotted(g.Name) {
		return g, at.below("name").fault(f["name"], "patterns are not possible: each name is allowed by itself", "%q is not a Python name", g.Module+"."+g.Name)
	}
	err = readItems(at.below("may"), f["may"], "import, call, build", func(at place, n *yaml.Node) error {
		i, err := readWord(at, n, actNames())
		if err != nil {
			return err
		}
		if *acts[i].at(&g) {
			return at.fault(n, "remove one of the two", "%s is listed twice", acts[i].name)
		}
		*acts[i].at(&g) = true
		return nil
	})
	if err != nil {
		return g, err
	}
	if len(f["may"].Content) == 0 {
		return g, at.below("may").fault(f["may"], "list what it may do: import, call, build", "is empty, so the item allows nothing")
	}
	g.Reason, err = readReason(at.below("reason"), f["reason"])
	return g, err
}

// dotted reports whether s is Python identifiers joined by dots.
func dotted(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		for i, r := range part {
			if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
				return false
			}
		}
		if part == "" || part == "<locals>" {
			return false
		}
	}
	return true
}

func readReason(at place, n *yaml.Node) (string, error) {
	s, err := readText(at, n)
	if err == nil && s == "" {
		err = at.fault(n, "say who decided this and why; the reason is printed in every report", "is empty")
	}
	return s, err
}

func (allowedGlobals) get(p *Policy) any {
	out := []any{}
	for _, g := range p.AllowedGlobals {
		may := []string{}
		for _, a := range acts {
			if *a.at(&g) {
				may = append(may, a.name)
			}
		}
		out = append(out, map[string]any{"module": g.Module, "name": g.Name, "may": may, "reason": g.Reason})
	}
	return out
}

func (allowedGlobals) schema() map[string]any {
	return map[string]any{"type": "array", "maxItems": listMax, "items": map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"name", "may", "reason"},
		"properties": map[string]any{
			"name":   map[string]any{"type": "string", "description": "mypkg.model.Net, or Net when module is given"},
			"module": map[string]any{"type": "string"},
			"may":    map[string]any{"type": "array", "items": map[string]any{"enum": actNames()}, "uniqueItems": true, "minItems": 1},
			"reason": map[string]any{"type": "string", "minLength": 1, "maxLength": textMax},
		}}}
}

// tighten keeps what both permit. A side with UnsafeUnknownGlobals permits every name that could be listed.
func (allowedGlobals) tighten(p, asked, ceiling *Policy) {
	switch {
	case ceiling.UnsafeUnknownGlobals:
		p.AllowedGlobals = slices.Clone(asked.AllowedGlobals)
		return
	case asked.UnsafeUnknownGlobals:
		p.AllowedGlobals = slices.Clone(ceiling.AllowedGlobals)
		return
	}
	var out []Global
	for _, g := range asked.AllowedGlobals {
		for _, c := range ceiling.AllowedGlobals {
			if g.Module != c.Module || g.Name != c.Name {
				continue
			}
			g.Import, g.Call, g.Build = g.Import && c.Import, g.Call && c.Call, g.Build && c.Build
			if g.Import || g.Call || g.Build {
				out = append(out, g)
			}
			break
		}
	}
	p.AllowedGlobals = out
}

func (v allowedGlobals) weaker(key string, p, _ *Policy) (out []string) {
	for _, g := range p.AllowedGlobals {
		var may []string
		for _, a := range acts {
			if *a.at(&g) {
				may = append(may, a.name)
			}
		}
		out = append(out, fmt.Sprintf("pickles may use the unvetted name %s.%s (%s), reason: %s (%s)", g.Module, g.Name, strings.Join(may, ", "), g.Reason, key))
	}
	return out
}

// waivers is the value of waivers.
type waivers struct{}

func (waivers) read(at place, n *yaml.Node, p *Policy) error {
	list := []Waiver{}
	seen := map[[2]string]bool{}
	err := readItems(at, n, "waivers", func(at place, n *yaml.Node) error {
		w, err := readWaiver(at, n)
		if err != nil {
			return err
		}
		id := [2]string{w.Rule, w.SHA256}
		if seen[id] {
			return at.fault(n, "remove one of the two", "%s is waived twice for the same file", w.Rule)
		}
		seen[id] = true
		list = append(list, w)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b Waiver) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.SHA256, b.SHA256)) })
	p.Waivers = list
	return nil
}

func readWaiver(at place, n *yaml.Node) (w Waiver, err error) {
	f, err := readFields(at, n, []string{"rule", "sha256", "reason", "expires"}, []string{"rule", "sha256", "reason"})
	if err != nil {
		return w, err
	}
	if w.Rule, err = readText(at.below("rule"), f["rule"]); err != nil {
		return w, err
	}
	if !ruleID(w.Rule) {
		return w, at.below("rule").fault(f["rule"], "copy the rule from the report, for example pickle/global-unknown", "%q is not a rule", shown(w.Rule))
	}
	// A digest of digits only is a number to YAML, and a date is a timestamp; the text counts.
	w.SHA256 = f["sha256"].Value
	if f["sha256"].Kind != yaml.ScalarNode || len(w.SHA256) != 64 || strings.Trim(w.SHA256, "0123456789abcdef") != "" {
		return w, at.below("sha256").fault(f["sha256"], "copy the digest from the report, or run sha256sum on the file; without a prefix",
			"is not a SHA-256: wants 64 lower-case hex digits")
	}
	if e := f["expires"]; e != nil {
		w.Expires = e.Value
		if _, err := time.Parse(time.DateOnly, w.Expires); err != nil || e.Kind != yaml.ScalarNode {
			return w, at.below("expires").fault(e, "write year-month-day, for example 2027-01-31; the waiver counts until the end of that day, UTC",
				"%s is not a date", shown(w.Expires))
		}
	}
	w.Reason, err = readReason(at.below("reason"), f["reason"])
	return w, err
}

const rulePattern = `^[a-z0-9-]+/[a-z0-9-]+$`

func ruleID(s string) bool {
	format, what, ok := strings.Cut(s, "/")
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	return ok && format != "" && what != "" && strings.Trim(format, letters) == "" && strings.Trim(what, letters) == ""
}

func (waivers) get(p *Policy) any {
	out := []any{}
	for _, w := range p.Waivers {
		m := map[string]any{"rule": w.Rule, "sha256": w.SHA256, "reason": w.Reason}
		if w.Expires != "" {
			m["expires"] = w.Expires
		}
		out = append(out, m)
	}
	return out
}

func (waivers) schema() map[string]any {
	return map[string]any{"type": "array", "maxItems": listMax, "items": map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"rule", "sha256", "reason"},
		"properties": map[string]any{
			"rule":    map[string]any{"type": "string", "pattern": rulePattern},
			"sha256":  map[string]any{"type": "string", "pattern": "^[0-9a-f]{64}$"},
			"reason":  map[string]any{"type": "string", "minLength": 1, "maxLength": textMax},
			"expires": map[string]any{"type": "string", "format": "date", "pattern": `^\d{4}-\d{2}-\d{2}$`},
		}}}
}

// tighten keeps the waivers that both have, until the earlier of the two dates.
func (waivers) tighten(p, asked, ceiling *Policy) {
	var out []Waiver
	for _, w := range asked.Waivers {
		for _, c := range ceiling.Waivers {
			if w.Rule != c.Rule || w.SHA256 != c.SHA256 {
				continue
			}
			if w.Expires == "" || c.Expires != "" && c.Expires < w.Expires {
				w.Expires = c.Expires
			}
			out = append(out, w)
			break
		}
	}
	p.Waivers = out
}

func (waivers) weaker(key string, p, _ *Policy) (out []string) {
	for _, w := range p.Waivers {
		until := ""
		if w.Expires != "" {
			until = " until " + w.Expires
		}
		out = append(out, fmt.Sprintf("rule %s is waived for the file with SHA-256 %s%s, reason: %s (%s)", w.Rule, w.SHA256, until, w.Reason, key))
	}
	return out
}

// below is the place of a field of this item.
func (at place) below(field string) place { return place{at.file, at.key + "." + field} }

// readFields reads a mapping with a closed list of keys.
func readFields(at place, n *yaml.Node, known, required []string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, at.wrongType(n, "a mapping with "+strings.Join(known, ", "), "")
	}
	pairs, err := readPairs(at.file, at.key+".", n, known, known)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]*yaml.Node, len(pairs))
	for _, p := range pairs {
		fields[p.name] = p.value
	}
	for _, name := range required {
		if fields[name] == nil {
			return nil, at.fault(n, "", "has no %s", name)
		}
	}
	return fields, nil
}
