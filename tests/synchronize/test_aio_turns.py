"""Semaphores, events, conditions, barriers and RLocks awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

import interlock
from interlock.errors import AbandonedLockError, AbandonedLockWarning, BrokenBarrier, LockNotOwned
from interlock.testing import die
from interlock.testing.trial import Trial

pytestmark = pytest.mark.anyio
LONG_S = 30.0
THINGS = 20


async def test_a_semaphore_lets_in_so_many_tasks() -> None:
    """And each of them in the end."""
    semaphore = interlock.Semaphore(2)
    inside = most = turns = 0

    async def take() -> None:
        nonlocal inside, most, turns
        for _ in range(5):
            async with semaphore.aio:
                inside += 1
                most = max(most, inside)
                await anyio.lowlevel.checkpoint()
                inside -= 1
                turns += 1

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(take)
    assert (turns, most) == (20, 2)
    assert semaphore.get_value() == 2


async def test_a_semaphore_refuses_in_time() -> None:
    """As acquire() does; a cancelled one leaves no trace."""
    semaphore = interlock.BoundedSemaphore(1)
    async with semaphore.aio:
        assert await semaphore.aio.acquire(block=False) is False
        assert await semaphore.aio.acquire(timeout=0.05) is False
        with anyio.move_on_after(0.05) as scope:
            await semaphore.aio.acquire()
        assert scope.cancelled_caught
    assert semaphore.get_value() == 1
    assert semaphore.holders == ()
    with pytest.raises(ValueError, match="released"):
        semaphore.aio.release()


async def test_places_of_the_dead_come_back(trial: Trial) -> None:
    """P3: to who awaits one."""
    semaphore = trial.context.Semaphore(2)  # type: ignore[attr-defined]
    owner = trial.context.Process(target=_die_with_all, args=(semaphore, 2))
    owner.start()
    await anyio.to_thread.run_sync(owner.join)
    with anyio.fail_after(LONG_S):
        await semaphore.aio.acquire()
        await semaphore.aio.acquire()
    assert semaphore.get_value() == 0
    assert semaphore.abandoned.pid == owner.pid


def _die_with_all(semaphore: Any, places: int) -> None:
    for _ in range(places):
        semaphore.acquire()
    die()


async def test_an_event_set_elsewhere_wakes_all_tasks(trial: Trial) -> None:
    """Even if it is cleared at once."""
    event = interlock.Event()
    waiting, seen = 3, []

    async def wait() -> None:
        seen.append(await event.aio.wait())

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            for _ in range(waiting):
                group.start_soon(wait)
            while len(event.waiters) < waiting:
                await anyio.lowlevel.checkpoint()
            child = trial.child(_set_and_clear, event)
    assert seen == [True] * waiting
    await anyio.to_thread.run_sync(child.result)
    assert await event.aio.wait(timeout=0.05) is False
    assert event.waiters == ()


def _set_and_clear(event: Any) -> None:
    event.set()
    event.clear()


async def test_a_condition_between_tasks_and_processes(trial: Trial) -> None:
    """Each thing that a process makes is taken by a task once."""
    condition = interlock.Condition()
    things = interlock.RawValue("i", 0)
    taken = 0

    async def take() -> None:
        nonlocal taken
        for _ in range(THINGS // 2):
            async with condition.aio:
                assert await condition.aio.wait_for(lambda: things.value > 0)
                things.value -= 1
                taken += 1

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(take)
            child = trial.child(_make, condition, things)
    await anyio.to_thread.run_sync(child.result)
    assert (taken, things.value) == (THINGS, 0)
    assert condition.waiters == ()


def _make(condition: Any, things: Any) -> None:
    for _ in range(THINGS):
        with condition:
            things.value += 1
            condition.notify()


async def test_a_cancelled_wait_has_the_lock_and_takes_no_notification() -> None:
    """What it was given goes to the next one that waits."""
    condition = interlock.Condition()
    order: list[str] = []
    first = anyio.CancelScope()

    async def wait(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            async with condition.aio:
                try:
                    await condition.aio.wait()
                    order.append(name)
                finally:
                    assert condition._lock._semlock._is_mine()

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(wait, "cancelled", first)
            while len(condition.waiters) < 1:
                await anyio.lowlevel.checkpoint()
            group.start_soon(wait, "other", anyio.CancelScope())
            while len(condition.waiters) < 2:
                await anyio.lowlevel.checkpoint()
            async with condition.aio:
                condition.aio.notify()  # the first is notified, and is cancelled before it runs
                first.cancel()
    assert order in (["other"], ["cancelled"])
    assert first.cancelled_caught == (order == ["other"])
    assert condition.waiters == ()


async def test_a_condition_s_timeout_and_errors() -> None:
    """wait() has the lock again; without the lock there is no wait()."""
    condition = interlock.Condition()
    async with condition.aio:
        assert await condition.aio.wait(timeout=0.05) is False
        assert await condition.aio.wait_for(lambda: 0, timeout=0.05) == 0
    with pytest.raises(LockNotOwned):
        await condition.aio.wait()
    with pytest.raises(LockNotOwned):
        condition.aio.notify_all()


@pytest.mark.parametrize("on_abandon", ["warn", "raise"])
async def test_a_death_with_the_lock_ends_the_wait(trial: Trial, on_abandon: str) -> None:
    """P3: the dead one may have been about to notify. The caller has the lock, and is told."""
    context: Any = trial.context
    condition = context.Condition(context.Lock(on_abandon=on_abandon))
    kind = AbandonedLockWarning if on_abandon == "warn" else AbandonedLockError
    expected: Any = pytest.warns if on_abandon == "warn" else pytest.raises
    with anyio.fail_after(LONG_S):
        async with condition.aio:
            child = context.Process(target=_die_before_it_notifies, args=(condition,))
            child.start()
            with expected(kind):
                assert await condition.aio.wait() is True
            assert condition._lock.owner.thread == threading.get_native_id()
    await anyio.to_thread.run_sync(child.join)
    assert condition._lock.owner is None


def _die_before_it_notifies(condition: Any) -> None:
    condition.acquire()
    die()


async def test_an_rlock_is_the_task_s_that_awaited_it() -> None:
    """It may have it again; another task of the same thread may not, and may not release it."""
    lock = interlock.RLock()
    held, go_on = anyio.Event(), anyio.Event()

    async def hold() -> None:
        async with lock.aio, lock.aio:
            held.set()
            await go_on.wait()

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(hold)
            await held.wait()
            assert await lock.aio.acquire(block=False) is False
            assert await lock.aio.acquire(timeout=0.02) is False
            with pytest.raises(LockNotOwned):
                lock.aio.release()
            go_on.set()
            async with lock.aio:
                assert lock.owner is not None
    assert lock.owner is None


async def test_tasks_and_a_process_pass_a_barrier(trial: Trial) -> None:
    """Each gets a number of its own in each round."""
    barrier = interlock.Barrier(3)
    numbers: list[list[int]] = [[], []]

    async def take_part(mine: list[int]) -> None:
        for _ in range(5):
            mine.append(await barrier.aio.wait())

    child = trial.child(_numbers, barrier)
    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            for mine in numbers:
                group.start_soon(take_part, mine)
    theirs = await anyio.to_thread.run_sync(child.result)
    for each in zip(*numbers, theirs, strict=True):
        assert sorted(each) == [0, 1, 2]


def _numbers(barrier: Any) -> list[int]:
    return [barrier.wait() for _ in range(5)]


async def test_a_cancelled_task_takes_no_part_in_the_round() -> None:
    """The barrier stays whole; a timeout breaks it."""
    barrier = interlock.Barrier(2)
    with anyio.move_on_after(0.05) as scope:
        await barrier.aio.wait()
    assert scope.cancelled_caught
    assert (barrier.n_waiting, barrier.broken) == (0, False)
    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(barrier.aio.wait)
            await barrier.aio.wait()
        with pytest.raises(BrokenBarrier, match="in time"):
            await barrier.aio.wait(timeout=0.05)
        assert barrier.broken
        with pytest.raises(BrokenBarrier, match="in time"):
            await barrier.aio.wait()


async def test_a_dead_party_is_named_to_who_awaits(trial: Trial) -> None:
    """P3: it had passed before."""
    barrier = trial.context.Barrier(2)  # type: ignore[attr-defined]
    child = trial.doomed(_pass_and_die, barrier)
    with anyio.fail_after(LONG_S):
        await barrier.aio.wait()
        with pytest.raises(BrokenBarrier) as caught:
            await barrier.aio.wait()
    assert caught.value.missing is not None
    assert caught.value.missing.pid == child.pid


def _pass_and_die(barrier: Any) -> None:
    barrier.wait()
    die()
