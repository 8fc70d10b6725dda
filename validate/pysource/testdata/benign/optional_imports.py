import importlib
import importlib.metadata
import importlib.util
from functools import lru_cache

from packaging import version

try:
    import xformers.ops as xops
    HAS_XFORMERS = True
except ImportError:
    xops = None
    HAS_XFORMERS = False

try:
    from apex.normalization import FusedRMSNorm as RMSNorm
except Exception:
    from torch.nn import LayerNorm as RMSNorm

try:
    from flash_attn import flash_attn_func
    from flash_attn.layers.rotary import apply_rotary_emb_func
    from flash_attn.ops.rms_norm import rms_norm
except ImportError as e:
    flash_attn_func, rms_norm = None, None

try:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    from causal_conv1d import causal_conv1d_fn
except ImportError:
    selective_scan_fn = causal_conv1d_fn = None


@lru_cache()
def is_available(name: str, minimum: str) -> bool:
    if importlib.util.find_spec(name) is None:
        return False
    return version.parse(importlib.metadata.version(name)) >= version.parse(minimum)


def fa3():
    return importlib.import_module("flash_attn_interface")


for package in ("flash_attn", "xformers"):
    try:
        importlib.import_module(package)
    except ImportError:
        pass
