"""Classes of a program, without code of their own for how they travel: subclasses and records."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple


class Node:
    """Attributes in a dict. The label tells it from its like in a set."""

    label: int

    def __init__(self, label: int) -> None:
        self.label = label


class Slotted:
    """Attributes in slots, some of them never set."""

    __slots__ = ("label", "left", "right")

    def __init__(self, label: int) -> None:
        self.label = label


class SlottedAndDict(Slotted):
    """Both, by inheritance."""


class WithDictSlot(Slotted):
    """Both, by name; and a slot whose name is private."""

    __slots__ = ("__dict__", "__private")

    def __init__(self, label: int) -> None:
        super().__init__(label)
        self.__private = [label]


@dataclass
class Record:
    """Equal by its fields, and so not to be hashed."""

    label: int
    first: Any = None
    second: Any = None


@dataclass(frozen=True)
class Frozen:
    """Hashed by its fields, which are there only when it is complete."""

    label: int
    first: Any = None


@dataclass(frozen=True, slots=True)
class FrozenSlotted:
    label: int
    first: Any = None


class Point(NamedTuple):
    """A tuple with names."""

    x: Any
    y: Any


class Int(int):
    """Has a dict of its own, as the next ones do."""


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


class List(list[Any]):
    pass


class SlottedList(list[Any]):
    __slots__ = ("label", "left", "right")


class Dict(dict[Any, Any]):
    pass


class SlottedDict(dict[Any, Any]):
    __slots__ = ("label", "left", "right")


class Tuple(tuple[Any, ...]):
    pass


class BareTuple(tuple[Any, ...]):
    __slots__ = ()


class Set(set[Any]):
    pass


class Frozenset(frozenset[Any]):
    pass


class Ordered(OrderedDict[Any, Any]):
    pass


class Tally(Counter[Any]):
    pass


class Default(defaultdict[Any, Any]):
    pass


class Deque(deque[Any]):
    pass


class Date(datetime.date):
    pass


class Moment(datetime.datetime):
    pass


class Clock(datetime.time):
    pass


class Duration(datetime.timedelta):
    pass


class Number(decimal.Decimal):
    pass


class Identifier(uuid.UUID):
    """UUID allows no attribute to be set."""


class Where(pathlib.PurePosixPath):
    pass


class Shift(datetime.tzinfo):
    """A time zone of a program's own."""

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes

    def utcoffset(self, when: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(minutes=self.minutes)

    def dst(self, when: datetime.datetime | None) -> None:
        return None

    def tzname(self, when: datetime.datetime | None) -> str:
        return f"shift {self.minutes}"


class Colour(enum.Enum):
    RED = "red"
    GREEN = ("a", "tuple")


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 2**70


class Word(enum.StrEnum):
    YES = "yes"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Mode(enum.IntFlag):
    A = 1
    B = 2


class Outer:
    """A class that is found through another one."""

    class Inner(Node):
        pass

    class Choice(enum.Enum):
        ONE = 1


class Failure(Exception):
    """Restored from its args; attributes and notes are in its dict."""


class Two(Failure, KeyError):
    pass


def by_name() -> None:
    """A function, which travels by its name."""
