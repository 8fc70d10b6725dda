package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

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

// readReason reads why an item is there.
func readReason(at place, n *yaml.Node) (string, error) {
	s, err := readText(at, n)
	if err == nil && s == "" {
		err = at.fault(n, "say who decided this and why; the reason is printed in every report", "is empty")
	}
	return s, err
}
