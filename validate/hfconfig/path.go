package hfconfig

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/modelpath"
)

// Keys whose value a loader opens: tokenizers get their files so from tokenizer_config.json, timm and open_clip their
// weights, sentence-transformers its modules, onnxruntime-genai its graphs.
var opened = []string{"vocab_file", "merges_file", "tokenizer_file", "spm_file", "sp_model_file", "sentencepiece_model_file", "vocab_path", "source_spm", "target_spm", "source_vocab",
	"target_vocab", "bpe_file", "bpe_codes", "bpe_codes_file", "emoji_file", "entity_vocab_file", "monolingual_vocab_file", "full_tokenizer_file", "added_tokens_file", "chat_template_file",
	"word_shape_file", "word_pronunciation_file", "weights_file", "sudachi_config_path", "mecab_dic",
	"template_path", "prefix_path", "suffix_path", "example_prompt_path", "prompt_path", "llm_path", "llm_chain_path", // prompts of LangChain
	"jinja_file", "lm_path", "tokenizer_files"}

// Keys that are as common in records of a training, where nobody opens them, and so count in configurations only.
var openedInConfigurations = []string{"file", "filename", "weight_file", "model_file", "checkpoint_file", "config_file", "dict_file", "dict_path", "template_file", "external_data", "safetensors_file"}

// Keys whose value is native code that a loader loads.
var loaded = []string{"custom_ops_library", "custom_op_library", "custom_ops_library_path", "custom_op_library_path", "model_lib", "model_lib_path", "model_lib_local", "lib_path", "shared_library",
	"plugin_path", "plugin_library", "ep_library_path", "ep_library"}

// Where a configuration's writer leaves the path it happened to have; no loader opens these.
var informational = []string{"_name_or_path", "name_or_path", "base_model_name_or_path", "model_name_or_path", "tokenizer_name_or_path", "special_tokens_map_file"}

// file judges a string whose key says that a loader opens or loads it.
func (j *judge) file(key, value []byte, off int64) {
	k, text := string(key), string(value[:min(len(value), 4096)])
	switch {
	case slices.Contains(loaded, k):
		if text != "" {
			j.p.Report(native, off, "%s: %s", k, quote(value))
		}
	case text == "" || slices.Contains(informational, k):
	case slices.Contains(opened, k), j.configuration() && slices.Contains(openedInConfigurations, k), j.base == "modules.json" && k == "path",
		j.base == "tokenizer_config.json" && (strings.HasSuffix(k, "_file") || strings.HasSuffix(k, "_files")): // arguments of the tokenizer
		if why := leaves(text); why != "" {
			j.p.Report(outsidePath, off, "%s: %s %s", quote(key), quote(value), why)
		}
	}
}

// configuration reports whether the file is one that libraries load a model by, not a record of its training.
func (j *judge) configuration() bool {
	return strings.HasSuffix(j.base, "config.json") || slices.Contains([]string{"model_index.json", "modules.json", "params.json", "special_tokens_map.json"}, j.base)
}

// leaves says why a path does not stay in the folder that it is relative to, on any system, or is a URL. Numbers and
// words that are no paths stay.
func leaves(s string) string {
	if s == "" || strings.HasPrefix(s, "./") && len(s) == 2 {
		return ""
	}
	drive := len(s) >= 2 && s[1] == ':' && ('a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
	slashed := strings.ReplaceAll(s, `\`, "/")
	switch {
	case strings.Contains(s, "://") || strings.HasPrefix(strings.ToLower(s), "file:"):
		return "is a URL"
	case strings.HasPrefix(slashed, "/"), drive, s[0] == '~', slices.Contains(strings.Split(slashed, "/"), ".."):
		return "leads outside the model"
	case strings.ContainsAny(s, "/\\") && !strings.HasSuffix(s, "/"):
		return modelpath.Outside(s)
	}
	return ""
}
