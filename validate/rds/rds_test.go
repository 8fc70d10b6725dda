package rds

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

// writer puts numbers and strings in XDR or in text.
type writer struct {
	bytes.Buffer
	ascii bool
}

func (w *writer) int(vs ...int) {
	for _, v := range vs {
		if w.ascii {
			fmt.Fprintf(w, "%d\n", v)
		} else {
			w.Write(binary.BigEndian.AppendUint32(nil, uint32(v)))
		}
	}
}

func (w *writer) chars(s string) {
	w.int(charSXP, len(s))
	if w.ascii {
		w.WriteString(strings.NewReplacer("\n", `\n`, "\\", `\\`, " ", `\040`).Replace(s) + "\n")
	} else {
		w.WriteString(s)
	}
}

func (w *writer) symbol(s string) { w.int(symSXP); w.chars(s) }

func (w *writer) reals(n int) {
	w.int(realSXP, n)
	for range n {
		if w.ascii {
			w.WriteString("1.5\n")
		} else {
			w.Write(make([]byte, 8))
		}
	}
}

// file is a serialization of what body writes.
func file(version int, ascii bool, body func(w *writer)) []byte {
	w := &writer{ascii: ascii}
	w.WriteString(map[bool]string{true: "A\n", false: "X\n"}[ascii])
	w.int(version, 0x040202, 0x030500)
	if version == 3 {
		w.int(5)
		w.WriteString("UTF-8")
		if ascii {
			w.WriteString("\n")
		}
	}
	body(w)
	return w.Bytes()
}

const hasAttr, hasTag = 1 << 9, 1 << 10

// table is a data frame: a list with attributes, one of which refers to a symbol met before.
func table(w *writer) {
	w.int(vecSXP|hasAttr, 3)
	w.reals(3)
	w.int(strSXP, 2)
	w.chars("a b\\\n")
	w.int(charSXP, -1)
	w.int(rawSXP, 0)
	w.int(listSXP | hasTag)
	w.symbol("names")
	w.int(lglSXP, 1, missing+1)
	w.int(listSXP | hasTag)
	w.int(1<<8 | refSXP)
	w.int(altrepSXP)
	w.int(listSXP)
	w.symbol("compact_intseq")
	w.int(listSXP)
	w.symbol("base")
	w.int(listSXP, intSXP, 1, 13, nilValue)
	w.reals(3)
	w.int(nilValue, nilValue)
}

func TestDataIsCleared(t *testing.T) {
	for _, version := range []int{2, 3} {
		for _, ascii := range []bool{false, true} {
			b := file(version, ascii, table)
			images := map[bool]string{false: "RDX", true: "RDA"}
			for name, c := range map[string][]byte{"rds": b, "image": append(fmt.Appendf(nil, "%s%d\n", images[ascii], version), b...)} {
				if rep := scanAs("m.rds", c); !clean(rep) {
					t.Errorf("%s %d ascii %v\n%s\n%q", name, version, ascii, validatetest.Show(rep), c)
				}
				for n := 1; n < len(b); n++ { // a number in text may end early
					if cut := scanAs("m.rds", c[:len(c)-n]); !ascii && clean(cut) {
						t.Fatalf("%s without %d bytes is cleared", name, n)
					}
				}
				if clean(scanAs("m.rds", append(slices.Clone(c), 'x'))) {
					t.Errorf("%s with a byte more is cleared", name)
				}
			}
		}
	}
}

func TestHostileItems(t *testing.T) {
	for name, tt := range map[string]struct {
		rule string
		body func(w *writer)
	}{
		"CVE-2024-27322: a promise":         {"rds/promise", func(w *writer) { w.int(promSXP, unbound, langSXP); w.symbol("system"); w.int(nilValue) }},
		"a promise deep in a list":          {"rds/promise", func(w *writer) { w.int(vecSXP, 2, nilValue, promSXP, nilValue, nilValue) }},
		"a promise in an attribute":         {"rds/promise", func(w *writer) { w.int(intSXP|hasAttr, 0, listSXP, promSXP, nilValue, nilValue, nilValue) }},
		"a promise behind a string":         {"rds/promise", func(w *writer) { w.int(strSXP|hasAttr, 0, promSXP|hasTag, nilValue, nilValue, nilValue) }},
		"a function":                        {"rds/program", func(w *writer) { w.int(cloSXP|hasTag, globalEnv, nilValue, nilValue) }},
		"an expression that runs a program": {"rds/program", func(w *writer) { w.int(langSXP); w.symbol("system"); w.int(nilValue) }},
		"the same in the arguments of a formula": {"rds/program", func(w *writer) {
			w.int(langSXP)
			w.symbol("~")
			w.int(listSXP, langSXP)
			w.symbol("system")
			w.int(nilValue, nilValue)
		}},
		"the same by reference to a symbol": {"rds/program", func(w *writer) { w.int(vecSXP, 2); w.symbol("eval"); w.int(langSXP, 1<<8|refSXP, nilValue) }},
		"the same with attributes and a tag": {"rds/program", func(w *writer) {
			w.int(langSXP|hasAttr|hasTag, nilValue)
			w.symbol("c")
			w.symbol("source")
			w.int(nilValue)
		}},
		"an expression nobody vetted":    {"rds/expression", func(w *writer) { w.int(langSXP); w.symbol("fetch"); w.int(nilValue) }},
		"an expression with attributes":  {"rds/expression", func(w *writer) { w.int(attrlangSXP, nilValue, nilValue, nilValue) }},
		"a call of the result of a call": {"rds/expression", func(w *writer) { w.int(langSXP, langSXP); w.symbol("c"); w.int(nilValue, nilValue) }},
		"a call of a string":             {"rds/expression", func(w *writer) { w.int(langSXP, strSXP, 1); w.chars("system"); w.int(nilValue) }},
		"a call of a function":           {"rds/program", func(w *writer) { w.int(langSXP, cloSXP, nilValue, nilValue, nilValue) }},
		"a vector of expressions":        {"rds/program", func(w *writer) { w.int(exprSXP, 1, nilValue) }},
		"byte code":                      {"rds/program", func(w *writer) { w.int(bcodeSXP, 1, 1) }},
		"arguments":                      {"rds/program", func(w *writer) { w.int(dotSXP, nilValue, nilValue) }},
		"an environment":                 {"rds/reference", func(w *writer) { w.int(envSXP, 0, emptyEnv, nilValue, nilValue, nilValue) }},
		"a pointer":                      {"rds/reference", func(w *writer) { w.int(extptrSXP, nilValue, nilValue) }},
		"a weak reference":               {"rds/reference", func(w *writer) { w.int(weakrefSXP) }},
		"a namespace":                    {"rds/reference", func(w *writer) { w.int(namespace, 0, 1); w.chars("stats") }},
		"a builtin":                      {"rds/reference", func(w *writer) { w.int(builtinSXP, 6); w.WriteString("system") }},
		"a hook of the reader":           {"rds/reference", func(w *writer) { w.int(persistSXP, 0, 1); w.chars("x") }},
		"a vector that maps a file": {"rds/altrep", func(w *writer) {
			w.int(altrepSXP, listSXP)
			w.symbol("mmap_real")
			w.int(listSXP)
			w.symbol("base")
			w.int(nilValue, nilValue, nilValue)
		}},
		"a known class of another": {"rds/altrep", func(w *writer) {
			w.int(altrepSXP, listSXP)
			w.symbol("wrap_real")
			w.int(listSXP)
			w.symbol("evil")
			w.int(nilValue, nilValue, nilValue)
		}},
		"a class without a name":          {"rds/altrep", func(w *writer) { w.int(altrepSXP, nilValue, nilValue, nilValue) }},
		"a vector longer than the file":   {"validate/unparsable", func(w *writer) { w.int(realSXP, 1<<30) }},
		"a negative length":               {"validate/unparsable", func(w *writer) { w.int(realSXP, -2) }},
		"a length of 64 bits":             {"validate/unparsable", func(w *writer) { w.int(realSXP, -1, 1, 0) }},
		"a list longer than the file":     {"validate/unparsable", func(w *writer) { w.int(vecSXP, 1<<30) }},
		"a reference to nothing":          {"validate/unparsable", func(w *writer) { w.int(1<<8 | refSXP) }},
		"an unknown kind":                 {"validate/unparsable", func(w *writer) { w.int(99, 0) }},
		"a computed vector in a computed": {"validate/unparsable", func(w *writer) { w.int(altrepSXP, listSXP, altrepSXP) }},
		"two objects":                     {"validate/unexplained", func(w *writer) { w.int(nilValue, nilValue) }},
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("m.rds", file(3, false, tt.body))
			if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity >= validate.Medium }) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
	rep := scanAs("m.rds", file(2, false, func(w *writer) { w.int(promSXP, nilValue, nilValue) }))
	if rep.Findings[0].Offset != 14 {
		t.Errorf("offset %d", rep.Findings[0].Offset)
	}
}

func TestTheListOfCallsIsStrict(t *testing.T) {
	if calls, err := loadCalls(); err != nil || !calls["~"].allowed || !calls[":"].allowed || calls["system"].allowed || calls["::"].allowed {
		t.Error(err)
	}
	for _, text := range []string{"allow a", "permit a : b", "allow : why", "allow a : b\ndeny a : c"} {
		if _, err := readCalls(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestDeepAndLongObjectsAreRead(t *testing.T) {
	long := file(3, false, func(w *writer) {
		for range 200_000 {
			w.int(listSXP, nilValue)
		}
		w.int(nilValue)
	})
	if rep := scanAs("m.rds", long); !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
	deep := file(3, false, func(w *writer) {
		for range 200_000 {
			w.int(vecSXP, 2)
		}
	})
	if rep := scanAs("m.rds", deep); rep.Files[0].Cleared {
		t.Error(validatetest.Show(rep))
	}
}

func FuzzRDS(f *testing.F) {
	for _, version := range []int{2, 3} {
		for _, ascii := range []bool{false, true} {
			f.Add(file(version, ascii, table))
		}
	}
	f.Add(file(3, false, func(w *writer) { w.int(altrepSXP, listSXP); w.symbol("mmap_real") }))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("m.rds", b), scanAs("m.rds", b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
		if clean(rep) && b[0] == 'X' && clean(scanAs("m.rds", b[:len(b)-1])) {
			t.Fatal("cut, it is cleared too")
		}
	})
}

func BenchmarkList(b *testing.B) {
	data := file(3, false, func(w *writer) {
		w.int(vecSXP, 50_000)
		for range 50_000 {
			w.int(strSXP, 1)
			w.chars("some text")
		}
	})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("m.rds", data); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
