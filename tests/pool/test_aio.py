"""P10: pools awaited, under asyncio and Trio; a cancelled wait cancels its work."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from interlock.context import BaseContext
from interlock.pool import Pool, ProcessPoolExecutor, ThreadPool, ThreadPoolExecutor
from interlock.shared_memory import AtomicInt
from tests.pool import endless, work

pytestmark = pytest.mark.anyio
LONG_S = 30.0
AWAITED = 20


async def test_calls_are_awaited(pool: Pool) -> None:
    """apply, map, starmap; an exception is the call's."""
    with anyio.fail_after(LONG_S):
        assert await pool.aio.apply(work.square, (4,)) == 16
        assert await pool.aio.map(work.square, range(20)) == [n * n for n in range(20)]
        assert await pool.aio.starmap(work.add, [(1, 2), (3, 4)]) == [3, 7]
        with pytest.raises(ZeroDivisionError):
            await pool.aio.apply(divmod, (1, 0))


async def test_many_are_awaited_at_once(pool: Pool) -> None:
    """The loop is not held up: each waiting task has its own."""
    found: dict[int, int] = {}

    async def one(number: int) -> None:
        found[number] = await pool.aio.apply(work.square, (number,))

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(one, number)
    assert found == {n: n * n for n in range(50)}


async def test_lazy_results_are_iterated(pool: Pool) -> None:
    """async for, over an endless input, in order and not."""
    with anyio.fail_after(LONG_S):
        results = pool.aio.imap(work.square, itertools.count())
        assert [await anext(results) for _ in range(50)] == [n * n for n in range(50)]
        await results.aclose()
        unordered = pool.aio.imap_unordered(work.square, range(50))
        assert {r async for r in unordered} == {n * n for n in range(50)}


async def test_the_end_of_an_input_is_no_result(pool: Pool) -> None:
    """Who waits for a result is not woken when the input ends while tasks are at work."""
    flag, gate = AtomicInt(), threading.Event()

    def numbers() -> Iterator[int]:
        yield 5
        gate.wait(LONG_S)

    task = functools.partial(work.wait_until, flag)
    results = pool.aio.imap_unordered(task, numbers())
    job = results._results._job
    found: list[int] = []

    async def take() -> None:
        found.append(await anext(results))

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            while not job._awaiting:
                await anyio.lowlevel.checkpoint()
            gate.set()
            while job._end is None:
                await anyio.lowlevel.checkpoint()
            assert not found
            flag.store(1)
    assert found == [5]


async def test_a_cancelled_wait_cancels_the_work(pool: Pool) -> None:
    """The worker is free for others."""
    with anyio.move_on_after(0.1) as scope:
        await pool.aio.apply(endless.for_ever)
    assert scope.cancelled_caught
    with anyio.move_on_after(0.1):
        await pool.aio.map(endless.for_ever, range(4))
    with anyio.move_on_after(0.1):
        await anext(pool.aio.imap(endless.for_ever, range(4)))
    with anyio.fail_after(LONG_S):
        assert await pool.aio.map(work.square, range(8)) == [n * n for n in range(8)]


async def test_an_executor_is_awaited(context: BaseContext) -> None:
    """submit and map; what was cancelled runs no more."""
    with ProcessPoolExecutor(1, context) as executor:
        with anyio.move_on_after(0.1):
            await executor.aio.submit(endless.for_ever)
        with anyio.fail_after(LONG_S):
            assert await executor.aio.submit(work.add, 2, right=3) == 5
            squares = executor.aio.map(work.square, itertools.count())
            assert [await anext(squares) for _ in range(20)] == [n * n for n in range(20)]
            await squares.aclose()


async def test_a_map_that_is_left_ends_its_calls() -> None:
    """What was begun for it is cancelled; no more of the input is read than buffersize says."""
    numbers = itertools.count()
    with ProcessPoolExecutor(2) as executor, anyio.fail_after(LONG_S):
        squares = executor.aio.map(work.square, numbers, buffersize=3)
        assert [await anext(squares) for _ in range(10)] == [n * n for n in range(10)]
        await squares.aclose()
        assert next(numbers) <= 10 + 3
        for_ever = executor.aio.map(work.first_only, itertools.count())
        assert await anext(for_ever) == 0
        await for_ever.aclose()
        assert await executor.aio.submit(work.square, 3) == 9
        with pytest.raises(ValueError, match="buffersize"):
            await anext(executor.aio.map(work.square, [1], buffersize=0))


async def test_an_iteration_that_is_left_reads_no_more(pool: Pool) -> None:
    """And nothing of what was awaited has a descriptor."""
    descriptors = work.in_use().descriptors
    with anyio.fail_after(LONG_S):
        for number in range(AWAITED):
            assert await pool.aio.apply(work.square, (number,)) == number * number
        results = pool.aio.imap(work.square, itertools.count())
        assert await anext(results) == 0
        await results.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(results)
    # The pool may have begun a worker or a template meanwhile, which has a few.
    assert work.in_use().descriptors < descriptors + AWAITED


async def test_threads_are_awaited() -> None:
    """The same on both pools of threads."""
    with ThreadPool(2) as pool, ThreadPoolExecutor(2) as executor, anyio.fail_after(LONG_S):
        assert await pool.aio.apply(work.square, (4,)) == 16
        assert await pool.aio.map(work.square, range(4)) == [0, 1, 4, 9]
        assert await pool.aio.starmap(work.add, [(1, 2)]) == [3]
        assert [r async for r in pool.aio.imap(work.square, range(40))][-1] == 39 * 39
        assert len({r async for r in pool.aio.imap_unordered(work.square, range(40))}) == 40
        with pytest.raises(ZeroDivisionError):
            await pool.aio.apply(divmod, (1, 0))
        assert await executor.aio.submit(work.square, 5) == 25
        squares = executor.aio.map(work.square, itertools.count(), buffersize=2)
        assert [await anext(squares) for _ in range(20)] == [n * n for n in range(20)]
        await squares.aclose()
