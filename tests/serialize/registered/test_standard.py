"""The standard library's types travel at the registered level, each as exactly what it is."""

from __future__ import annotations

import array
import collections
import ctypes
import datetime
import decimal
import fractions
import ipaddress
import multiprocessing.managers
import pathlib
import pickle
import sys
import uuid
import zoneinfo
from pickle import PickleBuffer
from typing import Any

import pytest

import interlock
from interlock.errors import DecodeError, SerializationError
from interlock.serialize import dumps, loads
from tests.serialize.same_as_pickle import graph_things as things
from tests.serialize.strangers.forged import forged
from tests.serialize.strangers.messages import STANDARD


def name(sent: Any) -> str:
    return type(sent).__name__


@pytest.fixture(autouse=True)
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would read a pickle fails."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a pickle is read at the registered level")

    for reader in ("loads", "load", "Unpickler"):
        monkeypatch.setattr(pickle, reader, refuse)


@pytest.mark.parametrize("sent", STANDARD, ids=name)
def test_a_standard_object_comes_back_as_it_was(sent: Any) -> None:
    """P4: same type, equal, shared where it was shared, with what equality does not look at."""
    got = loads(dumps([sent, {"key": sent}]))
    assert type(got[0]) is type(sent)
    assert got[0] == sent
    assert got[0] is got[1]["key"]
    assert further_parts(got[0]) == further_parts(sent)


def further_parts(made: Any) -> Any:
    """The parts that equality leaves out: fold, tzinfo, format, maxlen, safety."""
    parts = "fold", "tzinfo", "format", "shape", "maxlen", "typecode", "is_safe", "key", "scope_id"
    return {part: getattr(made, part) for part in parts if hasattr(made, part)}


@pytest.mark.parametrize("code", [*array.typecodes.replace("u", "")])
def test_an_array_and_a_view_of_each_type_of_number(code: str) -> None:
    """P4: items in their own form, none of them and many."""
    for count in (0, 1, 5000):
        sent = array.array(code, [1, 2, 3][:count] or [0]) * count
        got = loads(dumps(sent))
        assert (got.typecode, got) == (code, sent)
        view = loads(dumps(memoryview(sent)))
        assert (view.format, view.tobytes()) == (code, sent.tobytes())


def test_nan_and_signs_of_decimals_are_kept() -> None:
    """P4: which equality cannot see."""
    for text in ("NaN", "-NaN123", "sNaN", "-0", "0E-7", "1.10", "-Infinity", "1E+999999"):
        assert str(loads(dumps(decimal.Decimal(text)))) == text


@pytest.mark.parametrize("text", ["", "a", "\u20ac" * 3000, "\U0001f512"])
def test_an_array_of_characters_comes_back(text: str) -> None:
    """P1, P4: at both levels; at the level of strangers as a text, for not any number is one."""
    sent = array.array("u", text)
    got = loads(dumps(sent))
    assert (got.typecode, got) == ("u", sent)
    queue = interlock.SimpleQueue()
    queue.put(sent)
    assert queue.get() == sent
    queue.close()


def test_an_array_stays_out_of_band_when_there_are_managers() -> None:
    """P6: they have a reducer of their own for it, which the program did not ask for."""
    assert multiprocessing.managers.__name__ in sys.modules
    sent = array.array("d", range(10_000))
    queue = interlock.SimpleQueue()
    queue.put(sent)
    assert queue.get() == sent
    queue.close()


def test_numbers_that_are_no_characters_are_refused() -> None:
    """P4: a text with such a character in it would crash who prints it."""
    for state in (("u", PickleBuffer(b"\xff" * 8)), ("u", b"a"), ("uu", PickleBuffer(b""))):
        with pytest.raises(DecodeError):
            loads(forged(array.array("u"), state))


def test_a_view_of_foreign_items_is_refused() -> None:
    """P6: with what to send instead."""
    with pytest.raises(SerializationError, match="tobytes"):
        dumps([memoryview((ctypes.c_int * 3)(1, 2, 3))])


class Ordered(collections.OrderedDict[Any, Any]):
    pass


SUBCLASSES: tuple[Any, ...] = (
    things.Date(2024, 2, 29),
    things.Moment(2024, 2, 29),
    things.Clock(1, 2),
    things.Duration(1),
    things.Number("1.5"),
    things.Identifier(int=1),
    things.Where("/a"),
    things.Deque([1]),
    things.Tally("aab"),
    things.Default(list),
    things.Ordered({"a": 1}),
    things.Int(1),
    things.Str("a"),
    things.List([1]),
    things.Dict({1: 2}),
    collections.defaultdict(list, {1: [2]}),
    Ordered({1: 2}),
    type("Zone", (zoneinfo.ZoneInfo,), {})("UTC"),
    type("Half", (fractions.Fraction,), {})(1, 2),
    type("Address", (ipaddress.IPv4Address,), {})("192.0.2.1"),
    type("Buffer", (array.array,), {})("b", [1]),
)


@pytest.mark.parametrize("sent", SUBCLASSES, ids=name)
def test_a_subclass_is_not_taken_for_its_base(sent: Any) -> None:
    """P4: nobody registered it, so that it is refused, alone, within others and as a key."""
    with pytest.raises(SerializationError, match="not registered") as caught:
        dumps({"deep": [sent]})
    assert caught.value.path == "$['deep'][0]"


def test_a_time_zone_of_a_program_is_refused_where_it_is() -> None:
    """P6: within a datetime that could travel."""
    with pytest.raises(SerializationError, match="not registered") as caught:
        dumps([datetime.datetime(2024, 1, 1, tzinfo=things.Shift(5))])
    assert caught.value.path is not None
    assert caught.value.path.startswith("$[0]")


def test_equal_objects_of_different_types_stay_different_types() -> None:
    """P4: as keys, where a table could take one for the other."""
    sent = [1, 1.0, True, decimal.Decimal(1), fractions.Fraction(1), uuid.UUID(int=1)]
    got = loads(dumps([{each: "value"} for each in sent]))
    assert [type(next(iter(each))) for each in got] == [type(each) for each in sent]
    paths = [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.Path("a")]
    assert [type(each) for each in loads(dumps(paths))] == [type(each) for each in paths]


def test_a_path_is_no_longer_than_any_that_can_be_used() -> None:
    """P4: each part of a path is an object, so a text of 64 MiB would take eight times as much."""
    longest = pathlib.PurePosixPath("a" * (1 << 20))
    assert loads(dumps(longest)) == longest
    with pytest.raises(SerializationError, match="longer than any that can be sent"):
        dumps([longest.with_name("a" * ((1 << 20) + 1))])
    with pytest.raises(DecodeError, match="a path of more than"):
        loads(forged(pathlib.PurePosixPath("x"), "a/" * (1 << 20)))
