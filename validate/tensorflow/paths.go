package tensorflow

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// paths follows texts of the graph to the operators that write checkpoints, which every saved model has: their prefix
// must come from whoever runs the graph, and not be a path of the model's own. Names are compared without regard to the
// function that they are in, to the disadvantage of the model.
type paths struct {
	consts  map[string]textConst // nodes that are one text
	flows   map[string][]string  // nodes that hand a text on, and the nodes they get it from
	ops     map[string]string    // what they do
	written []string             // nodes that give a writer its path
	calls   []string             // nodes that are given to functions
	full    bool                 // there were too many; constants are judged without following them
}

// textConst is a node that is a text.
type textConst struct {
	text string
	at   int64
}

// maxFlows bounds what is remembered.
const maxFlows = 50_000

// pathInputs are the operators that write, or make names for those, by how many of their first inputs are paths.
var pathInputs = map[string]int{"Save": 1, "SaveSlices": 1, "SaveV2": 1, "MergeV2Checkpoints": 2}

// textFlows are the operators that hand a text on, or parts of it.
var textFlows = map[string]bool{"Identity": true, "IdentityN": true, "PlaceholderWithDefault": true, "StringJoin": true, "ShardedFilename": true, "ShardedFilespec": true, "Select": true,
	"SelectV2": true, "Pack": true, "Reshape": true, "ExpandDims": true, "Squeeze": true, "Switch": true, "Merge": true, "RefSwitch": true, "RefIdentity": true, "StopGradient": true,
	"PreventGradient": true, "Snapshot": true, "Gather": true, "GatherV2": true, "StridedSlice": true, "ConcatV2": true, "ReduceJoin": true, "Substr": true, "StringLower": true,
	"StringUpper": true, "StringStrip": true, "StringFormat": true, "RegexReplace": true, "StaticRegexReplace": true, "DecodeBase64": true, "AsString": true, "Fill": true, "Tile": true,
	"DecodeCompressed": true, "UnicodeTranscode": true, "Enter": true, "Exit": true}

// calling are the operators that hand their inputs to a function.
func calling(op string) bool {
	switch op {
	case "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase", "RemoteCall", "SymbolicGradient":
		return true
	}
	return false
}

func newPaths() paths {
	return paths{consts: map[string]textConst{}, flows: map[string][]string{}, ops: map[string]string{}}
}

// maxInputs is how many inputs of one node are kept. Calls have as many as the function has variables.
const maxInputs = 64

// kept reports whether the inputs of an operator matter.
func (t *paths) kept(op string) bool { return pathInputs[op] > 0 || textFlows[op] || calling(op) }

// node notes a node with its inputs, and the text of a constant.
func (t *paths) node(op, name string, inputs []string, text *string, at int64) {
	if len(t.consts)+len(t.flows)+len(t.written)+len(t.calls) > maxFlows {
		t.full = true
		return
	}
	switch {
	case op == "Const":
		if text != nil {
			t.consts[name] = textConst{*text, at}
		}
	case pathInputs[op] > 0:
		t.written = append(t.written, inputs[:min(len(inputs), pathInputs[op])]...)
	case textFlows[op]:
		t.flows[name], t.ops[name] = inputs, op
	case calling(op) && len(t.calls) < maxFlows/2:
		t.calls = append(t.calls, inputs...)
	}
}

// judgePaths reports what writes to a place that the model chooses.
func (s *state) judgePaths() {
	t := &s.paths
	if len(t.written) == 0 && len(s.tables.paths) == 0 {
		return
	}
	for name, at := range s.tables.paths {
		for _, c := range s.sources([]string{name}) {
			if t.ops[name] != "" {
				s.p.Report(tablePath, at, "a table reads the file %s", validate.Quote(c.text, 120))
			}
		}
	}
	for _, c := range s.sources(t.written) {
		s.p.Report(fileOp, c.at, "a checkpoint is written to %s", validate.Quote(c.text, 120))
	}
	for _, c := range s.sources(t.calls) { // a function may write
		s.p.Report(tablePath, c.at, "the path %s is given to a function, in a graph that writes checkpoints or reads tables", validate.Quote(c.text, 120))
	}
	if t.full {
		for _, c := range t.consts {
			if leadsOut(c.text) {
				s.p.Report(tablePath, c.at, "the path %s, in a graph that writes checkpoints", validate.Quote(c.text, 120))
				return
			}
		}
	}
}

// sources are the constants that lead out of the model's folder and reach one of the nodes. A text that begins with a
// slash counts where it begins what is put together.
func (s *state) sources(from []string) (out []textConst) {
	t := &s.paths
	type step struct {
		name  string
		inner bool // behind other text
	}
	seen := map[step]bool{}
	todo := make([]step, 0, len(from))
	for _, name := range from {
		todo = append(todo, step{nodeName(name), false})
	}
	for len(todo) > 0 {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[x] || seen[step{x.name, false}] || len(seen) > maxFlows {
			continue
		}
		seen[x] = true
		if c, ok := t.consts[x.name]; ok {
			if !s.tables.assets[x.name] && (strings.Contains(c.text, "../") || strings.Contains(c.text, "://") || !x.inner && strings.HasPrefix(c.text, "/")) && len(out) < 16 {
				out = append(out, c)
			}
			continue
		}
		inner := x.inner
		for _, input := range t.flows[x.name] {
			name := nodeName(input)
			c, constant := t.consts[name]
			if op := t.ops[x.name]; constant && (op == "DecodeBase64" || op == "DecodeCompressed") && len(out) < 16 {
				out = append(out, c) // a path that need not be hidden is not encoded
				continue
			}
			todo = append(todo, step{name, inner})
			inner = inner || t.ops[x.name] == "StringJoin" && (!constant || c.text != "") // what follows stands behind this
		}
	}
	return out
}

// oneText remembers the text of a tensor, for the node whose constant it is: of several the one that leads out.
func (s *state) oneText(v protowalk.Value, count int64) error {
	if count > maxInputs || v.N > maxName {
		return nil
	}
	text, err := s.w.Text(v, maxName)
	if err == nil && (count == 1 || leadsOut(text)) {
		s.text = &text
	}
	return err
}

// listed remembers the texts of a tensor that has them as lengths and bytes (DecodeStringList of TensorFlow).
func (s *state) listed(v protowalk.Value) error {
	if s.text != nil || v.N > maxName || v.N == 0 {
		return nil
	}
	b, err := s.p.Bytes(v.Off, v.N)
	if err != nil {
		return err
	}
	_, n := protowalk.Uvarint(b)
	if n > 0 {
		text := string(b[n:])
		s.text = &text
	}
	return nil
}
