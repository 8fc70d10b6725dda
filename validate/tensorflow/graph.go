package tensorflow

import (
	"errors"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/modelpath"
	"github.com/loadlock/loadlock/validate/protowalk"
	"github.com/loadlock/loadlock/validate/tfops"
)

// state is what is remembered of one file.
type state struct {
	p         *validate.Pass
	w         *protowalk.Walker
	ops       map[string]tfops.Group // the group of each vetted operator
	order     []string               // operators in the order in which they were met
	at        map[string]int64
	functions map[string]bool // defined in a library
	asset     *protowalk.Message
	tables    tables
	paths     paths
	text      *string // of the last tensor, if it is one text
}

// Bounds of what is remembered.
const (
	maxName = 4096
	maxOps  = 50_000
)

func newState(p *validate.Pass, schema protowalk.Schema, ops map[string]tfops.Group) *state {
	s := &state{p: p, w: protowalk.New(p, walking), ops: ops, at: map[string]int64{}, functions: map[string]bool{}, asset: schema["AssetFileDef"],
		tables: tables{paths: map[string]int64{}, assets: map[string]bool{}}, paths: newPaths()}
	s.w.On(schema["NodeDef"], s.node)
	s.w.On(schema["FunctionDef"], s.function)
	s.w.On(schema["TensorProto"], s.tensor)
	s.w.On(schema["AssetFileDef"], s.assetFile)
	s.w.On(schema["SavedUserObject"], s.userObject)
	s.w.On(schema["google.protobuf.Any"], s.any)
	return s
}

// attribute is an attribute of a node that holds text.
type attribute struct {
	at    int64
	key   string
	texts []string
}

// telling are the attributes that judgeAttribute looks at.
var telling = map[string]bool{"output_stream": true, "descriptor_source": true, "debug_urls": true}

func (s *state) node(v protowalk.Value) error {
	var op, name, last string // last is the second input
	var found []attribute
	var from []string
	inputs := 0
	s.text = nil
	err := s.w.Each(v, func(v protowalk.Value) (entered bool, err error) {
		switch v.Field.Name {
		case "op":
			op, err = s.w.Text(v, maxName)
		case "name":
			name, err = s.w.Text(v, maxName)
		case "input":
			if inputs++; inputs > maxInputs {
				return false, nil
			}
			var input string
			if input, err = s.w.Text(v, maxName); s.paths.kept(op) || op == "" {
				from = append(from, input)
			}
			if inputs == 2 {
				last = input
			}
		case "attr":
			a := attribute{at: v.At}
			err = s.attribute(v, &a)
			if telling[a.key] && len(found) < 16 {
				found = append(found, a)
			}
			return true, err
		}
		return false, err
	})
	if err != nil {
		return err
	}
	for _, a := range found {
		s.judgeAttribute(op, a)
	}
	if err := s.tables.node(op, name, last, v.At); err != nil {
		return err
	}
	s.paths.node(op, name, from, s.text, v.At)
	if _, met := s.at[op]; !met {
		if len(s.order) >= maxOps {
			return validate.Malformed(v.At, "more than %d different operators", maxOps)
		}
		s.at[op], s.order = v.At, append(s.order, op)
	}
	return nil
}

// attribute reads the key of a map entry, and the text of its value: s, or list.s.
func (s *state) attribute(v protowalk.Value, a *attribute) error {
	return s.w.Each(v, func(v protowalk.Value) (entered bool, err error) {
		if v.Field.Name == "key" {
			a.key, err = s.w.Text(v, maxName)
			return false, err
		}
		return true, s.w.Each(v, func(v protowalk.Value) (bool, error) {
			switch {
			case v.Field.Name == "s":
				return false, s.keep(v, a)
			case v.Field.Name == "list":
				return true, s.w.Each(v, func(v protowalk.Value) (bool, error) {
					if v.Field.Name == "s" {
						return false, s.keep(v, a)
					}
					return false, nil
				})
			}
			return false, nil
		})
	})
}

// keep remembers a short text of an attribute. Long ones are no path.
func (s *state) keep(v protowalk.Value, a *attribute) error {
	if v.N > maxName || len(a.texts) >= 64 || a.key != "" && !telling[a.key] {
		return nil
	}
	text, err := s.w.Text(v, maxName)
	a.texts = append(a.texts, text)
	return err
}

// function notes the name that a FunctionDef defines: a node may name it as its operator.
func (s *state) function(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "signature" {
			return false, nil
		}
		return true, s.w.Each(v, func(v protowalk.Value) (bool, error) {
			if v.Field.Name != "name" {
				return false, nil
			}
			if len(s.functions) >= maxOps {
				return false, validate.Malformed(v.At, "more than %d functions", maxOps)
			}
			name, err := s.w.Text(v, maxName)
			s.functions[name] = true
			return false, err
		})
	})
}

func (s *state) assetFile(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name == "tensor_info" {
			return true, s.w.Each(v, s.assetTensor)
		}
		name, err := s.w.Text(v, maxName)
		if err != nil {
			return false, err
		}
		if why := modelpath.Outside(name); why != "" {
			s.p.Report(assetPath, v.At, "asset %s %s", validate.Quote(name, 120), why)
		}
		return false, nil
	})
}

// any enters the messages that saved models of TensorFlow 1 wrap: the names of assets.
func (s *state) any(v protowalk.Value) error {
	var kind string
	var value protowalk.Value
	err := s.w.Each(v, func(v protowalk.Value) (_ bool, err error) {
		if v.Field.Name == "type_url" {
			kind, err = s.w.Text(v, maxName)
		} else {
			value = v
		}
		return false, err
	})
	switch {
	case err != nil:
		return err
	case kind == "type.googleapis.com/tensorflow.AssetFileDef" && value.Field != nil:
		return s.w.Walk(s.asset, value.Off, value.N)
	case kind != "" || value.N > 0:
		s.p.Report(opaque, v.At, "%d bytes of %s", value.N, validate.Quote(kind, 120))
	}
	return nil
}

// userObject looks for Lambda layers in what Keras wrote about a layer up to TensorFlow 2.4.
func (s *state) userObject(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "metadata" || v.N == 0 {
			return false, nil
		}
		lambda := int64(-1)
		err := jsonwalk.Walk(s.p, v.Off, v.N, jsonwalk.Visitor{Scalar: func(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
			if len(stack) == 0 || k != jsonwalk.Text {
				return
			}
			key, text := string(stack[len(stack)-1].Key), string(value)
			if key == "class_name" && (text == "Lambda" || text == "__lambda__" || strings.HasSuffix(text, ">Lambda")) || key == "function_type" && text == "lambda" {
				lambda = off
			}
		}})
		if lambda >= 0 {
			s.p.Report(kerasLambda, lambda, "a Lambda layer")
		}
		var format *validate.FormatError
		if errors.As(err, &format) {
			s.p.Report(opaque, v.At, "%d bytes of metadata that are not JSON: %s", v.N, format.What)
			err = nil
		}
		return false, err
	})
}
