"""Time, memory, retries, and tasks that are ended while they run."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest

import interlock
from interlock.context import BaseContext
from interlock.pool import (
    MemoryLimitExceeded,
    Pool,
    ProcessPoolExecutor,
    TaskCancelled,
    TaskTimeout,
    WorkerDied,
    limits,
    member,
    supervision,
)
from interlock.shared_memory import AtomicInt
from interlock.testing import wait_asleep
from tests.pool import endless, work

LONG_S = 30.0


@pytest.mark.parametrize("task", [endless.for_ever, endless.for_ever_in_c, endless.holds_the_gil])
def test_a_task_has_a_timeout(pool: Pool, task: Callable[[], None]) -> None:
    """P6: in Python code and in C code that never returns; the others go on."""
    late = pool.apply_async(task, timeout=0.2)
    others = [pool.apply_async(work.square, (n,)) for n in range(50)]
    with pytest.raises(TaskTimeout, match=task.__name__) as raised:
        late.get(LONG_S)
    assert isinstance(raised.value, multiprocessing.TimeoutError)
    assert [r.get(LONG_S) for r in others] == [n * n for n in range(50)]


def test_python_code_is_ended_without_its_worker(pool: Pool) -> None:
    """An exception is enough; the worker and its state stay."""
    workers = {process.pid for process in pool._pool}
    with pytest.raises(TaskTimeout) as raised:
        pool.apply(endless.for_ever, timeout=0.1)
    assert {process.pid for process in pool._pool} == workers
    again = pickle.loads(pickle.dumps(raised.value))
    for error in (raised.value, again):
        assert (error.task, error.attempt) == ("`for_ever`", 1)
        assert error.pid in workers


def test_a_timeout_is_no_cancellation(context: BaseContext) -> None:
    """Though the worker is at its next task before its answer is heard."""
    work.gate.clear()
    with Pool(1, context=context) as pool:
        (worker,) = pool._engine.members.values()
        results = pool.imap(work.slow_to_read_then, [0, 1, 2], chunksize=3, timeout=0.2)
        # The thread that gathers answers is held up; the one that keeps the times is not.
        while not worker._reasons or worker.ending is not None:
            os.sched_yield()
        work.gate.set()
        assert next(results) == 0
        with pytest.raises(TaskTimeout):
            next(results)
        assert next(results) == 0.1


BESIDE = [  # what may take for ever beside the call itself
    (work.square, endless.EndlessToRead()),
    (endless.endless_to_write, 0),
    (endless.endless_to_tell, 0),
]


@pytest.mark.parametrize(("task", "argument"), BESIDE, ids=["read", "write", "tell"])
def test_a_timeout_holds_for_what_is_beside_the_call(
    pool: Pool, task: Callable[[object], object], argument: object
) -> None:
    """P3: its argument is read, what it returns or raises is written: the worker is replaced."""
    late = pool.apply_async(task, (argument,), timeout=0.2)
    others = [pool.apply_async(work.square, (n,)) for n in range(50)]
    with pytest.raises(TaskTimeout, match=task.__name__):
        late.get(LONG_S)
    assert [r.get(LONG_S) for r in others] == [n * n for n in range(50)]


def test_one_of_a_batch_that_nobody_can_read_fails_alone(pool: Pool) -> None:
    """Those that travelled with it go again, each by itself."""
    items = [1, 2, endless.EndlessToRead(), 4]
    results = pool.imap(work.square, items, chunksize=4, timeout=0.3)
    assert [next(results), next(results)] == [1, 4]
    with pytest.raises(TaskTimeout):
        next(results)
    assert next(results) == 16


def test_a_timeout_tells_which_attempt_it_was(pool: Pool) -> None:
    """And which of many tasks."""
    results = pool.imap_unordered(work.wait_a_while, [0.0, LONG_S], timeout=0.1, retries=1)
    assert next(results) == 0.0
    with pytest.raises(TaskTimeout) as raised:
        next(results)
    assert (raised.value.task, raised.value.attempt) == ("1 `wait_a_while`", 2)


def test_waiting_for_a_result_ends_no_task(pool: Pool) -> None:
    """The two times are told apart."""
    flag = AtomicInt()
    result = pool.apply_async(work.wait_until, (flag, 7))
    with pytest.raises(multiprocessing.TimeoutError) as raised:
        result.get(0.05)
    assert not isinstance(raised.value, TaskTimeout)
    flag.store(1)
    assert result.get(LONG_S) == 7


def test_a_timeout_holds_for_each_of_a_map(pool: Pool) -> None:
    """Not for all together: fifty tasks of 10 ms are longer than 0.2 s."""
    assert pool.map(work.wait_a_while, [0.01] * 50, timeout=0.2) == [0.01] * 50


def test_a_crash_is_tried_again(pool: Pool) -> None:
    """As often as retries says, and no more."""
    assert pool.apply(work.dies_once, (AtomicInt(),), retries=1) == 2
    counter = AtomicInt()
    with pytest.raises(WorkerDied) as raised:
        pool.apply(work.killed, retries=2)
    assert raised.value.attempt == 3
    assert counter.load() == 0


@pytest.mark.parametrize("how", ["crash", "timeout"])
def test_a_crash_or_a_timeout_is_followed_by_a_pause(pool: Pool, how: str) -> None:
    """Of the backoff, and then of twice as long."""
    began = time.monotonic()
    call = AtomicInt(), how
    last = pool.apply(work.ends_badly_twice, call, timeout=0.3, retries=2, backoff=0.1)
    assert last - began >= 0.1 + 0.2 + (0.6 if how == "timeout" else 0)
    assert call[0].load() == 3


def test_named_exceptions_are_tried_again(pool: Pool) -> None:
    """With a pause before, that doubles; others are not."""
    began = time.monotonic()
    tried = pool.apply(
        work.fails_twice, (AtomicInt(),), retries=2, retry_on=ConnectionError, backoff=0.05
    )
    assert tried == 3
    assert time.monotonic() - began >= 0.15
    with pytest.raises(ConnectionError):
        pool.apply(work.fails_twice, (AtomicInt(),), retries=2, retry_on=KeyError)


def test_a_task_has_a_memory_limit(pool: Pool) -> None:
    """By its worker's resident size; the others go on."""
    with pytest.raises(MemoryLimitExceeded) as raised:
        pool.apply(work.eats_memory, memory_limit=200 << 20)
    assert isinstance(raised.value, MemoryError)
    assert raised.value.peak_bytes > 150 << 20
    assert pool.apply(work.square, (3,)) == 9


def test_what_the_program_had_is_not_counted(context: BaseContext) -> None:
    """Under fork a worker shares it; it counts once the worker has written there."""
    ours = bytearray(b"x" * (256 << 20))
    with Pool(1, context=context, memory_limit=200 << 20) as pool:
        worker = pool.apply(work.pid)
        pool.apply(work.wait_a_while, (0.3,))
        assert pool.apply(work.pid) == worker
    assert len(ours) == 256 << 20


def test_who_may_not_be_looked_into_has_a_limit(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker that has changed its user: by how much it has grown."""
    monkeypatch.setattr(limits, "unshared_bytes", lambda pid: 0)
    with pytest.raises(MemoryLimitExceeded):
        pool.apply(work.eats_memory, memory_limit=200 << 20)


def test_pages_are_counted_in_a_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many workers there are; each has its turn."""
    looks: list[tuple[int, float, float]] = []

    def looked(pid: int) -> int:
        began = time.monotonic()
        while time.monotonic() < began + 0.002:
            pass
        looks.append((pid, began, time.monotonic()))
        return 0

    monkeypatch.setattr(limits, "unshared_bytes", looked)
    for name in ("resident_bytes", "inherited_bytes"):
        monkeypatch.setattr(member, name, lambda pid: 1 << 30)
    flag = AtomicInt()
    with Pool(3, context=interlock.get_context("fork")) as pool:
        results = [
            pool.apply_async(work.wait_until, (flag, number), memory_limit=1 << 20)
            for number in range(3)
        ]
        ends = time.monotonic() + LONG_S
        while len({pid for pid, *_ in looks}) < 3 or len(looks) < 6:
            assert time.monotonic() < ends
            threading.Event().wait(0.01)
        flag.store(1)
        assert [result.get(LONG_S) for result in results] == [0, 1, 2]
    for (_, began, ended), (_, again, _) in itertools.pairwise(looks):
        assert again - ended >= (limits.COUNT_SHARE - 1) * (ended - began)


def test_a_pool_has_a_memory_limit(context: BaseContext) -> None:
    """By RLIMIT_AS: what asks for more gets MemoryError, and its worker lives."""
    with Pool(1, context=context, memory_limit=200 << 20) as pool:
        worker = pool.apply(work.pid)
        with pytest.raises(MemoryError):
            pool.apply(bytearray, (1 << 30,))
        assert pool.apply(work.pid) == worker


@pytest.mark.parametrize("task", [endless.for_ever, endless.for_ever_in_c])
def test_a_running_call_is_cancelled(context: BaseContext, task: Callable[[], None]) -> None:
    """By an exception, or by replacing the worker."""
    with ProcessPoolExecutor(1, context) as executor:
        future = executor.submit(task)
        after = executor.submit(work.square, 4)
        while not future.running():
            time.monotonic()
        assert not future.cancel()
        assert future.cancel(running=True)
        with pytest.raises(CancelledError):
            future.result(LONG_S)
        assert future.cancelled()
        assert after.result(LONG_S) == 16


@pytest.mark.parametrize(("task", "argument"), BESIDE, ids=["read", "write", "tell"])
def test_a_call_is_cancelled_beside_the_call(
    context: BaseContext, task: Callable[[object], object], argument: object
) -> None:
    """P3: while its argument is read, or what it returns or raises is written."""
    with ProcessPoolExecutor(1, context) as executor:
        future = executor.submit(task, argument)
        after = executor.submit(work.square, 4)
        while not future.running():
            os.sched_yield()
        assert future.cancel(running=True)
        with pytest.raises(CancelledError):
            future.result(LONG_S)
        assert after.result(LONG_S) == 16


def test_a_running_call_is_ended_by_an_exception_first(
    context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code cleans up and its worker stays; only code that heeds none costs the worker."""
    with ProcessPoolExecutor(1, context) as executor:
        worker = executor.submit(work.pid).result(LONG_S)
        for task, grace_s, said in ((endless.cleans_up, 600.0, 2), (endless.heeds_nothing, 0.1, 1)):
            monkeypatch.setattr(supervision, "GRACE_S", grace_s)
            flag = AtomicInt()
            future = executor.submit(task, flag)
            ended = threading.Event()
            future.add_done_callback(functools.partial(work.sets, ended))
            assert flag.wait(0, LONG_S)
            if task is endless.heeds_nothing:  # once it is in C: another thread has the signal
                wait_asleep(next(iter(executor._processes.values())))
            assert future.cancel(running=True)
            with pytest.raises(CancelledError):
                future.result(LONG_S)
            assert ended.wait(LONG_S), "nobody was called back"
            is_same = executor.submit(work.pid).result(LONG_S) == worker
            assert is_same == (task is endless.cleans_up)
            assert flag.load() == said
        supervisor = executor._engine.supervisor
        while supervisor._cancels or supervisor._ticking:  # it sleeps again, at last
            os.sched_yield()


def test_a_retry_is_waited_for_at_the_end(pool: Pool) -> None:
    """close() and join(): what waits for its backoff is still to be done."""
    counter = AtomicInt()
    result = pool.apply_async(
        work.fails_twice, (counter,), retries=2, retry_on=ConnectionError, backoff=0.05
    )
    while pool._engine.delayed < 1:
        os.sched_yield()
    pool.close()
    pool.join()
    assert result.ready()
    assert result.get() == 3


def test_a_higher_priority_goes_first(context: BaseContext) -> None:
    """Of what waits."""
    flag, seen = AtomicInt(), AtomicInt()
    with Pool(1, context=context) as pool:
        held = pool.apply_async(work.wait_until, (flag, 0))
        low = [pool.apply_async(seen.add, (1,), priority=-1) for _ in range(3)]
        high = [pool.apply_async(seen.add, (1,), priority=5) for _ in range(3)]
        flag.store(1)
        assert sorted(r.get(LONG_S) for r in high) == [1, 2, 3]
        assert sorted(r.get(LONG_S) for r in low) == [4, 5, 6]
        held.get(LONG_S)


@pytest.mark.parametrize(
    "option", [{"timeout": 0}, {"retries": -1}, {"memory_limit": 0}, {"backoff": -1.0}]
)
def test_bad_options_are_refused(pool: Pool, option: dict[str, int]) -> None:
    """At the call; a word that is none, too."""
    with pytest.raises(ValueError, match=next(iter(option))):
        pool.apply_async(work.square, (1,), **option)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="processes"):
        pool.resize(2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="time_out"):
        pool.apply_async(work.square, (1,), time_out=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("number", [2.5, float("nan"), "2"])
@pytest.mark.parametrize("name", ["processes", "threads"])
def test_a_number_of_workers_or_threads_is_whole(name: str, number: object) -> None:
    """Else a pool would start workers without end, to have two and a half."""
    with pytest.raises(TypeError, match=name):
        Pool(**{name: number})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["processes", "threads", "idle_timeout"])
def test_a_number_that_is_too_small_is_refused(name: str) -> None:
    """At the call."""
    with pytest.raises(ValueError, match=name):
        Pool(**{name: -1})  # type: ignore[arg-type]


def begin_and_wait(flag: AtomicInt, begun: AtomicInt, number: int) -> int:
    begun.add(1)
    return work.wait_until(flag, number)


def test_a_cancelled_map_begins_no_more(pool: Pool) -> None:
    """Not even what a worker has been sent already."""
    flag, begun = AtomicInt(), AtomicInt()
    result = pool.map_async(functools.partial(begin_and_wait, flag, begun), range(10), 5)
    while begun.load() < 2:
        begun.wait(begun.load(), 1.0)
    assert result.cancel()
    flag.store(1)
    with pytest.raises(TaskCancelled):
        result.get(LONG_S)
    pool.map(work.square, range(10), 1)
    assert begun.load() == 2


def test_shutdown_cancels_what_waits_for_another_try(context: BaseContext) -> None:
    """It is not begun, however long its backoff is."""
    counter = AtomicInt()
    executor = ProcessPoolExecutor(1, context, retries=1, retry_on=Exception, backoff=600)
    future = executor.submit(work.counts_and_fails, counter)
    while not executor._engine.delayed:
        executor.submit(work.square, 1).result(LONG_S)
    executor.shutdown(cancel_futures=True)
    assert future.cancelled()
    assert counter.load() == 1
