"""Large buffers: read in place, read-only unless asked for otherwise, and given back."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy
import pyarrow
import pytest

import interlock
from interlock.context import BaseContext
from interlock.serialize import dumps, loads
from tests.serialize.terms.peers import KINDS, Ends

WITHIN_S = 30.0
SIZE = 1 << 20
MESSAGES = 24
Level = Literal["process", "registered"]


@pytest.fixture(params=["process", "registered"])
def trust(request: pytest.FixtureRequest) -> Level:
    level: Level = request.param
    return level


def large(first: int = 0) -> Any:
    made = numpy.arange(SIZE // 8)
    made[0] = first
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_array_is_read_only_unless_it_is_asked_for(kind: str, trust: Level) -> None:
    """P7: by the call, or by the terms of the channel, which a call may overrule."""
    for writable in (False, True):
        ends = Ends.of(interlock.get_context(), kind, trust=trust, writable=writable)
        for _ in range(3):
            ends.put([large()])
        flags = [ends.take(**how)[0].flags for how in ({}, {"writable": True}, {"writable": False})]
        assert [each.writeable for each in flags] == [writable, True, False]
        assert not any(each.owndata for each in flags)
        ends.close()


def test_every_way_to_a_message_takes_writable(trust: Level) -> None:
    """P7: get_nowait, get_many, and the awaited ones too; what is written stays the receiver's."""
    queue = interlock.Queue(trust=trust)
    reading, writing = interlock.Pipe(trust=trust)
    sent = large()
    ways: list[Callable[[Any], Any]] = [
        lambda writable: queue.get_nowait(writable=writable),
        lambda writable: queue.get_many(1, writable=writable)[0],
        lambda writable: asyncio.run(queue.aio.get(writable=writable)),
        lambda writable: asyncio.run(reading.aio.recv(writable=writable)),
    ]
    for take in ways:
        for writable in (None, True, False):
            queue.put(sent)
            writing.send(sent)
            got = take(writable)
            assert got.flags.writeable == (writable is True)
            if writable:
                got[:] = -1
            (reading.recv if take is not ways[-1] else queue.get)()
    assert numpy.array_equal(sent, large())
    queue.close()


def test_what_may_not_be_written_cannot_be_made_writable(trust: Level) -> None:
    """P7: one of several readers must not change what the others read."""
    queue = interlock.Queue(trust=trust)
    queue.put(large())
    got = queue.get()
    with pytest.raises(ValueError, match="WRITEABLE"):
        got.flags.writeable = True
    with pytest.raises(ValueError, match="read-only"):
        got[0] = 1
    queue.close()


def test_the_memory_is_given_back_when_the_last_view_goes(trust: Level) -> None:
    """P7: a queue with room for four of them carries any number; a slice keeps the whole."""
    queue = interlock.Queue(max_bytes=4 * SIZE, trust=trust)
    for number in range(MESSAGES):
        queue.put([large(number)], timeout=WITHIN_S)
        got = queue.get()[0]
        part = got[:10]
        del got
        gc.collect()
        assert part[0] == number
    assert queue.statistics().put == MESSAGES
    queue.close()


def hold(queue: Any, back: Any) -> None:
    held = [queue.get() for _ in range(3)]
    back.put(len(held))
    signal.pause()


def test_the_memory_of_a_killed_reader_is_given_back(context: BaseContext, trust: Level) -> None:
    """P2, P5: its views died with it, so that the writers have their room again."""
    queue, back = context.Queue(max_bytes=4 * SIZE, trust=trust), context.Queue()
    reader = context.Process(target=hold, args=(queue, back))
    reader.start()
    for number in range(3):
        queue.put(large(number), timeout=WITHIN_S)
    assert back.get(timeout=WITHIN_S) == 3
    assert reader.pid is not None
    os.kill(reader.pid, signal.SIGKILL)
    reader.join(WITHIN_S)
    for number in range(MESSAGES):
        queue.put(large(number), timeout=WITHIN_S)
        assert queue.get(timeout=WITHIN_S)[0] == number
    queue.close()
    back.close()


@pytest.mark.parametrize("size", [4095, 4096, 4097])
def test_buffers_stay_beside_the_bytes(size: int, trust: Level) -> None:
    """P7: dumps(buffers=) and loads(buffers=) copy nothing from 4 KiB on; less is in the bytes."""
    sent = numpy.arange(size, dtype="u1")
    buffers: list[Any] = []
    data = dumps([sent, "beside"], trust=trust, buffers=buffers)
    assert len(buffers) == (size >= 4096)
    assert (len(data) < 1000) == (size >= 4096)
    got, beside = loads(data, trust=trust, buffers=buffers)
    assert beside == "beside"
    assert numpy.array_equal(got, sent)
    assert numpy.shares_memory(got, sent) == (size >= 4096)
    if buffers:
        assert not got.flags.writeable
        again = loads(data, trust=trust, buffers=buffers, writable=True)[0]
        assert again.flags.writeable
        assert numpy.shares_memory(again, sent)


def test_missing_buffers_are_an_error() -> None:
    """P4: and none of them is taken from elsewhere."""
    buffers: list[Any] = []
    data = dumps([large(), large(1)], buffers=buffers)
    for some in ([], buffers[:1]):
        with pytest.raises(interlock.DecodeError, match="more buffers than came"):
            loads(data, buffers=some)
    with pytest.raises(interlock.DecodeError):
        loads(data, buffers=[bytes(10), bytes(10)])
    with pytest.raises(interlock.DecodeError, match="one of its buffers is none"):
        loads(data, buffers=[1, 2])


def test_what_arrow_has_checked_is_not_in_the_sender_s_reach() -> None:
    """P4: Arrow follows offsets that it checked once, and the sender can still write its block."""
    table = pyarrow.table({"texts": [f"text {number}" for number in range(2000)]})
    queue = interlock.Queue(trust="registered")
    queue.put([table, large()])
    got, array = queue.get()
    assert got == table
    offsets, texts = got.column(0).chunk(0).buffers()[1:]
    assert is_shared(array.ctypes.data)
    assert not is_shared(offsets.address)
    assert not is_shared(texts.address)


def is_shared(address: int) -> bool:
    """Whether other processes may have the memory there as well (proc(5), maps)."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, flags, *_ = line.split()
        start, end = (int(each, 16) for each in place.split("-"))
        if start <= address < end:
            return flags.endswith("s")
    raise AssertionError(f"nothing is mapped at {address:#x}")
