package tensorflow

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// tables follows where tables of vocabularies get their file from. A second walk knows all names that the first met.
type tables struct {
	paths  map[string]int64 // nodes that give a path, and the table that takes it
	assets map[string]bool  // nodes that the loader replaces by the path of an asset
	second bool
	found  []source
}

// source is a node that gives a path and is neither an input of the graph nor an asset.
type source struct {
	name, op string
	at       int64
}

// maxPaths bounds what is remembered.
const maxPaths = 10_000

// tableReader is the operator that reads a file; its second input is the path (lookup_ops.cc).
const tableReader = "InitializeTableFromTextFile"

// node notes the path of a table in the first walk, and what gives it in the second.
func (t *tables) node(op, name, path string, at int64) error {
	switch {
	case t.second:
		if _, ok := t.paths[name]; ok && !t.assets[name] && op != "Placeholder" && op != "PlaceholderWithDefault" && len(t.found) < maxPaths {
			t.found = append(t.found, source{name, op, at})
		}
	case op == tableReader || op == tableReader+"V2":
		if len(t.paths) >= maxPaths {
			return validate.Malformed(at, "more than %d tables", maxPaths)
		}
		t.paths[nodeName(path)] = at
	}
	return nil
}

// nodeName is the node of an input: "^name" is a control input, "name:0" and "name:out:0" are outputs.
func nodeName(input string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(input, "^"), ":")
	return name
}

// assetTensor notes the node that an asset replaces.
func (s *state) assetTensor(v protowalk.Value) (bool, error) {
	if v.Field.Name != "name" {
		return false, nil
	}
	name, err := s.w.Text(v, maxName)
	if len(s.tables.assets) >= maxPaths {
		return false, validate.Malformed(v.At, "more than %d assets", maxPaths)
	}
	s.tables.assets[nodeName(name)] = true
	return false, err
}

// judgeTables looks for what gives tables their paths, if there are any. Names are compared without regard to the
// function that they are in, to the disadvantage of the model.
func (s *state) judgeTables(p *validate.Pass, schema protowalk.Schema, root *protowalk.Message) error {
	if len(s.tables.paths) == 0 {
		return nil
	}
	s.tables.second = true
	w := protowalk.New(p, walking)
	var text string // of a constant that is one text
	w.On(schema["TensorProto"], func(v protowalk.Value) (err error) {
		text, err = onlyText(w, v)
		return err
	})
	w.On(schema["NodeDef"], func(v protowalk.Value) error {
		var op, name string
		text = ""
		err := w.Each(v, func(v protowalk.Value) (_ bool, err error) {
			switch v.Field.Name {
			case "op":
				op, err = w.Text(v, maxName)
			case "name":
				name, err = w.Text(v, maxName)
			}
			return false, err
		})
		if err != nil {
			return err
		}
		if op == "Const" && !s.tables.assets[name] && leadsOut(text) {
			p.Report(tablePath, v.At, "constant %s is the path %s, in a graph with tables from files", validate.Quote(name, 80), validate.Quote(text, 120))
		}
		return s.tables.node(op, name, "", v.At)
	})
	if err := w.Walk(root, 0, p.Size); err != nil {
		return err
	}
	for _, x := range s.tables.found {
		s.p.Report(tablePath, x.at, "node %s (%s) gives a table the path of its file", validate.Quote(x.name, 80), validate.Quote(x.op, 40))
	}
	return nil
}

// onlyText is the content of a tensor of one text.
func onlyText(w *protowalk.Walker, v protowalk.Value) (text string, err error) {
	texts := 0
	err = w.Each(v, func(v protowalk.Value) (_ bool, err error) {
		if name := v.Field.Name; (name == "string_val" || name == "tensor_content") && v.N <= maxName {
			texts++
			text, err = w.Text(v, maxName)
		}
		return false, err
	})
	if texts != 1 {
		text = ""
	}
	return text, err
}

// leadsOut reports whether a text is a path outside of the model's folder, which a call may hand to a table.
func leadsOut(text string) bool {
	return len(text) > 1 && (text[0] == '/' || strings.Contains(text, "../") || strings.Contains(text, "://"))
}
