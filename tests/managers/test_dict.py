"""A managed dict is a dict, whatever its keys are."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import random
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

import numpy
import pytest

from interlock.managers.memory.dict import SharedMapping
from interlock.managers.memory.sound_keys import MARK

SEED = 20_261_128
STEPS = 6_000


class Colour(enum.Enum):
    """Equal to nothing but itself."""

    RED = 1
    BLUE = 2


class Number(enum.IntEnum):
    """Equal to its int."""

    ONE = 1


@dataclasses.dataclass(frozen=True)
class Point:
    """A key whose equality nobody knows beforehand."""

    x: int


class Caseless(str):
    """One with an equality of its own."""

    def __eq__(self, other: object) -> bool:
        return str.lower(self) == str(other).lower()

    def __hash__(self) -> int:
        return hash(str.lower(self))


Pair = collections.namedtuple("Pair", "a b")

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
SAME = (1, True, 1.0, Number.ONE, Decimal(1), Fraction(1), complex(1, 0))
NUMBERS = (0, False, 2.5, Decimal("2.5"), Fraction(5, 2), Fraction(1, 3), 1j, float("inf"), 2**70)
PLAIN = ("a", b"a", None, ..., int, len, Colour.RED, Colour.BLUE, float(2**70), uuid.UUID(int=5))
TUPLES = ((1, 2), Pair(1, 2), (1.0, 2), (1, 2.5), (MARK, "x"), (MARK, "odd"), (), ((),))
SETS: tuple[Any, ...] = (frozenset([1, "a"]), frozenset(["a", 1.0]), frozenset())
EAST = datetime.timezone(datetime.timedelta(hours=5))
TIMES = (NOON, NOON.astimezone(EAST), NOON.replace(tzinfo=None), NOON.date(), datetime.timedelta(1))
OWN = (Point(1), Point(1), Point(2), Caseless("x"), Caseless("X"), (Point(1), 3))
KEYS: list[Any] = [*SAME, *NUMBERS, *PLAIN, *TUPLES, *SETS, *TIMES, *OWN, PurePosixPath("a/b")]


def test_it_is_a_dict_for_keys_of_all_kinds() -> None:
    """P1: equal keys are one, and no others; against `dict` itself."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    shared, model = SharedMapping(), dict[Any, Any]()
    for step in range(STEPS):
        key, what = chance.choice(KEYS), chance.randrange(7)
        assert act(shared, key, what, step) == act(model, key, what, step), (step, key, what)
        if step % 100 == 0:
            assert shared.copy() == model
            assert len(shared) == len(model)
            assert sorted(map(str, shared.values())) == sorted(map(str, model.values()))
        if step % 1_500 == 0:
            shared.clear()
            model.clear()


def act(target: Any, key: Any, what: int, step: int) -> Any:
    """One call, and what came of it."""
    match what:
        case 0 | 1:
            target[key] = step
        case 2:
            return target.get(key)
        case 3:
            return target.pop(key, "none")
        case 4:
            return target.setdefault(key, step)
        case 5:
            return key in target
        case _:
            try:
                return target[key]
            except KeyError as error:
                return repr(error)
    return None


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{type(key).__name__} {key}")
def test_a_key_comes_back_as_it_was(key: Any) -> None:
    """P1: of the same type, and equal."""
    shared = SharedMapping()
    shared[key] = "value"
    (found,) = shared
    assert found == key
    assert type(found) is type(key)
    assert shared.popitem() == (key, "value")
    assert len(shared) == 0


def test_numbers_of_numpy_are_numbers() -> None:
    """P1: equal to Python's, and given back as they came."""
    shared = SharedMapping()
    shared[numpy.float32(2.5)] = "a"
    shared[numpy.int64(7)] = "b"
    assert (shared[2.5], shared[7], shared[Fraction(5, 2)]) == ("a", "b", "a")
    assert [type(key) for key in shared] == [numpy.float32, numpy.int64]


def test_what_cannot_be_a_key_is_a_type_error() -> None:
    """P6: as in dict."""
    keys: list[Any] = [[], {}, ({},)]
    for key in keys:
        with pytest.raises(TypeError, match="unhashable"):
            SharedMapping()[key] = 1


def test_the_whole_interface() -> None:
    """P1: what the standard library's proxy has, and the operators of dict."""
    shared = SharedMapping({"b": 1}, c=2)
    shared.update([("a", 3)], d=4)
    shared |= {"b": 5}
    model = {"b": 5, "c": 2, "a": 3, "d": 4}
    assert list(shared.items()) == list(model.items())
    assert (shared.keys(), shared.values()) == (list(model), list(model.values()))
    assert list(reversed(shared)) == list(reversed(model))
    assert shared | {"x": 1} == {**model, "x": 1}
    assert {"x": 1} | shared == {"x": 1, **model}
    assert shared.fromkeys("ab", 1) == {"a": 1, "b": 1}
    assert repr(shared) == repr(model)
    assert [shared.popitem() for _ in range(4)] == list(model.items())[::-1]
    with pytest.raises(KeyError, match="empty"):
        shared.popitem()


def test_values_come_back_writable() -> None:
    """P1: an array is a copy of one's own, as from a manager's server."""
    shared = SharedMapping(a=numpy.zeros(4_000), b=[1, {"x": 2}])
    found = shared["a"]
    found[0] = 1.0
    assert shared["a"][0] == 0.0
    assert shared["b"] == [1, {"x": 2}]


def test_an_iterator_notices_that_keys_come_and_go() -> None:
    """P1: as dict's does."""
    shared = SharedMapping(a=1, b=2)
    each = iter(shared)
    next(each)
    del shared["b"]
    with pytest.raises(RuntimeError, match="changed size"):
        next(each)
