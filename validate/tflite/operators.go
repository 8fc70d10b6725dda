package tflite

import (
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/modelpath"
)

// The slots of the tables that are judged.
const (
	modelCodes  = 1
	modelGroups = 8

	codeOld    = 0
	codeCustom = 1
	codeNew    = 3

	operatorCode    = 0
	operatorOptions = 5 // custom_options
	operatorLarge   = 9 // large_custom_options_offset, then _size

	bufferOffset = 1
	bufferSize   = 2

	externalGroup  = 1
	externalOffset = 2
	externalLength = 3
)

// Builtin operators of schema.fbs.
const (
	builtinCustom   = 32
	builtinDelegate = 51
	builtinLast     = 209
)

// elements calls f with each table of the vector in a slot.
func (m *model) elements(t table, slot int, f func(table) error) error {
	place, ok := t.fields[slot]
	if !ok {
		return nil
	}
	at, err := m.w.follow(place)
	if err != nil {
		return err
	}
	n, err := m.w.read(at, 4)
	if err != nil || n > maxElements {
		return validate.Malformed(at, "%d elements", n)
	}
	for i := range int64(n) {
		element, err := m.w.follow(at + 4 + 4*i)
		if err != nil {
			return err
		}
		e, err := m.w.peek(element, t.def.fields[slot].typ.table)
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// maxElements bounds operator codes and groups of buffers.
const maxElements = 10_000

// peek opens a table ahead of the walk, which will go through it again.
func (w *walker) peek(at int64, d *def) (table, error) {
	spans, visited := len(w.spans), w.visited
	w.visited = map[int64]any{}
	t, _, err := w.open(at, d)
	w.spans, w.visited = w.spans[:spans], visited
	return t, err
}

// root judges the operator codes before the operators that refer to them.
func (m *model) root(t table) error {
	err := m.elements(t, modelCodes, func(t table) error {
		old, err1 := t.num(codeOld, 1)
		builtin, err2 := t.num(codeNew, 4)
		name, err := t.str(codeCustom)
		if err1 != nil || err2 != nil || err != nil {
			return validate.Malformed(t.at, "an operator code")
		}
		code := max(int64(int8(old)), int64(int32(builtin))) // GetBuiltinCode of schema_utils.cc
		isCustom := code == builtinCustom
		if isCustom || name != "" {
			m.judgeCustom(t.at, name)
		}
		if code < 0 || code > builtinLast || code == builtinDelegate {
			m.p.Report(custom, t.at, "builtin operator %d", code)
		}
		if !isCustom {
			name = ""
		}
		m.codes = append(m.codes, name)
		return nil
	})
	if err != nil {
		return err
	}
	return m.elements(t, modelGroups, func(t table) error {
		name, err := t.str(0)
		if why := modelpath.Outside(name); err == nil && why != "" {
			m.p.Report(externalPath, t.at, "%s %s", validate.Quote(name, 120), why)
			name = ""
		}
		m.groups = append(m.groups, name)
		return err
	})
}

func (m *model) judgeCustom(at int64, name string) {
	if op, ok := strings.CutPrefix(name, flexPrefix); ok {
		m.judgeFlex(at, op)
		return
	}
	if !m.known[name] {
		m.p.Report(custom, at, "operator %s", validate.Quote(name, 80))
	}
}

// operator reads the node in the options of a Flex operator.
func (m *model) operator(t table) error {
	index, err := t.num(operatorCode, 4)
	if err != nil {
		return err
	}
	if index >= uint64(len(m.codes)) {
		return validate.Malformed(t.at, "operator code %d of %d", index, len(m.codes))
	}
	off, n, err := t.bytes(operatorOptions)
	if err != nil {
		return err
	}
	large, err := t.num(operatorLarge, 8)
	if err != nil {
		return err
	}
	if large > 0 {
		if off, n, err = m.outside(t, operatorLarge); err != nil {
			return err
		}
	}
	name, ok := strings.CutPrefix(m.codes[index], flexPrefix)
	if !ok {
		return nil
	}
	op, ok := m.flexNode(off, n)
	switch {
	case !ok:
		m.p.Report(flex, off, "the node of operator Flex%s cannot be read", validate.Quote(name, 80))
	case op != name:
		m.p.Report(flex, off, "operator Flex%s holds a node that runs %s", validate.Quote(name, 80), validate.Quote(op, 80))
		m.judgeFlex(off, op)
	}
	return nil
}

// outside is a range behind the FlatBuffer, as models above 2 GiB have: an offset in a slot, a size in the next.
func (m *model) outside(t table, slot int) (off, n int64, err error) {
	a, err1 := t.num(slot, 8)
	b, err2 := t.num(slot+1, 8)
	if err1 != nil || err2 != nil || a > uint64(m.p.Size) || b > uint64(m.p.Size)-a {
		return 0, 0, validate.Malformed(t.at, "%d bytes at %d", b, a)
	}
	if b > 0 {
		m.outer = append(m.outer, span{int64(a), int64(a + b)})
	}
	return int64(a), int64(b), nil
}

func (m *model) buffer(t table) error {
	if off, err := t.num(bufferOffset, 8); err != nil || off <= 1 { // 1: will be filled in, by the exporter
		return err
	}
	_, _, err := m.outside(t, bufferOffset)
	return err
}

// maxFacts bounds what the core remembers of one model.
const maxFacts = 50_000

func (m *model) external(t table) error {
	group, err1 := t.num(externalGroup, 4)
	off, err2 := t.num(externalOffset, 8)
	n, err3 := t.num(externalLength, 8)
	if err1 != nil || err2 != nil || err3 != nil || group >= uint64(len(m.groups)) || off > 1<<62 || n > 1<<62 {
		return validate.Malformed(t.at, "an external buffer: %d bytes at %d of file %d", n, off, group)
	}
	if m.facts++; m.facts > maxFacts {
		return validate.Malformed(t.at, "more than %d external buffers", maxFacts)
	}
	if name := m.groups[group]; name != "" {
		m.p.Fact(validate.Fact{Kind: validate.FactRaw, Key: path.Join(path.Dir(m.p.Name), name), Offset: int64(off), Size: int64(n)})
	}
	return nil
}

func (m *model) customCall(t table) error {
	name, err := t.str(0)
	m.p.Report(custom, t.at, "custom call of %s", validate.Quote(name, 80))
	return err
}
