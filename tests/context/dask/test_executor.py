"""An executor on a cluster: concurrent.futures' interface (P8)."""

from __future__ import annotations

import concurrent.futures

import pytest

from interlock.context.dask import DaskContext
from interlock.errors import NoSuchOption
from interlock.pool import PoolClosed, TaskTimeout
from tests.context.dask import work

BOUND_S = 20.0


def test_calls_and_their_futures(local: DaskContext) -> None:
    """P8: submit, map, wait, as_completed."""
    with local.ProcessPoolExecutor() as executor:
        futures = [executor.submit(work.double, number) for number in range(10)]
        assert concurrent.futures.wait(futures, BOUND_S).not_done == set()
        assert [future.result() for future in futures] == [2 * number for number in range(10)]
        bad = executor.submit(work.raising, 1)
        assert next(concurrent.futures.as_completed([bad], BOUND_S)) is bad
        error = bad.exception(BOUND_S)
        assert isinstance(error, ValueError)
        assert "Traceback" in str(error.__cause__.__cause__)  # type: ignore[union-attr]
        assert list(executor.map(work.add, range(5), range(5))) == [0, 2, 4, 6, 8]
        assert list(executor.map(work.add, range(50), chunksize=8)) == list(range(50))


def test_a_map_ends_with_its_first_error(local: DaskContext) -> None:
    """P8: as of concurrent.futures; and reads no further than buffersize."""
    with local.ProcessPoolExecutor() as executor:
        results = executor.map(work.raising, range(3))
        with pytest.raises(ValueError, match="bad 0"):
            next(results)
        read: list[int] = []
        endless = executor.map(work.double, work.numbers(read), buffersize=3)
        assert [next(endless) for _ in range(4)] == [0, 2, 4, 6]
        assert len(read) <= 8
        gate = local.Event()
        slow = executor.map(work.note_and_wait_for, [gate], timeout=0.05)
        with pytest.raises(TimeoutError):
            next(slow)
        gate.set()


def test_a_call_that_has_not_begun_is_cancelled(local: DaskContext) -> None:
    """P8: Future.cancel, and what shutdown(cancel_futures=True) does."""
    barrier = local.Barrier(2)
    with local.ProcessPoolExecutor(1) as executor:
        running = executor.submit(work.meet, barrier)
        waiting = executor.submit(work.double, 1)
        assert waiting.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            waiting.result(BOUND_S)
        other = executor.submit(work.double, 2)
        executor.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(concurrent.futures.CancelledError):
            other.result(BOUND_S)
        assert other.cancelled()
        barrier.wait(BOUND_S)
        assert running.result(BOUND_S) in (0, 1)
    with pytest.raises(PoolClosed, match="after shutdown"):
        executor.submit(work.double, 1)


def test_many_calls_are_cancelled_at_once(local: DaskContext) -> None:
    """P8: all that no worker has; their futures are cancelled."""
    started = [local.Event(), local.Event()]
    with local.ProcessPoolExecutor() as executor:
        running = [executor.submit(work.stay, each) for each in started]
        assert all(each.wait(BOUND_S) for each in started)
        futures = [executor.submit(work.double, number) for number in range(40)]
        executor.shutdown(wait=False, cancel_futures=True)
        for future in running:
            assert future.cancel(running=True)
    assert sum(future.cancelled() for future in futures) > 20
    assert all(future.cancelled() or future.result() % 2 == 0 for future in futures)


def test_a_call_that_runs_is_cancelled(local: DaskContext) -> None:
    """cancel(running=True) interrupts it: its worker is free again."""
    started = local.Event()
    with local.ProcessPoolExecutor() as executor:
        future = executor.submit(work.stay, started)
        assert started.wait(BOUND_S)
        assert future.cancel(running=True)
        assert future.cancelled()
        assert list(executor.map(work.double, range(4))) == [0, 2, 4, 6]


def test_options_of_an_executor(local: DaskContext) -> None:
    """P8: among the keywords, or with_options."""
    with local.ProcessPoolExecutor() as executor:
        started = local.Event()
        with pytest.raises(TaskTimeout):
            executor.submit(work.stay, started, timeout=0.1).result(BOUND_S)
        quick = executor.with_options(retries=1, priority=5)
        assert quick.submit(work.add, 1, second=2).result(BOUND_S) == 3
        assert list(quick.map(work.double, [1, 2])) == [2, 4]
        assert executor.submit(lambda timeout: timeout, timeout=3).result(BOUND_S) == 3
    with pytest.raises(NoSuchOption, match="memory_limit"):
        local.ProcessPoolExecutor(memory_limit=1)  # type: ignore[call-arg]


@pytest.mark.anyio
async def test_an_executor_is_awaited(local: DaskContext) -> None:
    """P10: under asyncio and Trio."""
    with local.ProcessPoolExecutor() as executor:
        assert await executor.aio.submit(work.double, 3) == 6
        assert [each async for each in executor.aio.map(work.double, range(4))] == [0, 2, 4, 6]


def test_what_was_begun_is_done_after_a_shutdown(local: DaskContext) -> None:
    """P8: the results of a map are there, also when some were taken before."""
    with local.ProcessPoolExecutor() as executor:
        results = executor.map(work.double, range(200))
        assert next(results) == 0
    assert list(results) == [2 * number for number in range(1, 200)]
