package openvino

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var scanners = []*validate.Scanner{Scanner()}

func scanAs(name, b string) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), scanners, name, bytes.NewReader([]byte(b)), int64(len(b)), validatetest.Policy().Scan))
}

func net(layers ...string) string {
	return "<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n<layers>" + strings.Join(layers, "\n") + "</layers><edges><edge from-layer=\"0\" from-port=\"0\" to-layer=\"1\" to-port=\"0\"/></edges><rt_info><conversion_parameters/></rt_info></net>\n"
}

func layer(kind, version, inside string) string {
	return fmt.Sprintf(`<layer id="1" name="n" type="%s" version="%s">%s<output><port id="0" precision="FP32"><dim>4</dim></port></output></layer>`, kind, version, inside)
}

func weights(kind, shape, off, size string) string {
	return layer("Const", "opset1", fmt.Sprintf(`<data element_type="%s" shape="%s" offset="%s" size="%s"/>`, kind, shape, off, size))
}

func TestHonestModelsAreCleared(t *testing.T) {
	for name, b := range map[string]string{
		"layers":              net(layer("Parameter", "opset1", ""), layer("MatMul", "opset1", ""), layer("ScaledDotProductAttention", "opset13", "")),
		"constants":           net(weights("f32", "2, 2", "0", "16"), weights("i64", "", "16", "8"), weights("u4", "3", "24", "2"), weights("f32", "0", "0", "0"), weights("string", "2", "26", "99")),
		"a body":              net(layer("If", "opset8", `<then_body><layers>`+layer("Add", "opset1", "")+`</layers></then_body>`)),
		"tokenizers":          net(layer("BPETokenizer", "extension", ""), layer("VocabDecoder", "extension", "")),
		"a quantised model":   net(layer("FakeQuantize", "type_relaxed_opset", "")),
		"another kind of XML": `<opencv_storage><cascade type_id="x"/></opencv_storage>`,
		"a document type":     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE book PUBLIC \"-//OASIS//DTD DocBook XML V4.5//EN\" \"http://www.oasis-open.org/docbook/xml/4.5/docbookx.dtd\" [\n<!ENTITY version \"1.0 &#169;\">]>\n<book>&version;&nbsp;</book>\n",
		"a style sheet":       `<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?><annotation><network/></annotation>`,
		"another encoding":    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><names>Ren\xe9</names>",
		"loose XML":           `<svg width=4><b>x</svg>`,
	} {
		rep := scanAs("m.xml", b)
		if !rep.Files[0].Cleared || slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low }) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileModelsAreFound(t *testing.T) {
	for name, tt := range map[string]struct{ rule, b string }{
		"an extension":               {"openvino/extension", net(layer("EvilRun", "extension", ""))},
		"an extension of a set":      {"openvino/extension", net(layer("EvilRun", "opset1", ""))},
		"an operator of no set":      {"openvino/extension", net(layer("MatMul", "custom", ""))},
		"a layer without a version":  {"openvino/extension", net(`<layer id="0" type="MatMul"/>`)},
		"an extension in a body":     {"openvino/extension", net(layer("Loop", "opset5", `<body><layers>`+layer("EvilRun", "extension", "")+`</layers></body>`))},
		"a prefix before the layer":  {"openvino/extension", net(`<x:layer xmlns:x="y" type="EvilRun" version="extension"/>`)},
		"fewer bytes than the shape": {"openvino/constant", net(weights("f32", "1000", "0", "4"))},
		"a shape that overflows":     {"openvino/constant", net(weights("f32", "4294967296,4294967296", "0", "0"))},
		"a dimension below zero":     {"openvino/constant", net(weights("f32", "-1", "0", "4"))},
		"an offset below zero":       {"openvino/constant", net(weights("f32", "1", "-4", "4"))},
		"an offset above 62 bits":    {"openvino/constant", net(weights("f32", "1", "9223372036854775807", "4"))},
		"an unknown type":            {"openvino/constant", net(weights("f99", "1", "0", "4"))},
		"a type twice":               {"openvino/repeated-attribute", net(`<layer id="0" type="MatMul" type="EvilRun" version="opset1"/>`)},
		"an entity":                  {"openvino/doctype", `<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + net()[22:]},
		"entities of a document":     {"openvino/entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`},
		"a parameter entity":         {"openvino/entity", `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://example.com/x.dtd"> %x;]><a/>`},
		"a billion laughs":           {"openvino/entity", `<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><a>&b;</a>`},
		"an inclusion, far behind":   {"openvino/entity", `<a>` + strings.Repeat(" ", 65530-3) + `<i xmlns="http://www.w3.org/2001/XInclude" href="/etc/passwd"/></a>`},
		"another alphabet":           {"openvino/unread", `<?xml version="1.0" encoding="UTF-7"?><a>+ADw-net+AD4-</a>`},
		"a model that is not seen":   {"openvino/extension", `<a>` + net(layer("EvilRun", "extension", ""))[22:] + `</a>`},
		"a NUL":                      {"validate/unparsable", "<a>" + strings.Repeat("x", 9999) + "\x00</a>"},
		"no UTF-8":                   {"validate/unparsable", "<a>" + strings.Repeat("x", 9999) + "\xff</a>"},
		"an archive behind":          {"validate/unparsable", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>PK\x03\x04"},
		"an old version":             {"openvino/unread", `<net name="m" version="7"><layers/></net>`},
		"weights of an old version":  {"openvino/unread", net(`<layer id="0" type="MatMul" version="opset1"><weights offset="0" size="4"/></layer>`)},
		"PMML behind a long comment": {"openvino/unread", "<!--" + strings.Repeat("x", 5000) + `--><PMML version="4.4"/>`},
		"bytes behind the document":  {"validate/unparsable", net() + "PK\x03\x04"},
	} {
		rep := scanAs("m.xml", tt.b)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity >= validate.Medium }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestTheWeightsAreClearedInTheFolder(t *testing.T) {
	files := map[string][]byte{"ov/model.xml": []byte(net(weights("f32", "2, 2", "0", "16"), weights("i64", "", "64", "8"))), "ov/model.bin": slices.Concat(bytes.Repeat([]byte{0xc1}, 16), make([]byte, 48), bytes.Repeat([]byte{0xc1}, 8))}
	if rep, d := validatetest.RunPolicy(t, validatetest.Policy(), scanners, files); d.Verdict != validate.Admit {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	files["ov/model.bin"][20] = 1
	if _, d := validatetest.RunPolicy(t, validatetest.Policy(), scanners, files); d.Verdict == validate.Admit {
		t.Error("a byte between two constants is admitted")
	}
}

func FuzzOpenVINO(f *testing.F) {
	f.Add(net(weights("f32", "2, 2", "0", "16"), layer("If", "opset8", `<then_body><layers>`+layer("Evil", "extension", "")+`</layers></then_body>`)))
	f.Fuzz(func(t *testing.T, b string) {
		rep := scanAs("m.xml", b)
		if again := scanAs("m.xml", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkModel(b *testing.B) {
	var layers []string
	for i := range 5000 {
		layers = append(layers, weights("f32", "4", fmt.Sprint(16*i), "16"), layer("MatMul", "opset1", ""))
	}
	data := net(layers...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanAs("m.xml", data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
