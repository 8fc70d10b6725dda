package onnx

import (
	"math"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

// operator identifies what a node calls: an operator of a runtime, or a function of the model.
type operator struct{ domain, name, overload string }

// calls is who calls what how often. Body 0 is the graph with all its subgraphs, the others are functions in order.
type calls struct {
	ids     map[operator]int
	ops     []operator
	at      []int64     // of the first node that calls it
	defined map[int]int // operator to body
	counts  map[edge]int64
	body    int
	bodies  []int64 // where each body is
}

type edge struct{ body, op int }

// The most distinct operators, functions and pairs of both that are remembered.
const (
	maxOperators = 50_000
	maxEdges     = 200_000
)

func newCalls() calls {
	return calls{ids: map[operator]int{}, defined: map[int]int{}, counts: map[edge]int64{}, bodies: []int64{0}}
}

func (c *calls) id(op operator, at int64) (int, error) {
	if op.domain == "" {
		op.domain = "ai.onnx" // the same domain (IR.html, Operator Sets)
	}
	id, ok := c.ids[op]
	if !ok {
		if id = len(c.ops); id >= maxOperators {
			return 0, validate.Malformed(at, "more than %d different operators", maxOperators)
		}
		c.ids[op], c.ops, c.at = id, append(c.ops, op), append(c.at, -1)
	}
	return id, nil
}

func (s *state) node(v protowalk.Value) error {
	var op operator
	err := s.w.Each(v, func(v protowalk.Value) (_ bool, err error) {
		switch v.Field.Name {
		case "op_type":
			op.name, err = s.w.Text(v, maxName)
		case "domain":
			op.domain, err = s.w.Text(v, maxName)
		case "overload":
			op.overload, err = s.w.Text(v, maxName)
		}
		return false, err
	})
	if err != nil {
		return err
	}
	id, err := s.calls.id(op, v.At)
	if err != nil {
		return err
	}
	if s.calls.at[id] < 0 {
		s.calls.at[id] = v.At
	}
	e := edge{s.calls.body, id}
	if s.calls.counts[e]++; len(s.calls.counts) > maxEdges {
		return validate.Malformed(v.At, "more than %d calls between functions", maxEdges)
	}
	return nil
}

func (s *state) function(v protowalk.Value) error {
	s.calls.body, s.calls.bodies = len(s.calls.bodies), append(s.calls.bodies, v.At)
	defer func() { s.calls.body = 0 }()
	var op operator
	err := s.w.Each(v, func(v protowalk.Value) (_ bool, err error) {
		switch v.Field.Name {
		case "name":
			op.name, err = s.w.Text(v, maxName)
		case "domain":
			op.domain, err = s.w.Text(v, maxName)
		case "overload":
			op.overload, err = s.w.Text(v, maxName)
		}
		return false, err
	})
	if err != nil {
		return err
	}
	id, err := s.calls.id(op, v.At)
	if err != nil {
		return err
	}
	if _, twice := s.calls.defined[id]; twice {
		s.p.Report(functions, v.At, "function %s is defined twice", validate.Quote(op.domain+"::"+op.name, 120))
	}
	s.calls.defined[id] = s.calls.body
	return nil
}

// judgeCalls judges each operator once, where it is called first, and how far functions expand.
func (s *state) judgeCalls() error {
	c := &s.calls
	for id, op := range c.ops {
		if c.at[id] < 0 {
			continue // defined, never called
		}
		_, local := c.defined[id]
		s.judgeOperator(op, c.at[id], local)
	}
	callees := make([][]edge, len(c.bodies)) // body to operators
	for e := range c.counts {
		callees[e.body] = append(callees[e.body], e)
	}
	x := expansion{calls: c, callees: callees, size: make([]int64, len(c.bodies))}
	for body := range c.bodies {
		if n := x.of(body, 0); n < 0 || n > maxExpansion {
			s.p.Report(functions, c.bodies[body], "functions that call each other in a circle, too deep, or expand to more than %d nodes", int64(maxExpansion))
			break
		}
	}
	return s.p.Charge(validate.Entries, 0)
}

func (s *state) judgeOperator(op operator, at int64, local bool) {
	name := validate.Quote(op.domain+"::"+op.name, 120)
	known, listed := s.names.domains[op.domain]
	switch {
	case pythonOps[op.name]:
		s.p.Report(python, at, "operator %s", name)
	case local:
	case serviceOps[op.name] || strings.HasPrefix(op.name, "Azure"):
		s.p.Report(network, at, "operator %s", name)
	case op.domain == "com.microsoft" && op.name == "EPContext":
		s.p.Report(compiled, at, "operator %s", name)
	case op.name == "ATen" || op.name == "ATenOp": // calls an operator of torch by a name in its attributes
		s.p.Report(domain, at, "operator %s: it calls any operator of torch", name)
	case known:
	case op.domain == contribDomain && s.names.contrib[op.name]:
		if !s.noted {
			s.p.Report(extensions, at, "operator %s", name)
		}
		s.noted = true
	case listed:
		s.p.Report(domain, at, "operator %s: its domain is implemented by a library of its own", name)
	default:
		s.p.Report(domain, at, "operator %s", name)
	}
}

// maxExpansion is above any model in use: large language models have some ten thousand nodes.
const maxExpansion = 20_000_000

// maxNesting is how deep functions may call each other.
const maxNesting = 1000

// expansion counts the nodes that a body becomes when every call is replaced by its function.
type expansion struct {
	calls   *calls
	callees [][]edge
	size    []int64 // 0: not known yet, -1: being counted or without end
}

func (x *expansion) of(body, depth int) int64 {
	if x.size[body] != 0 || depth > maxNesting {
		return min(x.size[body], math.MaxInt32)
	}
	x.size[body] = -1
	total := int64(1)
	for _, e := range x.callees[body] {
		n := int64(1)
		if f, ok := x.calls.defined[e.op]; ok {
			if n = x.of(f, depth+1); n <= 0 {
				return -1
			}
		}
		if total += n * min(x.calls.counts[e], math.MaxInt32); total > maxExpansion {
			total = maxExpansion + 1
			break
		}
	}
	x.size[body] = total
	return total
}
