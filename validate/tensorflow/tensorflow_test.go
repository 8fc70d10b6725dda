package tensorflow

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

// attr writes an entry of NodeDef.attr.
func attr(key string, value msg) msg { return msg{}.Str(1, key).Msg(2, value) }

func text(s string) msg { return msg{}.Str(2, s) }

func node(op string, attrs ...msg) msg {
	m := msg{}.Str(1, "n").Str(2, op).Str(3, "in")
	for _, a := range attrs {
		m = m.Msg(5, a)
	}
	return m
}

func named(name, op string) msg { return msg{}.Str(1, name).Str(2, op) }

// table is a node that reads a vocabulary from a path.
func table(path string) msg {
	return msg{}.Str(1, "t").Str(2, "InitializeTableFromTextFileV2").Str(3, "handle").Str(3, path)
}

func graph(nodes ...msg) (m msg) {
	for _, n := range nodes {
		m = m.Msg(1, n)
	}
	return m.Msg(4, msg{}.Int(1, 1882))
}

func function(name string, nodes ...msg) msg {
	m := msg{}.Msg(1, msg{}.Str(1, name))
	for _, n := range nodes {
		m = m.Msg(3, n)
	}
	return m
}

func library(functions ...msg) (m msg) {
	for _, f := range functions {
		m = m.Msg(1, f)
	}
	return m
}

func saved(meta msg) msg { return msg{}.Int(1, 1).Msg(2, meta) }

func metaOf(g msg) msg {
	return msg{}.Msg(1, msg{}.Str(4, "serve").Str(5, "2.15.0")).Msg(2, g)
}

func constant(tensor msg) msg { return node("Const", attr("value", msg{}.Msg(8, tensor))) }

// textNode is a constant of one text.
func textNode(name, content string) msg {
	return named(name, "Const").Msg(5, attr("value", msg{}.Msg(8, shaped(7).Str(8, content))))
}

// from is a node with inputs.
func from(name, op string, inputs ...string) msg {
	m := named(name, op)
	for _, in := range inputs {
		m = m.Str(3, in)
	}
	return m
}

func shaped(dtype int64, dims ...int64) msg {
	var shape msg
	for _, d := range dims {
		shape = shape.Msg(2, msg{}.Int(1, d))
	}
	return msg{}.Int(1, dtype).Msg(2, shape)
}

func object(metadata string) msg {
	return metaOf(graph(node("NoOp"))).Msg(7, msg{}.Msg(1, msg{}.Msg(4, msg{}.Str(1, "_tf_keras_layer").Str(3, metadata))))
}

func TestHonestGraphsAreCleared(t *testing.T) {
	for name, m := range map[string]msg{
		"operators":                              saved(metaOf(graph(node("Placeholder"), node("MatMul"), node("SaveV2"), node("RestoreV2"), node("MergeV2Checkpoints"), node("StatefulPartitionedCall")))),
		"a function by name":                     saved(metaOf(graph(node("__inference_f_1")).Msg(2, library(function("__inference_f_1", node("Relu")))))),
		"an asset":                               saved(metaOf(graph(node("InitializeTableFromTextFileV2"))).Msg(6, msg{}.Str(2, "vocab.txt"))),
		"a table of an asset":                    saved(metaOf(graph(table("path"), named("path", "Const"))).Msg(6, msg{}.Msg(1, msg{}.Str(1, "path:0")).Str(2, "vocab.txt"))),
		"a table of an argument":                 saved(metaOf(graph(node("f")).Msg(2, library(function("f", table("filename")))))),
		"a checkpoint of version 1":              saved(metaOf(graph(textNode("m", "model"), from("f", "PlaceholderWithDefault", "m"), textNode("t", "_temp_1/part"), from("j", "StringJoin", "f", "t"), from("n", "ShardedFilename", "j"), from("s", "SaveV2", "n")))),
		"a checkpoint in a folder of the prefix": saved(metaOf(graph(textNode("t", "/part"), from("j", "StringJoin", "prefix", "t"), from("s", "SaveV2", "j"), textNode("sep", "/"), from("x", "StringSplitV2", "a", "sep")))),
		"a table and words":                      saved(metaOf(graph(table("path"), constant(shaped(7, 2).Str(8, "/etc").Str(8, "/x")), constant(shaped(7).Str(8, "/"))))),
		"a table of an input":                    saved(metaOf(graph(table("path"), named("path", "Placeholder")))),
		"an asset of version 1":                  saved(metaOf(graph(node("NoOp"))).Msg(4, msg{}.Str(1, "saved_model_assets").Msg(2, msg{}.Msg(5, msg{}.Msg(1, msg{}.Str(1, "type.googleapis.com/tensorflow.AssetFileDef").Msg(2, msg{}.Str(2, "v.txt"))))))),
		"a Dense layer":                          saved(object(`{"class_name": "Dense", "config": {"name": "Lambda"}}`)),
		"printing":                               saved(metaOf(graph(node("PrintV2", attr("output_stream", text("stderr")))))),
		"a descriptor":                           saved(metaOf(graph(node("DecodeProtoV2", attr("descriptor_source", text("local://")))))),
		"tensor content":                         saved(metaOf(graph(constant(shaped(1, 2, 3).Str(4, strings.Repeat("x", 24)))))),
		"one value for all":                      saved(metaOf(graph(constant(shaped(1, 1000).Str(5, "1234"))))),
		"strings":                                saved(metaOf(graph(constant(shaped(7, 2).Str(8, "/etc/passwd").Str(8, "\xff"))))),
		"an empty tensor":                        saved(metaOf(graph(constant(shaped(3, 0))))),
		"tensorflow-text":                        saved(metaOf(graph(node("SentencepieceOp"), node("RegexSplitWithOffsets")))),
	} {
		rep := scanAs("saved_model.pb", m)
		if !rep.Files[0].Cleared || slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low }) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestTheOutermostMessageIsRecognised(t *testing.T) {
	frozen := graph(node("Placeholder"), node("MatMul"))
	for name, tt := range map[string]struct {
		file string
		b    msg
		want bool
	}{
		"a frozen graph":          {"frozen.pb", frozen, true},
		"a frozen graph, as .bin": {"model.bin", frozen, true},
		"a meta graph":            {"model.ckpt.meta", metaOf(frozen).Msg(3, msg{}.Str(1, "save/Const:0")), true},
		"a saved model, as .bin":  {"model.bin", saved(metaOf(frozen)), true},
		"a fingerprint":           {"fingerprint.pb", msg{}.Int(1, 5).Int(2, 6).Msg(6, msg{}.Int(1, 1)), true},
		"text":                    {"a.txt", msg("\nhello, this is text\n"), false},
		"another message":         {"x.pb", msg{}.Int(9, 1), false},
		"a label map":             {"label_map.pbtxt", msg("item {\n id: 1\n}\n"), false},
	} {
		rep := scanAs(tt.file, tt.b)
		if got := slices.Contains(rep.Files[0].Scanners, "tensorflow"); got != tt.want || tt.want && !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestHostileGraphsAreFound(t *testing.T) {
	const medium, high = validate.Medium, validate.High
	one := func(op string, attrs ...msg) msg { return saved(metaOf(graph(node(op, attrs...)))) }
	inFunction := func(op string) msg {
		return saved(metaOf(graph(node("f")).Msg(2, library(function("f", node("Relu"), node(op))))))
	}
	list := func(s string) msg { return msg{}.Msg(1, msg{}.Str(2, s)) }
	tests := map[string]struct {
		rule     string
		severity validate.Severity
		m        msg
	}{
		"ReadFile":                              {"tensorflow/file-operator", high, one("ReadFile")},
		"WriteFile in a function":               {"tensorflow/file-operator", high, inFunction("WriteFile")},
		"MatchingFiles":                         {"tensorflow/file-operator", high, one("MatchingFiles")},
		"a dataset of files in a function":      {"tensorflow/file-operator", high, inFunction("TextLineDataset")},
		"SQL":                                   {"tensorflow/file-operator", high, one("SqlDataset")},
		"memory of a file":                      {"tensorflow/file-operator", high, one("ImmutableConst")},
		"a summary writer":                      {"tensorflow/file-operator", high, one("CreateSummaryFileWriter")},
		"printing into a file":                  {"tensorflow/file-operator", high, one("PrintV2", attr("output_stream", text("file:///etc/cron.d/x")))},
		"printing, attribute before name":       {"tensorflow/file-operator", high, saved(metaOf(msg{}.Msg(1, msg{}.Msg(5, attr("output_stream", text("file:///x"))).Str(1, "n").Str(2, "PrintV2"))))},
		"printing, value before key":            {"tensorflow/file-operator", high, one("PrintV2", msg{}.Msg(2, text("file:///x")).Str(1, "output_stream"))},
		"debug data into a file":                {"tensorflow/file-operator", high, one("DebugIdentityV2", attr("debug_urls", list("file:///tmp/x")))},
		"debug data to a host":                  {"tensorflow/network-operator", high, one("DebugIdentity", attr("debug_urls", list("grpc://example.com:1")))},
		"descriptors from a file":               {"tensorflow/file-operator", high, one("DecodeProtoV2", attr("descriptor_source", text("/etc/passwd")))},
		"Rpc":                                   {"tensorflow/network-operator", high, one("Rpc")},
		"a dataset from a service":              {"tensorflow/network-operator", high, inFunction("DataServiceDatasetV4")},
		"Abort":                                 {"tensorflow/process-operator", high, one("Abort")},
		"PyFunc":                                {"tensorflow/python-operator", high, one("PyFunc")},
		"EagerPyFunc in a function":             {"tensorflow/python-operator", high, inFunction("EagerPyFunc")},
		"a function named PyFunc":               {"tensorflow/python-operator", high, saved(metaOf(graph(node("PyFunc")).Msg(2, library(function("PyFunc")))))},
		"PyFunc in the second meta graph":       {"tensorflow/python-operator", high, saved(metaOf(graph(node("NoOp")))).Msg(2, metaOf(graph(node("PyFunc"))))},
		"a graph in a dataset":                  {"tensorflow/unknown-operator", medium, one("DatasetFromGraph")},
		"a custom operator":                     {"tensorflow/unknown-operator", medium, one("Evil>Run")},
		"a custom operator in a function":       {"tensorflow/unknown-operator", medium, inFunction("EvilRun")},
		"an operator without a name":            {"tensorflow/unknown-operator", medium, saved(metaOf(graph(msg{}.Str(1, "n"))))},
		"a TensorRT engine":                     {"tensorflow/compiled-operator", medium, one("TRTEngineOp")},
		"an asset further up":                   {"tensorflow/asset-path", high, saved(metaOf(graph(node("NoOp"))).Msg(6, msg{}.Str(2, "../../../etc/passwd")))},
		"an asset of version 1 further up":      {"tensorflow/asset-path", high, saved(metaOf(graph(node("NoOp"))).Msg(4, msg{}.Str(1, "saved_model_assets").Msg(2, msg{}.Msg(5, msg{}.Msg(1, msg{}.Str(1, "type.googleapis.com/tensorflow.AssetFileDef").Msg(2, msg{}.Str(2, "/p")))))))},
		"a message of an unknown type":          {"tensorflow/opaque-message", medium, saved(metaOf(graph(node("NoOp"))).Msg(7, msg{}.Msg(1, msg{}.Msg(14, msg{}.Str(1, "x/evil").Str(2, "y")))))},
		"a table of a constant path":            {"tensorflow/table-path", medium, saved(metaOf(graph(table("path:0"), named("path", "Const"))))},
		"a table of an argument that is a path": {"tensorflow/table-path", medium, saved(metaOf(graph(constant(shaped(7).Str(8, "/etc/passwd")), node("f")).Msg(2, library(function("f", table("filename"))))))},
		"a checkpoint at a path of the model":   {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("p", "/root/.bashrc"), from("s", "SaveV2", "p"))))},
		"a checkpoint further up":               {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("p", "a/../../b"), from("i", "Identity", "p:0"), from("s", "SaveV2", "i"))))},
		"a checkpoint at a path put together":   {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("a", "/"), textNode("b", "root/x"), from("j", "StringJoin", "a", "b"), from("d", "PlaceholderWithDefault", "j"), from("f", "ShardedFilename", "d"), from("s", "SaveV2", "f"))))},
		"a checkpoint behind an empty text":     {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("a", ""), textNode("b", "/x"), from("j", "StringJoin", "a", "b"), from("s", "SaveV2", "j"))))},
		"a checkpoint at an encoded path":       {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("a", "L3Jvb3Q"), from("j", "DecodeBase64", "a"), from("s", "SaveV2", "j"))))},
		"a checkpoint at a path in bytes":       {"tensorflow/file-operator", high, saved(metaOf(graph(named("a", "Const").Msg(5, attr("value", msg{}.Msg(8, shaped(7).Str(4, "\x02/x")))), from("s", "SaveV2", "a"))))},
		"a checkpoint that is merged away":      {"tensorflow/file-operator", high, saved(metaOf(graph(textNode("a", "/home"), from("s", "MergeV2Checkpoints", "x", "a"))))},
		"a path given to a function that saves": {"tensorflow/table-path", medium, saved(metaOf(graph(textNode("a", "/x"), from("c", "PartitionedCall", "a")).Msg(2, library(function("f", from("s", "SaveV2", "prefix"))))))},
		"a table of an input with a default":    {"tensorflow/table-path", medium, saved(metaOf(graph(textNode("a", "/"), textNode("b", "etc/passwd"), from("j", "StringJoin", "a", "b"), from("path", "PlaceholderWithDefault", "j"), table("path"))))},
		"a table of a computed path":            {"tensorflow/table-path", medium, saved(metaOf(graph(named("path", "StringJoin"), table("path"))))},
		"a table of a constant in a function":   {"tensorflow/table-path", medium, saved(metaOf(graph(node("f")).Msg(2, library(function("f", table("path:output:0"), named("path", "Const"))))))},
		"a Lambda layer (CVE-2024-3660)":        {"tensorflow/keras-lambda", high, saved(object(`{"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda"}]}}`))},
		"a Lambda layer, escaped":               {"tensorflow/keras-lambda", high, saved(object(`{"class_name": "\u004cambda"}`))},
		"a Lambda layer before broken JSON":     {"tensorflow/keras-lambda", high, saved(object(`{"class_name": "Lambda", `))},
		"metadata that is not JSON":             {"tensorflow/opaque-message", medium, saved(object("cposix\nsystem\n"))},
		"content below the shape":               {"tensorflow/tensor-data", medium, saved(metaOf(graph(constant(shaped(1, 1000).Str(4, "1234")))))},
		"a shape that overflows":                {"tensorflow/tensor-data", medium, saved(metaOf(graph(constant(shaped(1, 1<<40, 1<<40)))))},
		"a dimension below zero":                {"tensorflow/tensor-data", medium, saved(metaOf(graph(constant(shaped(1, -5)))))},
		"values above the shape":                {"tensorflow/tensor-data", medium, saved(metaOf(graph(constant(shaped(9, 1).Packed(10, 1, 2, 3)))))},
		"a handle":                              {"tensorflow/tensor-data", medium, saved(metaOf(graph(constant(shaped(20).Msg(14, msg{}.Str(1, "d"))))))},
		"an operator's name twice":              {"tensorflow/repeated-field", medium, saved(metaOf(graph(node("Relu").Str(2, "MatMul"))))},
		"a field of no version":                 {"tensorflow/unknown-field", medium, saved(metaOf(graph(node("Relu")))).Str(99, "MZ")},
		"bytes behind the model":                {"validate/unparsable", medium, saved(metaOf(graph(node("Relu")))).Raw("\x00")},
	}
	for name, tt := range tests {
		rep := scanAs("saved_model.pb", tt.m)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Severity == tt.severity }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestTheTextFormIsNotCleared(t *testing.T) {
	for name, b := range map[string]string{"saved_model.pbtxt": "anything", "graph.pbtxt": "node {\n  op: \"ReadFile\"\n}\n", "x.txt": "saved_model_schema_version: 1\nmeta_graphs {\n}\n"} {
		rep := scanAs(name, []byte(b))
		if rep.Files[0].Cleared || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == textForm.ID }) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func FuzzTensorFlow(f *testing.F) {
	f.Add([]byte(saved(metaOf(graph(node("f", attr("debug_urls", text("x")))).Msg(2, library(function("f", node("Relu"))))))))
	f.Add([]byte(saved(object(`{"class_name": "Lambda"}`))))
	f.Add([]byte(graph(constant(shaped(1, 2).Str(4, "12345678")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range []string{"saved_model.pb", "x"} {
			rep := scanAs(name, b)
			if again := scanAs(name, b); !reflect.DeepEqual(rep.Findings, again.Findings) {
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
		}
	})
}

func BenchmarkGraph(b *testing.B) {
	var nodes []msg
	for i := range 20_000 {
		nodes = append(nodes, node("MatMul", attr("T", msg{}.Int(6, 1)), attr("_output_shapes", msg{}.Msg(1, nil))).Str(4, fmt.Sprint("/device:CPU:", i)))
	}
	m := saved(metaOf(graph(nodes...)))
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		if rep := scanAs("saved_model.pb", m); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
