package all_test

import (
	"encoding/base64"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// rest are files for the rules that are no technique of the list: notes, and structures no other test names.
func rest() []struct {
	rule, file string
	bytes      []byte
	want       validate.Verdict
} {
	const admit = validate.Admit
	text := func(s string) []byte { return []byte(s) }
	pmml := func(inside string) []byte {
		return text(`<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>` + inside + `</PMML>`)
	}
	layer := func(inside string) []byte {
		return text("<net name=\"m\" version=\"11\"><layers>" + inside + "</layers></net>\n")
	}
	pickled := base64.StdEncoding.EncodeToString(assembled("PROTO 2; EMPTY_DICT; BINUNICODE abcdefgh; NONE; SETITEM; STOP"))
	saved := func(op string) []byte { return savedModel(op, false) }
	return []struct {
		rule, file string
		bytes      []byte
		want       validate.Verdict
	}{
		{"hfconfig/encoded", "config.json", text("[" + strings.Repeat(`{"a":"`+pickled+`"},`, 300) + "1]"), unsure},
		{"yamlconf/encoded", "x.yaml", text("a: " + base64.StdEncoding.EncodeToString(append([]byte("\x80\x02"), make([]byte, 2<<20)...)) + "\n"), unsure},
		{"milblob/place", "weight.bin", blob(1 << 40), unsure},
		{"onnx/extensions", "model.onnx", onnxModel("ai.onnx.contrib", "GPT2Tokenizer", nil), admit},
		{"openvino/include", "model.xml", layer(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>`), reject},
		{"openvino/instruction", "model.xml", layer(`<?xml-stylesheet href="x.xsl"?>`), unsure},
		{"openvino/tokenizers", "model.xml", text(openVINO("BPETokenizer", "extension")), admit},
		{"openvino/document-type", "notes.xml", text("<!DOCTYPE note><note>text</note>\n"), admit},
		{"pickle/array-in-other-file", "model.pkl", assembled("PROTO 2; GLOBAL joblib.numpy_pickle NDArrayWrapper; EMPTY_TUPLE; NEWOBJ; EMPTY_DICT; BINUNICODE filename; BINUNICODE model.pkl_01.npy; SETITEM; BUILD; STOP"), admit},
		{"pickle/native-state", "model.pkl", assembled("PROTO 2; GLOBAL torch._utils _rebuild_sparse_tensor; NONE; NONE; TUPLE2; REDUCE; STOP"), admit},
		{"pickle/torchscript-class", "model.pt", script("x = torch.relu(x)"), admit},
		{"torchscript/program", "model.pt", script("x = torch.relu(x)"), admit},
		{"pmml/repeated-attribute", "m.pmml", pmml(`<Extension name="a" name="b"/>`), unsure},
		{"pmml/extension", "m.pmml", pmml(`<Extension name="a" value="b"/>`), admit},
		{"pysource/unparsed", "x.py", text("def f(:\n"), unsure},
		{"pysource/too-large", "x.py", text(strings.Repeat("x = 1\n", 1<<19)), unsure},
		{"pysource/notebook-usual", "x.ipynb", text(`{"cells":[{"cell_type":"code","source":["!wget https://example.com/x.zip\n"]}],"nbformat":4}`), admit},
		{"pysource/computed-path", "x.py", text("import base64\nopen(base64.b64decode(x), 'w')\n"), admit},
		{"pysource/module-passed", "x.py", text("import urllib.request\nimport torch\ntorch.f(urllib.request)\n"), admit},
		{"pysource/note", "x.py", text("import os\nrank = os.environ.get('LOCAL_RANK')\n"), admit},
		{"tensorflow/text-operator", "saved_model.pb", saved("SentencepieceOp"), admit},
		{"tensorflow/text-form", "saved_model.pbtxt", text("saved_model_schema_version: 1\nmeta_graphs {\n  graph_def {\n    node { name: \"x\" op: \"ReadFile\" }\n  }\n}\n"), unsure},
		{"tflite/overlap", "model.tflite", sharing(), unsure},
		{"tflite/flex", "model.tflite", flatModel("FlexErf"), admit},
		{"zip/crc-absent", "model.pt", unsummed(), admit},
		{"zip/name-encoding", "model.zip", holding("m/\u00e9.txt", "text\n"), admit},
		{"zip/comment", "model.zip", archive{members: []member{{name: "a.txt", data: "x\n"}}, comment: "a comment"}.bytes(), admit},
	}
}

// blob is a file of weights of Core ML whose only blob says that it has so many bytes.
func blob(size uint64) []byte {
	b := make([]byte, 192)
	copy(b, "\x01\x00\x00\x00\x02\x00\x00\x00")
	copy(b[64:], "\xef\xbe\xad\xde\x01\x00\x00\x00")
	le.PutUint64(b[72:], size)
	le.PutUint64(b[80:], 128)
	return b
}

// sharing is a TensorFlow Lite model whose description begins inside the name of an operator. See flatModel.
func sharing() []byte {
	b := []byte("\x14\x00\x00\x00TFL3")
	for _, v := range []uint16{12, 16, 4, 8, 0, 12} { // at 8: version, operator_codes, no subgraphs, description
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{12, 3, 8, 76 - 32, 1, 16} { // at 20, the model; at 36, the vector of a table at 56
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint16{12, 16, 12, 4, 0, 8} { // at 44
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{12, 12, 32, 32, 12} { // at 56, the code; at 72, a name of twelve bytes, with a string at 76
		b = le.AppendUint32(b, v)
	}
	return append(b, "\x04\x00\x00\x00main\x00abc\x00\x00\x00\x00\x00\x00\x00"...)
}

// unsummed is a checkpoint whose headers declare no checksum.
func unsummed() []byte {
	none := func(l, c *header) { l.crc, c.crc = 0, 0 }
	return archive{members: []member{
		{name: "m/data.pkl", data: string(assembled(tensorOf2)), lie: none}, {name: "m/data/7", data: "12345678", lie: none}, {name: "m/version", data: "3\n", lie: none},
	}}.bytes()
}

func TestTheOtherRulesAreReached(t *testing.T) {
	p := safe()
	for _, x := range rest() {
		rep, d := validatetest.RunPolicy(t, p, all.Scanners(), map[string][]byte{x.file: x.bytes})
		if d.Verdict != x.want || !slices.ContainsFunc(d.Findings, func(f validate.Finding) bool { return f.Rule == x.rule }) {
			t.Errorf("%s: verdict %s, want %s\n%s", x.rule, d.Verdict, x.want, validatetest.Show(rep))
		}
	}
}

// The rules about a model as a whole are the decision's and the runner's.
func TestTheRulesAboutModelsAreReached(t *testing.T) {
	refuse := safe()
	refuse.RemoteCode = policy.RemoteCodeRefuse
	for rule, tt := range map[string]struct {
		p     policy.Policy
		files map[string][]byte
		want  validate.Verdict
	}{
		"validate/remote-code-refused": {refuse, map[string][]byte{"modeling_x.py": []byte("x = 1\n")}, reject},
		"validate/empty":               {safe(), map[string][]byte{}, unsure},
	} {
		rep, d := validatetest.RunPolicy(t, tt.p, all.Scanners(), tt.files)
		if d.Verdict != tt.want || !slices.ContainsFunc(d.Findings, func(f validate.Finding) bool { return f.Rule == rule }) {
			t.Errorf("%s: verdict %s\n%s", rule, d.Verdict, validatetest.Show(rep))
		}
	}
	if f := validate.NotJudged("m.bin", errors.New("killed")); f.Rule != "validate/stopped" || f.Severity != validate.Medium || !strings.Contains(f.Detail, "killed") {
		t.Errorf("%+v", f)
	}
}

func TestOldSpaceInHDF5IsANote(t *testing.T) {
	validatetest.Need(t, "h5py", exec.Command(systemPython, "-c", "import h5py").Run())
	b := hdf5File(t, "f.create_dataset('a', data=[1.0, 2.0])\nf.create_dataset('b', data=[3.0])\nf.flush()\ndel f['a']\n")
	rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"model.h5": b})
	if d.Verdict != validate.Admit || !slices.ContainsFunc(d.Findings, func(f validate.Finding) bool { return f.Rule == "hdf5/free-space" }) {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
}
