package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

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
