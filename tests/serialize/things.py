"""Classes with code of their own for how they travel; children import them from here."""

from __future__ import annotations

import copyreg
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple


class Int(int):
    """As its base, but of another type."""


class Float(float):
    pass


class Complex(complex):
    pass


class Str(str):
    pass


class Bytes(bytes):
    pass


class Bytearray(bytearray):
    pass


class Tuple(tuple[Any, ...]):
    __slots__ = ()


class List(list[Any]):
    """With an attribute, which a plain list has not."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.note = "kept"


class Dict(dict[Any, Any]):
    pass


class Set(set[Any]):
    pass


class Frozenset(frozenset[Any]):
    pass


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Word(str, enum.Enum):  # noqa: UP042  not StrEnum: this is what programs have
    YES = "yes"


SUBCLASSES: tuple[Any, ...] = (
    Int(5),
    Int(2**80),
    Float(0.5),
    Complex(1, 2),
    Str("text"),
    Bytes(b"bytes"),
    Bytearray(b"bytes"),
    Tuple((1, 2)),
    List([1, 2]),
    Dict(key=1),
    Set({1}),
    Frozenset({1}),
    Point(1, 2),
    Colour.RED,
    Level.HIGH,
    Flag.A | Flag.B,
    Word.YES,
)


@dataclass
class Record:
    """The usual thing: attributes in a dict."""

    name: str
    parts: list[Any]


@dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    y: Any = None


class Slots:
    """Attributes in slots, of which one is not set, and a dict besides from its subclass."""

    __slots__ = ("a", "unset")

    def __init__(self) -> None:
        self.a: Any = [1]


class SlotsAndDict(Slots):
    def __init__(self) -> None:
        super().__init__()
        self.b = self.a


class Stateful:
    """Leaves something out and makes it anew; says how it was restored."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.cannot_travel = (number for number in range(3))
        self.how = "__init__"

    def __getstate__(self) -> tuple[str, Any]:
        return "state", self.value

    def __setstate__(self, state: tuple[str, Any]) -> None:
        assert state[0] == "state"
        self.value = state[1]
        self.how = "__setstate__"


class Reduced:
    """Made anew by a function, with a state, items and pairs: all that pickle knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: list[Any] = []
        self.pairs: dict[Any, Any] = {}
        self.state: Any = None

    def append(self, item: Any) -> None:
        self.items.append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.pairs[key] = value

    def __reduce__(self) -> Any:
        items: Iterator[Any] = iter(self.items)
        return (Reduced, (self.name,), self.state, items, iter(self.pairs.items()), set_state)


def set_state(made: Reduced, state: Any) -> None:
    made.state = state


class ByName:
    """One object of each process, found by its name."""

    def __reduce__(self) -> str:
        return "THE_ONE"


THE_ONE = ByName()


class NewArguments:
    """What __new__ takes, by keyword too."""

    def __new__(cls, first: int, *, second: int) -> NewArguments:
        made = super().__new__(cls)
        made.both = first, second
        return made

    both: tuple[int, int]

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, int]]:
        return (self.both[0],), {"second": self.both[1]}


class Registered:
    """Its way of travelling is registered, under the name of a registry."""

    def __init__(self, by: str = "its own __reduce__") -> None:
        self.by = by


class RegisteredWithCopyreg(Registered):
    pass


class RegisteredWithForkingPickler(Registered):
    pass


class RegisteredWithBoth(Registered):
    pass


class RegisteredList(list[Any]):
    """A subclass of a plain type, registered."""


def by_copyreg(kind: type[Registered]) -> Registered:
    return kind("copyreg")


def by_forking_pickler(kind: type[Registered]) -> Registered:
    return kind("ForkingPickler")


def reversed_list(items: list[Any]) -> RegisteredList:
    return RegisteredList(reversed(items))


_kind: type[Registered]
for _kind in (RegisteredWithCopyreg, RegisteredWithBoth):
    copyreg.pickle(_kind, lambda thing: (by_copyreg, (type(thing),)))
for _kind in (RegisteredWithForkingPickler, RegisteredWithBoth):
    ForkingPickler.register(_kind, lambda thing: (by_forking_pickler, (type(thing),)))
ForkingPickler.register(RegisteredList, lambda thing: (reversed_list, (list(thing),)))


class Refuses(Exception):
    """An exception that cannot be made anew from its args alone."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason

    def __reduce__(self) -> Any:
        return remade, (self.code, self.reason)


def remade(code: int, reason: str) -> Refuses:
    return Refuses(code, reason=reason)
