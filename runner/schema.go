package runner

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// ReportSchema is the JSON Schema (draft 2020-12) of the report, derived from Result so that it cannot drift.
func ReportSchema() map[string]any {
	s := schemaOf(reflect.TypeFor[Result]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "loadlock report"
	return s
}

// ScanSchema is the JSON Schema of the document of scan --format json.
func ScanSchema() map[string]any {
	s := schemaOf(reflect.TypeFor[ScanReport]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "loadlock scan report"
	return s
}

func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		props, required := map[string]any{}, []string{}
		fields(t, props, &required)
		return map[string]any{"type": "object", "properties": props, "required": required}
	}
	return map[string]any{} // the OCI plan has a schema of its own
}

func fields(t reflect.Type, props map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !f.IsExported():
			continue
		case f.Anonymous && tag == "":
			fields(f.Type, props, required)
			continue
		case tag == "":
			tag = f.Name
		}
		props[tag] = schemaOf(f.Type)
		if !strings.Contains(opts, "omitempty") {
			*required = append(*required, tag)
		}
	}
}
