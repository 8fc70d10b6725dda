# coding=utf-8
"""A decoder like many: rotary embedding, grouped attention, optional flash attention. eval(), exec() and os.system
are only words here."""
import importlib.util
import math
import warnings
from typing import List, Optional, Tuple, Union

import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn
from torch.nn import CrossEntropyLoss
from transformers import PreTrainedModel, GenerationMixin
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.utils import add_start_docstrings, is_flash_attn_2_available, logging

from .configuration_tiny_llama import TinyLlamaConfig

if is_flash_attn_2_available():
    from flash_attn import flash_attn_func, flash_attn_varlen_func
    from flash_attn.bert_padding import index_first_axis, pad_input, unpad_input

if importlib.util.find_spec("flash_attn") is not None:
    FLASH = True
else:
    FLASH = False

try:
    from einops import rearrange
except ImportError:
    rearrange = None

logger = logging.get_logger(__name__)
_CONFIG_FOR_DOC = "TinyLlamaConfig"


class TinyNorm(nn.Module):
    def __init__(self, hidden_size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.variance_epsilon = eps

    def forward(self, x):
        dtype = x.dtype
        x = x.to(torch.float32)
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)).to(dtype)


def rotate_half(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


class TinyAttention(nn.Module):
    def __init__(self, config: TinyLlamaConfig, layer_idx: Optional[int] = None):
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        if layer_idx is None:
            logger.warning_once(f"{self.__class__.__name__} without layer_idx")
        self.num_heads = getattr(config, "num_attention_heads", 8)
        self.scale = math.sqrt(getattr(config, "head_dim", None) or config.hidden_size // self.num_heads)
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(config.hidden_size, config.hidden_size, bias=False))

    def forward(self, hidden_states, attention_mask=None, **kwargs):
        if "padding_mask" in kwargs:
            warnings.warn("padding_mask is deprecated")
        q = self.q_proj(hidden_states)
        k, v = self.k_proj(hidden_states), self.v_proj(hidden_states)
        w = F.softmax(q @ k.transpose(-1, -2) / self.scale, dim=-1, dtype=torch.float32).to(q.dtype)
        return torch.matmul(w, v), w


ATTENTION_CLASSES = {"eager": TinyAttention, "sdpa": TinyAttention}


class TinyPreTrainedModel(PreTrainedModel):
    config_class = TinyLlamaConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["TinyAttention"]

    def _init_weights(self, module):
        std = self.config.initializer_range
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=std)


class TinyModel(TinyPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = nn.ModuleList([ATTENTION_CLASSES[config._attn_implementation](config, i) for i in range(config.num_hidden_layers)])
        self.norm = TinyNorm(config.hidden_size)
        self.act = ACT2FN[config.hidden_act]
        self.gradient_checkpointing = False
        self.post_init()

    def forward(self, input_ids: torch.LongTensor = None, use_cache: Optional[bool] = None) -> Union[Tuple, BaseModelOutputWithPast]:
        if self.gradient_checkpointing and self.training and use_cache:
            use_cache = False
        h = self.embed_tokens(input_ids)
        for layer in self.layers:
            h, _ = layer(h)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(h))


class TinyForCausalLM(TinyPreTrainedModel, GenerationMixin):
    _tied_weights_keys = ["lm_head.weight"]

    def __init__(self, config):
        super().__init__(config)
        self.model = TinyModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @torch.no_grad()
    def chat(self, tokenizer, query: str, history: List = None, system: str = "You are helpful"):
        self.model.eval()
        inputs = tokenizer([query], return_tensors="pt").to(self.device)
        return tokenizer.decode(self.generate(**inputs)[0])
