"""Events, conditions and barriers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from interlock.context.dask.desk.answers import ACT, BROKEN, EMPTY, NOT_OWNED, Answer
from interlock.context.dask.link import Link
from interlock.context.dask.things.base import DaskThing, deadline
from interlock.context.dask.things.locks import DaskLock, DaskRLock
from interlock.errors import BrokenBarrier, InterlockError
from interlock.synchronize.owner import Abandonment

if TYPE_CHECKING:
    from interlock.context.dask.things.aio_waits import (
        AsyncDaskBarrier,
        AsyncDaskCondition,
        AsyncDaskEvent,
    )

__all__ = ["DaskBarrier", "DaskCondition", "DaskEvent"]


class DaskEvent(DaskThing):
    """To wait until something has happened, anywhere on the cluster.

    Args:
        link: To the cluster.

    If a process dies: one that would have set it: who waits waits on.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link, link.make("event"))

    def set(self) -> None:
        """It has happened: all that wait go on."""
        self._call("change", True)

    def clear(self) -> None:
        """It has not happened."""
        self._call("change", False)

    def is_set(self) -> bool:
        """Whether it has happened."""
        return bool(self._call("look")[1])

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened; whether it has.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            ServerGone: The scheduler is lost.

        If a process dies: see the class.
        """
        return self._waited(self._call("wait", wait_s=deadline(True, timeout)))

    @staticmethod
    def _waited(answer: Answer) -> bool:
        return answer[0] != EMPTY

    @property
    def aio(self) -> AsyncDaskEvent:
        """The same to be awaited, under asyncio and Trio."""
        from interlock.context.dask.things.aio_waits import AsyncDaskEvent

        return AsyncDaskEvent(self)


class DaskCondition(DaskThing):
    """To wait for a change that a lock guards.

    Args:
        link: To the cluster.
        lock: Of the same context; None for a new recursive one.

    If a process dies: One that waits is left out; one that has the lock: all that wait are woken.
    """

    def __init__(self, link: Link, lock: DaskLock | None = None) -> None:
        lock = DaskRLock(link) if lock is None else lock
        if not isinstance(lock, DaskLock):
            raise TypeError(f"lock is {lock!r}; give a Lock or RLock of this context")
        super().__init__(link, link.make("condition", lock._name))
        self._lock = lock
        self.acquire, self.release = lock.acquire, lock.release

    def _state(self) -> dict[str, Any]:
        lock = self._lock
        return {"_lock": lock, "acquire": lock.acquire, "release": lock.release}

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock, wait to be notified, and take it again; whether one was notified.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            AssertionError: This thread has not got the lock.
            ServerGone: The scheduler is lost.
            AbandonedLockError: As `DaskAcquired.acquire`; but the lock is this thread's.

        If a process dies: see the class.
        """
        try:
            return self._waited(self._call("wait", wait_s=deadline(True, timeout)))
        except BaseException as error:
            if not isinstance(error, Exception):  # Ctrl-C: who waits has the lock afterwards
                self._lock.acquire()
            raise

    def _waited(self, answer: Answer) -> bool:
        if answer[0] == NOT_OWNED:
            raise AssertionError("must acquire() condition before using wait()")
        is_woken, abandoned = answer[1]
        if abandoned is not None:
            self._lock._tell_of(abandoned)
        return bool(is_woken)

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until the predicate is true; its value.

        Args:
            predicate: Called with the lock held.
            timeout: In seconds; None for as long as it takes.

        Raises:
            AssertionError: This thread has not got the lock.

        If a process dies: see the class.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while not (value := predicate()):
            rest = None if ends is None else ends - time.monotonic()
            if rest is not None and rest <= 0:
                break
            self.wait(rest)
        return value

    def notify(self, n: int = 1) -> None:
        """Wake so many of those that wait.

        Raises:
            AssertionError: This thread has not got the lock.
        """
        self._notify(n)

    def notify_all(self) -> None:
        """Wake all that wait; as `notify`."""
        self._notify(None)

    def _notify(self, number: int | None) -> None:
        self._notified(self._call("notify", number))

    @staticmethod
    def _notified(answer: Answer) -> None:
        if answer[0] == NOT_OWNED:
            raise AssertionError("lock is not owned")

    @property
    def aio(self) -> AsyncDaskCondition:
        """The same to be awaited, under asyncio and Trio; the lock is the task's."""
        from interlock.context.dask.things.aio_waits import AsyncDaskCondition

        return AsyncDaskCondition(self)


class DaskBarrier(DaskThing):
    """To wait for each other, anywhere on the cluster.

    Args:
        link: To the cluster.
        parties: How many wait for each other.
        action: Called by one of them before all go on.
        timeout: Of a `wait` that is given none.

    If a process dies: One that had come to this round: the barrier is broken, and says who died.
    """

    def __init__(
        self, link: Link, parties: int, action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> None:  # fmt: skip
        if parties < 1:
            raise ValueError("parties must be > 0")
        super().__init__(link, link.make("barrier", parties, action is not None))
        self._parties = parties
        self._action = action
        self._timeout = timeout

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others; a number from 0 to parties - 1, another for each.

        Args:
            timeout: In seconds; None for the barrier's own.

        Raises:
            BrokenBarrier: It was broken, by a timeout, an abort, an error of the action or a death.
            ServerGone: The scheduler is lost.

        If a process dies: see the class.
        """
        rest = self._timeout if timeout is None else timeout
        return self._waited(self._call("wait", wait_s=deadline(True, rest)))

    def _waited(self, answer: Answer) -> int:
        status, value = answer
        if status == ACT:
            is_well = False
            try:
                self._act()
                is_well = True
            finally:
                answer = self._call("acted", is_well)
            return self._waited(answer)
        if status == BROKEN:
            raise self._broken(value)
        return int(value)

    def _act(self) -> None:
        if self._action is not None:
            self._action()

    @staticmethod
    def _broken(missing: list[Any] | None) -> InterlockError:
        if missing is None:
            return BrokenBarrier("The barrier is broken. reset() makes it as new.")
        host, pid, thread = missing
        now = datetime.now(UTC)
        who = Abandonment(pid, f"on {host}", thread, now, now)
        return BrokenBarrier(
            f"The barrier is broken: the {who.story} had come to it, and died. reset() makes it as "
            "new.",
            who,
        )

    def reset(self) -> None:
        """Make it as new; those that wait get BrokenBarrier."""
        self._call("reset")

    def abort(self) -> None:
        """Break it."""
        self._call("abort")

    @property
    def parties(self) -> int:
        """How many wait for each other."""
        return self._parties

    @property
    def n_waiting(self) -> int:
        """How many wait at this moment."""
        return int(self._call("look")[1][0])

    @property
    def broken(self) -> bool:
        """Whether it is broken."""
        return bool(self._call("look")[1][1])

    @property
    def aio(self) -> AsyncDaskBarrier:
        """`wait` to be awaited, under asyncio and Trio."""
        from interlock.context.dask.things.aio_waits import AsyncDaskBarrier

        return AsyncDaskBarrier(self)
