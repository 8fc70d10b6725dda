from __future__ import annotations

import enum
import typing as t
from typing import TYPE_CHECKING, Annotated, Generic, NamedTuple, Protocol, TypedDict, TypeVar, overload

import torch
from typing_extensions import Self

if TYPE_CHECKING:
    from .other import Thing

T = TypeVar("T", bound="torch.nn.Module")


class Kind(str, enum.Enum):
    SYSTEM = "system"
    USER = "user"


class Sizes(NamedTuple):
    hidden: int
    heads: int = 4


class Config(TypedDict, total=False):
    kind: Kind


class Runs(Protocol):
    def run(self, x: torch.Tensor) -> torch.Tensor: ...


class Box(Generic[T]):
    @overload
    def get(self, k: int) -> T: ...
    @overload
    def get(self, k: str) -> Thing: ...
    def get(self, k): return self.__dict__[str(k)]
    def __enter__(self) -> Self: return self
    def __exit__(self, *exc): return False
    def __class_getitem__(cls, item): return super().__class_getitem__(item)
    def __init_subclass__(cls, **kw): super().__init_subclass__(**kw)
