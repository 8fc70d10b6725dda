import logging
import os
from pathlib import Path

import torch
import torch.nn as nn

logger = logging.getLogger(__name__)
LEVEL = {"debug": logging.DEBUG}.get(os.environ.get("LOGLEVEL", "info").lower(), logging.INFO)
logging.basicConfig(level=LEVEL, format="%(asctime)s %(name)s %(message)s", handlers=[logging.StreamHandler()])


def cache_dir():
    base = os.environ.get("TINY_CACHE") or os.path.join(os.path.dirname(__file__), "cache")
    return os.path.realpath(base)


class TimeMix(nn.Module):
    def __init__(self, n):
        super().__init__()
        with torch.no_grad():
            self.decay = nn.Parameter(torch.tensor([-5 + 8 * (h / (n - 1)) ** 0.7 for h in range(n)]))
        self.register_load_state_dict_post_hook(lambda module, keys: None)

    def forward(self, x):
        try:
            return torch.exp(-torch.exp(self.decay)) * x
        except RuntimeError as e:
            logger.error("failed: %s", e, exc_info=True)
            raise RuntimeError("forward") from e
