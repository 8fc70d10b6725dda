package all_test

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// gguf is a file with one text in its metadata.
func gguf(key, text string) string {
	str := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
	}
	b := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte("GGUF\x03\x00\x00\x00"), 0), 1)
	return string(str(binary.LittleEndian.AppendUint32(str(b, key), 8), text))
}

// external is an ONNX model with one tensor of bytes in another file.
func external(file string, size byte) string {
	field := func(n byte, content string) string { return string([]byte{n<<3 | 2, byte(len(content))}) + content }
	entry := func(key, value string) string { return field(13, field(1, key)+field(2, value)) }
	tensor := "\x08" + string(size) + "\x10\x02" + field(8, "w") + entry("location", file) + "\x70\x01"
	return "\x08\x08" + field(7, field(1, field(1, "x")+field(2, "y")+field(4, "Identity"))+field(2, "g")+field(5, tensor)) + field(8, field(1, "")+"\x10\x11")
}

// Raw numbers are raw under names that no loader looks at only.
func TestANumberFileIsNotClearedUnderTheNameOfALoader(t *testing.T) {
	for file, want := range map[string]validate.Verdict{"w.bin": validate.Admit, "w": validate.Admit, "m.onnx_data": validate.Admit, "w.pt": validate.Inconclusive, "w.pkl": validate.Inconclusive,
		"w.npy": validate.Inconclusive, "w.PTH": validate.Inconclusive, "w.joblib": validate.Inconclusive, "w.json": validate.Inconclusive} {
		rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"m.onnx": []byte(external(file, 64)), file: []byte(strings.Repeat("\xff", 64))})
		if d.Verdict != want {
			t.Errorf("%s: %v\n%s", file, d.Verdict, validatetest.Show(rep))
		}
	}
	for _, content := range []string{"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "cos\nsystem\n(S'id'\ntR.", "import os; os.system('id')\n"} {
		rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"m.onnx": []byte(external("w", byte(len(content)))), "w": []byte(content)})
		if d.Verdict != validate.Reject {
			t.Errorf("%q: %v\n%s", content, d.Verdict, validatetest.Show(rep))
		}
	}
}

// What one format hides in another, or behind a name that says something else.
func TestWhatIsHiddenIsFound(t *testing.T) {
	for name, tt := range map[string]struct{ file, content, rule string }{
		"a template in the tokenizer of a GGUF file": {"m.gguf", gguf("tokenizer.huggingface.json", `{"chat_template":"{{ ''.__class__ }}"}`), "hfconfig/template-escape"},
		"stable-baselines3: a pickle in JSON":        {"data", `{"policy_class":{":type:":"<class 'abc.ABCMeta'>",":serialized:":"` + base64.StdEncoding.EncodeToString([]byte("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.")) + `"}}`, "pickle/global-denied"},
		"a pickle in binary YAML":                    {"x.yaml", "a: !!binary |\n  " + base64.StdEncoding.EncodeToString([]byte("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.")) + "\n", "pickle/global-denied"},
		"a pickle in the metadata of tensors":        {"m.safetensors", string(safetensors(`{"__metadata__":{"x":"`+base64.StdEncoding.EncodeToString([]byte("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."))+`"}}`, nil)), "pickle/global-denied"},
		"stable-baselines3: with other characters":   {"data", `{"a":{":serialized:":"!Y29zCnN5!c3RlbQooUydpZCcKdFIu"}}`, "pickle/global-denied"},
		"stable-baselines3: behind other values":     {"data", `{"a":{":serialized:":"` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("N0", 50)+"cos\nsystem\n(S'id'\ntR.")) + `"}}`, "pickle/global-denied"},
		"msgpack-numpy: an array of objects":         {"m.msgpack", "\x85\xc4\x02nd\xc3\xc4\x04type\xc4\x01O\xc4\x04kind\xc4\x01O\xc4\x05shape\x90\xc4\x04data\xc4\x18\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R0N.", "pickle/global-denied"},
		"a program in a configuration":               {"config.json", `{"blob":"` + base64.StdEncoding.EncodeToString([]byte("\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 57))) + `"}`, "executable/native"},
		"a Lambda layer in YAML":                     {"model.yaml", "class_name: Sequential\nconfig:\n  layers:\n  - class_name: Lambda\n    config: {function: [4wEAAAA, null, null], function_type: lambda}\n", "keras/lambda"},
	} {
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{tt.file: []byte(tt.content)})
			if d.Verdict == validate.Admit || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
				t.Errorf("%v, want %s\n%s", d.Verdict, tt.rule, validatetest.Show(rep))
			}
		})
	}
}

// What looks like it and hides nothing.
func TestWhatOnlyLooksHiddenIsAdmitted(t *testing.T) {
	for name, tt := range map[string]struct{ file, content string }{
		"a plain pickle in JSON":     {"data", `{"x":{":type:":"dict",":serialized:":"gAR9lC4="},"y":"gAR9lC4AAAAAAAAAAAAA, and words"}`},
		"an array of msgpack-numpy":  {"m.msgpack", "\x85\xc4\x02nd\xc3\xc4\x04type\xa3<f4\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x01\xc4\x04data\xc4\x04\x80\x02\x00\x00"},
		"a network in YAML":          {"model.yaml", "class_name: Sequential\nbackend: tensorflow\nconfig:\n  name: s\n  layers:\n  - class_name: Dense\n    config: {units: 3, activation: relu, use_bias: true, dtype: float32}\n"},
		"a tokenizer in a GGUF file": {"m.gguf", gguf("tokenizer.huggingface.json", `{"model":{"vocab":{"{{":1}}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{tt.file: []byte(tt.content)})
			if d.Verdict != validate.Admit {
				t.Errorf("%v\n%s", d.Verdict, validatetest.Show(rep))
			}
		})
	}
}
