"""Ending what runs in a thread: an exception, raised between two steps of its Python code.

There is no other way: a thread shares its memory and its locks, and what would end it from
outside would leave them as they are. So a call that does not come back to Python (a sleep, a
wait in C, a long computation of a library) goes on to its end, and only then is the exception
raised. Who asks for a stop is told so by `is_alive`, and a pool by the words of its errors.

S1. It is asked for only while the work runs: `Work.stop` looks under the lock.
S2. When `Work.run` has returned, none is under way: it says that the work is over, under the
    lock, and then lets in what was asked for and has not been raised.
S3. Within ``with shielded():`` none is raised: what was asked for before is raised on the way in,
    what is asked for meanwhile is owed, and raised on the way out, or by `raise_owed` where
    nothing is half done. So a queue stays whole, and its waits end soon after `stop`.
S4. What the work has that others wait for (a lease) is noted with it, and given back when it was
    stopped: an exception may come just before the ``with`` block's own end does it.

Source: `interlock._raising`.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from interlock._raising import let_in, raise_in_thread
from interlock.pool.watch import Ended

__all__ = ["LOOK_EVERY_S", "Belonging", "Ended", "Work", "current", "raise_owed", "shielded"]

LOOK_EVERY_S = 0.05  # a wait within a shield: whether a stop is owed


class _Here(threading.local):
    work: Work | None = None


_here = _Here()


class Belonging(Protocol):
    """What others wait for."""

    def give_back(self) -> None:
        """Let them have it."""


class Work:
    """Something that one thread does once, and that others may stop.

    Attributes:
        reason: What the last `stop` was for; None if there was none while it ran.
        belongings: What is given back when it was stopped (S4), or in any case if it is a life.
    """

    def __init__(self, *, is_life: bool = False) -> None:
        self.reason: Any = None
        self.belongings: weakref.WeakSet[Belonging] = weakref.WeakSet()
        self._is_life = is_life
        self._thread: int | None = None  # once it has begun
        self._is_done = False
        self._shields = 0
        self._is_owed = False
        self._lock = threading.RLock()  # what is freed with it may come back

    def run(self, function: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Call it; `Ended` is raised in it, or by this, when it is stopped.

        Raises:
            Ended: It was stopped.
            BaseException: What the function raised.
        """
        outer, _here.work = _here.work, self
        try:
            with self._lock:
                if self.reason is not None:
                    raise Ended  # before it had begun
                self._thread = threading.get_ident()
            return function(*args, **(kwargs or {}))
        finally:
            self._is_done = True  # S2: what is raised from here on was asked for too late
            try:
                try:
                    self._is_over()
                except Ended:  # asked for before
                    self._is_over()
            except Ended:  # asked for just then: `stop` had looked already, and is the last to
                self._is_over()
            _here.work = outer
            if self.belongings and (self._is_life or self.reason is not None):
                for each in [*self.belongings]:
                    each.give_back()

    def _is_over(self) -> None:
        with self._lock:
            pass  # who is within `stop` is through
        let_in()

    def stop(self, reason: Any) -> bool:
        """Raise `Ended` in it as soon as it is in Python code; False if it is over already."""
        with self._lock:
            if self._is_done:
                return False
            self.reason = reason
            if self._shields:
                self._is_owed = True
            elif self._thread is not None:
                raise_in_thread(self._thread, Ended)
            return True

    def __enter__(self) -> None:
        before = self._shields
        try:
            with self._lock:
                self._shields = before + 1
            let_in()
        except Ended:  # S3, on the way in
            with self._lock:
                self._shields = before
            raise

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._shields -= 1
            is_due = self._is_owed and not self._shields
            if is_due:
                self._is_owed = False
        if is_due:
            raise Ended

    def raise_owed(self) -> None:
        """Within a shield, where nothing is half done: raise what is owed."""
        if self._is_owed:
            self._is_owed = False
            raise Ended


_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()


def current() -> Work | None:
    """What this thread does, if it can be stopped."""
    return _here.work


def shielded() -> AbstractContextManager[None]:
    """A block that a stop of this thread's work does not interrupt (S3)."""
    work = _here.work
    return _NOTHING if work is None else work


def raise_owed() -> None:
    """As `Work.raise_owed`, of what this thread does."""
    work = _here.work
    if work is not None:
        work.raise_owed()
