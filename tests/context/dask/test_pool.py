"""A pool on a cluster: multiprocessing's interface, errors at their cause (P6, P8)."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import pytest

from interlock.context.dask import DaskContext
from interlock.errors import InterlockError, NoSuchOption, SerializationError
from interlock.pool import (
    InitializerFailed,
    PoolClosed,
    PoolTerminated,
    ResultNotSent,
    TaskCancelled,
    TaskTimeout,
    WorkerDied,
)
from tests.context.dask import work

BOUND_S = 20.0


def test_results_are_in_their_order(local: DaskContext) -> None:
    """P8: the methods of multiprocessing.Pool, and functions that no module has."""
    with local.Pool() as pool:
        doubled = [2 * number for number in range(50)]
        assert pool.map(work.double, range(50)) == doubled
        assert pool.map(lambda number: 2 * number, range(50), chunksize=7) == doubled
        assert pool.starmap(work.add, [(1, 2), (3,)]) == [3, 3]
        assert pool.apply(work.add, (1,), {"second": 5}) == 6
        assert list(pool.imap(work.double, range(50), 3)) == doubled
        assert sorted(pool.imap_unordered(work.double, range(50))) == doubled
        assert pool.map(work.double, []) == []
        assert pool.map_async(work.double, [1]).get(BOUND_S) == [2]
        assert pool.starmap_async(work.add, [(1, 1)]).get(BOUND_S) == [2]
        assert len({*pool.map(work.where, range(40), 1)} - {os.getpid()}) >= 1


def test_callbacks_are_called(local: DaskContext) -> None:
    """P8: with the value or the error, before the result is there."""
    with local.Pool() as pool:
        told: list[Any] = []
        pool.apply_async(work.double, (4,), callback=told.append).wait(BOUND_S)
        result = pool.apply_async(work.raising, (4,), error_callback=told.append)
        result.wait(BOUND_S)
        assert not result.successful()
        assert told[0] == 8
        assert str(told[1]) == "bad 4"


def test_an_exception_keeps_what_it_has(local: DaskContext) -> None:
    """P6: type, arguments, notes, cause and traceback; the other calls are run."""
    with local.Pool() as pool:
        with pytest.raises(ValueError, match="bad 3") as caught:
            pool.map(work.raising, [3])
        assert caught.value.__notes__ == ["a note"]
        assert isinstance(caught.value.__cause__, KeyError)
        assert 'raise KeyError("cause")' in str(caught.value.__cause__.__cause__)
        results = pool.imap(lambda number: 1 // number, [1, 0, 1], 3)
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert list(results) == [1]


def test_what_cannot_be_sent_fails_at_the_call(local: DaskContext) -> None:
    """P6: with the path to it; a result at its task."""
    with local.Pool() as pool:
        with pytest.raises(SerializationError, match=r"\$") as caught:
            pool.map(work.double, [{"a": threading.Lock()}])
        assert caught.value.path is not None
        with pytest.raises(ResultNotSent, match="lock"):
            pool.apply(work.unsendable)
        assert pool.apply(work.double, (1,)) == 2


def test_the_initializer_runs_once_in_each_worker(local: DaskContext) -> None:
    """P8: once for the pool, whatever the number of tasks; worker_state() has its value."""
    count = local.Value("i")
    with local.Pool(initializer=work.prepare, initargs=(count, "ready")) as pool:
        states = pool.map(work.state, range(20), 1)
        assert {state for _, state in states} == {"ready"}
        assert count.value == len({pid for pid, _ in states})
    with local.Pool() as other:
        assert other.apply(work.state, (0,))[1] is None
    with local.Pool(initializer=work.raising, initargs=(1,)) as broken:
        with pytest.raises(InitializerFailed, match="bad 1"):
            broken.map(work.double, range(4))


def test_a_task_that_takes_too_long_is_ended(local: DaskContext) -> None:
    """Options: timeout, by an exception in its code; the worker has its slot again."""
    started = local.Event()
    with local.Pool() as pool:
        with pytest.raises(TaskTimeout, match=r"timeout of 0\.2 s"):
            pool.apply(work.stay, (started,), timeout=0.2)
        assert pool.map(work.double, range(8), 1) == [2 * number for number in range(8)]


def test_dask_tries_again_what_is_to_be(local: DaskContext) -> None:
    """Options: retries and retry_on; other exceptions are final."""
    count = local.Value("i")
    with local.Pool() as pool:
        call = (work.fail_first, (count, 3))
        assert pool.apply(*call, retries=2, retry_on=OSError) == 3
        count.value = 0
        with pytest.raises(OSError, match="attempt 2"):
            pool.apply(*call, retries=1, retry_on=OSError)
        count.value = 0
        with pytest.raises(OSError, match="attempt 1"):
            pool.apply(*call, retries=5, retry_on=KeyError)
        assert count.value == 1


def test_options_that_dask_has_not_are_refused(local: DaskContext) -> None:
    """P8: with what to do instead."""
    with local.Pool() as pool:
        with pytest.raises(NoSuchOption, match="memory_limit=") as caught:
            pool.apply_async(work.double, (1,), memory_limit=1 << 30)  # type: ignore[call-arg]
        assert isinstance(caught.value, InterlockError)
        with pytest.raises(ValueError, match="retries is -1"):
            pool.map(work.double, [1], retries=-1)
    with pytest.raises(NoSuchOption, match="--lifetime"):
        local.Pool(maxtasksperchild=1)
    with pytest.raises(NoSuchOption, match="at once"):
        local.Pool(backoff=1.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("resources", ["GPU", {"GPU": "1"}, {"GPU": -1}, 1])
def test_resources_that_are_none(local: DaskContext, resources: Any) -> None:
    """P6: are refused where they are given, not by the scheduler."""
    with pytest.raises(ValueError, match=r"resources is .*give names and numbers"):
        local.Pool(resources=resources)


def test_resources_that_no_worker_has_are_told(local: DaskContext) -> None:
    """Nothing hangs: after the context's patience."""
    context = DaskContext(client=local.client, patience=0.1)
    with context.Pool(resources={"GPU": 1}) as pool:
        with pytest.raises(WorkerDied, match=r"no worker with \{'GPU': 1\}"):
            pool.apply(work.double, (1,))
        assert pool.apply(work.double, (1,), resources=None) == 2


def test_a_task_that_runs_can_be_cancelled(local: DaskContext) -> None:
    """cancel(running=True): by an exception in its code."""
    started = local.Event()
    with local.Pool() as pool:
        result = pool.apply_async(work.stay, (started,))
        assert started.wait(BOUND_S)
        assert result.cancel(running=True)
        with pytest.raises(TaskCancelled, match="stay"):
            result.get(BOUND_S)
        assert pool.map(work.double, range(8), 1) == [2 * number for number in range(8)]


def test_the_end_of_a_pool(local: DaskContext) -> None:
    """close() lets tasks go on, terminate() ends them; the cluster stays."""
    pool = local.Pool()
    results = [pool.apply_async(work.double, (number,)) for number in range(5)]
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    pool.close()
    pool.join()
    assert [result.get(0) for result in results] == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="not running"):
        pool.map(work.double, [1])
    started = local.Event()
    with local.Pool() as other:
        result = other.apply_async(work.stay, (started,))
        assert started.wait(BOUND_S)
    with pytest.raises(PoolTerminated):
        result.get(BOUND_S)
    other.join()


def test_only_so_many_run_at_once(local: DaskContext) -> None:
    """P8: processes bounds the tasks of a pool, whatever the cluster has."""
    barrier = local.Barrier(2)
    with local.Pool(1) as pool:
        first = pool.apply_async(work.meet, (barrier,))
        second = pool.apply_async(work.double, (1,))
        with pytest.raises(multiprocessing.TimeoutError):
            second.get(0.3)
        assert barrier.wait(BOUND_S) in (0, 1)
        assert first.get(BOUND_S) in (0, 1)
        assert second.get(BOUND_S) == 2


def test_an_endless_input_is_read_as_far_as_needed(local: DaskContext) -> None:
    """P8: imap of what never ends; a result that is waited for in vain may be asked for again."""
    read: list[int] = []
    gate = local.Event()
    with local.Pool() as pool:
        results = pool.imap(work.double, work.numbers(read))
        assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
        assert len(read) < 100
        results.close()
        waiting = pool.imap(work.note_and_wait_for, [gate])
        with pytest.raises(multiprocessing.TimeoutError):
            waiting.next(0.05)
        gate.set()
        assert waiting.next(BOUND_S) is True
        with pytest.raises(StopIteration):
            waiting.next(BOUND_S)


def test_tasks_that_wait_for_each_other_leave_their_slots(local: DaskContext) -> None:
    """P3: more of them than the cluster has slots; and a pool within a task."""
    barrier = local.Barrier(5)
    with local.Pool() as pool:
        assert sorted(pool.map(work.meet, [barrier] * 5, 1)) == [0, 1, 2, 3, 4]
        assert pool.map(work.nested, [3, 4, 5], 1)[2] == [0, 2, 4, 6, 8]


@pytest.mark.anyio
async def test_a_pool_is_awaited(local: DaskContext) -> None:
    """P10: under asyncio and Trio."""
    with local.Pool() as pool:
        assert await pool.aio.apply(work.double, (4,)) == 8
        assert await pool.aio.map(work.double, range(5)) == [0, 2, 4, 6, 8]
        assert [each async for each in pool.aio.imap(work.double, range(3))] == [0, 2, 4]
        with pytest.raises(ValueError, match="bad 1"):
            await pool.aio.apply(work.raising, (1,))


def test_a_callback_may_use_another_pool(local: DaskContext) -> None:
    """P3: each pool has a thread of its own for what it calls back."""
    found: list[Any] = []
    with local.Pool() as one, local.Pool() as other:
        result = one.apply_async(
            work.double,
            (1,),
            callback=lambda value: found.append(other.apply(work.double, (value,))),
        )
        result.wait(BOUND_S)
    assert found == [4]


def test_a_pool_that_is_closed_reads_its_inputs_to_the_end(local: DaskContext) -> None:
    """P8: as the standard library does, but not what may be endless."""
    pool = local.Pool()
    sized = pool.imap(work.double, range(100))
    untaken = pool.imap_unordered(work.double, iter(range(50)))
    endless = pool.imap(work.double, work.numbers([]))
    assert next(endless) == 0
    pool.close()
    pool.join()
    assert list(sized) == [2 * number for number in range(100)]
    assert sorted(untaken) == [2 * number for number in range(50)]
    with pytest.raises(PoolClosed, match="before the input"):
        list(endless)
