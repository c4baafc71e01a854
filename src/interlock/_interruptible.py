"""Conditions and events for threads, which stay whole whatever interrupts a thread inside of them.

An exception may come between any two steps of Python's: Ctrl-C, or whatever a signal's handler
raises. `threading.Condition` takes its lock in a method written in Python. Who is interrupted after
that step and before the block has begun leaves it locked, and all others stand still: 32 to 58 of
10,000 interrupted waits on CPython 3.11. So here

C1. A lock is taken by the `with` of a lock in C, where nothing comes between it and the block.
C2. `wait` notes that the lock was given up in the same step, and takes it again as the first step
    of what comes after.
C3. Who sleeps looks every LOOK_S: a signal that comes just before a thread falls asleep does not
    wake it, and who was to wake it may have been interrupted.
C4. A lock that is taken only if it is free is noted as had in the same step: `taken_at_once`.

Source: CPython's ceval.c, where it looks at its eval breaker: at the begin of functions, behind
calls, and at jumps back.
"""

from __future__ import annotations

import time
from _thread import RLock, allocate_lock
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

__all__ = ["LOOK_S", "Condition", "Event", "taken_at_once"]

LOOK_S = 1.0

T = TypeVar("T")
_AT_ONCE = (False,)  # the argument of `acquire`
_give_up: Callable[[RLock], Any] = vars(RLock)["_release_save"]


class Condition(RLock):  # type: ignore[misc]  # final in the stubs alone
    """As `threading.Condition`, with a lock that its owner may take again."""

    def __init__(self) -> None:
        self._asleep: list[Any] = []  # a bare lock of each that waits
        self._said = 0  # how often all were woken

    def wait(self, timeout: float | None = None) -> bool:
        """With the lock: give it up, wait until `notify_all`, and have the lock again.

        Args:
            timeout: In seconds; None for as long as it takes.

        Returns:
            Whether it was called.

        Raises:
            RuntimeError: This thread has not got the lock.
            KeyboardInterrupt: Or what else interrupts the thread.

        If a process dies: this one's threads are gone with it.
        """
        said, end_s = self._said, _end_s(timeout)
        asleep = allocate_lock()
        asleep.acquire()
        self._asleep.append(asleep)
        had: list[Any] = []
        try:
            had.extend(map(_give_up, (self,)))  # C2: in C, so that both are done or neither
            while self._said == said and (left_s := _left_s(end_s)) > 0:
                asleep.acquire(timeout=left_s)
        finally:
            if had:
                self._acquire_restore(had[0])  # type: ignore[attr-defined]
            with suppress(ValueError):  # it was woken
                self._asleep.remove(asleep)
        return self._said != said

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """With the lock: wait until something is true.

        Args:
            predicate: Says whether it is; called with the lock.
            timeout: In seconds; None for as long as it takes.

        Returns:
            What the predicate returned last.

        Raises:
            KeyboardInterrupt: Or what else interrupts the thread.

        If a process dies: this one's threads are gone with it.
        """
        end_s = _end_s(timeout)
        while not (found := predicate()) and (left_s := _left_s(end_s)) > 0:
            self.wait(left_s)
        return found

    def notify_all(self) -> None:
        """With the lock: wake all that wait."""
        self._said += 1
        asleep, self._asleep = self._asleep, []
        for each in asleep:
            each.release()


class Event:
    """As `threading.Event`, for what happens once."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """It has happened: wake all that wait."""
        self._is_set = True
        with self._changed:
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened; whether it has.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            KeyboardInterrupt: Or what else interrupts the thread.

        If a process dies: this one's threads are gone with it.
        """
        with self._changed:
            return self._changed.wait_for(self.is_set, timeout)


def taken_at_once(lock: Lock, had: list[bool]) -> None:
    """Take a lock if it is free, and note whether it was (C4).

    Args:
        lock: One in C.
        had: Gets one value more. Who calls this within `try` looks there in `finally`.
    """
    had.extend(map(lock.acquire, _AT_ONCE))


def _end_s(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left_s(end_s: float | None) -> float:
    """How long to sleep (C3)."""
    return LOOK_S if end_s is None else min(LOOK_S, end_s - time.monotonic())
