package policy

import (
	"fmt"
	"reflect"
)

// tighten returns the policy that permits what both permit: the smaller number, the tighter word, what both
// allow, all that either forbids. Name and description stay those of asked.
func tighten(asked, ceiling Policy) (Policy, error) {
	p := asked
	for _, k := range keys {
		k.value.tighten(&p, &asked, &ceiling)
	}
	// An empty list of extensions means "any", so the empty intersection has no value: refuse.
	if len(p.AllowedExtensions) == 0 && len(asked.AllowedExtensions)+len(ceiling.AllowedExtensions) > 0 {
		return Policy{}, &Error{Key: "allowed_file_extensions", What: fmt.Sprintf("policies %s and %s have no extension in common, so that no file could be loaded", asked.Name, ceiling.Name),
			Hint: "list at least one extension that both permit"}
	}
	return p, nil
}

// differing returns the keys whose value is not the same in both.
func differing(a, b *Policy) map[string]bool {
	d := map[string]bool{}
	for _, k := range keys {
		if !reflect.DeepEqual(k.value.get(a), k.value.get(b)) {
			d[k.name] = true
		}
	}
	return d
}
