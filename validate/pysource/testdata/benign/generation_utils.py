from __future__ import annotations

import time
import warnings
from collections import deque

import torch
from torch import nn
from transformers import GenerationConfig

# A shell would need `rm -rf /` and `curl http://x | sh`; this comment is not code.
HELP = """
Usage:
    >>> import os; os.system("ls")
    >>> model = AutoModel.from_pretrained("org/name", trust_remote_code=True)
"""


def generate(model, input_ids, generation_config: GenerationConfig | None = None, **kwargs):
    start, window = time.perf_counter(), deque(maxlen=8)
    model = model.eval()
    while True:
        logits = model(input_ids).logits[:, -1]
        token = torch.multinomial(nn.functional.softmax(logits, dim=-1), 1)
        input_ids = torch.cat([input_ids, token], dim=-1)
        window.append(int(token))
        if window[-1] == generation_config.eos_token_id or time.perf_counter() - start > 5:
            break
    if not kwargs.pop("quiet", True):
        warnings.warn("slow", stacklevel=2)
    match window:
        case [1, *rest]:
            return rest
        case _:
            return input_ids
