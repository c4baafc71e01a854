"""Odd uses, each of which once hung a pool or lost a result."""

from __future__ import annotations

import functools
import gc
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
from typing import Any, ClassVar

import pytest

import interlock
from interlock.context import BaseContext, ForkContext
from interlock.context.processes import ForkProcess
from interlock.pool import (
    ApplyResult,
    InitializerFailed,
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
from tests.pool import work

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


class Owner:
    """Has an executor, and leaves it out when it is sent."""

    def __init__(self, context: BaseContext) -> None:
        self.executor = ProcessPoolExecutor(1, context)

    def __getstate__(self) -> dict[str, object]:
        """Nothing; and what serializes it may use the pool."""
        if work.is_first_time():
            self.executor.submit(work.square, 1)
        return {}


def test_an_executor_whose_owner_is_an_argument_ends(context: BaseContext) -> None:
    """Its finalizer runs in its own thread, when the last task is let go."""
    owner = Owner(context)
    engine = owner.executor._engine
    future = owner.executor.submit(work.kind_of, owner)
    del owner
    assert future.result(LONG_S) == "Owner"
    del future
    gc.collect()
    engine.supervisor.thread.join(LONG_S)
    assert not engine.supervisor.thread.is_alive()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_dead_worker_is_noticed_though_its_child_lives(method: str) -> None:
    """The child has all descriptors of the worker, its sentinel's too."""
    with interlock.get_context(method).Pool(1) as pool:
        with pytest.raises(WorkerDied):
            pool.apply_async(work.forks_and_dies).get(work.CHILD_S / 2)
        assert pool.apply(work.square, (3,)) == 9


class SlowProcess(ForkProcess):
    """Its `start` returns when the worker waits for its first task, and the pool has heard it."""

    pool: ClassVar[Pool | None] = None

    def start(self) -> None:
        """As `Process.start`, later."""
        super().start()
        if self.pool is not None:
            wait_asleep(self)
            while not self.pool._engine.results.empty():
                os.sched_yield()


class SlowContext(ForkContext):
    """Of such processes."""

    Process = SlowProcess


def test_a_worker_that_is_ready_before_its_start_returns_is_heard() -> None:
    """It says so once."""
    with Pool(1, context=SlowContext()) as pool:
        SlowProcess.pool = pool
        try:
            with pytest.raises(WorkerDied):
                pool.apply(work.killed)
            assert pool.apply_async(work.square, (3,)).get(LONG_S) == 9
        finally:
            SlowProcess.pool = None


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


def test_a_second_worker_comes_when_the_first_is_held_up(context: BaseContext) -> None:
    """The calls before were quick, so that this one was queued behind the long one."""
    flag = AtomicInt()
    with ProcessPoolExecutor(2, context) as executor:
        assert all(executor.submit(work.square, n).result(LONG_S) == n * n for n in range(50))
        held = executor.submit(work.wait_until, flag, 5)
        short = executor.submit(work.square, 3)
        assert short.result(LONG_S) == 9
        flag.store(1)
        assert held.result(LONG_S) == 5


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


@pytest.mark.parametrize(
    "kind", [work.ExitsWhenReadError, work.FrozenOddError, work.SilentOddError]
)
def test_odd_exceptions_arrive(pool: Pool, kind: type[Exception]) -> None:
    """One whose own code raises SystemExit, or lets no attribute be set, or says nothing."""
    with pytest.raises(kind):
        pool.apply_async(work.raises_odd, (kind,)).get(LONG_S)
    assert pool.apply(work.square, (3,)) == 9


def test_results_that_cannot_be_read_fail_alone(pool: Pool) -> None:
    """Though they came together with others."""
    pool.map(work.unreadable, range(8, 20000))  # the pool knows that they take microseconds
    with pytest.raises(ValueError, match="unreadable"):
        pool.map_async(work.unreadable, range(50)).get(LONG_S)
    assert pool.map(work.square, range(10)) == [n * n for n in range(10)]


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


def test_no_descriptor_waits_for_a_worker_that_is_gone(pool: Pool) -> None:
    """What was in its messages, and in functions that it was about to get, is taken back."""
    counter = AtomicInt()
    for number in range(100):  # the pool knows that they are short: many wait at a worker
        assert pool.apply(work.counted, (counter, number)) == number
    for _ in range(5):
        dying = [pool.apply_async(work.killed, (counter,)) for _ in range(2)]
        behind = [pool.apply_async(work.counted, (counter, n)) for n in range(100)]
        partial = pool.apply_async(functools.partial(work.counted, counter), (5,))
        for result in dying:
            with pytest.raises(WorkerDied):
                result.get(LONG_S)
        assert [result.get(LONG_S) for result in behind] == list(range(100))
        assert partial.get(LONG_S) == 5
    for thread in threading.enumerate():
        if thread.name == "interlock-handover":  # it lives as long as descriptors wait
            thread.join(LONG_S)
            assert not thread.is_alive()


def test_no_descriptor_waits_for_a_worker_that_had_its_tasks_taken_back(pool: Pool) -> None:
    """It has their message, and dies without having read it."""
    counter, flag = AtomicInt(), AtomicInt()
    for number in range(100):  # the pool knows that they are short: many wait at a worker
        assert pool.apply(work.counted, (counter, number)) == number
    dying = pool.apply_async(work.wait_then_die, (flag,))
    behind = [pool.apply_async(work.counted, (counter, n)) for n in range(100)]
    assert [result.get(LONG_S) for result in behind] == list(range(100))
    flag.store(1)
    with pytest.raises(WorkerDied):
        dying.get(LONG_S)
    for thread in threading.enumerate():
        if thread.name == "interlock-handover":  # it lives as long as descriptors wait
            thread.join(LONG_S)
            assert not thread.is_alive()


class KilledProcess(ForkProcess):
    """Killed before it begins, as often as said."""

    left: ClassVar[AtomicInt]

    def run(self) -> None:
        """As `Process.run`, at last."""
        if self.left.add(-1) >= 0:
            work.killed()
        super().run()


class KilledContext(ForkContext):
    """Of such processes."""

    Process = KilledProcess


def test_workers_that_are_killed_before_they_begin_are_replaced() -> None:
    """It is not the initializer's fault, however often."""
    KilledProcess.left = AtomicInt(40)
    with Pool(1, work.pid, context=KilledContext()) as pool:
        assert pool.apply_async(work.square, (3,)).get(LONG_S) == 9
    assert KilledProcess.left.load() < 0


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


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_arguments_that_cannot_be_sent_to_an_initializer(method: str) -> None:
    """It is the caller's error: at the call, or where workers start later."""
    context = interlock.get_context(method)
    with pytest.raises(TypeError):
        context.Pool(1, work.square, (threading.Lock(),))
    with ProcessPoolExecutor(1, context, work.square, (threading.Lock(),)) as executor:
        with pytest.raises(InitializerFailed) as raised:
            executor.submit(work.square, 2).result(LONG_S)
        assert isinstance(raised.value.__cause__, TypeError)


class CallableError(Exception):
    def __call__(self) -> None:
        """As if it made an error."""


def raises_callable() -> None:
    raise CallableError


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


def test_an_exception_that_can_be_called_arrives(pool: Pool) -> None:
    """It is the error, and is not taken for something that makes it."""
    with pytest.raises(CallableError):
        pool.apply_async(raises_callable, retry_on=CallableError).get(LONG_S)


class Interrupted:
    """Ctrl-C comes while it is serialized."""

    times = itertools.count()

    def __getstate__(self) -> dict[str, int]:
        if next(self.times) == 0:
            raise KeyboardInterrupt
        return {"number": 1}


def test_ctrl_c_while_tasks_are_given_out_is_the_caller_s(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no task's error (P6), and the pool goes on."""
    monkeypatch.setattr(Interrupted, "times", itertools.count())
    pool.map(abs, range(10), 1)  # the workers are ready and idle then
    with pytest.raises(KeyboardInterrupt):
        pool.map_async(work.kind_of, [Interrupted()])
    assert pool.map_async(work.kind_of, [Interrupted()] * 3).get(LONG_S) == ["Interrupted"] * 3


class Guarded:
    """An argument that takes a lock of its program to be serialized, as many do."""

    lock = threading.Lock()
    began = threading.Event()

    def __reduce__(self) -> tuple[object, ...]:
        Guarded.began.set()
        with Guarded.lock:
            return int, ()


def test_who_has_the_lock_of_an_argument_may_call_the_pool(context: BaseContext) -> None:
    """P3: that thread does not wait for one that waits for it."""
    with Pool(2, context=context) as pool:
        pool.map(abs, range(4), 1)
        for _ in range(20):
            Guarded.began.clear()
            with Guarded.lock:
                mapping = threading.Thread(
                    target=pool.map_async, args=(abs, [Guarded()] * 3, 1), daemon=True
                )
                mapping.start()
                assert Guarded.began.wait(LONG_S)
                calls = [pool.apply_async(abs, (-n,)) for n in range(3)]
            mapping.join(LONG_S)
            assert [call.get(LONG_S) for call in calls] == [0, 1, 2]


def test_an_argument_may_call_the_pool_while_it_is_serialized(context: BaseContext) -> None:
    """P3: the call is given when the argument is."""
    with Pool(1, context=context) as pool:
        inner: list[ApplyResult] = []
        calling = CallingBack(lambda: inner.append(pool.apply_async(abs, (-7,))))
        assert pool.map(abs, [calling, calling], 1) == [0, 0]
        assert [call.get(LONG_S) for call in inner] == [7] * len(inner)
        assert inner, "it was serialized"


class CallingBack:
    """An argument that calls something when it is serialized."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def __reduce__(self) -> tuple[object, ...]:
        self._call()
        return int, ()


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


class RefusedProcess(ForkProcess):
    """Not started by the system, as often as said."""

    left: ClassVar[int] = 0

    def start(self) -> None:
        """As `Process.start`, at last."""
        if RefusedProcess.left > 0:
            RefusedProcess.left -= 1
            raise BlockingIOError("Resource temporarily unavailable")
        super().start()


class SecondRefusedProcess(ForkProcess):
    """Of which the system starts one."""

    started: ClassVar[int] = 0

    def start(self) -> None:
        """As `Process.start`, the first time."""
        SecondRefusedProcess.started += 1
        if SecondRefusedProcess.started == 2:
            raise BlockingIOError("Resource temporarily unavailable")
        super().start()


class SecondRefusedContext(ForkContext):
    """Of such processes."""

    Process = SecondRefusedProcess


def test_a_pool_that_cannot_be_made_leaves_nothing() -> None:
    """P5: the worker that was started has ended, and what it had is given back."""
    with Pool(1) as pool:  # what a process has once, for all its pools
        pool.apply(abs, (1,))
    pool.join()
    before = work.in_use()
    SecondRefusedProcess.started = 0
    with pytest.raises(BlockingIOError):
        Pool(2, context=SecondRefusedContext())
    gc.collect()
    after = work.in_use()
    assert (after.processes, after.threads) == (before.processes, before.threads)
    assert after.descriptors <= before.descriptors + 1  # its own, until it is collected


class RefusedContext(ForkContext):
    """Of such processes."""

    Process = RefusedProcess


def test_a_worker_that_the_system_does_not_start_is_started_later() -> None:
    """The pool tries again by itself, and works with what it has until then."""
    with Pool(2, context=RefusedContext()) as pool:
        RefusedProcess.left = 2
        with pytest.raises(WorkerDied):
            pool.apply(work.killed)
        assert pool.apply(work.square, (3,)) == 9
        while len(pool._pool) < 2:
            os.sched_yield()
    assert RefusedProcess.left == 0


@pytest.mark.parametrize(
    ("task", "grace_s"), [(work.says_and_goes_on, 600.0), (work.heeds_nothing, 0.1)]
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
    if task is work.heeds_nothing:
        (busy,) = (m.process for m in pool._engine.members.values() if m.batches)
        wait_asleep(busy)
    trial.thread(pool.terminate).result()
    assert not pool._pool
