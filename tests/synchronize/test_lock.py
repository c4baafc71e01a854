"""What is our own of Lock and RLock, beside the contracts of `interlock.testing.check_lock`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import resource
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import (
    AbandonedLockError,
    AbandonedLockWarning,
    InterlockError,
    LockNotHeld,
    LockNotOwned,
)
from interlock.synchronize import Abandonment, Lock, RLock
from interlock.testing import die, wait_asleep
from interlock.testing.trial import Trial

MAKERS = [interlock.Lock, interlock.RLock]


def test_errors_are_ours_and_the_standard_library_s() -> None:
    """P1: a program that catches what `multiprocessing` raises goes on."""
    with pytest.raises(ValueError, match="released too many times") as of_lock:
        interlock.Lock().release()
    with pytest.raises(AssertionError, match="not owned by thread") as of_rlock:
        interlock.RLock().release()
    assert isinstance(of_lock.value, LockNotHeld)
    assert isinstance(of_rlock.value, LockNotOwned)
    assert isinstance(of_lock.value, InterlockError)


@pytest.mark.parametrize("bad", ["", "Raise", None, 1])
def test_another_word_for_on_abandon_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="give 'warn' or 'raise'"):
        interlock.Lock(on_abandon=bad)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("bad", ["1", object(), float("nan")])
def test_what_is_no_timeout_is_refused(make: Any, bad: Any) -> None:
    """At the call, and the lock is as it was."""
    lock = make()
    with pytest.raises((TypeError, ValueError)):
        lock.acquire(True, bad)
    with pytest.raises(TypeError):
        lock.acquire(True, 1, 2)
    with pytest.raises(TypeError):
        lock.acquire(blocking=True)
    assert not lock.locked()


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_repr_is_the_standard_library_s(kind: str) -> None:
    """P1: free, had by this thread, and by another one."""
    pair = getattr(interlock, kind)(), getattr(multiprocessing, kind)()
    assert repr(pair[0]) == repr(pair[1])
    with pair[0], pair[1]:
        assert repr(pair[0]) == repr(pair[1])
    with _held_elsewhere(pair[0]), _held_elsewhere(pair[1]):
        assert repr(pair[0]) == repr(pair[1])


def test_a_handler_of_a_signal_runs_while_acquire_waits() -> None:
    """And what it raises comes out of acquire(), at once; the lock is whole."""
    lock = interlock.Lock()
    with _held_elsewhere(lock):
        thread = threading.Thread(target=_interrupt_main, args=(signal.SIGINT,))
        begun = time.monotonic()
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            lock.acquire()
        assert time.monotonic() - begun < 2.0
        thread.join()
        assert lock.waiters == ()
    assert lock.acquire(timeout=10)
    lock.release()


@pytest.mark.parametrize("fair", [False, True])
def test_a_signal_leaves_the_order_whole(fair: bool) -> None:
    """Whoever is interrupted while it waits is no longer waited for."""
    lock = interlock.Lock(fair=fair)
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        with _held_elsewhere(lock):
            killer = threading.Thread(target=_interrupt_main, args=(signal.SIGUSR1,))
            killer.start()
            assert lock.acquire(timeout=0.5) is False
            killer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [1]
    assert lock.acquire(timeout=10)
    lock.release()


def _interrupt_main(number: int) -> None:
    wait_asleep(threading.main_thread())
    os.kill(os.getpid(), number)


class _held_elsewhere:
    """A thread has the lock for as long as the block lasts."""

    def __init__(self, lock: Any) -> None:
        self._lock, self._over, self._taken = lock, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with self._lock:
            self._taken.set()
            self._over.wait()

    def __enter__(self) -> None:
        self._thread.start()
        self._taken.wait()

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._thread.join()


def test_a_warning_that_is_an_error_gives_the_lock_up(trial: Trial) -> None:
    """An acquire() that raises has not got it."""
    lock = trial.context.Lock()  # type: ignore[attr-defined]
    _abandon(trial, lock)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AbandonedLockWarning, match="died while it had this Lock"):
            lock.acquire()
    assert lock.acquire(block=False)


def test_the_warning_is_at_the_line_that_acquires(trial: Trial) -> None:
    lock = trial.context.Lock()  # type: ignore[attr-defined]
    _abandon(trial, lock)
    with pytest.warns(AbandonedLockWarning) as told, lock:
        pass
    assert told[0].filename == __file__


def test_the_error_survives_pickling(trial: Trial) -> None:
    """P6: with who it was."""
    lock = trial.context.Lock(on_abandon="raise")  # type: ignore[attr-defined]
    pid = _abandon(trial, lock)
    with pytest.raises(AbandonedLockError) as caught:
        lock.acquire()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.abandoned == caught.value.abandoned
    assert isinstance(again.abandoned, Abandonment)
    assert again.abandoned.pid == pid
    assert str(again) == str(caught.value)
    assert isinstance(again, RuntimeError)


def _abandon(trial: Trial, lock: Any) -> int:
    process = trial.context.Process(target=_die_with, args=(lock,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return int(process.pid)


def _die_with(lock: Any) -> None:
    lock.acquire()
    die()


def test_a_forked_child_owns_nothing_of_its_parent_s() -> None:
    """An RLock that the parent's thread has is not its child's, though it is a copy."""
    lock = interlock.RLock()
    with lock:
        pid = os.fork()
        if pid == 0:
            os._exit(10 + lock.acquire(block=False))
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 10


@pytest.mark.parametrize("make", MAKERS)
def test_a_lock_costs_one_descriptor_and_gives_it_back(make: Any) -> None:
    """P5."""
    gc.collect()
    before = _descriptors()
    locks = [make() for _ in range(20)]
    assert _descriptors() == before + 20
    assert all(lock.acquire() for lock in locks)
    del locks
    gc.collect()
    assert _descriptors() == before


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def soft_limit() -> Iterator[int]:
    """A low one, as shells have it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_locks_than_the_soft_limit_of_descriptors(soft_limit: int) -> None:
    """P1: `multiprocessing`'s need none, so a program may have thousands."""
    locks = [interlock.Lock() for _ in range(2 * soft_limit)]
    assert all(lock.acquire() for lock in locks)


def test_the_standard_library_s_objects_take_our_locks(context: BaseContext) -> None:
    """P1: conditions, shared values and queues that are given one."""
    lock: Any = context.RLock()
    condition = context.Condition(lock)
    with condition:
        assert lock.owner is not None
        assert condition.wait(timeout=0.01) is False
    value = context.Value("i", lock=lock)
    with value.get_lock():
        value.value += 1
    assert value.value == 1


@pytest.mark.parametrize("kind", [Lock, RLock])
def test_a_lock_is_not_made_without_a_context(kind: Any) -> None:
    """As in `multiprocessing`; interlock.Lock() is the default context's."""
    with pytest.raises(TypeError):
        kind()
    assert isinstance(kind(ctx=interlock.get_context()), kind)


def test_a_subclass_that_skips_init_is_told() -> None:
    """No crash."""

    class Skips(Lock):
        def __init__(self) -> None:
            pass

    for operation in (Skips().acquire, Skips().release, Skips().__enter__):
        with pytest.raises(TypeError, match="was not called"):
            operation()
