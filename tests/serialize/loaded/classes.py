"""Classes with each hook that `pickle` knows, as programs write them."""

from __future__ import annotations

import copyreg
import enum
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Box(Generic[T]):
    """Generic, with an attribute."""

    def __init__(self, content: T) -> None:
        self.content = content


class Outer:
    class Inner:
        """Found by a dotted name."""

        def __init__(self, value: int) -> None:
            self.value = value

    class Kind(enum.Enum):
        ONE = 1


class State:
    """`__getstate__` and `__setstate__`."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __getstate__(self) -> tuple[str, int]:
        return "state", self.value

    def __setstate__(self, state: tuple[str, int]) -> None:
        self.value = state[1]


class StateOnly:
    """`__getstate__` alone."""

    def __init__(self) -> None:
        self.kept, self.cache = 1, 2

    def __getstate__(self) -> dict[str, int]:
        return {"kept": self.kept}


class FalseState:
    """A state that is false, for which no `__setstate__` is called."""

    def __getstate__(self) -> dict[str, int]:
        return {}


class Arguments:
    """`__getnewargs__`."""

    def __new__(cls, first: int, second: int) -> Arguments:
        made = super().__new__(cls)
        made.both = (first, second)
        return made

    both: tuple[int, int]

    def __getnewargs__(self) -> tuple[int, int]:
        return self.both


class ReducedEx:
    """`__reduce_ex__`, which knows the protocol."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce_ex__(self, protocol: Any) -> Any:
        return ReducedEx, (self.value,)


class ReducedToClassmethod:
    """`__reduce__` to an alternative constructor."""

    value: int

    @classmethod
    def of(cls, value: int) -> ReducedToClassmethod:
        made = cls()
        made.value = value
        return made

    def __reduce__(self) -> Any:
        return ReducedToClassmethod.of, (self.value,)


class Cells:
    """Items and pairs, by `append` and `__setitem__` of its own."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.pairs: dict[Any, Any] = {}

    def append(self, item: Any) -> None:
        self.items.append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.pairs[key] = value

    def __reduce__(self) -> Any:
        return Cells, (), None, iter(self.items), iter(self.pairs.items())


class Slots:
    __slots__ = ("__private", "first", "unset")

    def __init__(self) -> None:
        self.first: Any = [1]
        self.__private = 2


class MoreSlots(Slots):
    __slots__ = ("second",)

    def __init__(self) -> None:
        super().__init__()
        self.second = self.first


class SlotsAndDict(Slots):
    def __init__(self) -> None:
        super().__init__()
        self.other = 3


class ByCopyreg:
    def __init__(self, value: int) -> None:
        self.value = value


def made_by_copyreg(value: int) -> ByCopyreg:
    return ByCopyreg(value)


copyreg.pickle(ByCopyreg, lambda thing: (made_by_copyreg, (thing.value,)))


@dataclass
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FrozenPoint:
    x: int
    y: int = 0


@dataclass(slots=True)
class SlottedPoint:
    x: int
    y: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    part: str
    number: int


class Failure(Exception):
    """An exception with attributes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code, self.hint = code, "hint"


class Node:
    """May contain itself."""

    def __init__(self) -> None:
        self.next: Any = self
        self.children: list[Any] = [self]


def function(first: int = 1) -> int:
    return first


def noted(error: Exception) -> Exception:
    """With a note, as a traceback shows it."""
    error.add_note("a note")
    return error


def looped() -> list[Any]:
    """A list and a dict in each other."""
    made: list[Any] = [{}]
    made[0]["list"] = made
    return made


def nested(depth: int) -> list[Any]:
    """Lists in lists."""
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made
