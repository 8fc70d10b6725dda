package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
		if part == "" {
			return false
		}
	}
	return true
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
