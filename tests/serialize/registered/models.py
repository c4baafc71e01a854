"""Registered classes of every shape, at the top of a module so that every process has them."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, Literal, NamedTuple, Optional

import attrs
import msgspec
import pydantic

import interlock


@interlock.serializable
class Plain:
    """Attributes of its own, some of them with types."""

    number: int

    def __init__(self, number: int, **more: Any) -> None:
        self.number = number
        self.__dict__.update(more)


@interlock.serializable
class Slotted:
    __slots__ = ("__private", "first", "second")

    def __init__(self, first: Any, second: Any, private: Any = None) -> None:
        self.first, self.second, self.__private = first, second, private

    @property
    def private(self) -> Any:
        return self.__private


@interlock.serializable
@dataclasses.dataclass
class Row:
    id: int
    name: str = ""
    tags: list[str] = dataclasses.field(default_factory=list)
    next: Optional[Row] = None  # noqa: UP045
    kind: Literal["a", "b"] = "a"
    weight: float = 0.0


@interlock.serializable
@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    x: int
    y: tuple[int, ...] = ()


@interlock.serializable(validate="__post_init__")
@dataclasses.dataclass
class Account:
    balance: int

    def __post_init__(self) -> None:
        if self.balance < 0:
            raise ValueError("a balance is not negative")


@interlock.serializable
class Pair(NamedTuple):
    left: int
    right: Any


@interlock.serializable
class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"
    BOTH = (1, 2)


@interlock.serializable
class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Unregistered(enum.Enum):
    ONE = 1


def _positive(_: Any, attribute: Any, value: int) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be positive")


@interlock.serializable
@attrs.define
class Sized:
    size: int = attrs.field(validator=_positive)
    label: str = "none"


@interlock.serializable
class Struct(msgspec.Struct):
    id: int
    rows: list[Row] = []


@interlock.serializable
class Model(pydantic.BaseModel):
    id: int
    names: list[str] = []


@interlock.serializable
class Stateful:
    """By its own __getstate__ and __setstate__."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.cache = object()

    def __getstate__(self) -> int:
        return self.value

    def __setstate__(self, state: int) -> None:
        self.value = state
        self.cache = "made anew"


class Foreign:
    """As another library's would be."""

    def __init__(self, cents: Any) -> None:
        self.cents = cents


def _foreign(state: Any) -> Foreign:
    if type(state) is not int:
        raise KeyError("no number of cents")
    return Foreign(state)


interlock.register(Foreign, encode=lambda foreign: foreign.cents, decode=_foreign, name="foreign")


SAMPLES: tuple[Any, ...] = (
    Plain(1, other=[2, "three"]),
    Slotted(1, [2], {"private": 3}),
    Row(1, "a", ["x"], Row(2), "b", 1),
    Fixed(1, (2, 3)),
    Account(5),
    Pair(1, [2]),
    Colour.RED,
    Colour.BLUE,
    Colour.BOTH,
    Access.READ | Access.WRITE,
    Sized(3, "s"),
    Struct(1, [Row(2)]),
    Model(id=1, names=["n"]),
    Stateful(7),
    Foreign(250),
)


def state_of(made: Any) -> Any:
    """What is compared: the object itself where it compares by value, else its attributes."""
    if isinstance(made, Plain | Stateful | Foreign):
        return {key: value for key, value in vars(made).items() if key != "cache"}
    if isinstance(made, Slotted):
        return made.first, made.second, made.private
    return made
