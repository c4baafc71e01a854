"""Odd uses, each of which once hung a pool or lost a result."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.pool import (
    Pool,
    PoolClosed,
    PoolTerminated,
    ProcessPoolExecutor,
    TaskCancelled,
    WorkerDied,
    supervision,
)
from interlock.pool.giving import SHORT_S
from interlock.pool.jobs import Batch, Job
from interlock.pool.member import Member
from interlock.pool.messages import GATHERED
from interlock.shared_memory import AtomicInt
from interlock.testing import wait_asleep, wait_ended
from interlock.testing.trial import Trial
from tests.conftest import METHODS
from tests.pool import endless, work

LONG_S = 30.0


@pytest.mark.parametrize("running", [False, True])
def test_a_cancelled_map_comes_to_its_end(pool: Pool, running: bool) -> None:
    """What was queued at a worker and came back is cancelled, too."""
    flag = AtomicInt()
    task = functools.partial(work.first_waits, flag)
    pool.map(task, range(1, 2000))  # the pool knows that they are short: many wait at a worker
    result = pool.map_async(task, range(200))
    while flag.load() == 0:
        flag.wait(0, 1.0)
    assert result.cancel(running)
    pool.map(work.square, range(100), 1)  # the other worker idles then, and work is taken back
    flag.store(2)
    with pytest.raises(TaskCancelled):
        result.get(LONG_S)
    assert pool.map(work.square, range(10)) == [n * n for n in range(10)]


def test_a_terminated_pool_forgets_no_task_in_its_backoff(pool: Pool) -> None:
    """It is in no queue and at no worker, and is told all the same."""
    result = pool.apply_async(work.inverse, (0,), retries=3, retry_on=Exception, backoff=600)
    result.wait(0.2)
    pool.terminate()
    with pytest.raises(PoolTerminated):
        result.get(LONG_S)


def test_a_call_is_cancelled_in_its_backoff(context: BaseContext) -> None:
    """It is not tried again."""
    counter = AtomicInt()
    with ProcessPoolExecutor(1, context) as executor:
        future = executor.with_options(retries=3, retry_on=ConnectionError, backoff=600).submit(
            work.fails_twice, counter
        )
        while executor._engine.delayed < 1:
            os.sched_yield()  # until the first try has failed
        assert future.cancel(running=True)
        with pytest.raises(CancelledError):
            future.result(LONG_S)
    assert counter.load() == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_dead_worker_is_noticed_though_its_child_lives(method: str) -> None:
    """The child has all descriptors of the worker, its sentinel's too."""
    with interlock.get_context(method).Pool(1) as pool:
        with pytest.raises(WorkerDied):
            pool.apply_async(work.forks_and_dies).get(work.CHILD_S / 2)
        assert pool.apply(work.square, (3,)) == 9


@pytest.mark.parametrize("buffersize", [None, 4])
def test_an_endless_map_ends_with_its_executor(buffersize: int | None) -> None:
    """Though nobody took a result of it."""
    numbers = itertools.count()
    with ProcessPoolExecutor(1) as executor:
        results = executor.map(work.square, numbers, buffersize=buffersize)
    read = next(numbers)
    assert read <= (1_000_100 if buffersize is None else 5)
    taken = []
    with pytest.raises(PoolClosed):
        for result in results:
            taken.append(result)
    assert len(taken) >= min(read, 4) - 1


@pytest.mark.parametrize("method", METHODS)
def test_a_function_that_was_changed_runs_as_it_is(method: str, tmp_path: Path) -> None:
    """The same name and line, another constant or default: a cell of a notebook, run again."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import interlock
            CELL = "def g(x, y=1): return x + y + 10"
            exec(CELL)
            if __name__ == "__main__":
                with interlock.get_context({method!r}).Pool(1) as pool:
                    print(pool.apply(g, (1,)))
                    exec(CELL.replace("10", "1000"))
                    print(pool.apply(g, (1,)))
                    exec(CELL.replace("y=1", "y=500"))
                    print(pool.apply(g, (1,)))
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(Path(interlock.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["12", "1002", "511"]


def test_thousands_of_retries_are_made(pool: Pool) -> None:
    """The pauses double, and do not overflow."""
    counter = AtomicInt()
    with pytest.raises(ZeroDivisionError):
        pool.apply(work.counts_and_fails, (counter,), retries=1500, retry_on=ZeroDivisionError)
    assert counter.load() == 1501


def test_a_callback_may_raise_and_may_not_join(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the pool goes on."""
    told: list[BaseException] = []
    called = threading.Event()

    def joins(_: object) -> None:
        pool.close()
        try:
            pool.join()
        except RuntimeError as error:
            told.append(error)
        called.set()

    with caplog.at_level(logging.ERROR, logger="interlock"):
        result = pool.apply_async(work.square, (2,), callback=work.inverse_of_nothing)
        assert result.get(LONG_S) == 4
        assert pool.apply(work.square, (3,)) == 9
    assert "A callback of a pool raised" in caplog.text
    pool.apply_async(work.square, (2,), callback=joins)
    assert called.wait(LONG_S)
    assert "callback" in str(told[0])


def test_a_short_task_that_kills_is_not_run_again(context: BaseContext) -> None:
    """Though tasks of microseconds send their results together: it alone fails, and once."""
    counter = AtomicInt()
    with Pool(2, context=context, initializer=work.made, initargs=(counter,)) as pool:
        known = pool._functions.known(work.dies_at_sixty)
        assert pool.map(work.dies_at_sixty, range(100, 20000)) == list(range(100, 20000))
        send, sent = pool._engine._send, []

        def noting(batch: Batch, *more: Any) -> None:
            known.cost_s = SHORT_S / 2  # whatever the machine does meanwhile
            send(batch, *more)
            sent.append(batch.member.outbox[-1])

        pool._engine._send = noting  # type: ignore[method-assign, assignment]
        results = pool.imap(work.dies_at_sixty, range(100))
        for number in range(100):
            if number == 60:
                with pytest.raises(WorkerDied, match="dies_at_sixty"):
                    results.next(LONG_S)
            else:
                assert results.next(LONG_S) == number
        with pytest.raises(StopIteration):
            results.next(LONG_S)
    assert sent
    assert all(message[-1] == GATHERED for message in sent)
    assert counter.load() == 1


def logs(number: int) -> int:
    logging.getLogger("tests.pool").warning("%d", number)
    return number


class _Full(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("no room")


def test_a_handler_may_raise(pool: Pool) -> None:
    """The results behind the record come, and so do those behind a callback that raises (P3)."""
    handler = _Full()
    logging.getLogger().addHandler(handler)
    try:
        assert pool.map_async(logs, range(3)).get(LONG_S) == [0, 1, 2]
        pool.apply_async(abs, (1,), callback=lambda _: 1 / 0).get(LONG_S)
        assert pool.map_async(abs, range(3)).get(LONG_S) == [0, 1, 2]
    finally:
        logging.getLogger().removeHandler(handler)


def test_callbacks_do_not_run_in_the_caller(pool: Pool) -> None:
    """Who holds a lock that his callback takes may give the pool a task (P1, P3)."""
    lock = threading.Lock()
    called = threading.Semaphore(0)

    def call_back(_: object) -> None:
        with lock:
            called.release()

    with lock:
        for argument in (threading.Lock(), 1):
            pool.apply_async(abs, (argument,), None, call_back, call_back)
    assert called.acquire(timeout=LONG_S) and called.acquire(timeout=LONG_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_a_pool_s_own_leaves_nobody_waiting(context: BaseContext) -> None:
    """P3: who waits is told, and the workers end."""

    def fails(member: Member, job: Job, now: float) -> None:
        raise RuntimeError("ours")

    pool = Pool(2, context=context)
    processes = pool._pool
    flag = AtomicInt()
    waiting = pool.apply_async(work.wait_until, (flag, 1))
    pool._engine._measured = fails  # type: ignore[method-assign]
    for result in (pool.apply_async(work.square, (1,)), waiting):
        with pytest.raises(PoolTerminated, match="fault of its own"):
            for _ in range(2):  # the one that the thread took in just before is done
                result.get(LONG_S)
            pool.apply(work.square, (1,))
    for process in processes:
        wait_ended(process, LONG_S)
    pool.terminate()


@pytest.mark.parametrize(
    ("task", "grace_s"), [(endless.says_and_goes_on, 600.0), (endless.heeds_nothing, 0.1)]
)
def test_a_terminated_pool_ends_workers_that_are_busy(
    pool: Pool,
    trial: Trial,
    task: Callable[[AtomicInt], None],
    grace_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By SIGTERM; by SIGKILL those that heed none."""
    monkeypatch.setattr(supervision, "TERM_GRACE_S", grace_s)
    flag = AtomicInt()
    pool.apply_async(task, (flag,))
    assert flag.wait(0, LONG_S)
    if task is endless.heeds_nothing:
        (busy,) = (m.process for m in pool._engine.members.values() if m.batches)
        wait_asleep(busy)
    trial.thread(pool.terminate).result()
    assert not pool._pool
