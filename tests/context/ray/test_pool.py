"""A pool on a cluster: `multiprocessing.Pool`'s results, and Ray's deaths in our words."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from interlock.errors import NoSuchOption, SerializationError
from interlock.pool import (
    InitializerFailed,
    PoolTerminated,
    ResultNotSent,
    TaskCancelled,
    TaskTimeout,
    WorkerDied,
)
from tests.context.ray import work

BOUND_S = 40.0


def test_every_way_to_ask_gives_what_the_function_returns(on_ray: Any) -> None:
    """P8: the methods of multiprocessing.Pool."""
    with on_ray.Pool() as pool:
        assert pool.map(work.square, range(50)) == [n * n for n in range(50)]
        assert pool.map(work.square, range(7), chunksize=3) == [n * n for n in range(7)]
        assert pool.map(work.square, []) == []
        assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
        assert list(pool.imap(work.square, iter(range(20)))) == [n * n for n in range(20)]
        assert sorted(pool.imap_unordered(work.square, range(20))) == [n * n for n in range(20)]
        assert pool.apply(int, ("ff",), {"base": 16}) == 255
        seen: list[Any] = []
        result = pool.apply_async(work.square, (5,), callback=seen.append)
        assert result.get(BOUND_S) == 25 and result.successful() and seen == [25]
        pool.close()
        pool.join()
        with pytest.raises(ValueError, match="not running"):
            pool.map(work.square, [1])


def test_functions_of_main_and_lambdas_travel(on_ray: Any) -> None:
    """P8: by value; what the initializer sets is seen by those of the same module."""
    source = (
        "START = None\n"
        "def prepare(start):\n    global START\n    START = start\n"
        "def added(number):\n    return START + number\n"
    )
    main: Any = sys.modules["__main__"]
    exec(source, vars(main))
    with on_ray.Pool(2, main.prepare, (100,)) as pool:
        assert pool.map(main.added, range(3)) == [100, 101, 102]
    offset = 7
    with on_ray.Pool() as pool:
        assert pool.map(lambda number: number + offset, range(3)) == [7, 8, 9]


def test_an_exception_keeps_its_type_and_where_it_was_raised(on_ray: Any) -> None:
    """P6: by map the first one; by imap each in its place, and the others come."""
    with on_ray.Pool() as pool:
        with pytest.raises(ValueError, match="three") as raised:
            pool.map(work.fails_at_three, range(6))
        assert raised.value.args == ("three", 3)
        assert "fails_at_three" in str(raised.value.__cause__)
        results = pool.imap(work.fails_at_three, range(6), 1)
        got = []
        for _ in range(6):
            try:
                got.append(results.next(BOUND_S))
            except ValueError:
                got.append("failed")
        assert got == [0, 1, 2, "failed", 4, 5]


def test_what_cannot_travel_fails_alone(on_ray: Any) -> None:
    """P6: there and back."""
    with on_ray.Pool() as pool:
        with pytest.raises(SerializationError, match="lock"):
            pool.apply(work.square, (work.unsendable(),))
        with pytest.raises(ResultNotSent, match="lock"):
            pool.apply(work.unsendable)
        with pytest.raises(SerializationError, match="lock"):
            pool.apply(work.unsendable, keep_remote=True).get(BOUND_S)
        with pytest.raises(SerializationError, match=r"^An object of type lock cannot be sent: "):
            pool.share(work.unsendable())
        assert pool.apply(work.square, (3,)) == 9


def test_a_worker_killed_in_a_map_takes_its_task_and_no_more(on_ray: Any) -> None:
    """P6: WorkerDied in its place, and the others' values in theirs."""
    with on_ray.Pool() as pool:
        results = pool.imap(work.killed_at_three, range(6), 1)
        got: list[Any] = []
        for _ in range(6):
            try:
                got.append(results.next(BOUND_S))
            except WorkerDied as error:
                got.append(error)
        died = got.pop(3)
        assert got == [0, 1, 2, 4, 5]
        assert died.task.startswith("3 ") and "retries=" in str(died)


def test_ray_tries_again_as_often_as_retries_says(on_ray: Any, tmp_path: Path) -> None:
    """P6: a death, and what retry_on names."""
    with on_ray.Pool() as pool:
        numbers = [(str(tmp_path), number) for number in range(3)]
        assert pool.starmap(work.killed_once, numbers, retries=2) == [0, 1, 2]
        mark = str(tmp_path / "refused")
        assert pool.apply(work.refused_once, (mark,), retries=1, retry_on=OSError) == (
            "the second time"
        )
        Path(mark).unlink()
        with pytest.raises(OSError, match="the first time"):
            pool.apply(work.refused_once, (mark,), retries=1, retry_on=ValueError)


def test_a_task_that_takes_too_long_is_ended(on_ray: Any) -> None:
    """P3: by an exception; one that takes no notice with its worker."""
    with on_ray.Pool() as pool:
        with pytest.raises(TaskTimeout, match=r"0\.3 s") as late:
            pool.apply(work.waits, timeout=0.3)
        assert "waits" in late.value.task
        with pytest.raises(WorkerDied, match=r"its timeout of 0\.3 s"):
            pool.apply(work.waits_deaf, timeout=0.3)
        lock = on_ray.Lock()
        with lock:
            with pytest.raises(TaskTimeout):
                pool.apply(work.ends_with_lock, (lock,), timeout=0.3)
        assert lock.acquire(timeout=BOUND_S)  # who gave up waiting has not got it


def test_a_task_is_cancelled_while_it_runs(on_ray: Any) -> None:
    """P3: and those behind it are not begun."""
    queue = on_ray.Queue()
    with on_ray.Pool(1) as pool:
        running = pool.apply_async(_says_and_waits, (queue,))
        behind = pool.apply_async(work.square, (2,))
        assert queue.get(timeout=BOUND_S) == "begun"
        assert behind.cancel() and running.cancel(running=True)
        for each in (running, behind):
            with pytest.raises(TaskCancelled):
                each.get(BOUND_S)
        assert pool.apply(work.square, (3,)) == 9
        with pytest.raises(TaskCancelled, match="KeyboardInterrupt"):
            pool.apply(work.interrupted)


def _says_and_waits(queue: Any) -> None:
    queue.put("begun")
    work.waits()


def test_a_terminated_pool_tells_those_that_wait(on_ray: Any) -> None:
    """P3: and what runs is ended."""
    pool = on_ray.Pool()
    result = pool.map_async(work.waits, range(4))
    pool.terminate()
    pool.join()
    with pytest.raises(PoolTerminated):
        result.get(BOUND_S)


def test_the_initializer_runs_first_and_its_failure_ends_the_pool(on_ray: Any) -> None:
    """P6: what it returns is the worker's state."""
    with on_ray.Pool(2, work.counted_from, (41,)) as pool:
        assert pool.map(work.state, range(2)) == [(42, 0), (42, 1)]
        with on_ray.Pool(2, work.counted_from, (6,)) as other:  # it has the same workers
            assert other.map(work.state, range(2)) == [(7, 0), (7, 1)]
            with on_ray.Pool(1) as plain:
                assert plain.apply(work.state, (0,)) == (None, 0)
        assert pool.map(work.state, range(2)) == [(42, 0), (42, 1)]
    with on_ray.Pool(2, work.refuses) as pool:
        with pytest.raises(InitializerFailed, match="not fit"):
            pool.map(work.square, range(4))


def test_a_worker_ends_after_so_many_batches(on_ray: Any) -> None:
    """P1: maxtasksperchild is Ray's max_calls."""
    with on_ray.Pool(1, maxtasksperchild=1) as pool:
        assert pool.apply(work.pid) != pool.apply(work.pid)


def test_an_endless_input_is_read_as_far_as_it_is_needed(on_ray: Any) -> None:
    """P1: a window, not all of it."""
    read = itertools.count()
    with on_ray.Pool(2) as pool:
        results = pool.imap(work.square, read, 1)
        assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
        results.close()
    assert next(read) < 100


def test_kept_results_are_read_in_place_and_passed_on(on_ray: Any) -> None:
    """P7: the array is in the object store, and is not copied where it is read."""
    with on_ray.Pool() as pool:
        kept = pool.map(work.ones, [100_000, 200_000], keep_remote=True)
        first = kept[0].get(BOUND_S)
        assert first.sum() == 100_000 and not first.flags.writeable and not first.flags.owndata
        assert pool.map(work.total, kept) == [(100_000.0, False), (200_000.0, False)]
        shared = pool.share(first)
        assert pool.map(work.total, [shared] * 2) == [(100_000.0, False)] * 2
        with pytest.raises(ValueError, match="three"):
            pool.apply(work.fails_at_three, (3,), keep_remote=True)
        back = pool.apply(work.doubled, (first,))
        back[0] = 5  # a result that is not kept is the caller's own
        assert back[1] == 2


def test_resources_say_where_a_task_runs(on_ray: Any) -> None:
    """P8: passed on to Ray, which schedules."""
    with on_ray.Pool(num_cpus=0) as pool:
        places = pool.map(work.node, range(4), 1, resources={"second": 0.1})
        others = pool.map(work.node, range(4), 1, resources={"first": 0.1})
    assert len({*places}) == len({*others}) == 1 and places != others


@pytest.mark.parametrize("option", ["priority", "memory_limit", "backoff"])
def test_an_option_that_ray_has_not_says_what_to_use(on_ray: Any, option: str) -> None:
    """P6: nothing is promised that nobody keeps."""
    with on_ray.Pool() as pool:
        with pytest.raises(NoSuchOption, match=f"no {option}. "):
            pool.apply(work.square, (2,), **{option: 3})
    with pytest.raises(NoSuchOption, match=r"threads: .*runtime_env"):
        on_ray.Pool(threads=2)
    with pytest.raises(ValueError, match="processes"):
        on_ray.Pool(0)


def test_a_pool_is_awaited(on_ray: Any, anyio_backend: str) -> None:
    """P10: under asyncio and Trio; a cancelled map is cancelled."""

    async def use(pool: Any) -> None:
        assert await pool.aio.map(work.square, range(5)) == [0, 1, 4, 9, 16]
        assert [each async for each in pool.aio.imap(work.square, range(3))] == [0, 1, 4]
        with anyio.move_on_after(0.2) as scope:
            await pool.aio.apply(work.waits)
        assert scope.cancelled_caught

    with on_ray.Pool() as pool:
        anyio.run(use, pool, backend=anyio_backend)


def test_an_executor_is_that_of_concurrent_futures(on_ray: Any) -> None:
    """P8: submit, map, as_completed, cancel, shutdown; one death breaks nothing."""
    import concurrent.futures

    with on_ray.ProcessPoolExecutor(2) as executor:
        assert list(executor.map(pow, [2, 3], [3, 2])) == [8, 9]
        futures = [executor.submit(work.square, number) for number in range(4)]
        done = {each.result() for each in concurrent.futures.as_completed(futures, BOUND_S)}
        assert done == {0, 1, 4, 9}
        died = executor.submit(work.killed_at_three, 3)
        assert isinstance(died.exception(BOUND_S), WorkerDied)
        light = executor.with_options(num_cpus=0.1, retries=1)
        assert light.submit(work.square, number=6).result(BOUND_S) == 36
        kept = executor.submit(work.ones, 100_000, num_cpus=0.1, keep_remote=True)
        assert kept.result(BOUND_S).get().sum() == 100_000
        assert executor.submit(work.asks_for, num_cpus=3).result(BOUND_S) == 3
        with pytest.raises(multiprocessing.TimeoutError):
            executor.with_options(timeout=0.2).submit(work.waits).result(BOUND_S)
    with pytest.raises(RuntimeError):
        executor.submit(work.square, 1)
