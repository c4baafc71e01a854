"""Pools of the thread context: what cannot be stopped, what cannot be offered."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.context.threads import stopping
from interlock.context.threads.supervision import GRACE_S
from interlock.pool import TaskCancelled, TaskTimeout, worker_state
from interlock.testing import wait_asleep

LONG_S = 20.0
context: Any = interlock.get_context("thread")


def test_nothing_is_copied() -> None:
    """Functions, arguments, results and errors are the very objects."""
    lock, error = threading.Lock(), KeyError("mine")

    def fail() -> None:
        raise error

    with context.Pool(2) as pool:
        assert pool.apply(lambda: lock) is lock
        assert pool.map(lambda each: each, [lock] * 3) == [lock] * 3
        with pytest.raises(KeyError) as raised:
            pool.apply(fail)
        assert raised.value is error
        ours = str(Path(stopping.__file__).parent)
        assert not [entry for entry in raised.traceback if str(entry.path).startswith(ours)]
        assert pool.share(lock).value is lock


def test_functions_that_are_equal_are_not_the_same() -> None:
    """P8: each task calls the very object that it was given."""

    class Adder:
        def __init__(self, number: int) -> None:
            self.number = number

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Adder)

        def __hash__(self) -> int:
            return 0

        def __call__(self, to: int) -> int:
            return to + self.number

    one, two = Adder(1), Adder(2)
    with context.Pool(1) as pool:
        assert pool.map(one, [1, 2]) == [2, 3]
        assert pool.map(two, [1, 2]) == [3, 4]
        assert pool.map(one, [1, 2]) == [2, 3]


def test_a_call_that_cannot_be_stopped_is_given_up_and_said_so() -> None:
    """P3: who waits is told after a moment, and another thread takes its place."""
    held = threading.Event()
    with context.Pool(1) as pool:
        with pytest.raises(TaskTimeout, match=r"could not be stopped.*needs a process"):
            pool.apply(held.wait, timeout=0.05)
        assert pool.apply(abs, (-1,)) == 1
        result = pool.apply_async(held.wait)
        (worker,) = pool._pool
        wait_asleep(worker, LONG_S)
        assert result.cancel(running=True)
        with pytest.raises(TaskCancelled, match="could not be stopped"):
            result.get(LONG_S)
        assert pool.map(abs, [-1, 2]) == [1, 2]
    held.set()


def test_a_thread_whose_task_was_stopped_in_time_goes_on() -> None:
    """P3: it is not given up for the next task, which takes longer than the grace."""

    def spin() -> None:
        while True:
            pass

    with context.Pool(1) as pool:
        (worker,) = pool._pool
        assert pool.apply(abs, (-1,), timeout=0.05) == 1
        with pytest.raises(TaskTimeout, match="was ended"):
            pool.apply(spin, timeout=0.2)
        assert pool.apply(threading.Event().wait, (2 * GRACE_S,)) is False
        assert pool._pool == [worker]


def test_a_callback_that_raises_is_told_and_costs_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """P6: the next one is called, by the same thread."""
    called = threading.Event()
    with context.Pool(1) as pool:
        pool.apply_async(abs, (-1,), callback=sys.exit)
        pool.apply_async(abs, (-2,), callback=lambda _: called.set())
        assert called.wait(LONG_S)
    assert "callback of a pool raised" in caplog.text


def test_a_pool_ends_though_a_call_does_not() -> None:
    """P3: the end of `with` waits a moment, not for ever."""
    held = threading.Lock()
    held.acquire()
    began = time.monotonic()
    with context.Pool(1) as pool:
        result = pool.apply_async(held.acquire)
        (worker,) = pool._pool
        wait_asleep(worker, LONG_S)
    assert time.monotonic() - began < LONG_S / 2
    with pytest.raises(interlock.pool.PoolTerminated):
        result.get(LONG_S)
    held.release()
    worker.join(LONG_S)


def test_a_thread_that_cannot_be_started_is_started_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P3: no task is left behind, and it is said once; a pool that begins so is none."""
    start, refused = threading.Thread.start, [1, 2]

    def start_not_always(thread: threading.Thread) -> None:
        if refused and "PoolWorker" in thread.name:
            refused.pop()
            raise RuntimeError("no thread")
        start(thread)

    with context.Pool(1, maxtasksperchild=1) as pool:
        results = [pool.apply_async(abs, (-n,)) for n in range(3)]
        monkeypatch.setattr(threading.Thread, "start", start_not_always)
        results += [pool.apply_async(abs, (-n,)) for n in range(3)]
        assert [result.get(LONG_S) for result in results] == [0, 1, 2] * 2
    assert caplog.text.count("tries again: no thread") == 1
    refused.append(3)
    with pytest.raises(RuntimeError, match="no thread"):
        context.Pool(1)


def test_join_waits_no_longer_for_what_terminate_could_not_stop() -> None:
    """P3: a call or an initializer that does not come back; its thread ends when it does."""
    for initializer in False, True:
        held = threading.Lock()
        held.acquire()
        pool = context.Pool(1, held.acquire if initializer else None)
        pool.apply_async(abs if initializer else held.acquire)
        (worker,) = pool._pool
        wait_asleep(worker, LONG_S)
        pool.terminate()
        pool.join()
        assert worker.is_alive()
        held.release()
        worker.join(LONG_S)
        assert not worker.is_alive()


def test_what_is_of_processes_is_refused_with_a_word() -> None:
    """P6: by the pool, and by the call."""
    with pytest.raises(ValueError, match=r"'memory_limit' for tasks.*Use a context of processes"):
        context.Pool(1, memory_limit=1 << 30)
    with pytest.raises(ValueError, match="'threads' for pools"):
        context.ProcessPoolExecutor(1, threads=2)
    with context.ProcessPoolExecutor(1) as executor:
        with pytest.raises(ValueError, match="memory_limit"):
            executor.with_options(memory_limit=1 << 30)


def test_a_pool_of_processes_does_not_take_the_context() -> None:
    """P6: it says which pool to use."""
    for kind, name in (
        (interlock.pool.Pool, "context"),
        (interlock.ProcessPoolExecutor, "mp_context"),
    ):
        with pytest.raises(TypeError, match=r"'thread' makes no processes.*context\.Pool\(\)"):
            kind(1, **{name: context})


def test_each_thread_has_a_state_of_its_own() -> None:
    """What the initializer returned, as in processes."""
    with context.Pool(2, threading.local) as pool:
        states = {id(state) for state in pool.map(lambda _: worker_state(), range(20))}
    assert 1 <= len(states) <= 2
    assert worker_state() is None


def test_a_timed_task_costs_no_timer_each() -> None:
    """One look of the clock a thread, however many tasks with a long timeout there were."""
    with context.Pool(1) as pool:
        assert pool.map(abs, range(500), timeout=3600) == [*range(500)]
        assert len(pool._engine.clock._later) <= 1


def test_callbacks_are_called_by_one_thread() -> None:
    """P1: as multiprocessing has it; what they share needs no lock."""
    callers: set[int] = set()
    with context.Pool(4) as pool:
        results = [
            pool.apply_async(abs, (n,), callback=lambda _: callers.add(threading.get_ident()))
            for n in range(50)
        ]
        for result in results:
            result.get(LONG_S)
    assert len(callers) == 1


def test_a_pool_that_nobody_has_ends_by_itself() -> None:
    """P5: its threads are gone after a moment."""
    pool = context.Pool(2)
    threads = pool._pool
    with pytest.warns(ResourceWarning, match="unclosed"):
        del pool
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()
