"""What `dumps` makes: read in place where that can be, whole, and damaged bytes refused."""

from __future__ import annotations

import inspect
import pickle
from typing import Any, Literal

import numpy
import pytest

from interlock.errors import DecodeError
from interlock.serialize import Limits, dumps, loads

Level = Literal["process", "registered"]
LEVELS: tuple[Level, ...] = ("process", "registered")
SIZES = (0, 1, 4095, 4096, 4097, 100_000)


def parts(sizes: tuple[int, ...] = SIZES) -> list[Any]:
    return [numpy.arange(size, dtype=numpy.uint8) for size in sizes]


@pytest.mark.parametrize("trust", LEVELS)
def test_large_buffers_are_used_where_they_lie(trust: Level) -> None:
    """P7: aligned, read-only, and without a copy; the bytes live as long as they are used."""
    data = dumps(["before", *parts()], trust=trust)
    _, *got = loads(data, trust=trust)
    start = numpy.frombuffer(data, numpy.uint8).ctypes.data
    for sent, array in zip(parts(), got, strict=True):
        assert numpy.array_equal(sent, array)
        if sent.nbytes >= 4096:
            assert start < array.ctypes.data < start + len(data)
            assert array.ctypes.data % 16 == 0
            assert not array.flags.writeable
    del data
    assert all(map(numpy.array_equal, got, parts()))


@pytest.mark.parametrize("trust", LEVELS)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_buffers_that_may_change_are_copied(trust: Level, kind: type) -> None:
    """P7: those that are to be written to, and those of memory that somebody else writes to."""
    data = bytearray(dumps(parts(), trust=trust))
    kept: Any = kind(data)
    writable = loads(kept, trust=trust, writable=True)
    writable[-1][:] = 7
    got = loads(kept, trust=trust)
    data[:] = bytes(len(data))
    assert all(map(numpy.array_equal, got, parts()))


@pytest.mark.parametrize("trust", LEVELS)
def test_bytes_that_are_cut_are_refused(trust: Level) -> None:
    """P4: a framed pickle's lengths too."""
    data = dumps(parts((4096,)), trust=trust)
    for length in (*range(100), *range(len(data) - 200, len(data))):
        with pytest.raises((DecodeError, pickle.UnpicklingError, EOFError)):
            loads(data[:length], trust=trust)


def test_every_way_of_calling_gives_the_same() -> None:
    """P6: what is usual is done without Python; it is the same function all the same."""
    obj = [1, "two", {"three": 3.0}]
    data = dumps(obj)
    assert data == dumps(obj=obj) == dumps(obj, trust="registered", limits=None, buffers=None)
    assert data == dumps(obj, limits=Limits()) == dumps(obj, buffers=[])
    assert (
        obj == loads(data) == loads(data=data) == loads(bytearray(data)) == loads(data, buffers=[])
    )
    assert obj == loads(data, trust="process", writable=True)
    assert [*inspect.signature(dumps).parameters] == ["obj", "trust", "limits", "buffers"]
    assert [*inspect.signature(loads).parameters][1:] == ["trust", "limits", "buffers", "writable"]
    assert pickle.loads(pickle.dumps((dumps, loads))) == (dumps, loads)
    assert "Raises:" in (inspect.getdoc(loads) or "")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"trust": "nobody"}, ValueError),
        ({"trust": None}, ValueError),
        ({"limits": 7}, TypeError),
        ({"trust": "process", "limits": Limits()}, ValueError),
        ({"colour": "red"}, TypeError),
    ],
)
def test_bad_arguments_are_refused(options: Any, error: type[Exception]) -> None:
    """P6: at the call, by both."""
    with pytest.raises(error):
        dumps([], **options)
    with pytest.raises(error):
        loads(dumps([]), **options)
    functions: tuple[Any, ...] = (dumps, loads)
    for call in functions:
        with pytest.raises(TypeError):
            call()
        with pytest.raises(TypeError):
            call(b"", b"")
