package all_test

import (
	"encoding/binary"
	"slices"
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

// What one format hides in another, or behind a name that says something else.
func TestWhatIsHiddenIsFound(t *testing.T) {
	for name, tt := range map[string]struct{ file, content, rule string }{
		"a template in the tokenizer of a GGUF file": {"m.gguf", gguf("tokenizer.huggingface.json", `{"chat_template":"{{ ''.__class__ }}"}`), "hfconfig/template-escape"},
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
