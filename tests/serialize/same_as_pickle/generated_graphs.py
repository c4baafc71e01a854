"""Object graphs of every type that needs no code of its own to travel, made at random.

Not trees: parts are met several times, and whatever can be changed after it was made may
contain itself. Every object has a label that no other one in its graph has.
"""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import pathlib
import types
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy
from hypothesis import strategies as st

from tests.serialize.graphs import ATOMS, INTS, TEXTS, some_of
from tests.serialize.same_as_pickle import graph_things as things
from tests.serialize.same_as_pickle.isomorphic import listing

NODES_MAX = 8
KEY_LEVELS = 2
Parts = list[Any]

ZONES = st.one_of(
    st.none(),
    st.just(datetime.UTC),
    st.builds(
        datetime.timezone,
        st.integers(-86399, 86399).map(lambda seconds: datetime.timedelta(seconds=seconds)),
    ),
    st.just(datetime.timezone(datetime.timedelta(hours=1), "named")),
    st.sampled_from(["Europe/Paris", "UTC", "Asia/Kathmandu"]).map(zoneinfo.ZoneInfo),
    st.just("Europe/Paris").map(zoneinfo.ZoneInfo.no_cache),
    st.builds(things.Shift, st.integers(-60, 60)),
)
FOLDS = st.sampled_from([0, 1])


def _folded(moment: Any, fold: int) -> Any:
    return moment.replace(fold=fold)


MOMENTS = st.builds(_folded, st.datetimes(timezones=ZONES, allow_imaginary=True), FOLDS)
CLOCKS = st.builds(_folded, st.times(timezones=ZONES), FOLDS)
DECIMALS = st.decimals() | st.sampled_from(
    [decimal.Decimal(text) for text in ("-0", "0E-7", "1.10", "NaN123", "-sNaN", "-Infinity")]
)
PATHS = st.lists(st.sampled_from(["a", ".", "..", "/", "b.c", "\udcff"]), max_size=3)
ENUMS = st.sampled_from(
    [
        *things.Colour,
        *things.Level,
        things.Word.YES,
        things.Access(0),
        things.Access.READ | things.Access.WRITE,
        things.Mode.A | things.Mode.B,
        things.Mode(8),
        things.Outer.Choice.ONE,
    ]
)
STANDARD = st.one_of(
    st.dates(),
    MOMENTS,
    CLOCKS,
    st.timedeltas(),
    ZONES,
    DECIMALS,
    st.uuids(),
    st.builds(uuid.UUID, int=st.just(7), is_safe=st.sampled_from(uuid.SafeUUID)),
    PATHS.map(lambda steps: pathlib.PurePosixPath(*steps)),
    PATHS.map(lambda steps: pathlib.Path(*steps)),
    ENUMS,
    st.fractions(),
    st.lists(st.floats(), max_size=4).map(lambda items: array.array("d", items)),
    st.sampled_from([..., NotImplemented, len, int, things.by_name, things.Outer.Inner]),
    st.sampled_from([[].append, {}.keys]).map(lambda method: method.__name__),
)
# As many bytes as two pages have, as they are and in wider texts.
LARGE = st.integers(4000, 9000)
LONG = st.one_of(
    LARGE.map(lambda size: bytes(size)),
    LARGE.map(lambda size: bytearray(size)),
    LARGE.map(lambda size: "\xe9" * size),
    LARGE.map(lambda size: list(range(size // 4))),
    st.sampled_from([999, 1000, 1001, 2000]).map(lambda size: set(range(size))),
    st.sampled_from([255, 256, 1001]).map(lambda size: {str(i): i for i in range(size)}),
    st.sampled_from([300, 20_000, 70_000]).map(lambda bits: -(1 << bits)),
)
ARRAYS = st.builds(
    lambda kind, shape, order: numpy.zeros(shape, kind, order=order),
    st.sampled_from(["f8", "i1", ">i4", "U2", "M8[s]", "c16", "i2,f4", "?"]),
    st.sampled_from([(), (0,), (3,), (2, 3), (600,), (511, 2), (512, 2)]),
    st.sampled_from(["C", "F"]),
) | st.sampled_from([numpy.float64(-0.0), numpy.int8(5), numpy.str_("text"), numpy.dtype("f4")])
# What is made from a value alone, of a subclass; it gets attributes where it can have some.
FROM_VALUE: dict[type, st.SearchStrategy[Any]] = {
    things.Int: INTS,
    things.Float: st.floats(),
    things.Complex: st.complex_numbers(),
    things.Str: TEXTS,
    things.Bytes: st.binary(max_size=40),
    things.Bytearray: st.binary(max_size=40),
    things.Number: DECIMALS,
    things.Where: st.sampled_from(["a", "/b/c", ""]),
}
SUBCLASSED = st.one_of(
    *[value.map(kind) for kind, value in FROM_VALUE.items()],
    st.integers(0, 2**128 - 1).map(lambda number: things.Identifier(int=number)),
    st.dates().map(lambda day: things.Date(day.year, day.month, day.day)),
    st.builds(things.Moment, st.just(2024), st.just(2), st.just(29), tzinfo=ZONES, fold=FOLDS),
    st.builds(things.Clock, st.integers(0, 23), tzinfo=ZONES, fold=FOLDS),
    st.builds(things.Duration, st.integers(-9, 9), st.integers(0, 99)),
)
LEAVES = (ATOMS, STANDARD, SUBCLASSED, LONG, ARRAYS)

# Empty at first; filled when all parts are there, so also with themselves.
LISTS: tuple[Callable[[], Any], ...] = (
    list,
    list,
    things.List,
    things.SlottedList,
    deque,
    lambda: deque(maxlen=3),
    things.Deque,
)
DICTS: tuple[Callable[[], Any], ...] = (
    dict,
    dict,
    things.Dict,
    things.SlottedDict,
    OrderedDict,
    things.Ordered,
    Counter,
    things.Tally,
    lambda: defaultdict(list),
    lambda: defaultdict(None),
    lambda: things.Default(things.by_name),
)
SETS: tuple[Callable[[Any], Any], ...] = (set, frozenset, frozenset, things.Set, things.Frozenset)
TUPLES: tuple[Callable[[Any], Any], ...] = (tuple, tuple, tuple, things.Tuple, things.BareTuple)
# Of a label; attributes are set when all parts are there.
OBJECTS: tuple[Callable[[int], Any], ...] = (
    things.Node,
    things.Slotted,
    things.SlottedAndDict,
    things.WithDictSlot,
    things.Record,
    things.Outer.Inner,
    lambda label: types.SimpleNamespace(label=label),
)
# Of a label and parts; of these they are made, as a tuple is.
MADE_OF: tuple[Callable[[int, Parts], Any], ...] = (
    lambda label, of: things.Frozen(label, of[0]),
    lambda label, of: things.FrozenSlotted(label, of[0]),
    lambda label, of: things.Point(of[0], of[-1]),
    lambda label, of: slice(*of[:3]),
    lambda label, of: ValueError(*of),
    lambda label, of: OSError(2, "No such file", of[0]),
    lambda label, of: things.Two(label, *of),
    lambda label, of: ExceptionGroup("several", [things.Failure(*of), KeyError(of[0])]),
    lambda label, of: numpy.array([*of, None], dtype=object)[:-1],
    lambda label, of: fractions.Fraction(label, 7),
)


class Graph:
    """Holds what is sent. Its text is short: a graph has more ways through it than parts."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def __repr__(self) -> str:
        return "\n".join(["Graph", *listing(self.root)])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph: its last part, or all of them in a list."""
    parts: Parts = []
    for label in range(draw(st.integers(3, NODES_MAX))):
        parts.append(_part(draw, parts, label))
    for part in parts:
        _fill(draw, part, parts)
    return Graph(parts[-1] if draw(st.booleans()) else parts)


def _part(draw: st.DrawFn, parts: Parts, label: int) -> Any:
    """A new part, for which those that are there may be used."""
    # Drawn in steps: one choice among all would be a leaf nearly always, there are so many.
    kind = draw(st.sampled_from((LEAVES, LISTS, DICTS, SETS, TUPLES, OBJECTS, MADE_OF)))
    make: Any = draw(st.sampled_from(kind))
    if kind is LEAVES:
        return draw(make)
    if kind is SETS:
        return make(draw(some_of([part for part in parts if is_key(part)], 4)))
    if kind is TUPLES:
        return make(draw(some_of(parts, 4)))
    if kind is OBJECTS:
        return make(label)
    if kind is MADE_OF:
        return make(label, draw(st.lists(st.sampled_from(parts or [None]), min_size=1, max_size=3)))
    return make()


def _fill(draw: st.DrawFn, part: Any, parts: Parts) -> None:
    """Items and attributes, where there is room for them."""
    if type(part) in (list, things.List, things.SlottedList, deque, things.Deque) and not part:
        part.extend(draw(some_of(parts, 6)))
    elif isinstance(part, dict) and not part:
        keys = [key for key in parts if is_key(key)]
        values = st.sampled_from(parts)
        part.update({key: draw(values) for key in draw(some_of(keys, 6))})
    if isinstance(part, BaseException) and draw(st.booleans()):
        part.add_note("a note")
    if type(part).__module__ == things.__name__ and not isinstance(part, type):
        _set_attributes(draw, part, parts)


def _set_attributes(draw: st.DrawFn, part: Any, parts: Parts) -> None:
    fields = {"first", "second"} & set(vars(type(part)))
    for name in draw(
        st.lists(st.sampled_from(["left", "right", *sorted(fields)]), unique=True, min_size=1)
    ):
        if hasattr(part, "__dict__") or hasattr(type(part), name):
            if is_changeable(part):
                setattr(part, name, draw(st.sampled_from(parts)))


def is_changeable(part: Any) -> bool:
    """Whether its class lets an attribute be set."""
    fixed = (things.Frozen, things.FrozenSlotted, things.Point, things.Identifier, things.Where)
    return not isinstance(part, fixed) and type(part).__setattr__ is object.__setattr__


def is_key(part: Any, levels: int = KEY_LEVELS) -> bool:
    """Whether it can be found again in a set: no list within, and no NaN, which equals nothing.

    Not nested deeply either: a key is hashed as often as there are ways to its parts.
    """
    if isinstance(part, things.Frozen | things.FrozenSlotted):
        return is_key(part.first, levels - 1)
    if isinstance(part, tuple | frozenset):
        return levels > 0 and all(is_key(inner, levels - 1) for inner in part)
    try:
        return isinstance(hash(part), int) and bool(part == part)
    except (TypeError, ValueError, decimal.InvalidOperation):
        return False
