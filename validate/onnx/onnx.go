// Package onnx judges ONNX models (https://onnx.ai/onnx/repo-docs/IR.html, onnx.proto).
//
// # Security
//
// An ONNX file is one protocol buffer, walked field by field against the table in onnx.schema. Judged are: the paths
// and ranges of external data, which the loader opens; the shape of every tensor against the data it has; the domain of
// every operator in the graph, in subgraphs, in training graphs and in functions, of which those outside the runtimes
// need a native library and PyOp runs Python; functions that expand without bound. The ranges of external data are
// told to the core, which clears the data file when they cover it. Weights are not read.
//
// Not judged: whether the graph is well formed (types, names, cycles between nodes), and what operators compute.
package onnx

import (
	_ "embed"
	"sync"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

//go:embed onnx.schema
var schemaText string

// Scanner judges ONNX models.
func Scanner() *validate.Scanner {
	schema, names := sync.OnceValue(func() protowalk.Schema { return protowalk.MustParse(schemaText) }), sync.OnceValue(readTables)
	model := func() *protowalk.Message { return schema()["ModelProto"] }
	return &validate.Scanner{
		Name: "onnx", Doc: "ONNX models and their external data", Version: 1, Rules: rules(),
		Match: func(h validate.Head) bool { return match(h, model) },
		Scan:  func(p *validate.Pass) error { return scan(p, schema(), names()) },
	}
}

// The fields of ModelProto that decide.
const (
	modelVersion = 1
	modelGraph   = 7
)

// match asks for the name, or for a message with a version and a graph: protocol buffers have no magic number.
func match(h validate.Head, model func() *protowalk.Message) bool {
	if validate.Ext(h.Name) == ".onnx" {
		return true
	}
	seen, ok := protowalk.Top(h, model)
	return ok && seen[modelVersion] > 0 && seen[modelGraph] > 0
}

// state is what is remembered of one model.
type state struct {
	p      *validate.Pass
	w      *protowalk.Walker
	names  tables
	calls  calls
	ranges ranges
	noted  bool // the use of onnxruntime-extensions
	graph  bool
}

func scan(p *validate.Pass, schema protowalk.Schema, names tables) error {
	s := &state{p: p, w: protowalk.New(p, walking), names: names, calls: newCalls()}
	s.ranges = ranges{p: p}
	s.w.On(schema["ModelProto"], s.model)
	s.w.On(schema["TensorProto"], s.tensor)
	s.w.On(schema["NodeProto"], s.node)
	s.w.On(schema["FunctionProto"], s.function)
	if err := s.w.Walk(schema["ModelProto"], 0, p.Size); err != nil {
		return err
	}
	if !s.graph {
		return validate.Malformed(0, "no graph")
	}
	if err := s.judgeCalls(); err != nil {
		return err
	}
	s.ranges.flush()
	p.Clear(0, p.Size, "ONNX model")
	return nil
}

func (s *state) model(v protowalk.Value) error {
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		s.graph = s.graph || v.Field.Number == modelGraph
		if v.Field.Name == "metadata_props" {
			return true, s.w.Each(v, s.metadata)
		}
		return false, nil
	})
}

// sessionOptions is the key from which ONNX Runtime takes options (kOrtConfigKey).
const sessionOptions = "ort_config"

func (s *state) metadata(v protowalk.Value) (bool, error) {
	if v.Field.Name != "key" || v.N != int64(len(sessionOptions)) {
		return false, nil
	}
	key, err := s.w.Text(v, maxName)
	if key == sessionOptions {
		s.p.Report(options, v.At, "metadata with the key %s", key)
	}
	return false, err
}

// maxName is more than any operator, domain or tensor of an exporter has.
const maxName = 4096
