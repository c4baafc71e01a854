"""Workers that begin late, not at all, or die before they have begun."""

from __future__ import annotations

import gc
import os
import threading
from typing import ClassVar

import pytest

import interlock
from interlock.context import BaseContext, ForkContext
from interlock.context.processes import ForkProcess
from interlock.pool import (
    InitializerFailed,
    Pool,
    ProcessPoolExecutor,
    WorkerDied,
)
from interlock.shared_memory import AtomicInt
from interlock.testing import wait_asleep
from tests.pool import work

LONG_S = 30.0


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
