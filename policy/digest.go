package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// tree is the policy as nested mappings with the names of the table.
func (p Policy) tree() map[string]any {
	top := map[string]any{}
	for _, k := range keys {
		v := k.value.get(&p)
		if v == nil {
			continue
		}
		group, name, nested := strings.Cut(k.name, ".")
		if !nested {
			top[k.name] = v
			continue
		}
		below, ok := top[group].(map[string]any)
		if !ok {
			below = map[string]any{}
			top[group] = below
		}
		below[name] = v
	}
	return top
}

// MarshalJSON prints the policy with the names of its YAML form, keys sorted.
func (p Policy) MarshalJSON() ([]byte, error) { return encode(p.tree()), nil }

// Digest identifies what a policy says, whatever its text looked like: SHA-256 over its compact JSON with
// sorted keys, in which lists whose order means nothing are sorted.
func (p Policy) Digest() string {
	sum := sha256.Sum256(encode(p.tree()))
	return "sha256:" + hex.EncodeToString(sum[:])
}
