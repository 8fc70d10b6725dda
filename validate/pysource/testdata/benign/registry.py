from collections import OrderedDict
from importlib import import_module
from typing import Callable

_MODELS: "OrderedDict[str, Callable]" = OrderedDict()


def register_model(fn):
    _MODELS[fn.__name__] = fn
    globals()[fn.__name__] = fn
    return fn


def create_model(name, **kwargs):
    if name not in _MODELS:
        raise KeyError(name)
    return _MODELS[name](**kwargs)


@register_model
def tiny(**kwargs):
    from .modeling_tiny import Tiny
    return Tiny(**kwargs)


__all__ = ["register_model", "create_model"] + list(_MODELS)


def lazy(name):
    return import_module(f".{name}", __package__)
