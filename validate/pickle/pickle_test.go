package pickle

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanners() []*validate.Scanner { return []*validate.Scanner{Scanner()} }

func asm(t testing.TB, text string) []byte {
	t.Helper()
	b, err := validatetest.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func head(name string, data []byte) validate.Head {
	return validate.Head{Name: name, Size: int64(len(data)), Start: data[:min(len(data), 4096)], ReaderAt: bytes.NewReader(data)}
}

func TestMatchTellsPicklesFromOtherFiles(t *testing.T) {
	safetensors := func(n uint64) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, n), `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`...)
	}
	tests := map[string]struct {
		name string
		data []byte
		want bool
	}{
		"a protocol 4 pickle":                        {"x", asm(t, "PROTO 4\nFRAME 2\nNONE\nSTOP"), true},
		"a protocol 0 pickle with a call":            {"x.txt", asm(t, "GLOBAL os system\nMARK\nSTRING \"'id'\"\nTUPLE\nREDUCE"), true},
		"a protocol 0 pickle of plain data":          {"x.json", asm(t, "MARK\nLIST\nSTOP"), true},
		"joblib without an extension":                {"x", asm(t, joblibArray), true},
		"a call in the second stream":                {"x.txt", asm(t, "INT 1\nSTOP\nMARK\nINST os system\nRAW junk"), true},
		"a call behind much padding":                 {"x.txt", asm(t, "REPEAT 9000 NONE\nREPEAT 9000 POP\nMARK\nINST os system"), true},
		"a call behind a very long line":             {"x.txt", append(append([]byte("V"), bytes.Repeat([]byte("x"), 3<<20)...), asm(t, "RAW \"\\n\"\nMARK\nINST os system")...), true},
		"a broken pickle with a pickle's name":       {"x.pkl", asm(t, "PROTO 2\nNONE\nRAW \"\\xff\""), true},
		"two words on lines":                         {"x.txt", []byte("cat\ndog\n"), false},
		"three words on lines":                       {"x.txt", []byte("cat\ndog\nbird\n"), false},
		"English prose":                              {"README", []byte("The quick brown fox.\nIt is (not) a pickle.\n"), false},
		"prose that begins with opcodes":             {"README", []byte("Notes on the model.\nVersion one.\nProject two.\n.gitignore\n"), false},
		"Python source":                              {"m.py", []byte("import os\nclass Net:\n    pass\n"), false},
		"a class statement":                          {"m.py", []byte("class Net:\n    x = 1\n\ndef f():\n    return 1\n"), false},
		"JSON":                                       {"config.json", []byte(`{"a": [1, 2], "b": "(R."}`), false},
		"a JSON list":                                {"config.json", []byte(`["a"]`), false},
		"a zip":                                      {"a.zip", []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\n\xff\xfe.R"), false},
		"a zip with a pickle's name":                 {"a.pt", []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\n\xff\xfe.R"), false},
		"a zip whose first line is very long":        {"a.zip", append([]byte("PK\x03\x04"), bytes.Repeat([]byte("x"), 3<<20)...), false},
		"a zip that calls behind a persistent id":    {"a.zip", append([]byte("PK\x03\x04\n"), asm(t, "GLOBAL os system\nMARK\nTUPLE\nREDUCE")...), true},
		"safetensors":                                {"m.safetensors", safetensors(0x40), false},
		"safetensors whose length looks like PROTO":  {"m.safetensors", safetensors(0x280), false},
		"safetensors whose length looks like a mark": {"m.safetensors", safetensors(0x28_02_80), false},
		"the same with a pickle's name":              {"m.bin", safetensors(0x280), false},
		"GGUF":                                       {"m.gguf", []byte("GGUF\x03\x00\x00\x00\x23\x01\x00\x00\x00\x00\x00\x00"), false},
		"GGUF with a pickle's name":                  {"m.bin", []byte("GGUF\x03\x00\x00\x00\x23\x01\x00\x00\x00\x00\x00\x00"), false},
		"HDF5":                                       {"m.h5", []byte("\x89HDF\r\n\x1a\n\x00\x00\x00"), false},
		"PNG":                                        {"m.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), false},
		"npy":                                        {"m.npy", []byte("\x93NUMPY\x01\x00v\x00{'descr': '<f8'}\n"), false},
		"an empty file":                              {"x.pkl", nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := match(head(tt.name, tt.data)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// joblibArray begins as every file of joblib that holds an array.
const joblibArray = "PROTO 3\nGLOBAL joblib.numpy_pickle NumpyArrayWrapper\nBINPUT 0\nEMPTY_TUPLE\nNEWOBJ\nBINPUT 1\nEMPTY_DICT\nBUILD\nHEX 01 ff 00 00"

func TestCallsAreShownAsEvidence(t *testing.T) {
	rep, _ := judged(asm(t, "PROTO 2\nGLOBAL posix system\nBINUNICODE id\nBININT1 2\nTUPLE2\nREDUCE\nSTOP"))
	if f := rep.Findings[0]; f.Evidence != `posix.system("id", 2)` || f.Detail != `posix.system called with ("id", 2) (runs programs and changes files)` {
		t.Errorf("%+v", f)
	}
}

func TestAnUnknownNameComesWithTheLineThatAllowsIt(t *testing.T) {
	rep, _ := judged(asm(t, "PROTO 2\nGLOBAL ultralytics.nn.tasks DetectionModel\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nBUILD\nSTOP"))
	const want = "{name: ultralytics.nn.tasks.DetectionModel, may: [import, call, build], reason: ...} under allowed_globals"
	if !strings.Contains(rep.Findings[0].Detail, want) {
		t.Errorf("%+v", rep.Findings)
	}
}

func TestTheListsHaveAVersion(t *testing.T) {
	if Version() < 2 {
		t.Errorf("version %d", Version())
	}
}

func TestPolicyAllowsAnUnknownNamePerAct(t *testing.T) {
	data := asm(t, "PROTO 2\nGLOBAL my.net Net\nEMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nBUILD\nSTOP")
	all := policy.Global{Module: "my.net", Name: "Net", Import: true, Call: true, Build: true, Reason: "read"}
	noBuild, other := all, all
	noBuild.Build, other.Name = false, "Other"
	for name, tt := range map[string]struct {
		g    policy.Global
		want validate.Verdict
	}{"every act": {all, validate.Admit}, "all but build": {noBuild, validate.Reject}, "another name": {other, validate.Reject}} {
		t.Run(name, func(t *testing.T) {
			p := validatetest.Policy()
			p.AllowedGlobals = []policy.Global{tt.g}
			rep, d := validatetest.RunPolicy(t, p, scanners(), map[string][]byte{"m.pkl": data})
			if d.Verdict != tt.want {
				t.Errorf("verdict %s, want %s\n%s", d.Verdict, tt.want, validatetest.Show(rep))
			}
		})
	}
}

func TestDangerousNamesCannotBeAllowed(t *testing.T) {
	p := validatetest.Policy()
	p.UnsafeUnknownGlobals = true
	p.AllowedGlobals = []policy.Global{{Module: "os", Name: "system", Import: true, Call: true}}
	_, d := validatetest.RunPolicy(t, p, scanners(), map[string][]byte{"m.pkl": asm(t, "PROTO 2\nGLOBAL os system\nBINUNICODE id\nTUPLE1\nREDUCE\nSTOP")})
	if d.Verdict != validate.Reject {
		t.Errorf("verdict %s", d.Verdict)
	}
}

func TestGlobalsFileIsStrict(t *testing.T) {
	if _, err := loadLists(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a repeated name":        "a b import why\na b call:any why\n",
		"a misspelt act":         "a b imports why\n",
		"an act twice":           "a b import,import why\n",
		"a misspelt shape":       "a b call:anny why\n",
		"a call without a shape": "a b call why\n",
		"a shape without a call": "a b build:any why\n",
		"no reason":              "a b import\n",
		"deny with another act":  "a b deny,import why\n",
		"a wildcard that allows": "a * import why\n",
	} {
		if err := readGlobals(emptyList(), "t", text); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, _, err := readCompat("module a b\nmodule a c\n"); err == nil {
		t.Error("a repeated module is accepted")
	}
}

func TestBudgetMakesTheVerdictInconclusive(t *testing.T) {
	p := validatetest.Policy()
	p.Scan.MaxPickleOps = 1000
	rep, d := validatetest.RunPolicy(t, p, scanners(), map[string][]byte{"m.pkl": asm(t, "PROTO 2\nREPEAT 9000 NONE\nSTOP")})
	if d.Verdict != validate.Inconclusive || rep.Files[0].Cleared {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
}

func TestDeepAndWideStreamsStayBounded(t *testing.T) {
	deep := asm(t, "PROTO 2\nEMPTY_TUPLE\nREPEAT 10000 TUPLE1\nSTOP")
	wide := asm(t, "PROTO 2\nEMPTY_LIST\nMARK\nREPEAT 150000 BININT1 1\nAPPENDS\nSTOP")
	alive := asm(t, "PROTO 2\nEMPTY_TUPLE\nREPEAT 3000000 TUPLE1\nSTOP")
	marks := asm(t, "PROTO 2\nREPEAT 1100000 MARK")
	for name, tt := range map[string]struct {
		data []byte
		want validate.Verdict
	}{"10 000 nested tuples": {deep, validate.Admit}, "a list of 150 000 numbers": {wide, validate.Admit},
		"three million values alive": {alive, validate.Inconclusive}, "a million marks": {marks, validate.Inconclusive}} {
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.Run(t, scanners(), "m.pkl", tt.data)
			if d.Verdict != tt.want {
				t.Errorf("verdict %s, want %s\n%s", d.Verdict, tt.want, validatetest.Show(rep))
			}
		})
	}
}

func TestFindingsAreBoundedAndTheWorstSurvives(t *testing.T) {
	var b strings.Builder
	b.WriteString("PROTO 2\nREPEAT 5000 LONG 0_1\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "GLOBAL pkg%d name\nPOP\n", i)
	}
	b.WriteString("GLOBAL os system\nBINUNICODE id\nTUPLE1\nREDUCE\nSTOP")
	rep, d := validatetest.Run(t, scanners(), "m.pkl", asm(t, b.String()))
	if d.Verdict != validate.Reject || len(rep.Findings) > maxUses+10*maxReported {
		t.Errorf("verdict %s, %d findings", d.Verdict, len(rep.Findings))
	}
}

func TestStorageFactsReachTheContainer(t *testing.T) {
	data := asm(t, "PROTO 2\nMARK\nBINUNICODE storage\nGLOBAL torch DoubleStorage\nBINUNICODE 3\nBINUNICODE cpu\nBININT1 5\nTUPLE\nBINPERSID\nSTOP")
	var got validate.Nested
	outer := &validate.Scanner{Name: "box", Match: func(h validate.Head) bool { return h.Name == "box" }, Scan: func(p *validate.Pass) error {
		var err error
		got, err = p.Descend("data.pkl", p.Section(0, p.Size), p.Size)
		return err
	}}
	inner := Scanner()
	whole := inner.Match
	inner.Match = func(h validate.Head) bool { return h.Name != "box" && whole(h) }
	validatetest.Run(t, []*validate.Scanner{outer, inner}, "box", data)
	if want := (validate.Fact{Kind: "storage", Key: "3", Size: 40}); len(got.Facts) != 1 || got.Facts[0] != want || !got.Cleared {
		t.Errorf("got %+v", got)
	}
}

func TestRenderedArgumentsAreBoundedASCII(t *testing.T) {
	data := asm(t, "PROTO 2\nGLOBAL os system\nBINUNICODE \"\\x1b]0;\\u202e\"\nMARK\nREPEAT 60 BINUNICODE aaaaaaaaaaaaaaaa\nLIST\nTUPLE2\nREDUCE\nSTOP")
	rep, _ := validatetest.Run(t, scanners(), "m.pkl", data)
	detail := rep.Findings[0].Detail
	if !ascii(detail) || strings.ContainsRune(detail, 0x1b) || len(detail) > 250 || !strings.HasPrefix(detail, `os.system called with ("\x1b]0;\u202e", [`) {
		t.Errorf("detail %q", detail)
	}
}

// corpus are the bytes of every vector.
func corpus(t testing.TB) (out [][]byte) {
	for _, v := range append(validatetest.ReadDir(t, "testdata/hostile/*.txt"), validatetest.ReadDir(t, "testdata/benign/*.txt")...) {
		out = append(out, v.Body)
	}
	return out
}

// judged scans bytes without a folder on disk, and says whether nothing stands against admitting them.
func judged(data []byte) (validate.Report, bool) {
	limits := validatetest.Policy().Scan
	limits.MaxPickleOps = 10_000_000
	rep := validate.ScanReader(context.Background(), scanners(), "m.pkl", bytes.NewReader(data), int64(len(data)), limits)
	for _, f := range rep.Findings {
		if f.Severity >= validate.Medium {
			return rep, false
		}
	}
	return rep, rep.Files[0].Cleared
}

func checkInvariants(t *testing.T, data []byte) {
	rep, ok := judged(data)
	for _, f := range rep.Findings {
		if top, _, nested := strings.Cut(f.File, "!"); f.Offset < 0 || !nested && f.Offset > int64(len(data)) || top != "m.pkl" {
			t.Errorf("finding outside the file: %+v", f)
		}
		if f.Rule == validate.Unparsable.ID {
			t.Errorf("the scanner stopped: %s", f.Detail)
		}
	}
	if again, _ := judged(data); validatetest.Show(again) != validatetest.Show(rep) {
		t.Errorf("two reports on %q", data)
	}
	if ok && len(data) > 1 { // without its last byte the file lost STOP or raw data
		if _, ok := judged(data[:len(data)-1]); ok {
			t.Errorf("cleared without its last byte: %q", data)
		}
	}
}

func TestInvariantsHoldOnTheCorpusAndItsPrefixes(t *testing.T) {
	for _, data := range corpus(t) {
		checkInvariants(t, data)
		checkInvariants(t, data[:len(data)/2])
	}
}

func FuzzPickle(f *testing.F) {
	for _, data := range corpus(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkInvariants(t, data) })
}

func BenchmarkScan(b *testing.B) {
	item := "BINUNICODE layer.0.weight\nBINPUT 1\nGLOBAL collections OrderedDict\nEMPTY_TUPLE\nREDUCE\nBINPUT 2\nPOP\nBININT 70000\nNEWTRUE\nTUPLE3\nPOP\n"
	data := asm(b, "PROTO 2\n"+strings.Repeat(item, 20_000)+"NONE\nSTOP")
	free := func(int64) error { return nil }
	var ops int64
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := newReader(bytes.NewReader(data), int64(len(data)), free)
		m := newMachine(r, &dry{}, free)
		if err := m.run(); err != nil {
			b.Fatal(err)
		}
		ops += m.ops
	}
	b.ReportMetric(float64(ops)/b.Elapsed().Seconds(), "opcodes/s")
}

func emptyList() map[name]*entry { return map[name]*entry{} }

// One small file from matching to report.
func BenchmarkSmallFile(b *testing.B) {
	data := asm(b, "PROTO 4\nEMPTY_DICT\nMEMOIZE\nMARK\nSHORT_BINUNICODE a\nMEMOIZE\nBININT1 1\nSHORT_BINUNICODE b\nMEMOIZE\nGLOBAL collections OrderedDict\nEMPTY_TUPLE\nREDUCE\nMEMOIZE\nSETITEMS\nSTOP")
	limits, list := validatetest.Policy().Scan, scanners()
	b.ReportAllocs()
	for b.Loop() {
		if rep := validate.ScanReader(context.Background(), list, "m.pkl", bytes.NewReader(data), int64(len(data)), limits); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
