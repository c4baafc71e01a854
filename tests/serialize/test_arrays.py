"""Arrays and other large buffers cross whole, whatever their layout and size."""

from __future__ import annotations

import array
import pickle
from collections.abc import Callable
from typing import Any

import numpy
import numpy.typing
import pytest

import interlock
from tests.serialize import things
from tests.serialize.journey import Carrier

Journey = Callable[[Any], Any]
Array = numpy.typing.NDArray[Any]

PAGE = 4096
AROUND = (0, 1, PAGE - 8, PAGE, PAGE + 8, (1 << 20) - 8, 1 << 20, (1 << 20) + 8)
GRID = numpy.arange(120_000, dtype="f8").reshape(300, 400)  # 960 kB
CUBE = numpy.arange(24_000, dtype="i4").reshape(20, 30, 40)

LAYOUTS: dict[str, Array] = {
    "rows": GRID,
    "every second row and third column": GRID[::2, ::3],
    "columns first": numpy.asfortranarray(GRID),
    "transposed": GRID.T,
    "backwards": GRID[::-1, ::-1],
    "axes in another order": CUBE.transpose(1, 2, 0),
    "one column": GRID[:, 7:8],
    "from the middle": GRID[100:200],
    "the same row again and again": numpy.broadcast_to(numpy.arange(5000), (30, 5000)),
    "no items": numpy.zeros((0, 5)),
    "no items, large strides": GRID[:0],
    "one number": numpy.array(7.5),
    "one axis of length one": numpy.zeros((1, 1, 1000)),
    "records": numpy.array([("a", 1, 2.0)] * 500, dtype="U3,i4,f8"),
    "records in records": numpy.zeros(300, dtype=[("p", "f8", (2, 3)), ("q", [("r", "i1")])]),
    "a field of records": numpy.ones(900, dtype=[("x", "i2"), ("y", "f8")])["y"],
    "aligned records": numpy.zeros(700, numpy.dtype("i1,f8", align=True)),
    "objects": numpy.array([None, "object", [1], 2**80] * 300, dtype=object),
    "truths": numpy.arange(9000) % 3 == 0,
    "texts": numpy.array(["\u00e9t\u00e9", "\U0001f512"] * 900),
    "bytes": numpy.array([b"ab", b"abcdef"] * 900),
    "dates": numpy.arange("2024-01-01", "2040-01-01", dtype="datetime64[D]"),
    "durations": numpy.arange(1000, dtype="timedelta64[us]"),
    "big-endian": numpy.arange(2000, dtype=">i4"),
    "halves": numpy.linspace(0, 1, 4000, dtype="f2"),
    "complex": numpy.exp(1j * numpy.arange(1000)),
    "extended": numpy.arange(500, dtype="longdouble"),
    "with NaN": numpy.full(1000, numpy.nan),
}


def assert_same(got: Any, sent: Array) -> None:
    assert type(got) is numpy.ndarray
    assert got.dtype == sent.dtype
    assert got.shape == sent.shape
    by_value = sent.dtype.kind in "fc"
    assert numpy.array_equal(got, sent, equal_nan=by_value)


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_array_of_any_layout_arrives_equal(name: str, carrier: Carrier) -> None:
    """P1: type, shape and contents, alone and among other things; what it was is not touched."""
    sent = LAYOUTS[name]
    before = sent.copy()
    assert_same(carrier.carry(sent), before)
    got, inner, text = carrier.carry([sent, {"key": sent}, "text"])
    assert_same(got, before)
    assert got is inner["key"]
    assert text == "text"
    assert_same(sent, before)


def test_arrays_come_back_from_another_process(there_and_back: Journey) -> None:
    """P1: read there, sent on from the shared memory in which they lie, and read here."""
    for sent in LAYOUTS.values():
        assert_same(there_and_back(sent), sent)


def test_the_memory_order_is_pickle_s(carrier: Carrier) -> None:
    """P1: columns first stay columns first, and what is neither becomes rows."""
    for sent in (GRID, numpy.asfortranarray(GRID), GRID.T, GRID[::2, ::3], GRID[::-1]):
        got, expected = carrier.carry(sent), pickle.loads(pickle.dumps(sent, 5))
        assert (got.flags.c_contiguous, got.flags.f_contiguous) == (
            expected.flags.c_contiguous,
            expected.flags.f_contiguous,
        )


@pytest.mark.parametrize("size", AROUND)
def test_buffers_of_every_kind_around_the_sizes_where_the_way_changes(
    size: int, carrier: Carrier
) -> None:
    """P2: one page, from which on they go beside the pickle, and a megabyte."""
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    numbers = numpy.frombuffer(body, "u1")
    doubles = array.array("d", body[: size - size % 8])
    sent = [numbers, doubles, bytearray(body), body, things.Bytearray(body)]
    got = carrier.carry(sent)
    assert_same(got[0], numbers)
    assert (type(got[1]), got[1].tobytes()) == (array.array, doubles.tobytes())
    assert got[2:] == sent[2:]
    assert [type(part) for part in got] == [type(part) for part in sent]


@pytest.mark.parametrize("size", [100, PAGE - 1, PAGE, 1 << 20])
@pytest.mark.parametrize("make", [bytes, bytearray, lambda size: memoryview(bytes(size))])
def test_a_pickle_buffer_brings_its_bytes(
    make: Callable[[int], Any], size: int, carrier: Carrier
) -> None:
    """P1: what an object's own __reduce_ex__ sends out of band, in whatever object it arrives."""
    assert bytes(carrier.carry(pickle.PickleBuffer(make(size)))) == bytes(size)


def test_a_buffer_with_gaps_is_refused_and_not_torn(carrier: Carrier) -> None:
    """P6: pickle has no way for one; nothing is put."""
    gaps = memoryview(bytes(20_000))[::2]
    with pytest.raises((interlock.SerializationError, BufferError, pickle.PicklingError)):
        carrier.put([pickle.PickleBuffer(gaps)])
    assert carrier.is_empty()


def test_many_arrays_in_one_message_keep_apart(carrier: Carrier) -> None:
    """P2: each gets its own part of the message's memory, small ones between large ones."""
    sizes = [3, 5000, 17, 9001, 600, 70_000, 0, 4096] * 8
    sent = [numpy.full(size, number, "u1") for number, size in enumerate(sizes)]
    got = carrier.carry(sent, writable=True)
    for number, one in enumerate(got):
        assert_same(one, sent[number])
        one[:] = 255 - number
    assert [one.tobytes() for one in got] == [
        bytes([255 - number]) * size for number, size in enumerate(sizes)
    ]


def test_an_array_that_is_kept_is_not_written_over(carrier: Carrier) -> None:
    """P2: by messages that come later, nor by the end of the carrier."""
    kept = carrier.carry(GRID, writable=True)
    for number in range(5):
        assert_same(carrier.carry(GRID + number), GRID + number)
    carrier.close()
    assert_same(kept, GRID)
    kept += 1
    assert_same(kept, GRID + 1)


def test_an_array_may_be_written_to_if_the_sender_s_could_and_it_is_asked_for(
    carrier: Carrier,
) -> None:
    """P7: a large one is read in place, so only on request; and the sender's is another."""
    for size in (10, 10_000):
        ours = numpy.zeros(size)
        got = carrier.carry(ours, writable=True)
        got[0] = 1.0
        assert ours[0] == 0.0
        ours.flags.writeable = False
        got = carrier.carry(ours, writable=True)
        assert not got.flags.writeable
    large = numpy.zeros(10_000)
    assert not carrier.carry(large).flags.writeable
    assert not carrier.carry(large, writable=False).flags.writeable


def test_a_shape_that_was_met_before_is_still_told_apart(carrier: Carrier) -> None:
    """P2: what is remembered of one array is used for none that differs in type or shape."""
    body = numpy.arange(6000, dtype="i8")
    forms = [
        body,
        body.view("f8"),
        body.view("u8"),
        body.view("M8[s]"),
        body.reshape(60, 100),
        body.reshape(100, 60),
        body.astype(">i8"),
        body.reshape(1, 6000),
    ]
    for _ in range(3):
        for sent in forms:
            assert_same(carrier.carry(sent), sent)


class Mine(numpy.ndarray[Any, Any]):
    """An array of a program's own class."""


def test_an_array_of_a_subclass_stays_one(carrier: Carrier) -> None:
    """P1: a view of any size, and one with a mask."""
    for size in (10, 10_000):
        sent = numpy.arange(size).view(Mine)
        got = carrier.carry(sent)
        assert type(got) is Mine
        assert numpy.array_equal(got, sent)
        masked: Any = numpy.ma.masked_greater(numpy.arange(size), 5)
        got = carrier.carry(masked)
        assert type(got) is type(masked)
        assert got.sum() == masked.sum() == 15
