package all_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const (
	dense   = `{"module":"keras.layers","class_name":"Dense","config":{"name":"d"},"registered_name":null}`
	lambda  = `{"module":"keras.layers","class_name":"Lambda","config":{"name":"l","function":{"class_name":"__lambda__","config":{"code":"4wEAAAA=","defaults":null,"closure":null}}},"registered_name":null}`
	keras2  = `{"class_name":"Lambda","config":{"name":"l","function":["4wEAAAA=",null,null],"function_type":"lambda"}}`
	lookup  = `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":["a","b"]},"registered_name":null}`
	hostile = `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"},"registered_name":null}`
)

func sequential(layer string) string {
	return `{"module":"keras","class_name":"Sequential","config":{"name":"s","layers":[` + layer + `]},"registered_name":"Sequential"}`
}

// kerasDocuments are row 56.
func kerasDocuments() []technique {
	good := holding("metadata.json", `{"keras_version":"3.0.0"}`, "config.json", sequential(dense))
	keras := func(refs, how, layer string, want validate.Verdict, rule string) technique {
		return technique{row: 56, refs: refs, how: how, file: "model.keras", bytes: holding("metadata.json", `{"keras_version":"3.0.0"}`, "config.json", sequential(layer)), inner: []byte(sequential(layer)), want: want, rule: rule, line: 1, near: good}
	}
	function := func(module, name string) string {
		return `{"module":"` + module + `","class_name":"function","config":"` + name + `","registered_name":"` + name + `"}`
	}
	named := func(x technique, name string) technique { x.file = name; return x }
	twice := keras("", "two config.json", dense, unsure, "zip/duplicate")
	twice.bytes, twice.line, twice.inner, twice.at = holding("config.json", sequential(dense), "config.json", sequential(dense)), 0, nil, "}^PK\x03\x04"
	asset := keras("", "a pickle as an asset", dense, reject, denied)
	asset.inner, asset.at = assembled("PROTO 2; "+system), callAt
	asset.bytes, asset.line = holding("config.json", sequential(dense), "assets/vocab.txt", string(assembled("PROTO 2; "+system))), 0
	vocabulary := keras("CVE-2025-12058", "a vocabulary of the host", hostile, reject, "keras/outside-path")
	vocabulary.near = holding("config.json", sequential(lookup))
	return []technique{
		keras("CVE-2024-3660", "a Lambda", lambda, reject, "keras/lambda"),
		named(keras("", "a Lambda, extension in capitals", lambda, reject, "keras/lambda"), "MODEL.KERAS"),
		keras("", "a Lambda in a wrapper in a model", sequential(`{"module":"keras.layers","class_name":"TimeDistributed","config":{"layer":`+lambda+`},"registered_name":null}`), reject, "keras/lambda"),
		keras("", "a Lambda of Keras 2", keras2, reject, "keras/lambda"),
		keras("CVE-2025-1550", "a function of os", function("os", "system"), reject, "keras/module"),
		keras("CVE-2025-8747", "get_file", function("keras.utils", "get_file"), reject, "keras/gadget"),
		keras("CVE-2025-9906", "enable_unsafe_deserialization", function("keras.config", "enable_unsafe_deserialization"), reject, "keras/gadget"),
		keras("CVE-2025-49655", "TorchModuleWrapper", `{"module":"keras.layers","class_name":"TorchModuleWrapper","config":{"module":{"class_name":"__bytes__","config":{"value":"gAJ9Lg=="}}}}`, reject, "keras/loading-layer"),
		keras("CVE-2026-1462", "TFSMLayer", `{"module":"keras.layers","class_name":"TFSMLayer","config":{"filepath":"../evil"}}`, reject, "keras/loading-layer"),
		vocabulary,
		twice,
		keras("", "a key twice", strings.Replace(dense, `"class_name"`, `"class_name":"Dense","class_name"`, 1), unsure, "keras/duplicate-key"),
		asset,
		keras("", "a registered class nobody knows", `{"module":null,"class_name":"Evil","config":{},"registered_name":"pkg>Evil"}`, unsure, "keras/custom-object"),
		{row: 57, how: "a Lambda in keras_metadata.pb", file: "keras_metadata.pb", bytes: kerasMetadata(keras2), want: reject, rule: "keras/lambda", at: "^", near: kerasMetadata(`{"class_name":"Dense","config":{"name":"d"}}`)},
	}
}

func kerasMetadata(document string) []byte {
	node := message{}.Int(2, 0).Str(3, "root.layer").Str(4, "_tf_keras_layer").Str(5, document).Msg(6, message{}.Int(1, 2).Int(2, 1))
	return message{}.Msg(1, node)
}

// hdf5File is what h5py writes when it runs these lines on an open file f.
func hdf5File(t *testing.T, lines string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(systemPython, append([]string{"-c", "import h5py, sys\nf = h5py.File('model.h5', 'w')\n" + lines + "\nf.close()\n"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "model.h5"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// HDF5 files of Keras are row 56, too: safe_mode was ignored for them (CVE-2025-9905). h5py writes them.
func TestKerasInHDF5IsRefused(t *testing.T) {
	validatetest.Need(t, "h5py", exec.Command(systemPython, "-c", "import h5py").Run())
	for rule, layer := range map[string]string{"keras/lambda": keras2, "": `{"class_name":"Dense","config":{"name":"d"}}`} {
		b := hdf5File(t, "f.attrs['model_config'] = sys.argv[1]\nf.create_dataset('model_weights/d/kernel', data=[1.0, 2.0])", sequential(layer))
		rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"model.h5": b})
		hit := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
		if rule != "" && (d.Verdict != validate.Reject || !hit) || rule == "" && d.Verdict != validate.Admit {
			t.Errorf("%q: verdict %s\n%s", rule, d.Verdict, validatetest.Show(rep))
		}
	}
}
