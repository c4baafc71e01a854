"""The comparison that the other tests here stand on sees each kind of difference."""

from __future__ import annotations

import datetime
import decimal
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given, settings

from tests.serialize.same_as_pickle import graph_things as things
from tests.serialize.same_as_pickle.generated_graphs import Graph, graphs
from tests.serialize.same_as_pickle.isomorphic import difference, isomorphic


def with_attribute(thing: Any, name: str, value: Any) -> Any:
    setattr(thing, name, value)
    return thing


def with_itself(wrap: Callable[[Any], Any]) -> list[Any]:
    made: list[Any] = []
    made.append(wrap(made))
    return made


def twice(part: Any) -> list[Any]:
    return [part, part]


MOMENT = datetime.datetime(2024, 10, 27, 2, 30)
ONE = [1]

DIFFERENT: dict[str, tuple[Any, Any]] = {
    "bool and int": (True, 1),
    "the sign of zero": (0.0, -0.0),
    "a part of a complex": (complex(0.0, 1), complex(-0.0, 1)),
    "texts": ("a", "b"),
    "a subclass": (things.Int(1), 1),
    "an attribute of a subclass": (things.Int(1), with_attribute(things.Int(1), "left", 2)),
    "the value of a subclass": (things.Str("a"), things.Str("b")),
    "items": ([1, 2], [1, 3]),
    "number of items": ([1, 2], [1, 2, 3]),
    "order of a dict": ({1: 2, 3: 4}, {3: 4, 1: 2}),
    "order of attributes": (
        with_attribute(with_attribute(things.Node(0), "a", 1), "b", 2),
        with_attribute(with_attribute(things.Node(0), "b", 2), "a", 1),
    ),
    "type of a key": ({1: 0}, {True: 0}),
    "members": ({1, 2}, {1, 3}),
    "type of a member": (frozenset([1]), frozenset([1.0])),
    "a slot": (things.Slotted(1), things.Slotted(2)),
    "a slot that is not set": (things.Slotted(1), with_attribute(things.Slotted(1), "left", None)),
    "a private slot": (
        things.WithDictSlot(1),
        with_attribute(things.WithDictSlot(1), "_WithDictSlot__private", [2]),
    ),
    "a field": (things.Frozen(1, [1]), things.Frozen(1, [2])),
    "one object or two": (twice([1]), [[1], [1]]),
    "two objects or one": ([[1], [1]], twice([1])),
    "one large text or two": (twice("x" * 99), ["x" * 99, "".join(["x"] * 99)]),
    "one tuple or two": (twice(tuple(ONE)), [tuple(ONE), tuple(ONE)]),
    "where a cycle ends": (with_itself(lambda a: [a]), with_itself(lambda a: with_itself(list))),
    "one exception or two": (twice(KeyError(1)), [KeyError(1), KeyError(1)]),
    "arguments of an exception": (KeyError([1]), KeyError([2])),
    "a note": (KeyError(1), with_attribute(KeyError(1), "__notes__", ["n"])),
    "members of an enum": (things.Colour.RED, things.Colour.GREEN),
    "fold": (MOMENT, MOMENT.replace(fold=1)),
    "a time zone": (MOMENT, MOMENT.replace(tzinfo=datetime.UTC)),
    "zones of a program's own": (
        MOMENT.replace(tzinfo=things.Shift(5)),
        MOMENT.replace(tzinfo=things.Shift(6)),
    ),
    "a zone that is not the common one": (
        zoneinfo.ZoneInfo("UTC"),
        zoneinfo.ZoneInfo.no_cache("UTC"),
    ),
    "digits": (decimal.Decimal("1.1"), decimal.Decimal("1.10")),
    "is_safe": (uuid.UUID(int=1), uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe)),
    "a range": (range(0), range(1, 1)),
    "a slice's parts": (slice([1]), slice([2])),
    "maxlen": (deque([1]), deque([1], maxlen=1)),
    "default_factory": (defaultdict(list), defaultdict(dict)),
    "a Counter": (Counter("a"), Counter("aa")),
    "order of an OrderedDict": (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    "numbers of an array": (numpy.arange(3), numpy.arange(1, 4)),
    "shape": (numpy.zeros((2, 3)), numpy.zeros((3, 2))),
    "dtype": (numpy.zeros(2, ">i4"), numpy.zeros(2, "<i4")),
    "order of axes": (numpy.zeros((2, 3)), numpy.zeros((2, 3), order="F")),
    "objects of an array": (numpy.array([None, 1], object), numpy.array([None, 2], object)),
    "a numpy number": (numpy.float64(0), 0.0),
    "functions": (things.by_name, len),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_seen(name: str) -> None:
    """Alone, and in the midst of a graph, from both sides."""
    one, other = DIFFERENT[name]
    for wrap in (lambda part: part, lambda part: {"key": (1, [part])}):
        assert not isomorphic(wrap(one), wrap(other))
        assert not isomorphic(wrap(other), wrap(one))
        assert isomorphic(wrap(one), wrap(one))


def test_a_difference_has_a_path() -> None:
    """To the part, by its place among its container's parts."""
    assert difference([1, {"key": 2.0}], [1, {"key": 3.0}]) is not None
    assert str(difference([1, {"key": 2}], [1, {"key": 3}])).startswith("$.1.1:")


def test_what_is_only_equal_by_its_bits_is_the_same() -> None:
    """NaN, and a graph that is deeper than Python can recurse."""
    assert isomorphic([float("nan")], [float("nan")])
    one, other = [], []  # type: ignore[var-annotated]
    for _ in range(100_000):
        one, other = [one], [other]
    assert isomorphic(one, other)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(graphs())
def test_a_graph_is_the_same_as_itself(graph: Graph) -> None:
    """Whatever is in it, and however often."""
    assert difference(graph.root, graph.root) is None
