"""Sets options and attributes of its own objects only."""
import types

import PIL.Image
import torch
from torch import nn

PIL.Image.MAX_IMAGE_PIXELS = None


def bind(model):
    def forward(self, x):
        return self.inner(x)

    model.forward = types.MethodType(forward, model)
    model.config.use_cache = False
    model.__class__.__doc__ = "text"
    for p in model.parameters():
        p.requires_grad = False
        p.data = p.data.float()
    return model


class Tied(nn.Linear):
    def __setattr__(self, k, v):
        super().__setattr__(k, v)


Tied.extra = 3
handle = nn.Linear(1, 1).register_forward_hook(lambda m, i, o: o)
handle.remove()
