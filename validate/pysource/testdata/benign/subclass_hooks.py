import torch
from torch.nn.modules.module import _IncompatibleKeys


class Mixin:
    registry = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Mixin.registry[cls.__name__] = cls

    def __reduce__(self):
        return self.__class__, (self.name,)

    def __getitem__(self, k):
        return self.__dict__[k]

    def load_state_dict(self, state, strict=True):
        missing = [k for k in self.state_dict() if k not in state]
        return _IncompatibleKeys(missing, [])

    def _load_from_state_dict(self, state_dict, prefix, *args):
        state_dict = {k.replace("gamma", "weight"): v for k, v in state_dict.items()}
        super()._load_from_state_dict(state_dict, prefix, *args)


class Meta(type):
    def __new__(mcs, name, bases, ns, **kw):
        return super().__new__(mcs, name, bases, ns)

    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class Thing(Mixin, metaclass=Meta):
    name = "thing"
    __slots__ = ()

    def __iter__(self):
        yield from vars(self).items()
