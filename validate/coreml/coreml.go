// Package coreml judges Core ML models: .mlmodel, also inside an .mlpackage (https://apple.github.io/coremltools/mlmodel/).
//
// # Security
//
// The model is one protocol buffer, walked field by field against the table in coreml.schema, with all models inside
// pipelines. Judged are: custom models and layers, which are native code by name; the paths of weights (blobFileValue)
// and of linked models; serialized models, which are opaque. The weights of an .mlpackage are package milblob's. Not
// judged: the parameter data of Apple's own text, sound and vision models, which their frameworks read.
package coreml

import (
	_ "embed"
	"path"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/modelpath"
	"github.com/loadlock/loadlock/validate/protowalk"
)

//go:embed coreml.schema
var schemaText string

// Scanner judges Core ML models.
func Scanner() *validate.Scanner {
	schema := sync.OnceValue(func() protowalk.Schema { return protowalk.MustParse(schemaText) })
	model := func() *protowalk.Message { return schema()["Model"] }
	return &validate.Scanner{
		Name: "coreml", Doc: "Core ML models", Version: 1, Rules: rules(),
		Match: func(h validate.Head) bool { return isManifest(h) || match(h, model) },
		Scan: func(p *validate.Pass) error {
			if path.Base(p.Name) == manifest {
				return scanManifest(p)
			}
			return scan(p, schema())
		},
	}
}

// The fields of Model that decide: the version, and the first of its kinds of model.
const (
	modelVersion = 1
	modelKinds   = 200
)

func match(h validate.Head, model func() *protowalk.Message) bool {
	if validate.Ext(h.Name) == ".mlmodel" {
		return true
	}
	if len(h.Start) == 0 || h.Start[0] != modelVersion<<3 {
		return false
	}
	seen, ok := protowalk.Top(h, model)
	kinds := 0
	for field := range seen {
		if field >= modelKinds {
			kinds++
		}
	}
	return ok && seen[modelVersion] == 1 && kinds > 0
}

// state is what is remembered of one model.
type state struct {
	p *validate.Pass
	w *protowalk.Walker
}

// maxName is above any class or path.
const maxName = 4096

func scan(p *validate.Pass, schema protowalk.Schema) error {
	s := &state{p: p, w: protowalk.New(p, walking)}
	s.w.On(schema["CustomModel"], s.class("custom model"))
	s.w.On(schema["CustomLayerParams"], s.class("custom layer"))
	s.w.On(schema["MILSpec.Value.BlobFileValue"], s.blob)
	s.w.On(schema["MILSpec.Operation"], s.operation)
	s.w.On(schema["LinkedModelFile"], s.linked)
	s.w.On(schema["SerializedModel"], s.serialized)
	kinds := 0
	root := schema["Model"]
	s.w.On(root, func(v protowalk.Value) error {
		return s.w.Each(v, func(v protowalk.Value) (bool, error) {
			if v.Field.Number >= modelKinds {
				kinds++
			}
			return false, nil
		})
	})
	if err := s.w.Walk(root, 0, p.Size); err != nil {
		return err
	}
	if kinds == 0 {
		return validate.Malformed(0, "no model")
	}
	p.Clear(0, p.Size, "Core ML model")
	return nil
}

// class reports the class that a message names.
func (s *state) class(what string) func(protowalk.Value) error {
	return func(v protowalk.Value) error {
		name := ""
		at := v.At
		err := s.w.Each(v, func(v protowalk.Value) (_ bool, err error) {
			if v.Field.Name == "className" {
				name, err = s.w.Text(v, maxName)
			}
			return false, err
		})
		s.p.Report(custom, at, "%s of class %s", what, validate.Quote(name, 80))
		return err
	}
}

// operation looks at the operators of ML programs that are native code by name.
func (s *state) operation(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "type" {
			return false, nil
		}
		kind, err := s.w.Text(v, maxName)
		if strings.HasPrefix(strings.ToLower(kind), "custom") {
			s.p.Report(custom, v.At, "operator %s", validate.Quote(kind, 80))
		}
		return false, err
	})
}

// modelPrefix stands for the folder of the model.
const modelPrefix = "@model_path/"

func (s *state) blob(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "fileName" {
			return false, nil
		}
		name, err := s.w.Text(v, maxName)
		rest, ok := strings.CutPrefix(name, modelPrefix)
		why := modelpath.Outside(rest)
		if !ok {
			why = "does not begin with " + modelPrefix
		}
		if err == nil && why != "" {
			s.p.Report(filePath, v.At, "%s %s", validate.Quote(name, 120), why)
		}
		return false, err
	})
}

// linked reports a linked model, and its name and search path when they lead outside.
func (s *state) linked(v protowalk.Value) error {
	s.p.Report(linked, v.At, "a linked model")
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		return true, s.w.Each(v, func(v protowalk.Value) (bool, error) {
			if v.Field.Kind != protowalk.String {
				return false, nil
			}
			name, err := s.w.Text(v, maxName)
			if why := modelpath.Outside(name); err == nil && name != "" && name != "." && why != "" {
				s.p.Report(filePath, v.At, "%s %s", validate.Quote(name, 120), why)
			}
			return false, err
		})
	})
}

func (s *state) serialized(v protowalk.Value) error {
	s.p.Report(serialized, v.At, "%d bytes", v.N)
	return s.w.Each(v, nil)
}
