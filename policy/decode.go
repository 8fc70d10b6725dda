package policy

import (
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origin is where the value of a key was written.
type origin struct {
	layer string
	file  string
	line  int
}

// written is a policy before layering, and where each of its values was written.
type written struct {
	doc     document
	policy  Policy
	origins map[string]origin // by key; a key without one was never written
}

// decode reads a policy text on top of the template that it extends. Nothing is half applied: with an error
// the result is the zero value.
func decode(doc document) (written, error) {
	root, err := parse(doc.file, doc.data)
	if err != nil {
		return written{}, err
	}
	pairs, err := flatten(doc.file, root)
	if err != nil {
		return written{}, err
	}
	w, err := inherited(doc, pairs)
	if err != nil {
		return written{}, err
	}
	w.doc = doc
	for _, k := range keys {
		p, ok := pairs[k.name]
		if !ok {
			continue
		}
		if err := k.value.read(place{doc.file, k.name}, p.value, &w.policy); err != nil {
			return written{}, err
		}
		w.origins[k.name] = origin{doc.layer, doc.file, p.key.Line}
	}
	if err := w.nameIt(pairs); err != nil {
		return written{}, err
	}
	if err := w.contradictions(pairs); err != nil {
		return written{}, err
	}
	w.followers(pairs)
	return w, nil
}

// flatten returns the pairs of a document by the names of the table.
func flatten(file string, root *yaml.Node) (map[string]pair, error) {
	all := make([]string, len(keys))
	var top []string
	inner := map[string][]string{} // by group
	for i, k := range keys {
		all[i] = k.name
		if group, name, ok := strings.Cut(k.name, "."); ok {
			if inner[group] = append(inner[group], name); !slices.Contains(top, group) {
				top = append(top, group)
			}
			continue
		}
		top = append(top, k.name)
	}
	flat := make(map[string]pair, len(root.Content)/2)
	outer, err := readPairs(file, "", root, top, all)
	if err != nil {
		return nil, err
	}
	for _, p := range outer {
		at := place{file, p.name}
		if err := empty(at, p.value); err != nil {
			return nil, err
		}
		names, group := inner[p.name]
		if !group {
			flat[p.name] = p
			continue
		}
		if p.value.Kind != yaml.MappingNode {
			return nil, at.wrongType(p.value, "a mapping with "+strings.Join(names, ", "), "indent the keys below it")
		}
		below, err := readPairs(file, p.name+".", p.value, names, all)
		if err != nil {
			return nil, err
		}
		for _, q := range below {
			if err := empty(place{file, p.name + "." + q.name}, q.value); err != nil {
				return nil, err
			}
			flat[p.name+"."+q.name] = q
		}
	}
	return flat, nil
}

// inherited is the policy that a document starts from.
func inherited(doc document, pairs map[string]pair) (written, error) {
	base := "safe"
	if p, ok := pairs["extends"]; ok {
		at := place{doc.file, "extends"}
		i, err := readWord(at, p.value, templateNames)
		if err != nil {
			return written{}, err
		}
		base = templateNames[i]
	} else if doc.builtin() {
		return written{origins: map[string]origin{}}, nil // the template that the others extend
	}
	return template(base)
}

// nameIt gives a policy without a name that of its file, and keeps the names of templates for the templates.
func (w *written) nameIt(pairs map[string]pair) error {
	if w.doc.builtin() {
		return nil
	}
	p, named := pairs["name"]
	if !named {
		w.policy.Name = w.doc.layer
		if base := filepath.Base(w.doc.file); w.doc.layer == layerFile && checkName(base) == "" {
			w.policy.Name = base
		}
		w.origins["name"] = origin{w.doc.layer, w.doc.file, 1}
	}
	if t := reserved(w.policy.Name); t != "" && named {
		return place{w.doc.file, "name"}.fault(p.value, "choose another name; a report that says "+t+" means the built-in template",
			"%q is the name of a template", w.policy.Name)
	}
	if _, ok := pairs["description"]; !ok {
		w.policy.Description = "" // the template's describes the template
		w.origins["description"] = w.origins["name"]
	}
	return nil
}

// contradictions are pairs of values that cannot both be meant.
func (w *written) contradictions(pairs map[string]pair) error {
	at := func(key string) place { return place{w.doc.file, key} }
	required, hasRequired := pairs["sandbox_required"]
	if layers, ok := pairs["optional_layers"]; ok && hasRequired && strings.EqualFold(required.value.Value, "false") {
		return at("optional_layers").fault(layers.key, "keep one of the two; optional_layers is the narrower", "contradicts sandbox_required: false, which makes every layer optional")
	}
	s := w.policy.Sandbox
	if _, ok := pairs["network_hosts"]; ok && s.Network != NetworkAllow && len(s.NetworkHosts) > 0 {
		return at("network_hosts").fault(pairs["network_hosts"].key, "set network: allow, or remove the line", "is for network: allow only, and the network is %v", valueOf("network").get(&w.policy))
	}
	if p, ok := pairs["network"]; ok && s.Network == NetworkAllow && len(s.NetworkHosts) == 0 {
		return at("network").fault(p.key, "add network_hosts: [huggingface.co], or set network: none", "network: allow needs network_hosts")
	}
	if s.Network == NetworkNone || s.Allow.NetworkAccess {
		return nil
	}
	for _, key := range []string{"network", "restricted_operations"} {
		if p, ok := pairs[key]; ok {
			return at(key).fault(p.key, "set restricted_operations without network_access, or network: none",
				"network: %v contradicts restricted_operations, which has network_access", valueOf("network").get(&w.policy))
		}
	}
	return nil
}

// followers gives keys that are another view of the same value the origin of the one that was written.
func (w *written) followers(pairs map[string]pair) {
	for _, f := range [][2]string{{"allow_remote_code", "remote_code"}, {"sandbox_required", "optional_layers"}} {
		for i, key := range f {
			if _, ok := pairs[key]; ok {
				continue
			}
			if _, ok := pairs[f[1-i]]; ok {
				w.origins[key] = w.origins[f[1-i]]
			}
		}
	}
}
