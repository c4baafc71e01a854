"""The threads that wait at a switchboard; all of it is called under its `_state_lock`, but `wait`.

A thread sleeps on a bare lock: Python's own events are left locked by whoever is interrupted in the
middle of one (Ctrl-C), and all others would stand still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from interlock._interruptible import LOOK_S

__all__ = ["Waiter", "Waiters"]


class Waiter:
    """A thread that waits for something to become true."""

    __slots__ = ("_asleep", "is_met")

    def __init__(self, is_met: Callable[[], bool]) -> None:
        self.is_met = is_met
        self._asleep = threading.Lock()
        self._asleep.acquire()

    @property
    def is_woken(self) -> bool:
        """Whether it will look, or looks already."""
        return not self._asleep.locked()

    def wake(self) -> None:
        """Let it look."""
        if self._asleep.locked():
            self._asleep.release()

    def wait(self) -> None:
        """Return when it was woken, or it is time to look.

        Raises:
            KeyboardInterrupt: Or what else interrupts the thread.

        If a process dies: the server: who reads wakes it.
        """
        self._asleep.acquire(timeout=LOOK_S)


class Waiters:
    """Those that wait at one switchboard."""

    def __init__(self) -> None:
        self._all: dict[Waiter, None] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def enter(self, waiter: Waiter) -> None:
        """Wake it from now on; it may be there already."""
        self._all[waiter] = None

    def leave(self, waiter: Waiter) -> None:
        """Wake it no more."""
        self._all.pop(waiter, None)

    def wake_met(self) -> None:
        """Wake all that have what they wait for."""
        for waiter in self._all:
            if waiter.is_met():
                waiter.wake()

    def wake_one(self) -> None:
        """Wake one that sleeps, to do what somebody must."""
        for waiter in self._all:
            if not waiter.is_woken:
                waiter.wake()
                return

    def wake_all(self) -> None:
        """Wake all."""
        for waiter in self._all:
            waiter.wake()
