from typing import TYPE_CHECKING

from transformers.utils import OptionalDependencyNotAvailable, _LazyModule, is_torch_available

from . import configuration_tiny_llama
from .configuration_tiny_llama import *
from .modeling_tiny_llama import TinyForCausalLM, TinyModel

__version__ = "0.1.0"
__all__ = ["TinyForCausalLM", "TinyModel"]
