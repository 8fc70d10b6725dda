package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// Reference is a model that a program loads by a constant name.
type Reference struct {
	Line int
	Call string // as the report prints it: "transformers.AutoModel.from_pretrained"
	Name string // a path, or the name of a repository
}

// loaders are the functions that load a model, with the place and name of the argument that says which.
var loaders = map[string]struct {
	index int
	name  string
}{
	"torch.load": {0, "f"}, "torch.jit.load": {0, "f"}, "torch.export.load": {0, "f"}, "torch.package.PackageImporter": {0, "file_or_buffer"},
	"safetensors.torch.load_file": {0, "filename"}, "safetensors.numpy.load_file": {0, "filename"}, "safetensors.flax.load_file": {0, "filename"}, "safetensors.tensorflow.load_file": {0, "filename"},
	"safetensors.safe_open": {0, "filename"}, "safetensors.torch.load_model": {1, "filename"}, "joblib.load": {0, "filename"}, "numpy.load": {0, "file"}, "pandas.read_pickle": {0, "filepath_or_buffer"},
	"tensorflow.keras.models.load_model": {0, "filepath"}, "keras.models.load_model": {0, "filepath"}, "keras.saving.load_model": {0, "filepath"}, "tensorflow.saved_model.load": {0, "export_dir"},
	"onnxruntime.InferenceSession": {0, "path_or_bytes"}, "onnx.load": {0, "f"}, "transformers.pipeline": {1, "model"}, "transformers.pipelines.pipeline": {1, "model"},
	"sentence_transformers.SentenceTransformer": {0, "model_name_or_path"}, "sentence_transformers.CrossEncoder": {0, "model_name"}, "llama_cpp.Llama": {0, "model_path"},
	"ctranslate2.Translator": {0, "model_path"}, "ctranslate2.Generator": {0, "model_path"}, "whisper.load_model": {0, "name"}, "lightgbm.Booster": {2, "model_file"}, "spacy.load": {0, "name"},
	"ultralytics.YOLO": {0, "model"}, "timm.create_model": {0, "model_name"}, "huggingface_hub.snapshot_download": {0, "repo_id"}, "huggingface_hub.hf_hub_download": {0, "repo_id"},
	"skops.io.load": {0, "file"}, "mlflow.pyfunc.load_model": {0, "model_uri"}, "vllm.LLM": {0, "model"}, "flax.serialization.msgpack_restore": {0, "encoded_pytree"},
	"tensorflow.lite.Interpreter": {0, "model_path"}, "openvino.Core().read_model": {0, "model"}, "cv2.dnn.readNet": {0, "model"}, "cv2.dnn.readNetFromONNX": {0, "onnxFile"}, "gguf.GGUFReader": {0, "path"},
	"open_clip.create_model_and_transforms": {0, "model_name"}, "xgboost.Booster": {1, "model_file"}, "fasttext.load_model": {0, "path"}, "paddle.load": {0, "path"},
}

// loaderMethods load a model as methods of any class.
var loaderMethods = map[string]bool{"from_pretrained": true, "from_single_file": true, "from_local": true, "load_from_checkpoint": true}

// FindModels finds the models that a program names in calls that load them. It finds nothing in a program that does
// not parse.
func FindModels(src []byte) []Reference {
	if len(src) > MaxSource {
		return nil
	}
	tree, err := syntax.Parse(src, bounds)
	if err != nil {
		return nil
	}
	names, err := loadTable()
	if err != nil {
		return nil
	}
	m := newModule("", src, tree, names)
	m.collect()
	m.link()
	var out []Reference
	w := &walker{scopes: m.scopes, visit: func(n syntax.Node, at place) {
		if c, ok := n.(*syntax.Call); ok && len(out) < 256 {
			out = append(out, m.loads(c, at)...)
		}
	}}
	for _, s := range tree.Body {
		w.node(s, place{m.top, tree, false})
	}
	return out
}

func (m *module) loads(c *syntax.Call, at place) (out []Reference) {
	add := func(call string, v value) {
		for _, a := range v.atoms {
			if s, ok := pathText(only(a)); ok && s != "" && !strings.Contains(s, "?") {
				out = append(out, Reference{Line: int(c.Line), Call: call, Name: s})
			}
		}
	}
	g := m.arguments(c, at.scope, nil)
	for _, a := range m.eval(c.Func, at.scope, nil).atoms {
		if l, ok := loaders[a.text]; ok && a.kind == isRef {
			add(a.text, g.at(l.index, l.name))
			return out
		}
	}
	if f, ok := c.Func.(*syntax.Attribute); ok && loaderMethods[f.Attr] {
		call := f.Attr
		for _, a := range m.eval(c.Func, at.scope, nil).atoms {
			if a.kind == isRef {
				call = a.text
			}
		}
		add(call, g.at(0, "pretrained_model_name_or_path"))
	}
	return out
}
