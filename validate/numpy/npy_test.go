package numpy_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/numpy"
	"github.com/loadlock/loadlock/validate/pickle"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanners() []*validate.Scanner { return []*validate.Scanner{numpy.Scanner(), pickle.Scanner()} }

// npy writes a file with this header and data.
func npy(version byte, header, data string) []byte {
	b := append([]byte("\x93NUMPY"), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func dict(descr, shape string) string {
	return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }          \n"
}

func pickled(t testing.TB, text string) string {
	t.Helper()
	b, err := validatetest.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	textList   = "PROTO 2\nEMPTY_LIST\nBINUNICODE a\nAPPEND\nSTOP"
	callSystem = "PROTO 2\nGLOBAL posix system\nBINUNICODE id\nTUPLE1\nREDUCE\nSTOP"
)

type example struct {
	data []byte
	want validate.Verdict
	rule string // "" for none
	at   int64  // -1 for any
}

func examples(t testing.TB) map[string]example {
	admit, reject, unsure := validate.Admit, validate.Reject, validate.Inconclusive
	text, call := pickled(t, textList), pickled(t, callSystem)
	v1 := func(descr, shape, data string) []byte { return npy(1, dict(descr, shape), data) }
	raw := func(header string) []byte { return npy(1, header, "12345678") }
	return map[string]example{
		"numbers":                      {v1("'<f8'", "(2,)", strings.Repeat("x", 16)), admit, "", 0},
		"version 2":                    {npy(2, dict("'|u1'", "(3,)"), "abc"), admit, "", 0},
		"version 3 with UTF-8":         {npy(3, dict("[('é', '<f4')]", "(1,)"), "abcd"), admit, "", 0},
		"version 1 with Latin-1":       {npy(1, dict("[('\xe9', '<f4')]", "(1,)"), "abcd"), admit, "", 0},
		"no dimension":                 {v1("'<i4'", "()", "1234"), admit, "", 0},
		"no elements":                  {v1("'<i4'", "(0, 3)", ""), admit, "", 0},
		"text without width":           {v1("'<U0'", "(3,)", ""), admit, "", 0},
		"dates":                        {v1("'<M8[25s]'", "(1,)", "12345678"), admit, "", 0},
		"a structure":                  {v1("[('a', '|u1'), ('', '|V3'), ('b', '<f4')]", "(2,)", strings.Repeat("x", 16)), admit, "", 0},
		"a title and a shape":          {v1("[(('title', 'a'), '<f2', (2, 3))]", "(1,)", strings.Repeat("x", 12)), admit, "", 0},
		"a structure in a structure":   {v1("[('a', [('b', '<i2'), ('c', '|S2')])]", "(1,)", "1234"), admit, "", 0},
		"Python 2 numbers":             {v1("'<f8'", "(1L, 1L)", "12345678"), admit, "numpy/long-suffix", -1},
		"objects of text":              {v1("'|O'", "(1,)", text), admit, "numpy/object-array", -1},
		"objects in a field":           {v1("[('a', '<f4'), ('o', '|O8')]", "(1,)", text), admit, "numpy/object-array", -1},
		"objects that call":            {v1("'|O'", "(1,)", call), reject, "pickle/global-denied", -1},
		"objects that call, as O":      {v1("'O'", "(1,)", call), reject, "numpy/object-array", -1},
		"objects deep in a type":       {v1("[('a', [('b', ('|O', (2,)))])]", "(1,)", call), reject, "pickle/global-denied", -1},
		"objects in a version 3":       {npy(3, dict("'|O'", "(1,)"), call), reject, "pickle/global-denied", -1},
		"objects and a tail":           {v1("'|O'", "(1,)", text+"\xff\xff"), unsure, "numpy/object-not-cleared", -1},
		"objects without a pickle":     {v1("'|O'", "(1,)", "\xff\xff"), unsure, "numpy/object-not-cleared", -1},
		"a pickle named npy":           {[]byte(call), reject, "pickle/global-denied", -1},
		"a harmless pickle named npy":  {[]byte(text), unsure, "validate/unparsable", 0},
		"a call in the header":         {raw("{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,), }\n"), reject, "numpy/header-expression", 20},
		"an operator in the header":    {raw("{'descr': '<f' '8', 'fortran_order': False, 'shape': (1,), }\n"), reject, "numpy/header-expression", -1},
		"a product in the header":      {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1*1,), }\n"), reject, "numpy/header-expression", -1},
		"an attribute of the header":   {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }.copy()\n"), reject, "numpy/header-expression", -1},
		"a formatted text":             {raw("{'descr': f'<f8', 'fortran_order': False, 'shape': (1,), }\n"), reject, "numpy/header-expression", -1},
		"parenthesis for a tuple":      {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1), }\n"), reject, "numpy/header-expression", -1},
		"a number in hexadecimal":      {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (0x1,), }\n"), reject, "numpy/header-expression", -1},
		"a number with a zero":         {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (01,), }\n"), unsure, "numpy/header", -1},
		"a key twice":                  {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'descr': '|O', }\n"), unsure, "numpy/header", -1},
		"another key":                  {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1, }\n"), unsure, "numpy/header", -1},
		"a key missing":                {raw("{'descr': '<f8', 'shape': (1,), }\n"), unsure, "numpy/header", -1},
		"order that is a number":       {raw("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }\n"), unsure, "numpy/header", -1},
		"a list as header":             {raw("['descr']\n"), unsure, "numpy/header", -1},
		"no line feed":                 {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }   "), unsure, "numpy/header", -1},
		"two line feeds":               {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n\n"), unsure, "numpy/header", -1},
		"padding of zeros":             {raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\x00\x00\n"), unsure, "numpy/header", -1},
		"padding in front":             {raw("  {'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n"), unsure, "numpy/header", 10},
		"deep nesting":                 {npy(2, strings.Repeat("(", 5000), ""), unsure, "numpy/header", -1},
		"many values":                  {npy(2, "{'descr': ("+strings.Repeat("1,", 100_000)+")}", ""), unsure, "numpy/header", -1},
		"version 9.9":                  {[]byte("\x93NUMPY\x09\x09\x02\x00{}"), unsure, "numpy/version", 6},
		"a header of 4 GiB":            {[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{}"), unsure, "validate/unparsable", 8},
		"a header of no bytes":         {npy(1, "", "x"), unsure, "numpy/header", 8},
		"UTF-8 that is not":            {npy(3, dict("[('\xff', '<f4')]", "(1,)"), "abcd"), unsure, "numpy/header", -1},
		"only the magic":               {[]byte("\x93NUMPY\x01"), unsure, "validate/unparsable", 0},
		"an unknown type":              {v1("'<q9'", "(1,)", "12345678"), unsure, "numpy/element-type", -1},
		"a size that no type has":      {v1("'<f3'", "(1,)", "123"), unsure, "numpy/element-type", -1},
		"a type by abbreviation":       {v1("'f4,O'", "(1,)", "12345678"), unsure, "numpy/element-type", -1},
		"a huge type":                  {v1("'|V9999999999'", "(1,)", "1"), unsure, "numpy/element-type", -1},
		"a huge subarray":              {v1("[('a', '<f8', (2147483647, 2147483647))]", "(1,)", "1"), unsure, "numpy/element-type", -1},
		"a field twice":                {v1("[('a', '<f4'), ('a', '|O')]", "(1,)", "12345678"), unsure, "numpy/element-type", -1},
		"no fields":                    {v1("[]", "(1,)", ""), unsure, "numpy/element-type", -1},
		"a number as type":             {v1("7", "(1,)", ""), unsure, "numpy/element-type", -1},
		"a shape that overflows":       {v1("'<f8'", "(4611686018427387904, 4)", "12345678"), unsure, "numpy/size", -1},
		"a size that overflows":        {v1("'<f8'", "(2305843009213693952,)", ""), unsure, "numpy/size", -1},
		"a negative dimension":         {v1("'<f8'", "(-1, -1)", "12345678"), unsure, "numpy/size", -1},
		"a shape that is a list":       {v1("'<f8'", "[1]", "12345678"), unsure, "numpy/size", -1},
		"a truth value as a dimension": {v1("'<f8'", "(True,)", "12345678"), unsure, "numpy/size", -1},
		"many dimensions":              {v1("'|u1'", "("+strings.Repeat("1, ", 65)+")", "1"), unsure, "numpy/size", -1},
		"data too short":               {v1("'<f8'", "(2,)", "12345678"), unsure, "numpy/size", -1},
		"a tail":                       {v1("'<f8'", "(1,)", "12345678PK"), unsure, "numpy/size", -1},
	}
}

func TestArraysAreJudgedByTheirHeader(t *testing.T) {
	seen := map[string]bool{}
	for name, tt := range examples(t) {
		seen[tt.rule] = true
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.Run(t, scanners(), "a.npy", tt.data)
			found := tt.rule == ""
			for _, f := range rep.Findings {
				found = found || f.Rule == tt.rule && (tt.at < 0 || f.Offset == tt.at)
			}
			if d.Verdict != tt.want || !found || tt.rule == "" && len(rep.Findings) > 0 {
				t.Errorf("verdict %s, want %s with %q\n%s", d.Verdict, tt.want, tt.rule, validatetest.Show(rep))
			}
		})
	}
	for _, r := range numpy.Scanner().Rules {
		if !seen[r.ID] {
			t.Errorf("no example for %s", r.ID)
		}
		if r.Hostile == "" || r.Benign == "" {
			t.Errorf("%s has no examples", r.ID)
		}
	}
}

func TestArraysAreFoundWithoutTheirName(t *testing.T) {
	rep, d := validatetest.Run(t, scanners(), "weights", npy(1, dict("'|O'", "(1,)"), pickled(t, callSystem)))
	if d.Verdict != validate.Reject || len(rep.Files[0].Scanners) != 1 || rep.Files[0].Scanners[0] != "npy" {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
}

// What numpy's own reader sees is what we see: its files clear, and the numbers begin where it says.
func TestWhatNumpyWritesIsCleared(t *testing.T) {
	const python = "/usr/bin/python3"
	validatetest.Need(t, "numpy", exec.Command(python, "-c", "import numpy").Run())
	dir := t.TempDir()
	if out, err := exec.Command(python, filepath.Join("testdata", "real_numpy.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]int64 // file → offset of the data, as numpy says
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 60 {
		t.Fatalf("only %d files were written", len(want))
	}
	for name, start := range want {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			rep, ok := judged(data)
			if !ok {
				t.Fatalf("%q is not cleared\n%s", data[:min(len(data), 200)], validatetest.Show(rep))
			}
			if r := rep.Files[0].Regions; r[0].Length != start {
				t.Errorf("the data begins at %d, numpy says %d", r[0].Length, start)
			}
			if rep, ok := judged(append(bytes.Clone(data), 0)); ok {
				t.Errorf("cleared with a tail\n%s", validatetest.Show(rep))
			}
		})
	}
}

// judged scans bytes without a folder on disk, and says whether nothing stands against admitting them.
func judged(data []byte) (validate.Report, bool) {
	limits := validatetest.Policy().Scan
	limits.MaxPickleOps = 100_000
	rep := validate.ScanReader(context.Background(), scanners(), "a.npy", bytes.NewReader(data), int64(len(data)), limits)
	for _, f := range rep.Findings {
		if f.Severity >= validate.Medium {
			return rep, false
		}
	}
	return rep, rep.Files[0].Cleared
}

func FuzzNpy(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep, ok := judged(data)
		for _, x := range rep.Findings {
			if nested := strings.Contains(x.File, "!"); x.Offset < 0 || !nested && x.Offset > int64(len(data)) {
				t.Errorf("finding outside the file: %+v", x)
			}
			if strings.Contains(x.Detail, "stopped") {
				t.Errorf("the scanner stopped: %s", x.Detail)
			}
		}
		if again, _ := judged(data); validatetest.Show(again) != validatetest.Show(rep) {
			t.Errorf("two reports on %q", data)
		}
		// Without its last byte the data is too short, unless there is none and the header loses its line feed.
		if _, cut := judged(data[:max(len(data)-1, 0)]); ok && cut {
			t.Errorf("cleared without its last byte: %q", data)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	data := npy(1, dict("[('a', '<f4'), ('b', '<f4', (2, 3))]", "(100,)"), strings.Repeat("x", 2800))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		validate.ScanReader(b.Context(), scanners(), "a.npy", bytes.NewReader(data), int64(len(data)), validatetest.Policy().Scan)
	}
}

func TestWhatNumpyWouldUnpickleIsJudgedInAnySpelling(t *testing.T) {
	call := pickled(t, callSystem)
	for name, data := range map[string][]byte{
		"a type by its long name":   npy(1, dict("'object'", "(1,)"), call),
		"types with commas":         npy(1, dict("'i4,O'", "(1,)"), call),
		"a shape without a size":    npy(1, dict("'|O'", "(-1,)"), call),
		"a pickle behind the array": npy(1, dict("'<f4'", "(1,)"), "\x00\x00\x00\x00"+call),
		"a pickle behind padding":   npy(1, dict("'<f4'", "(1,)"), "\x00\x00\x00\x00\n\n\x00"+call),
	} {
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.Run(t, scanners(), "a.npy", data)
			if d.Verdict != validate.Reject {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}
