"""The C extension's memory: lent without a copy, written to only if asked, and given back."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest

import interlock
from interlock.serialize import dumps, loads
from tests.examples.test_c_extension import BOUND_S, WAYS, make

ROUNDS = 3000
LARGE = (64, 128)  # 64 KiB
LARGE_BYTES = 64 * 128 * 8
ROOM = 16 * LARGE_BYTES  # of a queue that must have each block back before long
GROWTH_MAX = ROUNDS * LARGE_BYTES // 20  # one in twenty kept would show


@pytest.fixture(params=("process", "registered"))
def queue(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A queue with little room, under each trust."""
    queue = interlock.Queue(trust=request.param, max_bytes=ROOM)
    yield queue
    queue.close()


@pytest.fixture(autouse=True)
def nothing_left(matrices: Any) -> Iterator[None]:
    """Every byte that matrices allocated in a test is freed at its end."""
    gc.collect()
    before = matrices.allocated()
    yield
    gc.collect()
    assert matrices.allocated() == before


def test_a_large_matrix_is_used_where_it_lies(matrices: Any, queue: Any) -> None:
    """P7: its numbers are at an address in shared memory, and none are allocated."""
    sent = make("SharedMatrix", *LARGE)
    before = matrices.allocated()
    queue.put(sent)
    got = queue.get(timeout=BOUND_S)
    assert got == sent
    assert matrices.allocated() == before
    assert "memfd:" in mapping_at(address_of(got))
    assert "memfd:" not in mapping_at(address_of(sent))


@pytest.mark.parametrize("way", ("StateMatrix", "ReduceMatrix"))
def test_a_pickled_matrix_is_a_copy(matrices: Any, way: str) -> None:
    """What the README says of the other two: memory of the receiver's own."""
    queue = interlock.Queue()
    queue.put(make(way, *LARGE))
    before = matrices.allocated()
    got = queue.get(timeout=BOUND_S)
    assert matrices.allocated() == before + LARGE_BYTES
    assert "memfd:" not in mapping_at(address_of(got))
    queue.close()


@pytest.mark.parametrize("shape", (LARGE, (2, 3)))
def test_it_is_writable_only_on_request(queue: Any, shape: tuple[int, int]) -> None:
    """P2: whoever writes, writes to what is his; the sender's and the other's stay as they were."""
    sent = make("SharedMatrix", *shape)
    queue.put(sent)
    queue.put(sent)
    first = queue.get(timeout=BOUND_S)
    with pytest.raises(TypeError, match="read-write"):
        io.BytesIO(b"\xff" * 8).readinto(first)
    second = queue.get(timeout=BOUND_S, writable=True)
    assert second == sent
    assert io.BytesIO(b"\xff" * 8).readinto(second) == 8
    assert first == sent != second


def test_what_was_lent_read_only_is_sent_on_as_such(queue: Any) -> None:
    """P4: beside a message it is not handed over as memory to write to, which would be a fault."""
    queue.put(make("SharedMatrix", *LARGE))
    lent = queue.get(timeout=BOUND_S)
    buffers: list[Any] = []
    data = dumps(lent, buffers=buffers)
    again = loads(data, buffers=buffers, writable=True)
    assert again == lent
    assert memoryview(again).readonly


def test_its_memory_outlives_the_matrix_the_queue_and_its_handle(queue: Any) -> None:
    """P2: a buffer of it keeps the matrix, which keeps the block."""
    sent = make("SharedMatrix", *LARGE)
    queue.put(sent)
    numbers = np.frombuffer(queue.get(timeout=BOUND_S))
    queue.close()
    del queue
    gc.collect()
    assert (numbers == np.frombuffer(sent)).all()


@pytest.mark.parametrize("shape", (LARGE, (2, 3)))
def test_thousands_of_round_trips_leave_nothing(queue: Any, shape: tuple[int, int]) -> None:
    """P5: the queue has room for sixteen, so a block that is not given back stops it."""
    sent = make("SharedMatrix", *shape)

    def turn() -> None:
        queue.put_nowait(sent)
        assert queue.get_nowait() == sent

    assert_nothing_grows(turn)
    assert (queue.statistics().ready, queue.statistics().leased) == (0, 0)


@pytest.mark.parametrize("way", WAYS)
def test_thousands_of_pickles_leave_nothing(way: str) -> None:
    """P5: the C code of the other two keeps no reference and no memory either."""
    sent = make(way, *LARGE)

    def turn() -> None:
        assert loads(dumps([sent, {1j: sent}], trust="process"), trust="process")[0] == sent

    assert_nothing_grows(turn)


def assert_nothing_grows(turn: Callable[[], None]) -> None:
    """Neither Python's blocks nor the process's memory, once caches are filled."""
    process = psutil.Process()
    for _ in range(ROUNDS // 10):
        turn()
    gc.collect()
    blocks, resident = sys.getallocatedblocks(), process.memory_info().rss
    for _ in range(ROUNDS):
        turn()
    gc.collect()
    assert sys.getallocatedblocks() - blocks < ROUNDS // 20
    assert process.memory_info().rss - resident < GROWTH_MAX


def address_of(matrix: Any) -> int:
    """Where its numbers lie."""
    return int(np.frombuffer(matrix).ctypes.data)


def mapping_at(address: int) -> str:
    """The line of this process's memory map for an address."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = (int(bound, 16) for bound in line.split()[0].split("-"))
            if first <= address < last:
                return line
    raise AssertionError(f"nothing is mapped at {address:#x}")
