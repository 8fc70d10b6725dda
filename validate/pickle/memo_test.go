package pickle

import (
	"bytes"
	"fmt"
	"testing"
)

// The memo must answer like a map, whatever it has forgotten: with the value, or with one of its kind that is cut.
func TestMemoForgetsNoMoreThanDetails(t *testing.T) {
	m, want := &memo{}, map[int64]*value{}
	put := func(i int64, v *value) { m.put(i, v); want[i] = v }
	class := &value{kind: kImport, g: &global{module: "a", name: "B"}}
	for i := range int64(3 * sweepAt) {
		v := &value{kind: kind(i % 15), off: i, text: fmt.Sprint(i)}
		switch {
		case v.kind == kInstance:
			v.fn = class
		case i%1000 == 7:
			v = &value{kind: kStr, flags: fName, off: i, text: "os"}
		case i%1000 == 8:
			v = &value{kind: kTuple, flags: fRecalled, off: i}
		}
		put(i+1, v) // the C pickler of Python 2 begins with 1
	}
	put(5, &value{kind: kStr, off: 1, text: "written again"})
	put(1<<40, &value{kind: kStr, off: 1, text: "far away"})
	if m.get(0) != nil || m.get(3*sweepAt+1) != nil || m.get(-1) != nil || m.n != int64(len(want)) {
		t.Errorf("entries that were never written: %v, or %d entries instead of %d", m.get(0), m.n, len(want))
	}
	full := 0
	for i, w := range want {
		got := m.get(i)
		if got == w {
			full++
			continue
		}
		if got == nil || got.kind != w.kind || got.class() != w.class() || got.kind > kBool && !got.cut() || w.flags&(fName|fRecalled) != 0 || w.kind == kImport {
			t.Fatalf("entry %d is %+v, was %+v", i, got, w)
		}
	}
	if full > len(want)/2 || m.get(5).text != "written again" {
		t.Errorf("%d of %d entries are held in full", full, len(want))
	}
	m.forget(true)
	if v := m.get(9); v == nil || v.kind != kTuple || v.flags&fForgotten == 0 {
		t.Errorf("a looked up entry is %+v after everything was to be forgotten", v)
	}
}

// What is forgotten must not become harmless: state, hooks and nested pickles that are no longer known are refused.
func TestForgottenValuesAreRefused(t *testing.T) {
	var filler bytes.Buffer
	for range 2 * sweepAt {
		filler.WriteString("]\x940")
	}
	tests := map[string][2]string{
		"state with a special key": {"PROTO 4\nEMPTY_DICT\nMEMOIZE\nSHORT_BINUNICODE __class__\nNONE\nSETITEM\nPOP\n", "GLOBAL argparse Namespace\nEMPTY_TUPLE\nNEWOBJ\nBINGET 0\nBUILD\nSTOP"},
		"a special key":            {"PROTO 4\nSHORT_BINUNICODE __class__\nMEMOIZE\nPOP\n", "GLOBAL argparse Namespace\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nBINGET 0\nNONE\nSETITEM\nBUILD\nSTOP"},
		"hooks":                    {"PROTO 4\nEMPTY_DICT\nMEMOIZE\nBININT1 1\nGLOBAL torch.nn.functional relu\nSETITEM\nPOP\n", "GLOBAL torch.nn.modules.linear Linear\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nSHORT_BINUNICODE _forward_hooks\nBINGET 0\nSETITEM\nBUILD\nSTOP"},
		"a nested pickle":          {"PROTO 4\nSHORT_BINBYTES cposix\nMEMOIZE\nPOP\n", "GLOBAL torch.storage _load_from_bytes\nBINGET 0\nTUPLE1\nREDUCE\nSTOP"},
		"a number as text":         {"PROTO 4\nSHORT_BINUNICODE 1e999999999\nMEMOIZE\nPOP\n", "GLOBAL fractions Fraction\nBINGET 0\nTUPLE1\nREDUCE\nSTOP"},
		"a codec":                  {"PROTO 4\nSHORT_BINUNICODE zlib\nMEMOIZE\nPOP\n", "GLOBAL _codecs encode\nSHORT_BINUNICODE x\nBINGET 0\nTUPLE2\nREDUCE\nSTOP"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := append(append(asm(t, tt[0]), filler.Bytes()...), asm(t, tt[1])...)
			if rep, ok := judged(data); ok || rep.Findings[0].Severity != 3 {
				t.Errorf("%+v", rep.Findings)
			}
		})
	}
}

// Two estimators share the names of their attributes, and a vocabulary lies between them.
func TestNamesOfAttributesAreNotForgotten(t *testing.T) {
	var filler bytes.Buffer
	for i := range 2 * sweepAt {
		fmt.Fprintf(&filler, "\x8c\x06%06d\x94K\x01s", i)
	}
	data := asm(t, "PROTO 4\nGLOBAL argparse Namespace\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nSHORT_BINUNICODE n_features_in_\nMEMOIZE\nBININT1 4\nSETITEM\nBUILD\nEMPTY_DICT\n")
	data = append(data, filler.Bytes()...)
	data = append(data, asm(t, "GLOBAL argparse Namespace\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nBINGET 0\nBININT1 4\nSETITEM\nBUILD\nTUPLE3\nSTOP")...)
	if rep, ok := judged(data); !ok {
		t.Errorf("%+v", rep.Findings)
	}
}
