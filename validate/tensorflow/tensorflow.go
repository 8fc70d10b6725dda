// Package tensorflow judges the graphs of TensorFlow: saved_model.pb (SavedModel), frozen graphs (GraphDef), .meta
// files (MetaGraphDef), and fingerprint.pb (tensorflow/core/protobuf, tensorflow/core/framework).
//
// # Security
//
// A graph is a program: TensorFlow's own security notes call models programs. Each node of the graph and of every
// function in its library names an operator; package tfops lists what is vetted and what reaches files, the network, Python or
// the process. An operator in no group is not cleared unless the file defines a function of that name. Attributes that
// name files or addresses, the names of assets, constant tensors against their shapes, and the descriptions of Keras
// layers that old versions put into the object graph are judged as well. The messages are walked against the table in
// tensorflow.schema, unknown fields are findings.
//
// A table of a vocabulary reads a file: its path must come from an asset or from an input. The prefix that a checkpoint is
// written to must not be a path of the model's that leads out. Not judged: what RestoreV2 reads, paths that are computed
// from numbers, and what the functions compute. Variables are package tensorbundle's.
package tensorflow

import (
	"bytes"
	_ "embed"
	"path"
	"sync"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
	"github.com/loadlock/loadlock/validate/tfops"
)

//go:embed tensorflow.schema
var schemaText string

// Scanner judges TensorFlow graphs.
func Scanner() *validate.Scanner {
	schema, ops := sync.OnceValue(func() protowalk.Schema { return protowalk.MustParse(schemaText) }), sync.OnceValue(tfops.Read)
	return &validate.Scanner{
		Name: "tensorflow", Doc: "TensorFlow graphs: SavedModel, GraphDef, MetaGraphDef", Version: 1, Rules: rules(),
		Match: func(h validate.Head) bool { return inText(h) || root(h, schema) != "" },
		Scan:  func(p *validate.Pass) error { return scan(p, schema, ops()) },
	}
}

// The fields of the outermost messages that tell them apart.
const (
	savedVersion = 1
	savedGraphs  = 2
	metaInfo     = 1
	metaGraph    = 2
	graphNode    = 1
)

// root finds out which message the file is, "" if none of ours. The names are those that TensorFlow looks for.
func root(h validate.Head, schema func() protowalk.Schema) string {
	const saved, meta, graph = "SavedModel", "MetaGraphDef", "GraphDef"
	switch base := path.Base(h.Name); {
	case base == "saved_model.pb":
		return saved
	case base == "fingerprint.pb":
		return "FingerprintDef"
	}
	if seen, ok := top(h, schema, saved, bytes.HasPrefix(h.Start, []byte{0x08})); ok && seen[savedVersion] == 1 && seen[savedGraphs] > 0 && len(seen) == 2 {
		return saved
	}
	if seen, ok := top(h, schema, graph, startsWithName(h.Start)); ok && seen[graphNode] > 0 {
		return graph
	}
	if seen, ok := top(h, schema, meta, true); ok && (validate.Ext(h.Name) == ".meta" || seen[metaInfo] == 1 && seen[metaGraph] == 1 && len(seen) > 2) {
		return meta
	}
	return ""
}

// top is protowalk.Top where the first byte leaves a reason to look.
func top(h validate.Head, schema func() protowalk.Schema, message string, look bool) (seen map[int32]int, ok bool) {
	if !look {
		return nil, false
	}
	return protowalk.Top(h, func() *protowalk.Message { return schema()[message] })
}

// startsWithName reports whether the first submessage begins with a text whose second field is one too: a NodeDef.
func startsWithName(b []byte) bool {
	if len(b) < 4 || b[0] != 0x0a {
		return false
	}
	_, n := protowalk.Uvarint(b[1:])
	b = b[1+n:]
	if len(b) < 2 || b[0] != 0x0a {
		return false
	}
	length, n := protowalk.Uvarint(b[1:])
	if b = b[1+n:]; length > uint64(len(b)) {
		return true // a name longer than the head
	}
	b = b[length:]
	return len(b) > 0 && b[0] == 0x12
}

// inText recognises the text form by its name and content; label maps have the same extension.
func inText(h validate.Head) bool {
	switch {
	case path.Base(h.Name) == "saved_model.pbtxt":
		return true
	case h.Text():
		return bytes.Contains(h.Start, []byte("saved_model_schema_version")) || bytes.Contains(h.Start, []byte("meta_graphs {")) ||
			validate.Ext(h.Name) == ".pbtxt" && (bytes.Contains(h.Start, []byte("node {")) || bytes.Contains(h.Start, []byte("node_def {")))
	}
	return false
}

func scan(p *validate.Pass, schema func() protowalk.Schema, ops map[string]tfops.Group) error {
	start, err := p.Bytes(0, min(p.Size, 4096))
	if err != nil {
		return err
	}
	h := validate.Head{Name: p.Name, Size: p.Size, Start: start, ReaderAt: p}
	name := root(h, schema)
	if name == "" {
		p.Report(textForm, 0, "not read")
		return nil
	}
	message, s := schema()[name], newState(p, schema(), ops)
	if err := s.w.Walk(message, 0, p.Size); err != nil {
		return err
	}
	s.judgeOps()
	s.judgePaths()
	if err := s.judgeTables(p, schema(), message); err != nil {
		return err
	}
	p.Clear(0, p.Size, message.Name)
	return nil
}
