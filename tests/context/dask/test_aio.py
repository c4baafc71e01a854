"""What is awaited of a cluster's queues, locks and the like (P10)."""

from __future__ import annotations

import anyio
import pytest

from interlock.context.dask import DaskContext
from interlock.errors import BrokenBarrier, Empty, Full

BOUND_S = 20.0


@pytest.mark.anyio
async def test_a_queue_is_awaited(local: DaskContext) -> None:
    """P10: under asyncio and Trio; who is cancelled has taken nothing."""
    queue = local.JoinableQueue(maxsize=2)
    await queue.aio.put(1)
    assert await queue.aio.get() == 1
    with anyio.move_on_after(0.1):
        await queue.aio.get()
    queue.put("kept")
    with pytest.raises(ZeroDivisionError):
        async with queue.aio.lease():
            1 // 0  # noqa: B018
    async with queue.aio.lease() as delivery:
        assert (delivery.message, delivery.attempt) == ("kept", 2)
    with pytest.raises(Empty):
        await queue.aio.get(timeout=0.01)
    await queue.aio.put_many([2, 3])
    with pytest.raises(Full):
        await queue.aio.put(4, timeout=0.01)
    assert await queue.aio.get_many(5) == [2, 3]
    for _ in range(3):
        queue.task_done()
    await queue.aio.join()
    queue.shutdown()
    assert [each async for each in queue.aio] == []


@pytest.mark.anyio
async def test_more_wait_than_dask_has_connections(local: DaskContext) -> None:
    """P3, P10: those that wait leave room for the call that they wait for."""
    event = local.Event()
    begun = []

    async def wait() -> None:
        begun.append(1)
        await event.aio.wait()

    async with anyio.create_task_group() as tasks:
        for _ in range(600):
            tasks.start_soon(wait)
        while len(begun) < 600:
            await anyio.sleep(0)
        event.set()


@pytest.mark.anyio
async def test_locks_are_awaited(local: DaskContext) -> None:
    """P10: a recursive one is a task's; who is cancelled has not got it."""
    lock, recursive = local.Lock(), local.RLock()
    async with lock.aio:
        assert not await lock.aio.acquire(timeout=0.01)
        with anyio.move_on_after(0.1):
            await lock.aio.acquire()
    assert not lock.locked()
    refused = []

    async def other() -> None:
        refused.append(not await recursive.aio.acquire(timeout=0.01))

    async with recursive.aio, recursive.aio, anyio.create_task_group() as tasks:
        tasks.start_soon(other)
    assert refused == [True]
    assert not recursive.locked()


@pytest.mark.anyio
async def test_signals_are_awaited(local: DaskContext) -> None:
    """P10: events, conditions and barriers; who is cancelled in a wait has the lock."""
    event, condition = local.Event(), local.Condition()
    barrier = local.Barrier(2, action=event.set)
    assert not await event.aio.wait(0.01)

    async def other() -> None:
        async with condition.aio:
            condition.aio.notify_all()
        await barrier.aio.wait(BOUND_S)

    async with anyio.create_task_group() as tasks:
        async with condition.aio:
            with anyio.move_on_after(0.1):
                await condition.aio.wait()
            tasks.start_soon(other)
            assert await condition.aio.wait(BOUND_S)
        await barrier.aio.wait(BOUND_S)
    assert await event.aio.wait()
    event.aio.clear()
    assert not event.aio.is_set()
    with pytest.raises(BrokenBarrier):
        await barrier.aio.wait(0.01)
