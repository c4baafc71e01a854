"""`interlock.explain`: each part with its type, its hook, its bytes, what refuses (P6)."""

from __future__ import annotations

import copyreg
import dataclasses
import datetime
import enum
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interlock
from interlock.reduction import ForkingPickler
from interlock.serialize import Explanation, Limits, Part
from tests.serialize import things


class Color(enum.Enum):
    RED = 1


class Counting:
    """Counts how often its hook is asked."""

    asked = 0

    def __reduce__(self) -> Any:
        Counting.asked += 1
        return list, (), None, iter([1, [2], 3])


class Stateful:
    def __init__(self) -> None:
        self.rows = [1, 2]

    def __getstate__(self) -> Any:
        return self.__dict__

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)


class ByCopyreg:
    pass


class ByForking:
    pass


class Raising:
    def __reduce__(self) -> Any:
        raise ConnectionError("no line")


@interlock.serializable
@dataclasses.dataclass
class Order:
    number: int
    lines: list[Any]


@pytest.fixture
def reducers() -> Iterator[None]:
    copyreg.pickle(ByCopyreg, lambda obj: (ByCopyreg, ()))
    ForkingPickler.register(ByForking, lambda obj: (ByForking, ()))
    yield
    del copyreg.dispatch_table[ByCopyreg]
    del ForkingPickler._extra_reducers[ByForking]  # type: ignore[attr-defined]


def at(told: Explanation, path: str) -> Part:
    (found,) = [part for _, part in told.root.walk() if part.path == path]
    return found


def test_plain_parts_are_told_with_their_bytes() -> None:
    """P6: a tree, which prints itself; sizes are those of the message."""
    obj = {"id": 7, "tags": ["a", "b"], "when": datetime.date(2020, 1, 2)}
    told = interlock.explain(obj)
    assert (told.carrier, told.trust, told.problems, told.complete) == (
        "native",
        "process",
        (),
        True,
    )
    size = len(interlock.serialize.dumps(obj, trust="process")) - 1  # the byte that names the form
    assert told.root.bytes == size
    assert at(told, "$['tags']").type == "list"
    assert at(told, "$['when']").hook == "native"
    assert at(interlock.explain([Color.RED]), "$[0].value").type == "int"
    assert str(told).splitlines()[:3] == [
        f'{size} bytes by native encoding, under trust="process".',
        f"$: dict, native, {size} bytes",
        "  $['id']: int, native, 1 byte",
    ]


@pytest.mark.usefixtures("reducers")
@pytest.mark.parametrize(
    ("part", "hook", "detail"),
    [
        (Stateful(), "__getstate__ + __setstate__", ""),
        (things.Record("r", []), "object.__reduce_ex__", ""),
        (Counting(), "__reduce__", "calls builtins.list"),
        (ByCopyreg(), "copyreg", f"calls {__name__}.ByCopyreg"),
        (ByForking(), "ForkingPickler.register", f"calls {__name__}.ByForking"),
        (len, "by name", "len"),
        (Order, "by name", "Order"),
        (np.arange(3), "__reduce_ex__", None),
        ([1], "pickle", ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_hook_that_decides_is_named(part: Any, hook: str, detail: str | None) -> None:
    """P6: within a pickle, each hook by its name and what it calls on the other side."""
    told = interlock.explain([print, part])
    assert told.carrier == "pickle"
    assert at(told, "$[1]").hook == hook
    assert detail is None or at(told, "$[1]").detail == detail


def test_each_hook_is_asked_once() -> None:
    """P6: looking does not change what is looked at; sizes come of the answers already had."""
    Counting.asked = 0
    told = interlock.explain([Counting(), print])
    assert Counting.asked == 1
    assert told.root.bytes == len(pickle.dumps([Counting(), print], 5))
    assert at(told, "$[0][1][0]").bytes is not None


def test_registered_parts_are_told_by_their_fields() -> None:
    """P4, P6: at the registered level, the version and the way are named."""
    told = interlock.explain([Order(1, [Path("/a")]), np.zeros((2, 1000))], trust="registered")
    order = at(told, "$[0]")
    assert (order.hook, order.detail) == ("registered", "by its fields, version 1")
    assert at(told, "$[0].lines[0]").hook == "built in"
    assert at(told, "$[1]").out_of_band == 16_000
    assert (told.root.bytes, told.root.out_of_band, told.problems) == (
        len(interlock.serialize.dumps([Order(1, [Path("/a")]), np.zeros((2, 1000))], buffers=[]))
        - 1,
        16_000,
        (),
    )


@pytest.mark.parametrize("size", [0, 4095, 4096, 1 << 20])
def test_large_buffers_are_told_out_of_band(size: int) -> None:
    """P7: as they travel: from 4 KiB on they are no part of the pickle."""
    told = interlock.explain([np.zeros(size, np.uint8)])
    buffers: list[Any] = []
    data = interlock.serialize.dumps([np.zeros(size, np.uint8)], trust="process", buffers=buffers)
    assert told.root.out_of_band == sum(memoryview(each).nbytes for each in buffers)
    assert told.root.bytes == len(data) - 1
    assert (told.root.out_of_band == size) == (size >= 4096 or size == 0)


def test_everything_that_refuses_is_told_with_path_reason_and_advice(tmp_path: Path) -> None:
    """P6: not the first one only; a lock, an open file, a lambda, a local class."""

    class Local:
        pass

    with (tmp_path / "f").open("w") as file:
        obj = {
            "lock": [threading.Lock()],
            "event": threading.Event(),
            "file": file,
            "lambda": lambda: 1,
            "local": Local(),
            "line": Raising(),
            "good": [1, 2],
        }
        told = interlock.explain(obj)
    reasons = {part.path: (part.reason or "", part.advice or "") for part in told.problems}
    expected = {
        "$['lock'][0]": ("cannot pickle '_thread.lock' object", "context's Lock()"),
        "$['event']._cond._lock": ("cannot pickle '_thread.lock' object", "context's Event()"),
        "$['file']": ("cannot pickle '_io.TextIOWrapper' object", "the file's name"),
        "$['lambda']": ("is defined within a function", "at the top level of a module"),
        "$['local']<class>": ("is defined within a function", "at the top level of a module"),
        "$['line']": ("no line", "__reduce__"),
    }
    assert reasons.keys() == expected.keys()
    for path, (reason, advice) in expected.items():
        assert reason in reasons[path][0]
        assert advice in reasons[path][1]
    assert told.root.bytes is None
    assert at(told, "$['good']").bytes is not None
    text = str(told)
    assert text.startswith('Cannot be sent under trust="process": 6 parts cannot be serialized.')
    assert all(f"{path}: " in text for path in expected)


def test_what_is_not_registered_is_told() -> None:
    """P4: at the registered level: objects of Python in arrays, types that nobody registered."""
    obj = [Order(1, [Stateful()]), np.array([{}]), partial(print)]
    told = interlock.explain(obj, trust="registered")
    problems = {part.path: part for part in told.problems}
    assert list(problems) == ["$[0].lines[0]", "$[1]", "$[2]"]
    assert "@interlock.serializable" in (problems["$[0].lines[0]"].advice or "")
    assert "holds Python objects" in (problems["$[1]"].reason or "")
    with pytest.raises(interlock.SerializationError) as refused:
        interlock.serialize.dumps(obj)
    assert refused.value.path == "$[0].lines[0]"


def test_a_limit_that_is_passed_is_told() -> None:
    """P4: at the part where the message would be refused."""
    told = interlock.explain([1, [[2]]], trust="registered", limits=Limits(max_depth=2))
    (problem,) = told.problems
    assert "max_depth" in (problem.reason or "")
    assert problem.path == "$[1][0]"


def test_shared_parts_and_cycles_are_told_once() -> None:
    """P4: the second time by the path of the first."""
    shared = [1]
    loop: list[Any] = [shared, shared, things.Record("r", [])]
    loop.append(loop)
    told = interlock.explain(loop)
    assert at(told, "$[1]").same_as == "$[0]"
    assert at(told, "$[3]").same_as == "$"
    assert told.problems == ()
    lock = threading.Lock()
    told = interlock.explain([lock, [lock]])
    assert [part.path for part in told.problems] == ["$[0]"]
    assert at(told, "$[1]").bytes is None


def test_rows_of_plain_values_are_told_as_one() -> None:
    """P6: a million numbers are one line; their bytes are those of all of them."""
    many = list(range(100_000))
    told = interlock.explain({"many": many, "by name": dict.fromkeys(many, "x")})
    row, texts = at(told, "$['many'][0]"), at(told, "$['by name'][0]")
    assert (row.count, row.last, row.type) == (100_000, "$['many'][99999]", "int")
    assert (texts.count, texts.type) == (100_000, "str")
    whole = at(told, "$['many']").bytes
    assert whole is not None
    assert row.bytes is not None
    assert 0 < whole - row.bytes < 16
    assert len(str(told).splitlines()) == 6


def test_an_explanation_has_an_end() -> None:
    """P6: after so many parts, and deeper than Python can go itself."""
    told = interlock.explain([[number] for number in range(1000)], parts_max=50)
    assert not told.complete
    assert len(list(told.root.walk())) <= 60
    assert str(told).endswith("(and more parts, which were not looked at)")
    deep: list[Any] = [threading.Lock()]
    for _ in range(5_000):
        deep = [deep]
    told = interlock.explain(deep)
    assert told.problems[0].path == "$" + "[0]" * 5_001


@pytest.mark.parametrize(
    ("options", "error"),
    [({"trust": "nobody"}, ValueError), ({"limits": 3, "trust": "registered"}, TypeError)],
)
def test_bad_options_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    """P6: at the call."""
    with pytest.raises(error):
        interlock.explain([], **options)
