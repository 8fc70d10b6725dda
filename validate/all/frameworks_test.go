package all_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os/exec"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// need skips a test without a module of the system's Python.
func need(t *testing.T, module string) {
	t.Helper()
	validatetest.Need(t, module, exec.Command(systemPython, "-c", "import "+module).Run())
}

// ggufModel has the metadata of a language model and two tensors.
func ggufModel() []byte {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = le.AppendUint64(le.AppendUint64(b, 2), 7)
	text := func(key, value string) { b = str(le.AppendUint32(str(b, key), 8), value) }
	text("general.architecture", "llama")
	text("general.name", "Model 7B Instruct")
	text("general.source.url", "https://huggingface.co/org/model")
	text("tokenizer.ggml.model", "gpt2")
	text("tokenizer.chat_template", qwenTemplate)
	b = le.AppendUint32(le.AppendUint32(str(b, "llama.context_length"), 4), 8192)
	b = le.AppendUint64(le.AppendUint32(le.AppendUint32(str(b, "tokenizer.ggml.tokens"), 9), 8), 3)
	for _, token := range []string{"<s>", "Ġthe", "__class__"} {
		b = str(b, token)
	}
	for i, name := range []string{"token_embd.weight", "output.weight"} {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint32(str(b, name), 2), 32), 1)
		b = le.AppendUint64(le.AppendUint32(b, 0), uint64(i*128))
	}
	b = append(b, make([]byte, -len(b)&31)...)
	return append(b, make([]byte, 256)...)
}

func TestAGGUFRepository(t *testing.T) {
	admits(t, safe(), repository{"model-Q4_K_M.gguf": ggufModel(), "model-f16.gguf": ggufModel()}.text(map[string]string{
		"README.md": card, ".gitattributes": gitattributes, "config.json": `{"model_type": "llama"}`, "Modelfile": "FROM ./model-Q4_K_M.gguf\nTEMPLATE \"\"\"{{ .Prompt }}\"\"\"\nPARAMETER temperature 0.7\n",
	}))
}

func TestAnONNXRepository(t *testing.T) {
	need(t, "onnx")
	files := generate(t, `
import os, numpy as np, onnx
from onnx import helper, numpy_helper, TensorProto
def model():
    w = [numpy_helper.from_array(np.random.rand(64, 64).astype("f4"), "W"), numpy_helper.from_array(np.zeros(64, "f4"), "B")]
    value = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 64])
    g = helper.make_graph([helper.make_node("Gemm", ["X", "W", "B"], ["Y"]), helper.make_node("Relu", ["Y"], ["Z"])], "torch_jit", [value("X")], [value("Z")], w)
    return helper.make_model(g, producer_name="pytorch", opset_imports=[helper.make_opsetid("", 14)])
onnx.save_model(model(), "model.onnx", save_as_external_data=True, all_tensors_to_one_file=True, location="model.onnx_data", size_threshold=16)
os.makedirs("onnx")
onnx.save(model(), "onnx/decoder_model.onnx")
onnx.save_model(model(), "onnx/split.onnx", save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=16)
`)
	admits(t, safe(), repository(files).text(map[string]string{
		"ort_config.json":   `{"one_external_file": true, "opset": null, "optimum_version": "1.16.1", "quantization": {"activations_dtype": "QUInt8", "format": "QOperator", "nodes_to_exclude": [], "operators_to_quantize": ["MatMul"]}, "use_external_data_format": false}`,
		"genai_config.json": `{"model": {"bos_token_id": 1, "decoder": {"session_options": {"log_id": "onnxruntime-genai", "provider_options": [{"cuda": {"enable_cuda_graph": "0"}}]}, "filename": "model.onnx", "inputs": {"input_ids": "input_ids"}}, "type": "phi3"}, "search": {"do_sample": true}}`,
		"config.json":       `{"model_type": "phi3"}`,
	}))
}

const sklearnScript = `
import json, os, pickle, joblib, numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
df = pd.DataFrame(np.random.rand(60, 4), columns=list("abcd")); y = (df.a > .5).astype(int); df["e"] = np.where(df.a > .3, "x", "y")
ct = ColumnTransformer([("num", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]), ("cat", OneHotEncoder(handle_unknown="ignore"), ["e"])], remainder="passthrough")
pipe = Pipeline([("ct", ct), ("clf", GradientBoostingClassifier(n_estimators=4))]).fit(df, y)
`

func TestAScikitLearnRepository(t *testing.T) {
	need(t, "sklearn, pandas")
	files := generate(t, sklearnScript+`
for name, how in (("model.joblib", 0), ("model.joblib.gz", ("gzip", 3)), ("model_z.pkl", 3), ("model.lzma", ("lzma", 3)), ("model.xz", ("xz", 3)), ("model.bz2", ("bz2", 3))):
    joblib.dump(pipe, name, compress=how)
pickle.dump(pipe, open("sklearn_model.pkl", "wb"))
pickle.dump(GridSearchCV(RandomForestClassifier(n_estimators=3), {"max_depth": [1, 2]}, cv=2).fit(df[["a", "b"]], y), open("grid.pkl", "wb"))
joblib.dump(make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(["aa bb cc", "dd ee ff", "aa cc"], [0, 1, 0]), "text.joblib")
df.to_pickle("df.pkl"); df.to_pickle("df.pkl.gz"); np.save("X.npy", df[["a"]].values); np.savez("all.npz", X=df[["a"]].values, y=y)
`)
	admits(t, safe(), repository(files).text(map[string]string{
		"requirements.txt": "scikit-learn==1.2.1\nnumpy\npandas\njoblib\nskops\n", "data/train.csv": "a,b\n1,2\n", "README.md": card,
		"config.json": `{"sklearn": {"columns": ["a"], "environment": ["scikit-learn=1.0.2"], "example_input": {"a": [1.0]}, "model": {"file": "model.joblib"}, "model_format": "pickle", "task": "tabular-classification"}}`,
	}))
}

func TestAnMLflowModel(t *testing.T) {
	need(t, "sklearn, pandas")
	files := generate(t, sklearnScript+`pickle.dump(pipe, open("model.pkl", "wb"))`)
	admits(t, safe(), repository(files).text(map[string]string{
		"MLmodel": `artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.9.16
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.2.1
mlflow_version: 2.3.1
model_uuid: 5bd2f4b0c6d64c9fb8f4a9ea9c8a0a1e
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '[{"name": "a", "type": "double"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
utc_time_created: '2023-05-10 12:00:00.123456'
`,
		"conda.yaml":       "channels:\n- conda-forge\ndependencies:\n- python=3.9.16\n- pip<=23.0.1\n- pip:\n  - mlflow<3,>=2.3\n  - cloudpickle==2.2.1\n  - scikit-learn==1.2.1\nname: mlflow-env\n",
		"python_env.yaml":  "python: 3.9.16\nbuild_dependencies:\n- pip==23.0.1\n- setuptools==66.0.0\n- wheel==0.38.4\ndependencies:\n- -r requirements.txt\n",
		"requirements.txt": "mlflow<3,>=2.3\ncloudpickle==2.2.1\nscikit-learn==1.2.1\n", "input_example.json": `{"columns": ["a"], "data": [[0.1]]}`, "registered_model_meta": "model_name: m\nmodel_version: '1'\n",
	}))
}

func TestKerasModels(t *testing.T) {
	need(t, "h5py")
	files := generate(t, `
import h5py, io, json, pickle, zipfile, numpy as np
dense = {"class_name": "Dense", "config": {"name": "dense", "trainable": True, "dtype": "float32", "units": 2, "activation": "relu", "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}}}
old = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": "i"}}, dense]}}
with h5py.File("model.h5", "w") as f:
    f.attrs["model_config"] = json.dumps(old); f.attrs["keras_version"] = "2.11.0"; f.attrs["backend"] = "tensorflow"
    f.attrs["training_config"] = json.dumps({"loss": "mse", "metrics": ["accuracy"], "optimizer_config": {"class_name": "Adam", "config": {"learning_rate": 0.001}}})
    w = f.create_group("model_weights"); w.attrs["layer_names"] = [b"dense"]; l = w.create_group("dense"); l.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
    l.create_dataset("dense/kernel:0", data=np.random.rand(4, 2).astype("f4")); l.create_dataset("dense/bias:0", data=np.zeros(2, "f4"))
    f.create_group("optimizer_weights").create_dataset("iter:0", data=np.int64(3))
b = io.BytesIO()
with h5py.File(b, "w") as f:
    v = f.create_group("layers/dense/vars"); v.create_dataset("0", data=np.random.rand(4, 2).astype("f4")); v.create_dataset("1", data=np.zeros(2, "f4")); f.create_group("optimizer/vars").create_dataset("0", data=3)
layer = lambda module, kind, **config: {"module": module, "class_name": kind, "config": config, "registered_name": None}
new = layer("keras", "Sequential", name="s", dtype=layer("keras", "DTypePolicy", name="float32"), layers=[layer("keras.layers", "InputLayer", batch_shape=[None, 4], name="i"), layer("keras.layers", "Dense", units=2, activation="relu", kernel_initializer=layer("keras.initializers", "GlorotUniform", seed=None))])
new["compile_config"] = {"optimizer": layer("keras.optimizers", "Adam", learning_rate=0.001), "loss": "mse", "metrics": ["mae"]}
for name, how in (("model.keras", zipfile.ZIP_STORED), ("deflated.keras", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(name, "w", how) as z:
        z.writestr("metadata.json", json.dumps({"keras_version": "3.3.3", "date_saved": "2024-05-01@12:00:00"})); z.writestr("config.json", json.dumps(new)); z.writestr("model.weights.h5", b.getvalue())
open("model.weights.h5", "wb").write(b.getvalue())
pickle.dump({"loss": [0.5], "accuracy": [np.float32(.3)]}, open("history.pkl", "wb"))
`)
	admits(t, safe(), repository(files).text(map[string]string{"history.json": `{"loss": [0.5], "val_loss": [0.6]}`, "class_names.txt": "cat\ndog\n", "metadata.json": `{"keras_version": "3.0"}`}))
}

const nemoConfig = `sample_rate: 16000
preprocessor:
  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
  sample_rate: 16000
encoder:
  _target_: nemo.collections.asr.modules.ConformerEncoder
  n_layers: 16
decoder:
  _target_: nemo.collections.asr.modules.ConvASRDecoder
  vocabulary: [" ", a, b]
optim: {name: adamw, betas: [0.9, 0.98]}
tokenizer:
  dir: null
  type: bpe
  model_path: nemo:abc_tokenizer.model
  vocab_path: nemo:abc_vocab.txt
train_ds:
  manifest_filepath: /data/train.json
target: nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE
nemo_version: 1.20.0
`

func TestANeMoModel(t *testing.T) {
	weights := write(t, `torch.save(nn.Conv1d(4, 4, 3).state_dict(), "w")`)["w"]
	var plain, packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for _, w := range []*tar.Writer{tar.NewWriter(&plain), tar.NewWriter(z)} {
		for _, m := range []struct {
			name    string
			content []byte
		}{{"./", nil}, {"./model_config.yaml", []byte(nemoConfig)}, {"./model_weights.ckpt", weights}, {"./abc_vocab.txt", []byte("a\nb\n")}} {
			h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.content)), Typeflag: tar.TypeReg}
			if m.content == nil {
				h.Typeflag, h.Mode = tar.TypeDir, 0o755
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(m.content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	admits(t, safe(), repository{"model.nemo": plain.Bytes(), "old.nemo": packed.Bytes()})
}

// Models with metadata have their labels in an archive behind them; the bundles of MediaPipe are archives of such models.
func TestModelsOfTensorFlowLite(t *testing.T) {
	model := []byte("\x14\x00\x00\x00TFL3\x06\x00\b\x00\x04\x00\x00\x00\x00\x00\x00\x00\f\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00")
	labelled := func(name, content string, between ...byte) []byte {
		b := bytes.NewBuffer(append(slices.Clone(model), between...))
		z := zip.NewWriter(b)
		z.SetOffset(int64(b.Len()))
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	admits(t, safe(), repository{"plain.tflite": model, "labels.tflite": labelled("labels.txt", "cat\ndog\n"), "face.task": zipped(t, zip.Store, "face.tflite", string(labelled("labels.txt", "face\n")))})
	rep, _ := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"m.tflite": labelled("labels.txt", "cat\n")})
	for _, note := range []string{"tflite/labels", "zip/model-in-front"} {
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == note && f.Severity == validate.Low }) {
			t.Errorf("no note %s\n%s", note, validatetest.Show(rep))
		}
	}
	for what, b := range map[string][]byte{
		"a pickle behind a model": labelled("data.pkl", hostilePickles["protocol 2"]), "bytes between": labelled("labels.txt", "cat", 'M', 'Z'), "code behind a model": labelled("x.py", "import os\n"),
		"a member that nobody lists": append(append(slices.Clone(model), "PK\x03\x04"...), labelled("labels.txt", "cat")...),
	} {
		if rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"m.tflite": b}); d.Verdict == validate.Admit {
			t.Errorf("%s: admitted\n%s", what, validatetest.Show(rep))
		}
	}
}

// An archive for TorchServe brings the code that serves it: it cannot be withheld, and the verdict says so.
func TestAnArchiveForTorchServeIsInconclusive(t *testing.T) {
	weights := write(t, `torch.save(nn.Linear(2, 2).state_dict(), "w")`)["w"]
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{"m.pt": string(weights), "index_to_name.json": `{"0": "cat"}`,
		"MAR-INF/MANIFEST.json": `{"createdOn": "01/01/2023 00:00:00", "runtime": "python", "model": {"modelName": "m", "serializedFile": "m.pt", "handler": "handler.py", "modelVersion": "1.0"}, "archiverVersion": "0.7.0"}`,
		"handler.py":            "import torch\n\nclass Handler:\n    topk = 5\n\n    def preprocess(self, data):\n        return torch.stack(data)\n"} {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"model.mar": b.Bytes()})
	other := func(f validate.Finding) bool { return f.Severity > validate.Low && f.Rule != "zip/code-inside" }
	if d.Verdict != validate.Inconclusive || slices.ContainsFunc(rep.Findings, other) {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
}
