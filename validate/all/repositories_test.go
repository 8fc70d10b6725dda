package all_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// A repository is a folder as people publish or keep it: the files by their names.
type repository map[string][]byte

func (r repository) text(files map[string]string) repository {
	for name, content := range files {
		r[name] = []byte(content)
	}
	return r
}

func (r repository) with(more ...map[string][]byte) repository {
	out := maps.Clone(r)
	for _, m := range more {
		maps.Copy(out, m)
	}
	return out
}

// under puts files into a folder.
func under(folder string, files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, content := range files {
		out[path.Join(folder, name)] = content
	}
	return out
}

// admits holds that a repository is admitted, and that what is withheld of it are the named files.
func admits(t *testing.T, p policy.Policy, files repository, withheld ...string) {
	t.Helper()
	rep, d := validatetest.RunPolicy(t, p, all.Scanners(), files)
	if d.Verdict != validate.Admit {
		t.Fatalf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	var got []string
	for _, w := range d.Withheld {
		got = append(got, w.Path)
	}
	slices.Sort(got)
	slices.Sort(withheld)
	if !slices.Equal(got, withheld) || len(d.Admitted) != len(files)-len(withheld) {
		t.Errorf("withheld %q, want %q; admitted %q", got, withheld, d.Admitted)
	}
}

// development is what the policy of that name says about code.
func development() policy.Policy {
	p := safe()
	p.RemoteCode = policy.RemoteCodeAllow
	return p
}

const gitattributes = `*.7z filter=lfs diff=lfs merge=lfs -text
*.bin filter=lfs diff=lfs merge=lfs -text
*.safetensors filter=lfs diff=lfs merge=lfs -text
saved_model/**/* filter=lfs diff=lfs merge=lfs -text
*tfevents* filter=lfs diff=lfs merge=lfs -text
`

const card = `---
license: apache-2.0
language:
- en
- zh
tags:
- text-generation
base_model: org/base-7B
pipeline_tag: text-generation
library_name: transformers
widget:
- text: "Hello, I'm a language model,"
model-index:
- name: model
  results:
  - task: {type: text-generation}
    metrics:
    - {type: accuracy, value: 0.71}
---

# Model

` + "```python" + `
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained("org/model", torch_dtype="auto", device_map="auto", trust_remote_code=True)
` + "```" + `

| Benchmark | Score |
|---|---:|
| MMLU | 71.2 |

![plot](assets/plot.png) <p align="center"><img src="https://example.com/logo.png" width="400"/></p>
`

const license = "                                 Apache License\n                           Version 2.0, January 2004\n"

// qwenTemplate has tools, namespaces and loops, as templates of today do.
const qwenTemplate = `{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are a helpful assistant.' }}
    {%- endif %}
    {{- "\n\n# Tools\n\nYou may call one or more functions.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content.split('</think>')[-1].lstrip('\n') %}
        {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '\n<tool_call>\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}{{- tool_call.arguments | tojson }}{{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role not in ["user", "tool"] %}
        {{- raise_exception("Unexpected role: " ~ message.role) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
{%- endif %}`

func toJSON(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// tokenizer is the tokenizer of a byte-level model, in the three ways in which it is saved.
func tokenizer(words int) map[string]string {
	vocab, merges := map[string]int{}, []string{}
	add := func(s string) {
		if _, ok := vocab[s]; !ok {
			vocab[s] = len(vocab)
		}
	}
	for c := '!'; c <= 'ō'; c++ { // the letters that stand for bytes
		add(string(c))
	}
	for i := range words {
		add(fmt.Sprintf("Ġ%c%c%d", 'a'+i%26, 'a'+i/26%26, i))
		merges = append(merges, fmt.Sprintf("Ġ%c %c%d", 'a'+i%26, 'a'+i/26%26, i))
	}
	for _, s := range []string{"__class__", "os.system", "_target_", "auto_map", "../", "<script>", "{{", "{%", "import", "\u2028", "🙂", "\u202e", "py/object", "$type"} {
		add(s)
	}
	special := map[string]any{"id": len(vocab), "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
	return map[string]string{
		"vocab.json": toJSON(vocab), "merges.txt": "#version: 0.2\n" + strings.Join(merges, "\n") + "\n",
		"tokenizer.json": toJSON(map[string]any{
			"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": []any{special},
			"normalizer": map[string]any{"type": "NFC"},
			"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": []any{
				map[string]any{"type": "Split", "pattern": map[string]any{"Regex": `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}, "behavior": "Isolated", "invert": false},
				map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}}},
			"post_processor": map[string]any{"type": "TemplateProcessing", "single": []any{map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}}}, "special_tokens": map[string]any{}},
			"decoder":        map[string]any{"type": "ByteLevel", "add_prefix_space": true},
			"model":          map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": merges},
		}),
		"tokenizer_config.json": toJSON(map[string]any{
			"add_bos_token": false, "added_tokens_decoder": map[string]any{fmt.Sprint(len(vocab)): special}, "additional_special_tokens": []string{"<|im_start|>", "<|im_end|>"},
			"bos_token": nil, "chat_template": qwenTemplate, "clean_up_tokenization_spaces": false, "eos_token": "<|im_end|>", "errors": "replace",
			"model_max_length": 1e30, "pad_token": "<|endoftext|>", "split_special_tokens": false, "tokenizer_class": "Qwen2Tokenizer", "extra_special_tokens": map[string]any{},
			"name_or_path": "/home/user/checkpoints/run-3", "tokenizer_file": nil, "special_tokens_map_file": "/root/.cache/huggingface/hub/x/special_tokens_map.json",
		}),
		"special_tokens_map.json": `{"eos_token":{"content":"<|im_end|>","lstrip":false,"normalized":false,"rstrip":false,"single_word":false},"pad_token":"<|endoftext|>","additional_special_tokens":["<|im_start|>"]}`,
		"added_tokens.json":       `{"<|endoftext|>": 151643, "<|im_end|>": 151645, "</tool_call>": 151658}`,
		"chat_template.jinja":     qwenTemplate,
	}
}

const llamaConfig = `{
  "_name_or_path": "meta-llama/Meta-Llama-3-8B",
  "architectures": ["LlamaForCausalLM"],
  "attention_bias": false, "attention_dropout": 0.0,
  "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
  "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
  "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
  "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
  "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
  "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.43.0.dev0", "use_cache": true, "vocab_size": 128256,
  "quantization_config": {"_load_in_4bit": true, "bnb_4bit_compute_dtype": "bfloat16", "bnb_4bit_quant_type": "nf4", "llm_int8_skip_modules": ["lm_head"], "quant_method": "bitsandbytes"},
  "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "task_specific_params": {"summarization": {"early_stopping": true, "prefix": "summarize: "}}
}
`

const generationConfig = `{"_from_model_config": true, "bos_token_id": 128000, "do_sample": true, "eos_token_id": [128001, 128009], "temperature": 0.6, "top_p": 0.9, "transformers_version": "4.43.0"}`

// shards are two safetensors files and their index.
func shards() map[string][]byte {
	half := func(name string) []byte {
		return safetensors(fmt.Sprintf(`{"__metadata__":{"format":"pt"},"model.layers.%s.weight":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},"lm_head.%s":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`, name, name), make([]byte, 12))
	}
	return map[string][]byte{
		"model-00001-of-00002.safetensors": half("0"), "model-00002-of-00002.safetensors": half("1"),
		"model.safetensors.index.json": []byte(`{"metadata": {"total_size": 24}, "weight_map": {"model.layers.0.weight": "model-00001-of-00002.safetensors", "lm_head.0": "model-00001-of-00002.safetensors", "model.layers.1.weight": "model-00002-of-00002.safetensors", "lm_head.1": "model-00002-of-00002.safetensors"}}`),
	}
}

// transformersRepository is a language model as it is on the hub.
func transformersRepository() repository {
	r := repository{}.text(map[string]string{
		"config.json": llamaConfig, "generation_config.json": generationConfig, "README.md": card, ".gitattributes": gitattributes, "LICENSE": license, "USE_POLICY.md": "# Use\n",
		"preprocessor_config.json": `{"crop_size": 224, "do_normalize": true, "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48, 0.45, 0.40], "image_processor_type": "CLIPImageProcessor", "processor_class": "LlavaProcessor", "resample": 3, "size": {"shortest_edge": 224}}`,
	})
	return r.text(tokenizer(3000)).with(shards())
}

func TestATransformersRepository(t *testing.T) {
	r := transformersRepository().with(repository{"assets/plot.png": []byte("\x89PNG\r\n\x1a\n\x00")}.text(map[string]string{
		"original/params.json": `{"dim": 4096, "n_layers": 32, "ffn_dim_multiplier": 1.3}`, "figures/a.svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
	}))
	admits(t, safe(), r, "assets/plot.png")
	torch := write(t, `
torch.save({"model.embed_tokens.weight": torch.zeros(4, 2, dtype=torch.bfloat16), "lm_head.weight": nn.Parameter(torch.ones(2, 2))}, "pytorch_model.bin")
torch.save({k: v for k, v in nn.TransformerEncoderLayer(8, 2).state_dict().items()}, "consolidated.00.pth")
`)
	admits(t, safe(), r.with(torch), "assets/plot.png")
}

func TestADownloadHasBookkeeping(t *testing.T) {
	r := transformersRepository().text(map[string]string{
		".cache/huggingface/.gitignore": "*", ".cache/huggingface/download/config.json.metadata": "0e9e39f249a16976918f6564b8830bc894c89659\n6d4a8ecb\n1722.5\n",
		".git/HEAD": "ref: refs/heads/main\n", ".git/index": "DIRC\x00\x00\x00\x02", ".git/hooks/pre-push": "#!/bin/sh\ngit lfs pre-push \"$@\"\n", "sub/.DS_Store": "\x00\x00\x00\x01Bud1", "SHA256SUMS": "e3b0c442  model.bin\n",
		".cache/huggingface/download/model.safetensors.lock": "", ".gitignore": "__pycache__\n",
	})
	admits(t, safe(), r, ".cache/huggingface/.gitignore", ".cache/huggingface/download/config.json.metadata", ".cache/huggingface/download/model.safetensors.lock",
		".git/HEAD", ".git/index", ".git/hooks/pre-push", "sub/.DS_Store")
}

const remoteConfig = `from transformers.configuration_utils import PretrainedConfig
from transformers.utils import logging

logger = logging.get_logger(__name__)


class XConfig(PretrainedConfig):
    model_type = "x"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(self, vocab_size=32000, hidden_size=4096, rope_scaling=None, **kwargs):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.rope_scaling = rope_scaling
        super().__init__(**kwargs)
`

const remoteModel = `# Copyright 2024 The HuggingFace Inc. team. All rights reserved.
""" PyTorch X model."""
import math
import warnings
from typing import List, Optional, Tuple, Union

import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn
from torch.nn import CrossEntropyLoss
from transformers.activations import ACT2FN
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import add_start_docstrings, is_flash_attn_2_available, logging

from .configuration_x import XConfig

if is_flash_attn_2_available():
    from flash_attn import flash_attn_func, flash_attn_varlen_func
    from flash_attn.bert_padding import index_first_axis, pad_input, unpad_input  # noqa

logger = logging.get_logger(__name__)


class XRMSNorm(nn.Module):
    def __init__(self, hidden_size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.variance_epsilon = eps

    def forward(self, hidden_states):
        input_dtype = hidden_states.dtype
        hidden_states = hidden_states.to(torch.float32)
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden_states * torch.rsqrt(variance + self.variance_epsilon)).to(input_dtype)


class XPreTrainedModel(PreTrainedModel):
    config_class = XConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True

    def _init_weights(self, module):
        std = getattr(self.config, "initializer_range", 0.02)
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=std)
            if module.bias is not None:
                module.bias.data.zero_()

    def _set_gradient_checkpointing(self, module, value=False):
        if isinstance(module, XForCausalLM):
            module.gradient_checkpointing = value


class XForCausalLM(XPreTrainedModel):
    _tied_weights_keys = ["lm_head.weight"]

    def __init__(self, config: XConfig):
        super().__init__(config)
        self.norm = XRMSNorm(config.hidden_size)
        self.act = ACT2FN[getattr(config, "hidden_act", "silu")]
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def forward(self, input_ids: torch.LongTensor = None, labels: Optional[torch.LongTensor] = None, **kwargs) -> Union[Tuple, CausalLMOutputWithPast]:
        logits = self.lm_head(self.act(self.norm(input_ids))) / math.sqrt(2)
        loss = None
        if labels is not None:
            loss = CrossEntropyLoss()(logits.view(-1, self.config.vocab_size), labels.view(-1))
        return CausalLMOutputWithPast(loss=loss, logits=logits)

    @staticmethod
    def _reorder_cache(past_key_values, beam_idx):
        return tuple(tuple(s.index_select(0, beam_idx) for s in layer) for layer in past_key_values)
`

func TestARepositoryWithCodeOfItsOwn(t *testing.T) {
	r := transformersRepository().text(map[string]string{
		"config.json":      strings.Replace(llamaConfig, `"attention_bias"`, `"auto_map": {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XForCausalLM"}, "attention_bias"`, 1),
		"modeling_x.py":    remoteModel,
		"requirements.txt": "torch>=2.0\ntransformers==4.40.0\naccelerate\n# flash-attn\nsentencepiece ; python_version >= '3.8'\n", "configuration_x.py": remoteConfig,
		"usage.ipynb": toJSON(map[string]any{"cells": []any{
			map[string]any{"cell_type": "markdown", "metadata": map[string]any{}, "source": []string{"# Usage\n"}},
			map[string]any{"cell_type": "code", "execution_count": 1, "metadata": map[string]any{}, "outputs": []any{}, "source": []string{"!pip install -q transformers accelerate\n", "%matplotlib inline\n", "import torch\n", "from transformers import AutoModel\n", "model = AutoModel.from_pretrained('org/model')"}},
		}, "metadata": map[string]any{"kernelspec": map[string]any{"display_name": "Python 3", "language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}),
	})
	admits(t, safe(), r, "modeling_x.py", "configuration_x.py", "usage.ipynb")
	delete(r, "usage.ipynb")
	admits(t, development(), r)
}

func TestADiffusersRepository(t *testing.T) {
	net := func(name string) []byte {
		return safetensors(fmt.Sprintf(`{"%s.weight":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, name), make([]byte, 4))
	}
	r := repository{}.text(map[string]string{
		"model_index.json": `{"_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.27.0", "feature_extractor": [null, null], "force_zeros_for_empty_prompt": true, "image_encoder": [null, null],
  "scheduler": ["diffusers", "EulerDiscreteScheduler"], "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
  "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
  "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"], "requires_safety_checker": true}`,
		"scheduler/scheduler_config.json": `{"_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "epsilon", "set_alpha_to_one": false, "steps_offset": 1, "trained_betas": null, "use_karras_sigmas": false}`,
		"unet/config.json":                `{"_class_name": "UNet2DConditionModel", "act_fn": "silu", "addition_embed_type": "text_time", "attention_head_dim": [5, 10, 20], "block_out_channels": [320, 640, 1280], "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"], "mid_block_type": "UNetMidBlock2DCrossAttn", "sample_size": 128}`,
		"vae/config.json":                 `{"_class_name": "AutoencoderKL", "_name_or_path": "../sdxl-vae/", "act_fn": "silu", "scaling_factor": 0.13025, "force_upcast": true}`,
		"text_encoder/config.json":        `{"architectures": ["CLIPTextModel"], "hidden_act": "quick_gelu", "model_type": "clip_text_model", "torch_dtype": "float16", "projection_dim": 768}`,
		"README.md":                       card, ".gitattributes": gitattributes,
	}).with(under("tokenizer", repository{}.text(tokenizer(200))), map[string][]byte{"unet/diffusion_pytorch_model.fp16.safetensors": net("conv_in"), "vae/diffusion_pytorch_model.safetensors": net("decoder"), "text_encoder/model.safetensors": net("text_model"), "pipeline.jpg": []byte("\xff\xd8\xff\xe0")})
	admits(t, safe(), r, "pipeline.jpg")
}

func TestASentenceTransformersRepository(t *testing.T) {
	r := repository{}.text(map[string]string{
		"modules.json": `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
  {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}, {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`,
		"1_Pooling/config.json":             `{"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}`,
		"2_Dense/config.json":               `{"in_features": 384, "out_features": 128, "bias": true, "activation_function": "torch.nn.modules.activation.Tanh"}`,
		"sentence_bert_config.json":         `{"max_seq_length": 256, "do_lower_case": false}`,
		"config_sentence_transformers.json": `{"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}, "prompts": {"query": "Represent this: "}, "default_prompt_name": null, "similarity_fn_name": "cosine"}`,
		"config.json":                       `{"_name_or_path": "nreimers/MiniLM-L6-H384-uncased", "architectures": ["BertModel"], "gradient_checkpointing": false, "model_type": "bert", "position_embedding_type": "absolute"}`,
		"vocab.txt":                         "[PAD]\n[unused0]\n[CLS]\n[MASK]\n!\n\"\n#\nthe\n##ing\nא\n你\n", "README.md": card, "train_script.py": "import sys\nfrom sentence_transformers import SentenceTransformer\nmodel = SentenceTransformer(sys.argv[1])\n",
		"data_config.json": `[{"name": "stackexchange/duplicates.jsonl.gz", "lines": 10, "weight": 1}]`, "tokenizer_config.json": `{"do_lower_case": true, "tokenizer_class": "BertTokenizer", "special_tokens_map_file": null, "unk_token": "[UNK]"}`,
		"eval/similarity_evaluation_sts-dev_results.csv": "epoch,steps,cosine_pearson\n0,-1,0.86\n",
	})
	torch := write(t, `
torch.save({"linear.weight": torch.zeros(2, 2), "linear.bias": torch.zeros(2)}, "pytorch_model.bin")
`)
	r = r.with(shards(), under("2_Dense", torch))
	admits(t, safe(), r, "train_script.py")
}

func TestAnAdapterRepository(t *testing.T) {
	r := repository{}.text(map[string]string{
		"adapter_config.json": `{"alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": "meta-llama/Llama-2-7b-hf", "bias": "none", "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true, "layers_pattern": null, "loftq_config": {}, "lora_alpha": 16, "lora_dropout": 0.1, "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null, "peft_type": "LORA", "r": 64, "rank_pattern": {}, "revision": null, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", "use_rslora": false}`,
		"README.md":           card, "tokenizer_config.json": `{"tokenizer_class": "LlamaTokenizer", "legacy": false, "sp_model_kwargs": {}}`,
	})
	torch := write(t, `
torch.save({"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": torch.zeros(4, 2)}, "adapter_model.bin")
`)
	r["adapter_model.safetensors"] = safetensors(`{"__metadata__":{"format":"pt"},"base_model.model.q_proj.lora_A.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4))
	admits(t, safe(), r.with(torch))
}
