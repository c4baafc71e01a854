"""Arguments, results and exceptions that are odd, or whose own code does odd things (P3)."""

from __future__ import annotations

import functools
import gc
import itertools
import threading
from collections.abc import Callable

import pytest

from interlock.context import BaseContext
from interlock.pool import (
    ApplyResult,
    Pool,
    ProcessPoolExecutor,
    WorkerDied,
)
from interlock.shared_memory import AtomicInt
from tests.pool import oddities, work

LONG_S = 30.0


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


@pytest.mark.parametrize(
    "kind", [oddities.ExitsWhenReadError, oddities.FrozenOddError, oddities.SilentOddError]
)
def test_odd_exceptions_arrive(pool: Pool, kind: type[Exception]) -> None:
    """One whose own code raises SystemExit, or lets no attribute be set, or says nothing."""
    with pytest.raises(kind):
        pool.apply_async(oddities.raises_odd, (kind,)).get(LONG_S)
    assert pool.apply(work.square, (3,)) == 9


def test_results_that_cannot_be_read_fail_alone(pool: Pool) -> None:
    """Though they came together with others."""
    pool.map(oddities.unreadable, range(8, 20000))  # the pool knows that they take microseconds
    with pytest.raises(ValueError, match="unreadable"):
        pool.map_async(oddities.unreadable, range(50)).get(LONG_S)
    assert pool.map(work.square, range(10)) == [n * n for n in range(10)]


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


class CallableError(Exception):
    def __call__(self) -> None:
        """As if it made an error."""


def raises_callable() -> None:
    raise CallableError


def test_an_exception_that_can_be_called_arrives(pool: Pool) -> None:
    """It is the error, and is not taken for something that makes it."""
    with pytest.raises(CallableError):
        pool.apply_async(raises_callable, retry_on=CallableError).get(LONG_S)


TRIES = 500


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
    for _ in range(TRIES):
        monkeypatch.setattr(Interrupted, "times", itertools.count())
        pool.map(abs, range(10), 1)  # the workers are ready and idle then
        try:
            result = pool.map_async(work.kind_of, [Interrupted()])
        except KeyboardInterrupt:
            break
        # Where serializing was slow just before, a thread of the pool does it. No Ctrl-C comes
        # there: what is raised is the task's.
        with pytest.raises(KeyboardInterrupt):
            result.get(LONG_S)
    else:
        pytest.fail("it was never given out by its caller")
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
