import copy
import inspect

import torch
import torch.nn as nn
import torch.nn.functional as F


def get_activation(name):
    return getattr(F, name)


def get_layer(kind, *args):
    cls = getattr(nn, kind)
    return cls(*args)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        dtype = getattr(torch, config.torch_dtype) if isinstance(config.torch_dtype, str) else config.torch_dtype
        self.register_buffer("inv_freq", torch.ones(2, dtype=dtype), persistent=False)
        for attr in ("a", "b"):
            if hasattr(config, attr):
                setattr(self, attr, getattr(config, attr))
        for key, value in vars(config).items():
            self.__dict__[key] = value

    def copy(self):
        cls = self.__class__
        other = cls.__new__(cls)
        other.__dict__.update(self.__dict__)
        return copy.deepcopy(other)

    def accepts(self, fn):
        names = set(inspect.signature(fn).parameters.keys())
        return "attention_mask" in names or type(self).__name__ in names

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.wrapped, name)

    def extra_repr(self):
        return f"{self.__class__.__name__}, {self.__class__.__mro__[1].__name__}"
