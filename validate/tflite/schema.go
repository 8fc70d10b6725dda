package tflite

import (
	"fmt"
	"strconv"
	"strings"
)

// typ is the type of a field or of the elements of a vector.
type typ struct {
	width  int64 // of a scalar
	text   bool
	vector bool
	table  *def
	union  *def // the slot before has the type
}

// field is one slot of a table.
type field struct {
	name string
	typ  typ
}

// def is a table, or a union: then the fields are its members by number.
type def struct {
	name   string
	union  bool
	fields map[int]field
}

// parse reads tflite.schema. A mistake in it is a mistake of the program.
func parse(text string) map[string]*def {
	defs := map[string]*def{}
	for line := range strings.Lines(text) {
		kind, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind == "table" || kind == "union" {
			if defs[name] != nil {
				panic("tflite: " + name + " twice")
			}
			defs[name] = &def{name: name, union: kind == "union", fields: map[int]field{}}
		}
	}
	var d *def
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#" || words[0][0] == '[':
		case words[0] == "table" || words[0] == "union":
			d = defs[words[1]]
		default:
			slot, err := strconv.Atoi(words[0])
			if _, twice := d.fields[slot]; err != nil || twice {
				panic("tflite: schema: " + line)
			}
			f := field{typ: resolve(words[1], defs)}
			if len(words) > 2 {
				f.name = words[2]
			}
			d.fields[slot] = f
			if f.typ.union != nil { // the slot of its type
				d.fields[slot-1] = field{name: f.name + "_type", typ: typ{width: 1}}
			}
		}
	}
	return defs
}

func resolve(s string, defs map[string]*def) (t typ) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		t = resolve(strings.TrimSuffix(inner, "]"), defs)
		t.vector = true
		return t
	}
	if n, err := strconv.Atoi(s); err == nil {
		return typ{width: int64(n)}
	}
	if s == "string" {
		return typ{text: true}
	}
	if name, ok := strings.CutPrefix(s, "?"); ok && defs[name] != nil && defs[name].union {
		return typ{union: defs[name]}
	}
	if d := defs[s]; d != nil && !d.union {
		return typ{table: d}
	}
	panic(fmt.Sprintf("tflite: schema: type %q", s))
}
