// Package paddle judges models of Paddle: programs (.pdmodel, __model__) and their parameters (.pdiparams, __params__)
// (paddle/fluid/framework/framework.proto; paddle/fluid/framework/lod_tensor.cc, SerializeToStream).
//
// # Security
//
// A program is a protocol buffer, walked field by field against the table in paddle.schema; every operator in every
// block must be vetted (ops.txt). A file of parameters is one tensor behind the other, each with its type and shape in
// front, which must fill the file. Weights are not read. Not judged: programs in JSON, which Paddle 3 writes, and
// .pdparams and .pdopt, which are pickles.
package paddle

import (
	_ "embed"
	"path"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

//go:embed paddle.schema
var schemaText string

//go:embed ops.txt
var opsText string

// Scanner judges programs and parameters of Paddle.
func Scanner() *validate.Scanner {
	schema, ops := sync.OnceValue(func() protowalk.Schema { return protowalk.MustParse(schemaText) }), sync.OnceValue(readOps)
	program := func() *protowalk.Message { return schema()["ProgramDesc"] }
	return &validate.Scanner{
		Name: "paddle", Doc: "Paddle programs and parameters", Version: 1, Rules: rules(),
		Match: func(h validate.Head) bool { return isParameters(h) || isProgram(h, program) },
		Scan: func(p *validate.Pass) error {
			start, err := p.Bytes(0, min(p.Size, 4096))
			if err != nil {
				return err
			}
			if isParameters(validate.Head{Name: p.Name, Size: p.Size, Start: start, ReaderAt: p}) {
				return scanParameters(p, schema()["VarType.TensorDesc"])
			}
			return scanProgram(p, schema(), ops())
		},
	}
}

func readOps() map[string]bool {
	ops := map[string]bool{}
	for line := range strings.Lines(opsText) {
		if line[0] == '#' {
			continue
		}
		for _, op := range strings.Fields(line) {
			if ops[op] || special[op] != nil {
				panic("paddle: ops.txt: " + op + " twice, or in rules.go")
			}
			ops[op] = true
		}
	}
	return ops
}

// programBlocks is the field of ProgramDesc that it cannot do without.
const programBlocks = 1

func isProgram(h validate.Head, program func() *protowalk.Message) bool {
	if validate.Ext(h.Name) == ".pdmodel" || path.Base(h.Name) == "__model__" {
		return true
	}
	if len(h.Start) < 4 || h.Start[0] != programBlocks<<3|2 {
		return false
	}
	_, n := protowalk.Uvarint(h.Start[1:])
	if n == 0 || len(h.Start) < n+3 || string(h.Start[1+n:n+3]) != "\x08\x00" { // idx: 0
		return false
	}
	seen, ok := protowalk.Top(h, program)
	return ok && seen[programBlocks] > 0
}

// state is what is remembered of one program.
type state struct {
	p     *validate.Pass
	w     *protowalk.Walker
	order []string
	at    map[string]int64
}

// Bounds of what is remembered.
const (
	maxName = 4096
	maxOps  = 50_000
)

func scanProgram(p *validate.Pass, schema protowalk.Schema, ops map[string]bool) error {
	s := &state{p: p, w: protowalk.New(p, walking), at: map[string]int64{}}
	s.w.On(schema["OpDesc"], s.op)
	if err := s.w.Walk(schema["ProgramDesc"], 0, p.Size); err != nil {
		return err
	}
	for _, op := range s.order {
		name := strings.TrimSuffix(op, "_grad")
		switch rule := special[name]; {
		case rule != nil:
			p.Report(rule, s.at[op], "operator %s", validate.Quote(op, 80))
		case strings.HasPrefix(op, "c_") || strings.HasPrefix(op, "partial_send") || strings.HasPrefix(op, "partial_recv"):
			p.Report(unknown, s.at[op], "operator %s, for several machines", validate.Quote(op, 80))
		case !ops[op]:
			p.Report(unknown, s.at[op], "operator %s", validate.Quote(op, 80))
		}
	}
	if p.Size == 0 {
		return validate.Malformed(0, "no program")
	}
	p.Clear(0, p.Size, "Paddle program")
	return nil
}

func (s *state) op(v protowalk.Value) error {
	at := v.At
	return s.w.Each(v, func(v protowalk.Value) (bool, error) {
		if v.Field.Name != "type" {
			return false, nil
		}
		op, err := s.w.Text(v, maxName)
		if _, met := s.at[op]; err != nil || met {
			return false, err
		}
		if len(s.order) >= maxOps {
			return false, validate.Malformed(at, "more than %d different operators", maxOps)
		}
		s.at[op], s.order = at, append(s.order, op)
		return false, nil
	})
}
