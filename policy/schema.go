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
	top, scan := map[string]any{}, map[string]any{}
	for _, k := range keys {
		s := k.value.schema()
		s["description"] = k.doc
		if name, ok := strings.CutPrefix(k.name, scanGroup+"."); ok {
			scan[name] = s
			continue
		}
		top[k.name] = s
	}
	top[scanGroup] = map[string]any{"type": "object", "additionalProperties": false, "properties": scan,
		"description": "What validation may spend on one model."}
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
