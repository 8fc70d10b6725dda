package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Provenance says which layer every value of an effective policy comes from.
type Provenance struct {
	Layers []Layer  `json:"layers"` // that were there, the most trusted first; the last one is what was asked for
	Keys   []Origin `json:"keys"`   // in the order in which policies are printed
}

// Layer is a policy that was read.
type Layer struct {
	Name   string `json:"name"`   // "host", "user", "file", "builtin:safe"
	File   string `json:"file"`   // path, or the name again for a template
	Policy string `json:"policy"` // its name
	Digest string `json:"digest"` // "sha256:…" of the bytes that were read
}

// Origin says where the value of one key was written.
type Origin struct {
	Key   string `json:"key"`
	Layer string `json:"layer"` // as in Layer, or "builtin:…" for what the layer's file inherits, or "flag"
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"`
	Clips []Clip `json:"clips,omitempty"` // in the order in which they were applied
}

// Clip is a value that was asked for and lowered.
type Clip struct {
	By    string `json:"by"`    // layer of the ceiling, or "flag"
	File  string `json:"file"`  // of that layer
	Asked any    `json:"asked"` // the value before
}

func (o Origin) String() string {
	switch {
	case o.Layer == layerFlag:
		return "flag " + o.File
	case o.Line > 0 && o.Layer != o.File:
		return fmt.Sprintf("%s %s:%d", o.Layer, shown(o.File), o.Line)
	}
	return o.Layer
}

func provenanceOf(w written) (prov Provenance) {
	for _, k := range keys {
		o, ok := w.origins[k.name]
		if !ok {
			o = origin{layer: builtin + templateNames[0], file: builtin + templateNames[0]} // version, extends
		}
		prov.Keys = append(prov.Keys, Origin{Key: k.name, Layer: o.layer, File: o.file, Line: o.line})
	}
	return prov
}

// clip lowers p to a ceiling and notes where it did.
func (prov *Provenance) clip(p Policy, ceiling written) (Policy, error) {
	low, err := tighten(p, ceiling.policy)
	if err != nil {
		return Policy{}, err
	}
	changed := differing(&p, &low)
	if len(changed) == 0 {
		return low, nil
	}
	above := provenanceOf(ceiling)
	for i := range prov.Keys {
		o := &prov.Keys[i]
		if !changed[o.Key] {
			continue
		}
		note := Clip{By: ceiling.doc.layer, File: ceiling.doc.file, Asked: keys[i].value.get(&p)}
		clips := append(slices.Clone(o.Clips), note)
		*o = above.Keys[i]
		o.Clips = clips
	}
	low.Name = p.Name + "+" + ceiling.policy.Name
	return low, nil
}

// Origin returns the row of one key; the zero value when there is none.
func (prov Provenance) Origin(key string) Origin {
	for _, o := range prov.Keys {
		if o.Key == key {
			return o
		}
	}
	return Origin{}
}

// Clipped returns the rows whose value a more trusted layer lowered.
func (prov Provenance) Clipped() (out []Origin) {
	for _, o := range prov.Keys {
		if len(o.Clips) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// Effective writes a policy as YAML: every key, with the layer that set it and what a ceiling took away.
func Effective(w io.Writer, p Policy, prov Provenance) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# effective policy %s, digest %s\n", shown(p.Name), p.Digest())
	for _, l := range prov.Layers {
		if strings.HasPrefix(l.Name, builtin) {
			fmt.Fprintf(b, "# layer %s\n", l.Name)
			continue
		}
		fmt.Fprintf(b, "# layer %s: %s, %s\n", l.Name, shown(l.File), l.Digest)
	}
	current := ""
	for _, k := range keys {
		v := k.value.get(&p)
		if v == nil {
			continue
		}
		name, indent := k.name, ""
		if group, below, ok := strings.Cut(k.name, "."); ok {
			if group != current {
				fmt.Fprintf(b, "%s:\n", group)
			}
			current = group
			name, indent = below, "  "
		}
		line := indent + name + ": " + flow(v)
		if c := comment(prov.Origin(k.name)); c != "" {
			line = fmt.Sprintf("%-48s # %s", line, c)
		}
		fmt.Fprintln(b, line)
	}
	return b.Flush()
}

func comment(o Origin) string {
	if o.Key == "" || o.Key == "version" {
		return ""
	}
	s := o.String()
	for _, c := range o.Clips {
		if c.Asked != nil {
			s += fmt.Sprintf("; %s tightened it from %s", c.By, shown(flow(c.Asked)))
		}
	}
	return s
}

// flow is a value in YAML's flow style. JSON is a subset of it; a word that YAML takes for text stays bare.
func flow(v any) string {
	switch v := v.(type) {
	case string:
		if bareWord(v) {
			return v
		}
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = flow(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return string(encode(v))
}

func bareWord(s string) bool {
	switch strings.ToLower(s) {
	case "", "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-/") == ""
}

// encode is compact JSON with sorted keys. What it is given comes from the table, so it cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("policy: value that JSON cannot hold: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
