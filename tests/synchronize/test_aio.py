"""Locks awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import anyio
import pytest

import interlock
from interlock.errors import AbandonedLockWarning, LockNotHeld
from interlock.testing import die
from interlock.testing.trial import Trial

pytestmark = pytest.mark.anyio
LONG_S = 30.0


@pytest.fixture(params=[False, True], ids=["plain", "fair"])
def fair(request: pytest.FixtureRequest) -> bool:
    """Both kinds of lock."""
    kind: bool = request.param
    return kind


async def test_tasks_take_turns(fair: bool) -> None:
    """Of one event loop, too: they are one thread."""
    lock = interlock.Lock(fair=fair)
    inside = turns = 0

    async def take() -> None:
        nonlocal inside, turns
        for _ in range(10):
            async with lock.aio:
                assert inside == 0
                inside += 1
                await anyio.lowlevel.checkpoint()
                inside -= 1
                turns += 1

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(take)
    assert turns == 40
    assert not lock.locked()


async def test_processes_take_turns_with_tasks(trial: Trial, fair: bool) -> None:
    """A release elsewhere wakes who awaits it; the loop goes on meanwhile."""
    lock = interlock.Lock(fair=fair)
    reading, writing = trial.pipe()
    writing.send(0)
    child = trial.child(_count_up, lock, reading, writing)
    with anyio.fail_after(LONG_S):
        for _ in range(30):
            async with lock.aio:
                assert reading.poll()
                writing.send(reading.recv() + 1)
    await anyio.to_thread.run_sync(child.result)
    assert reading.recv() == 60


def _count_up(lock: Any, reading: Any, writing: Any) -> None:
    for _ in range(30):
        with lock:
            assert reading.poll()
            writing.send(reading.recv() + 1)


async def test_a_timeout_and_a_refusal(fair: bool) -> None:
    """As acquire() has them."""
    lock = interlock.Lock(fair=fair)
    assert await lock.aio.acquire() is True
    assert await lock.aio.acquire(timeout=0.05) is False
    assert await lock.aio.acquire(block=False) is False
    lock.aio.release()
    with pytest.raises(LockNotHeld):
        lock.aio.release()
    assert not lock.aio.locked()


async def test_a_cancelled_acquire_leaves_no_trace(fair: bool) -> None:
    """Nobody waits for a lock that it would then have."""
    lock = interlock.Lock(fair=fair)
    with lock:
        for _ in range(5):
            with anyio.move_on_after(0.01) as scope:
                await lock.aio.acquire()
            assert scope.cancelled_caught
    assert lock.waiters == ()
    assert lock.acquire(block=False)
    lock.release()


async def test_a_dead_owner_is_noticed(trial: Trial, fair: bool) -> None:
    """P3: by who awaits it."""
    lock = trial.context.Lock(fair=fair)  # type: ignore[attr-defined]
    owner = trial.context.Process(target=_die_with, args=(lock,))
    owner.start()
    await anyio.to_thread.run_sync(owner.join)
    with anyio.fail_after(LONG_S), pytest.warns(AbandonedLockWarning):
        await lock.aio.acquire()
    assert lock.abandoned.pid == owner.pid


def _die_with(lock: Any) -> None:
    lock.acquire()
    die()


async def test_fair_tasks_have_it_in_the_order_they_came() -> None:
    """Beside threads that wait for it."""
    lock = interlock.Lock(fair=True)
    order: list[int] = []

    async def take(number: int) -> None:
        async with lock.aio:
            order.append(number)

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            lock.acquire()
            for number in range(5):
                group.start_soon(take, number)
                while len(lock.waiters) <= number:
                    await anyio.lowlevel.checkpoint()
            lock.release()
    assert order == list(range(5))


async def test_no_thread_helps() -> None:
    """P10: waiting starts none, and leaves no descriptor behind but the bell's."""
    lock = interlock.Lock()
    before = threading.active_count()
    with lock, anyio.move_on_after(0.05):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(partial(lock.aio.acquire))
            await anyio.sleep(0.02)
            assert threading.active_count() == before
