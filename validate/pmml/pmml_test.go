package pmml

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var scanners = []*validate.Scanner{Scanner()}

func scanAs(name, b string) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), scanners, name, bytes.NewReader([]byte(b)), int64(len(b)), validatetest.Policy().Scan))
}

func doc(inside string) string {
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + `<PMML xmlns="http://www.dmg.org/PMML-4_4" xmlns:data="http://jpmml.org/jpmml-model/InlineTable" version="4.4"><Header><Application name="x"/></Header>` + inside + "</PMML>\n"
}

func TestHonestDocumentsAreCleared(t *testing.T) {
	for name, b := range map[string]string{
		"a model":           doc(`<DataDictionary><DataField name="x" optype="continuous" dataType="double"/></DataDictionary><RegressionModel functionName="regression"/>`),
		"functions":         doc(`<TransformationDictionary><DefineFunction name="f"><Apply function="log10"/></DefineFunction><DerivedField><Apply function="f"/></DerivedField></TransformationDictionary>`),
		"a function, later": doc(`<DerivedField><Apply function="f"/></DerivedField><DefineFunction name="f"/>`),
		"a table":           doc(`<InlineTable><row><data:input>a</data:input><output>b</output></row></InlineTable>`),
		"an extension":      doc(`<Extension name="x" value="y"/>`),
		"an aggregate":      doc(`<Aggregate field="x" function="average"/>`),
	} {
		rep := scanAs("m.pmml", b)
		if !rep.Files[0].Cleared || slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low }) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileDocumentsAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		rule     string
		severity validate.Severity
		b        string
	}{
		"an entity":            {"pmml/doctype", validate.High, `<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]><PMML>&x;</PMML>`},
		"an inclusion":         {"pmml/include", validate.High, doc(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>`)},
		"a style sheet":        {"pmml/instruction", validate.Medium, doc(`<?xml-stylesheet href="x.xsl"?>`)},
		"a class":              {"pmml/class-function", validate.High, doc(`<Apply function="com.example.Evil"/>`)},
		"an unknown function":  {"pmml/unknown-function", validate.Medium, doc(`<Apply function="runScript"/>`)},
		"no function":          {"pmml/unknown-function", validate.Medium, doc(`<Apply/>`)},
		"an address":           {"pmml/address", validate.Medium, doc(`<Extension href="http://example.com/"/>`)},
		"an address, prefixed": {"pmml/address", validate.Medium, doc(`<Extension xmlns:x="http://www.w3.org/1999/xlink" x:href="http://example.com/"/>`)},
		"a script":             {"pmml/foreign-element", validate.Medium, doc(`<s:script xmlns:s="http://www.w3.org/2000/svg"/>`)},
		"another root":         {"validate/unparsable", validate.Medium, `<html/>`},
		"text":                 {"validate/unparsable", validate.Medium, `text`},
	} {
		rep := scanAs("m.pmml", tt.b)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity == tt.severity }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
	if rep := scanAs("m.xml", doc("")); !slices.Contains(rep.Files[0].Scanners, "pmml") {
		t.Errorf("not recognised by its content\n%s", validatetest.Show(rep))
	}
}

func FuzzPMML(f *testing.F) {
	f.Add(doc(`<DefineFunction name="f"/><Apply function="f"/><Apply function="a.B"/>`))
	f.Fuzz(func(t *testing.T, b string) {
		rep := scanAs("m.pmml", b)
		if again := scanAs("m.pmml", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkDocument(b *testing.B) {
	data := doc(string(bytes.Repeat([]byte(`<DerivedField name="x" optype="continuous"><Apply function="log10"><FieldRef field="y"/></Apply></DerivedField>`), 5000)))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanAs("m.pmml", data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
