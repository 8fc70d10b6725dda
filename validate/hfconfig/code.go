package hfconfig

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// code judges a reference "file.Class", "repository--file.Class" of auto_map.
func (j *judge) code(ref string, off int64) {
	if repo, rest, foreign := strings.Cut(ref, "--"); foreign {
		j.p.Report(foreignCode, off, "auto_map: %s of repository %s", quote([]byte(rest)), quote([]byte(repo)))
		return
	}
	if !reference.MatchString(ref) {
		j.p.Report(foreignCode, off, "auto_map: %s", quote([]byte(ref)))
		return
	}
	if j.count++; j.count <= 16 {
		file, class, _ := strings.Cut(ref, ".")
		j.p.Report(autoMap, off, "class %s in %s", quote([]byte(class)), quote([]byte(file+".py")))
	}
}

var (
	reference = lazyre.New(`^\w+(\.\w+)*$`)                 // of a file beside the configuration
	plainName = lazyre.New(`^[A-Za-z][\w-]*$`)              // of a class or a method that a library has a table of
	dotted    = lazyre.New(`^[A-Za-z]\w*(\.[A-Za-z]\w*)*$`) // without private parts
	// Modules of sentence-transformers, by the packages that hold them.
	sentenceModule = lazyre.New(`^sentence_transformers(\.(models|base|modules|sparse_encoder|cross_encoder|sentence_transformer))*(\.[A-Za-z]\w*)?\.[A-Z]\w*$`)
	// Its tokenizers of words, which wordembedding_config.json names by their import path.
	wordTokenizer = lazyre.New(`^sentence_transformers\.models\.tokenizer(\.[A-Z]\w*){1,2}$`)
	// Activation functions that configurations name by their import path.
	activation = lazyre.New(`^torch\.nn\.(modules\.(activation|linear)\.)?[A-Z]\w*$`)
	// Libraries whose classes an adapter may extend. A name below transformers_modules is code of a model.
	adapterLibrary = lazyre.New(`^(transformers|diffusers|timm|sentence_transformers|peft)(\.models)?(\.[a-z]\w*(\.(modeling|configuration|tokenization)_\w+)?)?$|^torch\.nn\.modules(\.[a-z]\w*)?$`)
)

// Keys whose value a library looks up in a table of its own.
var classKeys = []string{"_class_name", "architectures", "processor_class", "tokenizer_class", "slow_tokenizer_class", "fast_tokenizer_class", "image_processor_type", "image_processor_class",
	"feature_extractor_type", "feature_extractor_class", "video_processor_type", "audio_processor_type", "base_model_class", "config_class", "quant_method", "peft_type", "model_type", "backend_tokenizer_class"}

// named judges a string by the key next to it.
func (j *judge) named(key, value []byte, off int64) {
	text := string(value)
	switch k := string(key); {
	case k == "parent_library":
		if !adapterLibrary.MatchString(text) {
			j.p.Report(foreignCode, off, "parent_library: %s", quote(value))
		}
	case k == "megatron_core": // peft imports it
		if text != "" && text != "megatron.core" {
			j.p.Report(foreignCode, off, "megatron_core: %s", quote(value))
		}
	case k == "custom_generate", k == "custom_generate_repo":
		j.p.Report(foreignCode, off, "%s: %s", k, quote(value))
	case slices.Contains(classKeys, k):
		if text != "" && !plainName.MatchString(text) && !(k == "tokenizer_class" && wordTokenizer.MatchString(text)) && !(k == "model_type" && strings.Trim(text, "._-") == text && !strings.ContainsAny(text, `/\:`)) {
			j.p.Report(className, off, "%s: %s", k, quote(value))
		}
	case k == "activation_fn", k == "activation_function", k == "sbert_ce_default_activation_function", k == "hidden_act":
		if strings.ContainsAny(text, ".()[]_/") && !plainName.MatchString(text) && !activation.MatchString(text) {
			j.p.Report(foreignCode, off, "%s: %s", k, quote(value))
		}
	case k == "torch_dtype", k == "dtype":
		if j.configuration() && text != "" && !dotted.MatchString(text) && !strings.ContainsAny(text[:1], "<>|=") {
			j.p.Report(className, off, "%s: %s", k, quote(value))
		}
	}
}

// The first name of a component in diffusers' model_index.json: a library, or one of the library's own
// pipeline packages (loading_utils and pipelines/ of diffusers).
var componentLibraries = []string{"diffusers", "transformers", "onnxruntime.training", "stable_diffusion", "stable_diffusion_safe",
	"latent_diffusion", "paint_by_example", "unclip", "versatile_diffusion", "alt_diffusion", "audioldm2", "deepfloyd_if",
	"wuerstchen", "kandinsky", "shap_e", "spectrogram_diffusion", "stable_cascade", "flux", "wan", "stable_audio", "kolors", "ltx", "optimum.onnxruntime", "optimum.intel", "flax"}

// listed judges the two indexes whose entries are import paths: diffusers' components and
// sentence-transformers' modules.
func (j *judge) listed(stack []jsonwalk.Frame, value string, off int64) {
	switch j.base {
	case "model_index.json", "modular_model_index.json":
		top := len(stack) - 1
		if stack[top].Object || top < 1 || string(stack[top-1].Key) == "_diffusers_version" {
			return
		}
		switch i := stack[top].Index; {
		case i == 0 && !slices.Contains(componentLibraries, value):
			j.p.Report(customPipeline, off, "%s comes from module %s", quote(stack[top-1].Key), quote([]byte(value)))
		case i == 1 && !dotted.MatchString(value):
			j.p.Report(className, off, "%s is class %s", quote(stack[top-1].Key), quote([]byte(value)))
		}
	case "router_config.json", "config.json": // of a module that chooses between others
		if n := len(stack); n >= 2 && string(stack[0].Key) == "types" && strings.Contains(value, ".") && !sentenceModule.MatchString(value) {
			j.p.Report(foreignCode, off, "module type %s", quote([]byte(value)))
		}
	case "modules.json":
		if string(nearest(stack)) == "type" && !sentenceModule.MatchString(value) {
			j.p.Report(foreignCode, off, "module type %s", quote([]byte(value)))
		}
	}
}
