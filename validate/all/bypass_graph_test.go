package all_test

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk/prototest"
)

type message = prototest.M

// onnxModel is a model of one node and, unless they are nil, an initializer.
func onnxModel(domain, op string, tensor message) message {
	node := message{}.Str(1, "x").Str(2, "y").Str(4, op)
	if domain != "" {
		node = node.Str(7, domain)
	}
	graph := message{}.Msg(1, node).Str(2, "g")
	if tensor != nil {
		graph = graph.Msg(5, tensor)
	}
	return message{}.Int(1, 8).Str(2, "test").Msg(7, graph).Msg(8, message{}.Str(1, "").Int(2, 17))
}

// outside is a tensor of four floats whose data is in another file.
func outside(pairs ...string) message {
	t := message{}.Packed(1, 4).Int(2, 1).Str(8, "W")
	for i := 0; i < len(pairs); i += 2 {
		t = t.Msg(13, message{}.Str(1, pairs[i]).Str(2, pairs[i+1]))
	}
	return t.Int(14, 1)
}

func savedNode(op string) message { return message{}.Str(1, "n").Str(2, op).Str(3, "in") }

// savedModel is a SavedModel with an operator in the graph or in a function of its library.
func savedModel(op string, inFunction bool) message {
	node := savedNode(op)
	graph := message{}.Msg(1, node)
	if inFunction {
		graph = message{}.Msg(1, message{}.Str(1, "n").Str(2, "f")).Msg(2, message{}.Msg(1, message{}.Msg(1, message{}.Str(1, "f")).Msg(3, node)))
	}
	return message{}.Int(1, 1).Msg(2, message{}.Msg(1, message{}.Str(4, "serve").Str(5, "2.15.0")).Msg(2, graph.Msg(4, message{}.Int(1, 1882))))
}

// customLayer is a Core ML network with one layer of a kind: 130 is an activation, 500 custom.
func customLayer(kind int) message {
	layer := message{}.Str(1, "l").Str(2, "a").Str(3, "b").Msg(kind, message{})
	return message{}.Int(1, 7).Msg(2, message{}.Msg(1, message{}.Str(1, "input"))).Msg(500, message{}.Msg(1, layer))
}

func openVINO(kind, version string) string {
	return fmt.Sprintf("<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n<layers>\n<layer id=\"0\" name=\"n\" type=%q version=%q/>\n</layers><edges/></net>\n", kind, version)
}

// script is a torch archive with a program of TorchScript.
func script(line string) []byte {
	program := "PROTO 2; GLOBAL __torch__ M; EMPTY_TUPLE; NEWOBJ; EMPTY_DICT; BINUNICODE training; NEWTRUE; SETITEM; BUILD; STOP"
	return holding("m/data.pkl", string(assembled(program)), "m/code/__torch__.py", scriptSource(line), "m/constants.pkl", string(assembled("PROTO 2; EMPTY_TUPLE; STOP")), "m/version", "3\n")
}

func scriptSource(line string) string {
	return "class M(Module):\n  __parameters__ = []\n  training : bool\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    " + line + "\n    return x\n"
}

// graphs are rows 57 to 59: operators, and files beside a model.
func graphs() []technique {
	graph := func(row int, refs, how, file string, b message, want validate.Verdict, rule string, near message) technique {
		return technique{row: row, refs: refs, how: how, file: file, bytes: b, want: want, rule: rule, near: near}
	}
	ordinary, saves := onnxModel("com.microsoft", "FusedMatMul", nil), savedModel("MergeV2Checkpoints", false)
	path := func(refs, how, location string) technique {
		x := graph(58, refs, how, "model.onnx", onnxModel("", "Relu", outside("location", location)), reject, "onnx/external-path", onnxModel("", "Relu", outside("location", "w.bin", "offset", "0", "length", "16")))
		x.at = "B\x01W^j"
		x.beside = []string{"w.bin", strings.Repeat("w", 16)}
		return x
	}
	field := map[bool]int{false: 1, true: 3}
	tf := func(how, op string, inFunction bool, rule string) technique {
		return at(graph(57, "", how, "saved_model.pb", savedModel(op, inFunction), reject, rule, saves), "^"+string(message{}.Msg(field[inFunction], savedNode(op))))
	}
	overflow := path("", "an offset and a length above 63 bits", "w.bin")
	overflow.at = "g^*"
	overflow.bytes, overflow.want, overflow.rule = onnxModel("", "Relu", outside("location", "w.bin", "offset", "9223372036854775800", "length", "16")), unsure, "onnx/external-data"
	return []technique{
		tf("ReadFile", "ReadFile", false, "tensorflow/file-operator"),
		tf("WriteFile in a function", "WriteFile", true, "tensorflow/file-operator"),
		tf("MatchingFiles", "MatchingFiles", false, "tensorflow/file-operator"),
		tf("PyFunc in a function", "PyFunc", true, "tensorflow/python-operator"),
		path("CVE-2022-25882", "upwards", "../../../etc/passwd"),
		path("CVE-2024-27318", "upwards, further inside", "a/../../b"),
		path("CVE-2025-51480", "an absolute path", "/etc/passwd"),
		path("", "a backslash", `..\..\secret`),
		overflow,
		at(graph(58, "", "PyOp", "model.onnx", onnxModel("ai.onnx.contrib", "PyOp", nil), reject, "onnx/python-operator", ordinary), "^\n\x1d"),
		at(graph(58, "", "an unknown domain", "model.onnx", onnxModel("evil.ops", "Run", nil), unsure, "onnx/unknown-domain", ordinary), "^\n\x15"),
		at(graph(59, "", "a custom layer of Core ML", "model.mlmodel", customLayer(500), unsure, "coreml/custom-code", customLayer(130)), "\x01b^\xa2\x1f"),
		textCase(59, "", "an extension of OpenVINO", "model.xml", openVINO("EvilRun", "extension"), unsure, "openvino/extension", 4, openVINO("MatMul", "opset1")),
		{row: 59, how: "TorchScript that writes a file", file: "model.pt", bytes: script(`_0 = torch.save(x, "/tmp/x")`), want: reject, rule: "torchscript/outside-operator", inner: []byte(scriptSource(`_0 = torch.save(x, "/tmp/x")`)), at: "torch.save", near: script(`x = torch.relu(x)`)},
		{row: 59, how: "an operator of TensorFlow in TensorFlow Lite that reads a file", file: "model.tflite", bytes: flatModel("FlexReadFile"), want: reject, rule: "tflite/flex-operator", at: "\x08\x00^\x0c\x00\x00\x00\x0c", near: flatModel("TFLite_Detection_PostProcess")},
		{row: 59, how: "a custom operator of TensorFlow Lite", file: "model.tflite", bytes: flatModel("EvilRun"), want: unsure, rule: "tflite/custom-operator", at: "\x08\x00^\x0c\x00\x00\x00\x0c", near: flatModel("TFLite_Detection_PostProcess")},
	}
}

// flatModel is a TensorFlow Lite model with one custom operator code and no graph, a FlatBuffer by hand: each offset
// counts from where it stands.
func flatModel(operator string) []byte {
	b := []byte("\x10\x00\x00\x00TFL3")       // the root is at 16
	for _, v := range []uint16{8, 12, 4, 8} { // at 8, the fields of a model: version, operator_codes
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{8, 3, 4, 1, 16} { // at 16, the model, then a vector of one table, at 48
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint16{12, 16, 12, 4, 0, 8} { // at 36, the fields of a code: deprecated_builtin_code, custom_code, version, builtin_code
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{12, 12, 32, 32} { // at 48, the code: CUSTOM in both forms
		b = le.AppendUint32(b, v)
	}
	b = append(le.AppendUint32(b, uint32(len(operator))), operator...)
	return append(b, make([]byte, 16-len(b)%16)...)
}
