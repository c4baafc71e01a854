"""What hostile pickles try to reach or to change, and whether one of them did.

Ordinary classes and functions, as a program has them and may allow them by name. A payload that
reaches code makes a file in the current folder, or rings the bell here; one that changes what it
did not make changes the traces.
"""

from __future__ import annotations

import collections
import copyreg
import decimal
import enum
import fractions
import functools
import ipaddress
import os
import pathlib
import sys
import uuid
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import mkdir  # an alias, which a list may have by mistake
from typing import Any

MODULE = __name__
LANDMINE = "tests.hostile.landmine"
EXTENSIONS = {"EXT1": 0x7E, "EXT2": 0x7E7E, "EXT4": 0x7E7E7E}
_bell: list[Any] = []


def ring(*args: Any, **kwargs: Any) -> None:
    """The canary: nobody allows it."""
    _bell.append((args, kwargs))


class RingsInNew:
    """A class that nobody allows, with code in each of its hooks."""

    def __new__(cls, *args: Any, **kwargs: Any) -> RingsInNew:
        ring()
        return super().__new__(cls)


class RingsInInit:
    def __init__(self, *args: Any) -> None:
        ring()


class RingsInSetstate:
    def __setstate__(self, state: Any) -> None:
        ring()


class RingsInAppend:
    def append(self, item: Any) -> None:
        ring()

    def __setitem__(self, key: Any, value: Any) -> None:
        ring()

    def add(self, item: Any) -> None:
        ring()


class RingsInHash:
    def __hash__(self) -> int:
        ring()
        return 1


def ordinary(first: int = 1, *, second: int = 2) -> int:
    """An ordinary function, which is allowed."""
    return first + second


class Plain:
    """An ordinary class, which is allowed."""

    kind = "plain"

    def method(self) -> str:
        return "as written"

    @classmethod
    def append(cls, item: Any) -> None:
        """A class with a method of a list's name; called on the class it would count."""
        _bell.append(item)


class Other:
    """Another, of the same layout."""

    def method(self) -> str:
        return "of another class"


class Slotted:
    __slots__ = ("first", "second")


@dataclass
class Record:
    name: str = ""
    size: int = 0


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Int(int):
    pass


class Str(str):
    pass


class Shared:
    """A class of which a program has one object."""

    def __init__(self) -> None:
        self.name = "as written"

    def __reduce__(self) -> str:
        return "THE_ONE"


THE_ONE = Shared()
KEPT_LIST: list[Any] = [1]
KEPT_DICT: dict[Any, Any] = {"kept": 1}
KEPT_SET: set[Any] = {1}
KEPT_DEQUE: collections.deque[Any] = collections.deque([1])


def the_one() -> Shared:
    """Ordinary functions, allowed, that return what the program keeps."""
    return THE_ONE


def kept_list() -> list[Any]:
    return KEPT_LIST


def kept_dict() -> dict[Any, Any]:
    return KEPT_DICT


def kept_set() -> set[Any]:
    return KEPT_SET


def kept_deque() -> collections.deque[Any]:
    return KEPT_DEQUE


@functools.cache
def remembered(number: int) -> Record:
    return Record("remembered", number)


ALIAS = mkdir
_OWN = (
    "ordinary Plain Other Slotted Record Colour Level Int Str Shared THE_ONE the_one kept_list "
    "kept_dict kept_set kept_deque remembered mkdir ALIAS"
)
GENEROUS = (
    *(f"{MODULE}:{name}" for name in _OWN.split()),
    "functools:partial",
    "collections:deque",
    "collections:UserDict",
    "datetime:datetime",
    "decimal:Decimal",
    "types:SimpleNamespace",
    "types:GenericAlias",
    "operator:itemgetter",
    "time:struct_time",
    "numpy:dtype",
    "numpy:ndarray",
    "numpy._core.multiarray:_reconstruct",
    "numpy._core.multiarray:scalar",
    "numpy._core.numeric:_frombuffer",
)
_CLASSES: tuple[type, ...] = (
    Plain, Other, Slotted, Record, Colour, Level, Shared, fractions.Fraction, uuid.UUID,
    uuid.SafeUUID, collections.UserDict, collections.UserList, collections.ChainMap,
    collections.Counter, pathlib.PurePath, ipaddress.IPv4Address, decimal.Decimal,
    zoneinfo.ZoneInfo,
)  # fmt: skip
_OBJECTS: tuple[Any, ...] = (
    THE_ONE, Colour.RED, Level.LOW, uuid.SafeUUID.safe, remembered(1), ordinary, the_one
)  # fmt: skip


def traces() -> dict[str, Any]:
    """Everything that a payload could have changed; equal to an earlier one if none did."""
    found: dict[str, Any] = {
        "bell": len(_bell),
        "folder": os.listdir(),
        "modules": set(sys.modules),
    }
    for cls in _CLASSES:
        found[cls.__qualname__] = dict(vars(cls))
    for number, thing in enumerate(_OBJECTS):
        found[f"object {number}"] = type(thing), dict(vars(thing))
    found["defaults"] = ordinary.__defaults__, ordinary.__kwdefaults__, ordinary.__code__
    found["kept"] = [*KEPT_LIST], {**KEPT_DICT}, {*KEPT_SET}, [*KEPT_DEQUE]
    found["globals"] = set(globals())
    return found


def differences(before: dict[str, Any]) -> list[str]:
    """The names of the traces that differ from an earlier state."""
    now = traces()
    return [name for name in now if now[name] != before[name]]


@contextmanager
def extensions() -> Iterator[None]:
    """While copyreg knows codes for the canary."""
    for number, code in enumerate(EXTENSIONS.values()):
        copyreg.add_extension(MODULE, _EXTENDED[number], code)
    try:
        yield
    finally:
        for number, code in enumerate(EXTENSIONS.values()):
            copyreg.remove_extension(MODULE, _EXTENDED[number], code)


_EXTENDED = ("ring", "RingsInInit", "RingsInNew")
