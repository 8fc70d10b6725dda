package keras

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/text"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func limits() policy.ScanLimits { return validatetest.Policy().Scan }

func scanAs(name string, b []byte, l policy.ScanLimits) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner(), text.Scanner()}, name, bytes.NewReader(b), int64(len(b)), l))
}

// clean says that a file is cleared without more than notes.
func clean(rep validate.Report) bool {
	return rep.Files[0].Cleared && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
}

func rulesOf(rep validate.Report) (out []string) {
	for _, f := range rep.Findings {
		out = append(out, f.Rule)
	}
	return out
}

// code is the base64 of something that begins like a marshalled code object and is none.
var code = base64.StdEncoding.EncodeToString([]byte("\xe3\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00C\x00\x00\x00 no code, but the words os system stand here"))

func lambda3() string {
	return `{"module":"keras.layers","class_name":"Lambda","config":{"name":"l","function":{"class_name":"__lambda__","config":{"code":"` + code + `","defaults":null,"closure":null}}},"registered_name":null}`
}

func lambda2() string {
	return `{"class_name":"Lambda","config":{"name":"l","function":["` + code + `",null,null],"function_type":"lambda","module":"__main__","output_shape":null,"output_shape_type":"raw"}}`
}

// hostile are documents by technique, each with the rule that must refuse it.
var hostile = []struct{ name, rule, json string }{
	{"CVE-2024-3660 Lambda in Keras 3", "keras/lambda", lambda3()},
	{"CVE-2025-9905 Lambda in HDF5", "keras/lambda", lambda2()},
	{"Lambda in TimeDistributed", "keras/lambda", `{"class_name":"TimeDistributed","config":{"layer":` + lambda2() + `}}`},
	{"Lambda in Bidirectional in a sub-model", "keras/lambda", `{"class_name":"Sequential","config":{"layers":[{"class_name":"Model","config":{"layers":[{"class_name":"Bidirectional","config":{"layer":` + lambda3() + `}}]}}]}}`},
	{"Lambda in build_config", "keras/lambda", `{"class_name":"Dense","config":{},"build_config":{"x":` + lambda3() + `}}`},
	{"Lambda in compile_config", "keras/lambda", `{"class_name":"Sequential","config":{"layers":[]},"compile_config":{"loss":[{"a":` + lambda3() + `}]}}`},
	{"Lambda below other keys", "keras/lambda", `{"a":[[{"b":` + lambda3() + `}]]}`},
	{"Lambda with the class name after a long config", "keras/lambda", `{"config":{"function":["x",null,null],"pad":"` + strings.Repeat("p", 100_000) + `"},"class_name":"Lambda"}`},
	{"Lambda with an escaped key", "keras/lambda", strings.ReplaceAll(lambda3(), "class_name", `cl\u0061ss_name`)},
	{"Lambda with an escaped name", "keras/lambda", strings.ReplaceAll(lambda3(), `"Lambda"`, `"\u004cambda"`)},
	{"Lambda of a registered package", "keras/lambda", strings.ReplaceAll(lambda3(), `"Lambda"`, `"keras>Lambda"`)},
	{"a bare __lambda__ as activation", "keras/lambda", `{"class_name":"Dense","config":{"activation":{"class_name":"__lambda__","config":{"value":"x"}}}}`},
	{"a Lambda without configuration", "keras/lambda", `{"class_name":"Lambda"}`},
	{"a Lambda that is a function of Keras", "keras/gadget", `{"module":"keras.layers","class_name":"Lambda","config":{"function":{"module":"keras.utils","class_name":"get_file","config":null,"registered_name":null},"arguments":{"origin":"https://example.com/x"}}}`},
	{"a lambda as output shape", "keras/lambda", `{"class_name":"Lambda","config":{"function":"f","function_type":"function","output_shape":["x"],"output_shape_type":"lambda"}}`},
	{"code under another name", "keras/marshalled-code", `{"class_name":"TextVectorization","config":{"standardize":"` + code + `"}}`},
	{"code with line ends", "keras/marshalled-code", `{"class_name":"Dense","config":{"x":["` + code[:10] + `\n` + code[10:] + `"]}}`},
	{"CVE-2025-1550 a function of os", "keras/module", `{"class_name":"Functional","config":{"layers":[{"module":"os","class_name":"function","config":"system","registered_name":"system"}]}}`},
	{"CVE-2025-1550 a class of subprocess", "keras/module", `{"module":"subprocess","class_name":"Popen","config":{"args":["true"]},"registered_name":null}`},
	{"a module that looks like Keras", "keras/module", `{"module":"keras_layers","class_name":"Dense","config":{}}`},
	{"a module below Keras that Keras has for tools", "keras/module", `{"module":"keras.src.utils.file_utils","class_name":"Dense","config":{}}`},
	{"an embedded module of Keras", "keras/gadget", `{"module":"keras.layers.os","class_name":"function","config":"system"}`},
	{"a function of KerasHub", "keras/module", `{"module":"keras_hub.src.models.task","class_name":"function","config":"load_json"}`},
	{"CVE-2025-8747 get_file", "keras/gadget", `{"module":"keras.utils","class_name":"function","config":"get_file","registered_name":"get_file"}`},
	{"CVE-2025-8747 get_file as a class", "keras/gadget", `{"module":"keras.utils","class_name":"get_file","config":{"fname":"x","origin":"https://example.com/x"}}`},
	{"CVE-2025-9906 enable_unsafe_deserialization", "keras/gadget", `{"module":"keras.config","class_name":"function","config":"enable_unsafe_deserialization"}`},
	{"load_model in the old way", "keras/gadget", `{"class_name":"load_model","config":{"filepath":"x"}}`},
	{"safe mode off", "keras/gadget", `{"class_name":"Dense","config":{"safe_mode":false}}`},
	{"CVE-2025-49655 TorchModuleWrapper", "keras/loading-layer", `{"module":"keras.layers","class_name":"TorchModuleWrapper","config":{"module":{"class_name":"__bytes__","config":{"value":"gAJ9Lg=="}}}}`},
	{"CVE-2026-1462 TFSMLayer", "keras/loading-layer", `{"module":"keras.layers","class_name":"TFSMLayer","config":{"filepath":"../evil","call_endpoint":"serve"}}`},
	{"TFOpLambda that writes", "keras/tf-function", `{"class_name":"TFOpLambda","config":{"name":"w","function":"io.write_file"}}`},
	{"TFOpLambda with a Python function", "keras/tf-function", `{"class_name":"TFOpLambda","config":{"name":"w","function":"numpy_function"}}`},
	{"TFOpLambda with a raw operation", "keras/tf-function", `{"class_name":"TFOpLambda","config":{"name":"w","function":"raw_ops.ReadFile"}}`},
	{"CVE-2025-12058 a vocabulary of the host", "keras/outside-path", `{"class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"}}`},
	{"CVE-2025-12058 a vocabulary of the network", "keras/outside-path", `{"class_name":"TextVectorization","config":{"vocabulary":"gs://bucket/v.txt"}}`},
	{"a vocabulary above the model", "keras/outside-path", `{"class_name":"IntegerLookup","config":{"vocabulary":"a/../../v.txt"}}`},
	{"a vocabulary of the working folder", "keras/file-path", `{"class_name":"StringLookup","config":{"vocabulary":"vocab.txt"}}`},
	{"a path under an unknown key", "keras/file-path", `{"class_name":"Dense","config":{"loader_argument":"/proc/self/environ"}}`},
	{"a layer of TensorFlow Hub", "keras/outside-path", `{"class_name":"KerasLayer","config":{"handle":"https://tfhub.dev/x"}}`},
	{"a class of somebody", "keras/custom-object", `{"module":null,"class_name":"Evil","config":{},"registered_name":"pkg>Evil"}`},
	{"a class of somebody in HDF5", "keras/custom-object", `{"class_name":"Custom>Evil","config":{}}`},
	{"a class of the program", "keras/custom-object", `{"module":"__main__","class_name":"Evil","config":{}}`},
	{"a known class with a foreign registered name", "keras/custom-object", `{"module":"keras.layers","class_name":"Dense","config":{},"registered_name":"pkg>Evil"}`},
	{"a layer with a JAX function", "keras/custom-object", `{"module":"keras.layers","class_name":"JaxLayer","config":{"call_fn":{"module":"builtins","class_name":"function","config":"f"}}}`},
	{"a Lambda of a named function", "keras/custom-object", `{"class_name":"Lambda","config":{"function":"f","function_type":"function","module":"m"}}`},
	{"a Lambda of a function of os", "keras/module", `{"class_name":"Lambda","config":{"function":"system","function_type":"function","module":"os"}}`},
	{"a repeated class name", "keras/duplicate-key", `{"class_name":"Dense","class_name":"Dense","config":{}}`},
	{"a class name that is a list", "keras/shape", `{"class_name":["Lambda"],"config":{}}`},
	{"a function without a name", "keras/shape", `{"class_name":"function","config":{"a":1},"module":"builtins"}`},
	{"a foreign type of a tensor", "keras/module", `{"class_name":"__typespec__","spec_name":"Evil","module":"evil","config":[],"registered_name":null}`},
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			for _, wrap := range []string{"%s", `{"class_name":"Sequential","config":{"name":"s","layers":[{"class_name":"InputLayer","config":{}},%s]}}`, "\n\n [%s]\n"} {
				doc := fmt.Sprintf(wrap, h.json)
				for _, name := range []string{"config.json", "attrs/model_config", "x", "a.JSON", "README.md"} {
					rep := scanAs(name, []byte(doc), limits())
					if !slices.Contains(rulesOf(rep), h.rule) || clean(rep) {
						t.Errorf("%s: want %s\n%s", name, h.rule, validatetest.Show(rep))
					}
				}
			}
		})
	}
}

// Keras reads config.json with json.loads from bytes, which skips the mark.
func TestAByteOrderMarkHidesNothing(t *testing.T) {
	rep := scanAs("config.json", []byte("\ufeff"+lambda3()), limits())
	if !slices.Contains(rulesOf(rep), "keras/lambda") {
		t.Errorf("want keras/lambda\n%s", validatetest.Show(rep))
	}
	if rep := scanAs("config.json", []byte("\ufeff"+`{"class_name":"Sequential","config":{"layers":[]}}`), limits()); !clean(rep) || !slices.Contains(rep.Files[0].Scanners, "keras") {
		t.Errorf("want a cleared file\n%s", validatetest.Show(rep))
	}
}

func TestAFindingSaysWhere(t *testing.T) {
	doc := "{\"class_name\": \"Sequential\",\n \"config\": {\"layers\": [\n  " + lambda2() + "]}}"
	rep := scanAs("config.json", []byte(doc), limits())
	at := int64(strings.Index(doc, `{"class_name":"Lambda"`))
	i := slices.IndexFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == "keras/lambda" && f.Offset == at })
	if i < 0 {
		t.Fatalf("no finding at %d\n%s", at, validatetest.Show(rep))
	}
	f := rep.Findings[i]
	if f.Line != 3 || !strings.HasPrefix(f.Detail, "config.layers.0") || !strings.Contains(f.Evidence, "os system") {
		t.Errorf("line %d, %q, evidence %q", f.Line, f.Detail, f.Evidence)
	}
}

// benign are documents as Keras writes them, or near misses of a rule.
var benign = map[string]string{
	"Keras 3 functional": `{"module": "keras.src.models.functional", "class_name": "Functional", "config": {"name": "functional", "trainable": true, "layers": [
		{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 32], "dtype": "float32", "sparse": false, "name": "keras_tensor"}, "registered_name": null, "name": "keras_tensor", "inbound_nodes": []},
		{"module": "keras.layers", "class_name": "Dense", "config": {"name": "dense", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, "units": 4, "activation": {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}, "use_bias": true,
		"kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null}, "registered_name": null}, "bias_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}, "kernel_regularizer": {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.01}, "registered_name": null}}, "registered_name": null, "build_config": {"input_shape": [null, 32]}, "name": "dense",
		"inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 32], "dtype": "float32", "keras_history": ["keras_tensor", 0, 0]}}], "kwargs": {}}]},
		{"module": "keras.src.ops.numpy", "class_name": "Add", "config": {"name": "add"}, "registered_name": "Add", "name": "add"},
		{"module": "keras.src.ops.numpy", "class_name": "GetItem", "config": {"name": "get_item"}, "registered_name": "GetItem", "inbound_nodes": [{"args": [{"class_name": "__slice__", "config": {"start": 0, "stop": 1, "step": null}}, {"class_name": "__ellipsis__", "config": {}}]}]}],
		"input_layers": [["keras_tensor", 0, 0]], "output_layers": [["dense", 0, 0]]}, "registered_name": "Functional", "build_config": {"input_shape": null},
		"compile_config": {"optimizer": {"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "adam", "learning_rate": {"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10}, "registered_name": null}}, "registered_name": null}, "loss": "sparse_categorical_crossentropy", "loss_weights": null, "metrics": ["accuracy"], "weighted_metrics": null, "run_eagerly": false, "steps_per_execution": 1, "jit_compile": true}}`,
	"Keras 2 sequential":                 `{"class_name": "Sequential", "config": {"name": "sequential", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 8], "dtype": "float32", "sparse": false, "ragged": false, "name": "dense_input"}}, {"class_name": "Dense", "config": {"name": "dense", "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}, "activation": "relu", "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}}}}, {"class_name": "BatchNormalization", "config": {"axis": {"class_name": "__tuple__", "items": [3]}}}]}}`,
	"Keras 2, a bare list":               `{"class_name": "Sequential", "config": [{"class_name": "Conv2D", "config": {}}, {"class_name": "Flatten", "config": {}}]}`,
	"Keras 2 training":                   `{"loss": {"class_name": "BinaryCrossentropy", "config": {"reduction": "auto"}}, "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "dtype": "float32", "fn": "binary_accuracy"}}]], "optimizer_config": {"class_name": "Custom>Adam", "config": {}}}`,
	"Keras 2 saved":                      `{"name": "sequential", "trainable": true, "expects_training_arg": true, "class_name": "Sequential", "config": {"layers": []}, "build_input_shape": {"class_name": "TensorShape", "items": [null, 8]}, "full_save_spec": {"class_name": "__tuple__", "items": [[{"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": [{"class_name": "TensorShape", "items": [null, 8]}, "float32", "x"]}], {}]}, "input_spec": [{"class_name": "InputSpec", "config": {"dtype": null, "shape": {"class_name": "__tuple__", "items": [null, 8]}}}]}`,
	"TensorFlow operators":               `{"class_name": "Functional", "config": {"layers": [{"class_name": "TFOpLambda", "config": {"name": "tf.math.add", "trainable": true, "dtype": "float32", "function": "math.add"}}, {"class_name": "SlicingOpLambda", "config": {"name": "tf.__operators__.getitem", "function": "__operators__.getitem"}}, {"class_name": "TFOpLambda", "config": {"function": "reshape"}}, {"class_name": "TFOpLambda", "config": {"function": "compat.v1.transpose"}}]}}`,
	"a vocabulary inside":                `{"class_name": "StringLookup", "config": {"vocabulary": ["/", "../x", "http://a", "[UNK]", "/etc/passwd"], "encoding": "utf-8"}}`,
	"KerasHub":                           `{"module": "keras_hub.src.models.bert.bert_backbone", "class_name": "BertBackbone", "config": {"vocabulary_size": 30522, "name": "bert_backbone"}, "registered_name": "keras_hub>BertBackbone"}`,
	"KerasNLP":                           `{"module": "keras_nlp.src.models.bert.bert_tokenizer", "class_name": "BertTokenizer", "config": {"vocabulary": null}, "registered_name": "keras_nlp>BertTokenizer"}`,
	"numbers and text":                   `{"class_name": "Constant", "config": {"value": {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}}, "name": "4wheel/drive", "b": {"class_name": "__bytes__", "config": {"value": "x"}}}}`,
	"a text that is so called":           `{"description": "the class_name", "class_name": "Anything"}`,
	"a Lambda's words without the layer": `{"class_name": "Dense", "config": {"output_shape_type": "raw"}}`,
	"an old path":                        `{"module": "keras.engine.functional", "class_name": "Functional", "config": {}, "registered_name": "Functional"}`,
	"tf_keras":                           `{"module": "tf_keras.src.engine.sequential", "class_name": "Sequential", "config": {}, "registered_name": "Sequential"}`,
	"a typespec":                         `{"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "tensorflow.python.framework.tensor_spec", "config": [[1], "float32"], "registered_name": null}`,
}

func TestBenignDocumentsAreCleared(t *testing.T) {
	for name, doc := range benign {
		doc = strings.ReplaceAll(doc, `"Custom>Adam"`, `"Adam"`)
		t.Run(name, func(t *testing.T) {
			if rep := scanAs("config.json", []byte(doc), limits()); !clean(rep) || !slices.Contains(rep.Files[0].Scanners, "keras") {
				t.Errorf("want a cleared file\n%s", validatetest.Show(rep))
			}
			for _, n := range []int{1, len(doc) / 2} {
				if rep := scanAs("config.json", []byte(doc[:len(doc)-n]), limits()); clean(rep) && rep.Files[0].Scanners[0] == "keras" {
					t.Errorf("without its last %d bytes it is cleared", n)
				}
			}
		})
	}
}

func TestOtherJSONIsNotClaimed(t *testing.T) {
	for _, doc := range []string{`{"architectures":["BertModel"],"hidden_size":2}`, `{"_class_name":"StableDiffusionPipeline"}`, `{"keras_version": "3.9.2", "date_saved": "2025-04-01@10:00:00"}`,
		`{"model":{"vocab":{"\u0120a":1,"\u00e9":2}}}`} {
		if rep := scanAs("config.json", []byte(doc), limits()); slices.Contains(rep.Files[0].Scanners, "keras") {
			t.Errorf("claimed: %s", doc)
		}
	}
}

func TestAVocabularyOfAMillionWordsIsCleared(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"class_name":"StringLookup","config":{"vocabulary":["x"`)
	for i := range 1_000_000 {
		fmt.Fprintf(&b, `,"w%d"`, i)
	}
	b.WriteString(`]}}`)
	if rep := scanAs("config.json", []byte(b.String()), limits()); !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
}

// saved is keras_metadata.pb with one node for each document.
func saved(docs ...string) []byte {
	field := func(n int, b []byte) []byte {
		return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n)<<3|2), uint64(len(b))), b...)
	}
	var out []byte
	for i, doc := range docs {
		node := append([]byte{fieldNodeID << 3}, byte(i))
		node = append(node, field(fieldPath, []byte("root.layer"))...)
		node = append(node, field(fieldIdentifier, []byte("_tf_keras_layer"))...)
		node = append(node, field(fieldMetadata, []byte(doc))...)
		node = append(node, field(fieldVersion, []byte{8, 2, 16, 1})...)
		out = append(out, field(fieldNodes, node)...)
	}
	return out
}

func TestSavedMetadata(t *testing.T) {
	for _, name := range []string{"keras_metadata.pb", "m/keras_metadata.pb", "other.bin"} {
		whole := saved(benign["Keras 2 saved"], benign["Keras 2 sequential"])
		if rep := scanAs(name, whole, limits()); !clean(rep) {
			t.Errorf("%s: want a cleared file\n%s", name, validatetest.Show(rep))
		}
		rep := scanAs(name, saved(benign["Keras 2 saved"], lambda2()), limits())
		if !slices.Contains(rulesOf(rep), "keras/lambda") || clean(rep) {
			t.Errorf("%s: Lambda is not refused\n%s", name, validatetest.Show(rep))
		}
	}
	for name, b := range map[string][]byte{
		"cut": saved(lambda2())[:90], "another field": append(saved(), 0x12, 1, 0), "a field that is too long": {0x0a, 0x7f, 0x22, 1, 'x'},
		"an unknown field of a node": {0x0a, 3, 0x3a, 1, 'x'},
	} {
		if rep := scanAs("keras_metadata.pb", b, limits()); clean(rep) {
			t.Errorf("%s is cleared", name)
		}
	}
}

func TestTheListIsStrict(t *testing.T) {
	if classes, err := loadClasses(); err != nil || len(classes) < 800 {
		t.Errorf("%d names, %v", len(classes), err)
	}
	for _, bad := range []string{"A", "= \nA", "= x\nA A", "= x\nA\n= y\nA"} {
		if _, err := readClasses(bad); err == nil {
			t.Errorf("accepted: %q", bad)
		}
	}
	classes, _ := loadClasses()
	for _, name := range slices.Concat(gadgets, loaders, []string{"Lambda", "JaxLayer", "FlaxLayer", "Map", "ModuleWrapper"}) {
		if classes[name] != "" {
			t.Errorf("%s is on the list", name)
		}
	}
}

func TestRulesAreWhole(t *testing.T) {
	for _, r := range rules {
		if r.Title == "" || r.Why == "" || r.Fix == "" || r.Severity == 0 || r.Hostile == "" || r.Benign == "" || !strings.HasSuffix(r.Why, ".") {
			t.Errorf("%s lacks a field", r.ID)
		}
		if !slices.ContainsFunc(hostile, func(h struct{ name, rule, json string }) bool { return h.rule == r.ID }) {
			t.Errorf("no document is refused for %s", r.ID)
		}
	}
}
