"""What handles of a board do that needs no cluster to be seen."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest

from interlock.context.far.locks import FarLock
from interlock.context.far.queues import FarJoinableQueue, FarQueue
from interlock.context.far.signals import FarBarrier, FarCondition, FarEvent
from interlock.errors import BrokenBarrier, ServerGone
from tests.context.far.near import NearLine, near_line

BOUND_S = 20.0


@pytest.fixture
def line() -> Iterator[NearLine]:
    with near_line() as line:
        yield line


def test_what_nobody_has_is_dropped(line: NearLine) -> None:
    """P5: with the next call, as long as it was never sent."""
    event, kept = FarEvent(line), FarEvent(line)
    name = event._name
    del event
    gc.collect()
    kept.set()
    assert kept.is_set()
    assert name not in line.board._things and kept._name in line.board._things


def test_who_was_taken_for_dead_comes_back(line: NearLine) -> None:
    """P3: what he had is others', and what he asks is answered."""
    lock = FarLock(line)
    lock.acquire()
    line.forget()
    with pytest.warns(match="died while it had"):
        assert lock.acquire(timeout=BOUND_S)
    lock.release()


def test_who_cannot_enter_is_told(line: NearLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """P3: that the board is gone, although nothing was asked of it yet."""
    lock = FarLock(line)

    def gone(seat: object) -> None:
        raise ServerGone("the board is gone")

    monkeypatch.setattr(line, "_enter", gone)
    with pytest.raises(ServerGone, match="the board is gone"):
        lock.acquire()


def test_a_lease_that_ends_well_is_a_task_that_is_done(line: NearLine) -> None:
    """P1: of a JoinableQueue."""
    queue = FarJoinableQueue(line)
    queue.put("work")
    with queue.lease():
        pass
    queue.join()


def test_dead_letters_come_in_order(line: NearLine) -> None:
    """P2: also one that was put back."""
    queue = FarQueue(line, max_deliveries=1)
    queue.put_many([1, 2])
    for _ in range(2):
        with suppress(ZeroDivisionError), queue.lease():
            1 // 0  # noqa: B018
    line.interrupts("take_dead", "as it waits")
    with pytest.raises(KeyboardInterrupt):
        queue.dead_letters.get(False)
    assert list(queue.dead_letters) == [1, 2]


def test_an_awaited_call_leaves_no_descriptor(line: NearLine) -> None:
    """P5: nor does one that was cancelled, and one that waited for its end all the same."""
    lock, queue, condition = FarLock(line), FarQueue(line), FarCondition(line)

    async def use() -> None:
        for _ in range(5):
            async with lock.aio, condition.aio:
                for wait in (queue.aio.get, condition.aio.wait):
                    with anyio.move_on_after(0.01) as scope:
                        await wait()
                    assert scope.cancelled_caught

    async def counted() -> int:
        await use()
        before = len(os.listdir("/proc/self/fd"))
        await use()
        return len(os.listdir("/proc/self/fd")) - before

    assert asyncio.run(counted()) == 0


def test_a_barrier_whose_action_fails_breaks_for_all(line: NearLine) -> None:
    """P1: as threading.Barrier; who waits is told why."""
    barrier = FarBarrier(line, 2, action=lambda: 1 // 0)
    told: list[BaseException] = []

    def passes() -> None:
        try:
            barrier.wait(BOUND_S)
        except (BrokenBarrier, ZeroDivisionError) as error:
            told.append(error)

    threads = [threading.Thread(target=passes) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert sorted(type(error).__name__ for error in told) == ["BrokenBarrier", "ZeroDivisionError"]
    assert any("action" in str(error) for error in told)
