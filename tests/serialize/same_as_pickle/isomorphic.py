"""Whether two object graphs are the same but for where they lie in memory.

Side by side, part by part, with a stack of its own: a graph may be deeper than Python can
recurse. The same are: exact types, values to the last bit, the order within lists and dicts,
attributes in dicts and in slots, and which part is the same object as which. What a program
cannot rely on to be one object (numbers, short texts) is compared by value only.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import struct
import uuid
import zoneinfo
from collections import OrderedDict, deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType
from typing import Any

import numpy

from tests.serialize.graphs import SHARED_MIN

OURS = "tests."  # where classes are from whose attributes are looked at one by one
UNSET = type("Unset", (), {"__repr__": lambda self: "<unset>"})()

# What is found by its name is the very same object on both sides.
_BY_NAME = (
    *(type, FunctionType, BuiltinFunctionType, enum.Enum, type(UNSET)),
    *(type(None), type(...), type(NotImplemented)),
)
_VALUES: tuple[Any, ...] = (int, float, complex, str, bytes, bytearray)
# Immutable and small; numpy's are its scalars and types.
_STANDARD_VALUES = (
    *(range, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath, numpy.generic, numpy.dtype),
)
_BASES: tuple[Any, ...] = (list, tuple, deque, OrderedDict, dict, set, frozenset, *_VALUES)


def isomorphic(one: Any, other: Any) -> bool:
    """Whether there is no `difference`."""
    return difference(one, other) is None


def difference(one: Any, other: Any) -> str | None:
    """The first difference of two graphs, as a path and what is there; None if there is none."""
    matched: dict[int, int] = {}  # one's parts to the other's
    back: dict[int, int] = {}
    kept: list[Any] = []  # what hooks made for the comparison alone: it must keep its number
    stack = [(one, other, "$")]
    while stack:
        left, right, path = stack.pop()
        if type(left) is not type(right):
            return f"{path}: a {type(left)} for a {type(right)}"
        if has_identity(left) or has_identity(right):
            known = matched.get(id(left)), back.get(id(right))
            if known == (id(right), id(left)):
                continue
            if known != (None, None):
                return f"{path}: not the same object as elsewhere: {summary(left)}"
            matched[id(left)], back[id(right)] = id(right), id(left)
        lefts, rights = list(parts(left)), list(parts(right))
        kept.append((lefts, rights))
        if value_of(left) != value_of(right) or len(lefts) != len(rights):
            return f"{path}: {summary(left)} for {summary(right)}"
        pairs = zip(lefts, rights, strict=True)
        stack.extend(reversed([(x, y, f"{path}.{i}") for i, (x, y) in enumerate(pairs)]))
    return None


def summary(part: Any) -> str:
    """What it is, in one line, however deep."""
    return f"{type(part).__name__} {value_of(part)!s:.60} of {sum(1 for _ in parts(part))}"


def listing(root: Any, most: int = 60) -> list[str]:
    """Each part once with the numbers of its own parts; a graph has more ways than parts."""
    numbers = {id(root): 0}
    found = [root]
    lines: list[str] = []
    while len(lines) < min(most, len(found)):
        inner = list(parts(found[len(lines)]))
        for part in inner[:most]:
            if id(part) not in numbers:
                numbers[id(part)] = len(numbers)
                found.append(part)
        refers = [numbers[id(part)] for part in inner[:most]]
        lines.append(f"{len(lines)}: {summary(found[len(lines)])} {refers}")
    return lines


def has_identity(part: Any) -> bool:
    """Whether a program may rely on two references to it staying one object."""
    kind = type(part)
    if kind in (str, bytes):
        return len(part) >= SHARED_MIN
    if kind in (tuple, frozenset):
        return bool(part)  # the empty ones are anybody's
    if kind.__module__.startswith(OURS):
        return not isinstance(part, _BY_NAME)
    return kind is bytearray or not isinstance(part, (*_BY_NAME, *_VALUES, *_STANDARD_VALUES))


def value_of(part: Any) -> Any:
    """What it is, apart from its parts; two NaN with the same bits are the same."""
    if isinstance(part, _BY_NAME):
        return id(part)
    if isinstance(part, numpy.ndarray):
        layout = part.flags.c_contiguous, part.flags.f_contiguous
        return part.dtype, part.shape, layout, None if part.dtype.hasobject else part.tobytes()
    if isinstance(part, float):
        return struct.pack("<d", part)
    if isinstance(part, complex):
        return struct.pack("<dd", part.real, part.imag)
    if isinstance(part, int):
        return hex(int(part))  # for Python limits how many digits it writes in tens
    for kind in (str, bytes, bytearray):
        if isinstance(part, kind):
            return kind.__repr__(part)
    if isinstance(part, zoneinfo.ZoneInfo):
        return part.key, part is zoneinfo.ZoneInfo(part.key)
    return None


def parts(part: Any) -> Iterator[Any]:
    """What it refers to, in an order that both sides have."""
    if isinstance(part, _BY_NAME) or type(part) in _VALUES:
        return
    yield from contents(part)
    if type(part).__module__.startswith(OURS):
        yield from attributes(part)


def contents(part: Any) -> Iterator[Any]:
    """Items and members; of other types than the plain ones, what they reduce themselves to."""
    base = next((kind for kind in _BASES if isinstance(part, kind)), None)
    if base is deque:
        yield part.maxlen
    if base in (OrderedDict, dict):
        for pair in base.items(part):
            yield from pair
        yield getattr(part, "default_factory", None)
    elif base in (set, frozenset):  # they have no order of their own
        yield from sorted(part, key=order_of)
    elif base in (list, tuple, deque):
        yield from base.__iter__(part)
    elif isinstance(part, numpy.ndarray):
        yield from part.ravel("K").tolist() if part.dtype.hasobject else ()
    elif base is None and not isinstance(part, zoneinfo.ZoneInfo):
        yield from reduced(part)


def reduced(part: Any) -> Iterator[Any]:
    """As the standard library's class has it; nothing where all is in the attributes."""
    if isinstance(part, slice | range | MethodType):
        yield from part.__reduce__()[1]
        return
    kind: Any = next(c for c in type(part).__mro__ if not c.__module__.startswith(OURS))
    if kind.__reduce_ex__ is not object.__reduce_ex__:
        made = kind.__reduce_ex__(part, 5)
    elif kind.__reduce__ is not object.__reduce__:
        made = kind.__reduce__(part)
    elif kind is object:
        return
    else:
        made = part.__reduce_ex__(5)
    all_five: tuple[Any, ...] = (*made, None, None, None)
    function, arguments, state, items, pairs = all_five[:5]
    yield function
    # Flat, for some classes share what they give and others do not.
    yield from arguments
    yield from state.items() if type(state) is dict else (() if state is None else (state,))
    yield from items or ()
    yield from pairs or ()


def attributes(part: Any) -> Iterator[Any]:
    """Names and values of its dict, in order, and the values of its slots."""
    for name, value in getattr(part, "__dict__", {}).items():
        yield from (name, value)
    for name in slots_of(type(part)):
        yield getattr(part, name, UNSET)


def slots_of(kind: type[Any]) -> tuple[str, ...]:
    """The names of its slots, its bases' included, that hold attributes."""
    return tuple(
        name
        for base in kind.__mro__
        if "__slots__" in vars(base)
        for name, slot in vars(base).items()
        if isinstance(slot, MemberDescriptorType)
    )


def order_of(member: Any) -> str:
    """By what members of a set are put in order; objects by their label, which no two share."""
    if isinstance(member, enum.Enum | type | FunctionType):
        return f"{type(member).__name__} {member}"
    if isinstance(member, tuple | frozenset):
        inner = [order_of(part) for part in member]
        return (
            f"{type(member).__name__} {sorted(inner) if isinstance(member, frozenset) else inner}"
        )
    if isinstance(member, int):
        return f"{type(member).__name__} {int(member):#x}"  # of any length, unlike its repr
    label = getattr(member, "label", None)
    return f"{type(member).__name__} {member!r}" if label is None else f"label {label}"
