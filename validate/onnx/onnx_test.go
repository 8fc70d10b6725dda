package onnx

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk/prototest"
	"github.com/loadlock/loadlock/validate/validatetest"
)

type msg = prototest.M

var scanners = []*validate.Scanner{Scanner()}

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), scanners, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

// node writes a NodeProto.
func node(domain, op string, attributes ...msg) msg {
	m := msg{}.Str(1, "x").Str(2, "y").Str(4, op)
	if domain != "" {
		m = m.Str(7, domain)
	}
	for _, a := range attributes {
		m = m.Msg(5, a)
	}
	return m
}

// subgraph writes an attribute that holds a graph.
func subgraph(g msg) msg { return msg{}.Str(1, "body").Msg(6, g).Int(20, 5) }

func graph(nodes ...msg) (g msg) {
	for _, n := range nodes {
		g = g.Msg(1, n)
	}
	return g.Str(2, "g")
}

func model(g msg) msg {
	return msg{}.Int(1, 8).Str(2, "test").Msg(7, g).Msg(8, msg{}.Str(1, "").Int(2, 17))
}

// floats writes a TensorProto of floats up to its data.
func floats(dims ...int64) msg { return msg{}.Packed(1, dims...).Int(2, 1).Str(8, "W") }

// withTensor is a model with one initializer.
func withTensor(t msg) msg { return model(graph(node("", "Relu")).Msg(5, t)) }

// outsideAt is a tensor of four floats with external data: pairs of keys and values.
func outsideAt(pairs ...string) msg {
	t := floats(4)
	for i := 0; i < len(pairs); i += 2 {
		t = t.Msg(13, msg{}.Str(1, pairs[i]).Str(2, pairs[i+1]))
	}
	return t.Int(14, 1)
}

func function(name string, nodes ...msg) msg {
	m := msg{}.Str(1, name).Str(4, "a").Str(5, "b")
	for _, n := range nodes {
		m = m.Msg(7, n)
	}
	return m.Str(10, "f")
}

func TestHonestModelsAreCleared(t *testing.T) {
	for name, m := range map[string]msg{
		"a node":                       model(graph(node("", "Relu"))),
		"metadata":                     model(graph(node("", "Relu"))).Msg(14, msg{}.Str(1, "author").Str(2, "ort_config")),
		"operators of the runtimes":    model(graph(node("ai.onnx", "Add"), node("ai.onnx.ml", "TreeEnsembleClassifier"), node("com.microsoft", "FusedMatMul"), node("com.microsoft.nchwc", "Conv"))),
		"onnxruntime-extensions":       model(graph(node("ai.onnx.contrib", "GPT2Tokenizer"), node("ai.onnx.contrib", "BertTokenizer"))),
		"a function of the model":      model(graph(node("f", "Twice"))).Msg(25, function("Twice", node("", "Add"))),
		"a function in a function":     model(graph(node("f", "A"))).Msg(25, function("A", node("f", "B"), node("f", "B"))).Msg(25, function("B", node("", "Add"))),
		"raw data":                     withTensor(floats(2, 2).Str(9, strings.Repeat("x", 16))),
		"raw data of four bits":        withTensor(msg{}.Packed(1, 3).Int(2, 22).Str(9, "ab")),
		"typed data of four bits":      withTensor(msg{}.Packed(1, 3).Int(2, 22).Packed(5, 1, 2)),
		"float data":                   withTensor(floats(1).Str(4, "1234")),
		"no elements":                  withTensor(floats(0, 5)),
		"a scalar":                     withTensor(msg{}.Int(2, 7).Packed(7, 5)),
		"strings":                      withTensor(msg{}.Packed(1, 2).Int(2, 8).Str(6, "a").Str(6, "\xff")),
		"data outside":                 withTensor(outsideAt("location", "m.onnx_data", "offset", "4096", "length", "16")),
		"data outside without a range": withTensor(outsideAt("location", "./w/0123.bin", "checksum", "aa")),
		"subgraphs":                    model(graph(node("", "If", subgraph(graph(node("", "Loop", subgraph(graph(node("", "Add"))))))))),
	} {
		rep := scanAs("dir/m.onnx", m)
		worst := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
		if worst || !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileModelsAreFound(t *testing.T) {
	const medium, high = validate.Medium, validate.High
	escapes := func(location string) msg { return withTensor(outsideAt("location", location)) }
	chain := func(n, calls int, last string) msg {
		m := model(graph(node("f", "F0")))
		for i := range n {
			var nodes []msg
			for range calls {
				nodes = append(nodes, node("f", fmt.Sprintf("F%d", i+1)))
			}
			m = m.Msg(25, function(fmt.Sprintf("F%d", i), nodes...))
		}
		return m.Msg(25, function(fmt.Sprintf("F%d", n), node("f", last)))
	}
	tests := map[string]struct {
		rule     string
		severity validate.Severity
		m        msg
	}{
		"CVE-2022-25882: upwards":                  {"onnx/external-path", high, escapes("../../../etc/passwd")},
		"CVE-2024-27318: upwards further inside":   {"onnx/external-path", high, escapes("a/../../b")},
		"upwards, stays inside":                    {"onnx/external-path", high, escapes("a/../b")},
		"an absolute path":                         {"onnx/external-path", high, escapes("/etc/passwd")},
		"a backslash":                              {"onnx/external-path", high, escapes(`..\..\secret`)},
		"a drive":                                  {"onnx/external-path", high, escapes("C:secret")},
		"a URL":                                    {"onnx/external-path", high, escapes("https://example.com/w")},
		"the mark of ONNX Runtime for memory":      {"onnx/external-path", high, escapes("*/_ORT_MEM_ADDR_/*")},
		"no path":                                  {"onnx/external-path", high, escapes("")},
		"a directory":                              {"onnx/external-path", high, escapes("w/")},
		"three dots":                               {"onnx/external-path", high, escapes(".../w")},
		"a dot and a space":                        {"onnx/external-path", high, escapes(".. /w")},
		"a NUL that cuts the path":                 {"onnx/external-path", high, escapes("../x\x00/w")},
		"a home directory":                         {"onnx/external-path", high, escapes("~/.ssh/id_rsa")},
		"escape in a subgraph's constant":          {"onnx/external-path", high, model(graph(node("", "If", subgraph(graph(node("", "Constant", msg{}.Str(1, "value").Msg(5, outsideAt("location", "/etc/passwd")).Int(20, 4)))))))},
		"escape in a function's constant":          {"onnx/external-path", high, model(graph(node("f", "F"))).Msg(25, function("F", node("", "Constant", msg{}.Str(1, "value").Msg(5, outsideAt("location", "/p")))))},
		"escape in a training graph":               {"onnx/external-path", high, model(graph(node("", "Add"))).Msg(20, msg{}.Msg(1, graph().Msg(5, outsideAt("location", "/p"))))},
		"escape in sparse values":                  {"onnx/external-path", high, model(graph(node("", "Add")).Msg(15, msg{}.Msg(1, outsideAt("location", "/p"))))},
		"escape in a default of a function":        {"onnx/external-path", high, model(graph(node("f", "F"))).Msg(25, function("F").Msg(11, msg{}.Str(1, "d").Msg(10, outsideAt("location", "/p"))))},
		"escape that the tensor denies":            {"onnx/external-path", high, withTensor(floats(1).Str(9, "1234").Msg(13, msg{}.Str(1, "location").Str(2, "/p")))},
		"a location twice":                         {"onnx/external-path", high, withTensor(outsideAt("location", "a", "location", "/p"))},
		"external data beside raw data":            {"onnx/external-data", medium, withTensor(outsideAt("location", "a").Str(9, "1234"))},
		"external data that the tensor denies":     {"onnx/external-data", medium, withTensor(floats(1).Msg(13, msg{}.Str(1, "location").Str(2, "a")))},
		"no place":                                 {"onnx/external-data", medium, withTensor(floats(4).Int(14, 1))},
		"a location that is not 0 or 1":            {"onnx/external-data", medium, withTensor(floats(0).Int(14, 2))},
		"an unknown key (CVE-2026-34445)":          {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "__class__", "x"))},
		"a negative offset":                        {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", "-8"))},
		"an offset with spaces":                    {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", " 8"))},
		"an offset with an underscore":             {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", "1_0"))},
		"an offset in octal, or not":               {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", "010"))},
		"an offset above 63 bits":                  {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", "9223372036854775808"))},
		"an end above 63 bits":                     {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "offset", "9223372036854775800"))},
		"a length below the shape":                 {"onnx/external-data", medium, withTensor(outsideAt("location", "a", "length", "8"))},
		"strings outside":                          {"onnx/external-data", medium, withTensor(msg{}.Int(2, 8).Msg(13, msg{}.Str(1, "location").Str(2, "a")).Int(14, 1))},
		"raw data below the shape":                 {"onnx/tensor-data", medium, withTensor(floats(1000).Str(9, "1234"))},
		"raw data above the shape":                 {"onnx/tensor-data", medium, withTensor(floats(1).Str(9, "12345"))},
		"no data":                                  {"onnx/tensor-data", medium, withTensor(floats(1))},
		"data in two fields":                       {"onnx/tensor-data", medium, withTensor(floats(1).Str(9, "1234").Str(4, "1234"))},
		"data in the field of another type":        {"onnx/tensor-data", medium, withTensor(floats(1).Packed(7, 1))},
		"a shape that overflows":                   {"onnx/tensor-data", medium, withTensor(floats(1<<32, 1<<32).Str(9, ""))},
		"a negative dimension":                     {"onnx/tensor-data", medium, withTensor(floats(-1).Str(9, ""))},
		"an unknown type":                          {"onnx/tensor-data", medium, withTensor(msg{}.Packed(1, 1).Int(2, 99).Str(9, "1"))},
		"a segment":                                {"onnx/tensor-data", medium, withTensor(floats(0).Msg(3, msg{}.Int(1, 0)))},
		"65 dimensions":                            {"validate/unparsable", medium, withTensor(floats(make([]int64, 65)...))},
		"PyOp":                                     {"onnx/python-operator", high, model(graph(node("ai.onnx.contrib", "PyOp")))},
		"PythonOp in a subgraph of a function":     {"onnx/python-operator", high, model(graph(node("", "Add"))).Msg(25, function("F", node("", "If", subgraph(graph(node("com.microsoft", "PythonOp"))))))},
		"PyOp that is also a function":             {"onnx/python-operator", high, model(graph(node("f", "PyOp"))).Msg(25, function("PyOp", node("", "Add")))},
		"a call of a service":                      {"onnx/network-operator", high, model(graph(node("com.microsoft.extensions", "OpenAIChat")))},
		"a call of a service in a subgraph":        {"onnx/network-operator", high, model(graph(node("", "If", subgraph(graph(node("ai.onnx.contrib", "AzureTextToText"))))))},
		"options of the session":                   {"onnx/session-options", medium, model(graph(node("", "Relu"))).Msg(14, msg{}.Str(1, "ort_config").Str(2, "{}"))},
		"an unknown domain":                        {"onnx/unknown-domain", medium, model(graph(node("evil.ops", "Run")))},
		"a domain with a letter of another script": {"onnx/unknown-domain", medium, model(graph(node("ai.оnnx", "Add")))},
		"an unknown operator of the extensions":    {"onnx/unknown-domain", medium, model(graph(node("ai.onnx.contrib", "MyOp")))},
		"a function of another name":               {"onnx/unknown-domain", medium, model(graph(node("f", "Other"))).Msg(25, function("F", node("", "Add")))},
		"ATen":                                     {"onnx/unknown-domain", medium, model(graph(node("org.pytorch.aten", "ATen")))},
		"any operator of torch":                    {"onnx/unknown-domain", medium, model(graph(node("com.microsoft", "ATen")))},
		"a compiled context":                       {"onnx/compiled-context", medium, model(graph(node("com.microsoft", "EPContext")))},
		"functions in a circle":                    {"onnx/function-expansion", medium, chain(3, 1, "F0")},
		"a function that calls itself":             {"onnx/function-expansion", medium, model(graph(node("f", "F"))).Msg(25, function("F", node("f", "F")))},
		"ten calls, thirty deep":                   {"onnx/function-expansion", medium, chain(30, 10, "Add")},
		"a function twice":                         {"onnx/function-expansion", medium, model(graph(node("f", "F"))).Msg(25, function("F", node("", "Add"))).Msg(25, function("F", node("", "Mul")))},
		"a second graph":                           {"onnx/repeated-field", medium, model(graph(node("", "Relu"))).Msg(7, graph(node("", "Add")))},
		"an operator's name twice":                 {"onnx/repeated-field", medium, model(graph(node("", "Relu").Str(4, "PyOp")))},
		"a field of no version":                    {"onnx/unknown-field", medium, model(graph(node("", "Relu"))).Str(1000, "MZ")},
		"graphs without end":                       {"validate/unparsable", medium, deep(60)},
		"no graph":                                 {"validate/unparsable", medium, msg{}.Int(1, 8)},
		"bytes behind the model":                   {"validate/unparsable", medium, model(graph(node("", "Relu"))).Raw("\x00\x00")},
	}
	for name, tt := range tests {
		rep := scanAs("m.onnx", tt.m)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity == tt.severity }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func deep(n int) msg {
	g := graph()
	for range n {
		g = graph(node("", "If", subgraph(g)))
	}
	return model(g)
}

func TestTheContentDecides(t *testing.T) {
	m := model(graph(node("ai.onnx.contrib", "PyOp")))
	for _, name := range []string{"m.onnx", "m.pb", "m.bin", "m"} {
		if rep := scanAs(name, m); !slices.Contains(rep.Files[0].Scanners, "onnx") {
			t.Errorf("%s is not recognised\n%s", name, validatetest.Show(rep))
		}
	}
	for name, b := range map[string]string{"a pickle": "\x80\x02N.", "text": "\nhello\n", "JSON": `{"a":1}`, "nothing": "", "zeros": strings.Repeat("\x00", 99)} {
		if rep := scanAs("m.bin", []byte(b)); slices.Contains(rep.Files[0].Scanners, "onnx") {
			t.Errorf("%s is taken for a model", name)
		}
	}
}

// The data file is cleared by the model's ranges, and only as far as they reach.
func TestExternalDataIsClearedInTheFolder(t *testing.T) {
	two := model(graph(node("", "Relu")).Msg(5, outsideAt("location", "w/a.bin", "offset", "0", "length", "16")).Msg(5, outsideAt("location", "w/a.bin", "offset", "4096")))
	data := bytes.Repeat([]byte{0xc1}, 4096+16)
	clear(data[16:4096])
	files := map[string][]byte{"onnx/m.onnx": two, "onnx/w/a.bin": data}
	if rep, d := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{Scanner()}, files); d.Verdict != validate.Admit {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	for name, b := range map[string][]byte{"a byte behind": append(slices.Clone(data), 1), "a byte between": append([]byte{}, slices.Concat(data[:100], []byte{1}, data[101:])...), "cut": data[:4100]} {
		files["onnx/w/a.bin"] = b
		if rep, d := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{Scanner()}, files); d.Verdict == validate.Admit {
			t.Errorf("%s is admitted\n%s", name, validatetest.Show(rep))
		}
	}
}

// A function bomb and a flood of operators cost what their bytes cost.
func TestFloodsEnd(t *testing.T) {
	var nodes []msg
	for i := range maxOperators + 1 {
		nodes = append(nodes, node("", fmt.Sprint("Op", i)))
	}
	if rep := scanAs("m.onnx", model(graph(nodes...))); rep.Files[0].Cleared {
		t.Error("a flood of operators is cleared")
	}
}

func FuzzONNX(f *testing.F) {
	f.Add([]byte(withTensor(outsideAt("location", "a", "offset", "0", "length", "16"))))
	f.Add([]byte(model(graph(node("f", "A"))).Msg(25, function("A", node("f", "B"))).Msg(25, function("B", node("f", "A")))))
	f.Add([]byte(model(graph(node("", "If", subgraph(graph(node("x", "y"))))))))
	f.Add([]byte(withTensor(floats(1).Str(4, "1234"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m.onnx", b)
		if again := scanAs("m.onnx", b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		if !rep.Files[0].Cleared && len(rep.Findings) == 0 {
			t.Fatal("not cleared, for no reason")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkModel(b *testing.B) {
	g := graph()
	for i := range 20_000 {
		g = g.Msg(1, node("", "MatMul", msg{}.Str(1, "axis").Int(3, 1).Int(20, 2)).Str(3, fmt.Sprint("/layers/", i)))
		g = g.Msg(5, outsideAt("location", "m.onnx_data", "offset", fmt.Sprint(i*16), "length", "16"))
	}
	m := model(g)
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		if rep := scanAs("m.onnx", m); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
