package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Schema is the JSON Schema (draft 2020-12) of a policy file, made from the table of keys. What a schema cannot
// say (an item listed twice under another spelling, a date that does not exist, an operation that contradicts
// the network) is checked by Load only.
func Schema() []byte {
	top, groups := map[string]any{}, map[string]map[string]any{}
	for _, k := range keys {
		s := k.value.schema()
		s["description"] = k.doc
		if group, name, ok := strings.Cut(k.name, "."); ok {
			if groups[group] == nil {
				groups[group] = map[string]any{}
			}
			groups[group][name] = s
			continue
		}
		top[k.name] = s
	}
	for group, below := range groups {
		top[group] = map[string]any{"type": "object", "additionalProperties": false, "properties": below, "description": groupDocs[group]}
	}
	doc := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "loadlock policy",
		"type":    "object", "additionalProperties": false, "minProperties": 1,
		"properties": top,
		"allOf": []any{
			contradiction("sandbox_required", false, "optional_layers"),
			contradiction("allow_remote_code", true, "remote_code"),
		},
	}
	var out bytes.Buffer
	if err := json.Indent(&out, encode(doc), "", "  "); err != nil {
		panic("policy: schema is not JSON: " + err.Error())
	}
	return append(out.Bytes(), '\n')
}

// contradiction: a file where key has the value may not set other.
func contradiction(key string, value bool, other string) map[string]any {
	return map[string]any{"not": map[string]any{"required": []string{key, other},
		"properties": map[string]any{key: map[string]any{"const": value}}}}
}
