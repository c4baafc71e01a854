"""Locks, semaphores, events and conditions, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from interlock._awaiting import until
from interlock._native import MomentOfEvent, PlaceInCondition, PlaceInOrder
from interlock.errors import AbandonedLockError

if TYPE_CHECKING:
    from interlock.synchronize.condition import Condition
    from interlock.synchronize.event import Event
    from interlock.synchronize.lock import Lock
    from interlock.synchronize.rlock import RLock

__all__ = [
    "AwaitableCondition",
    "AwaitableEvent",
    "AwaitableLock",
    "AwaitableRLock",
    "AwaitableTurn",
]

T = TypeVar("T")


class _NotYet(Exception):
    """Another thread or task has it, or it has not happened."""


async def _tried(
    attempt: Callable[[], bool],
    bell_fd: Callable[[], int],
    arm: Callable[[], bool],
    timeout_s: float | None,
) -> bool:
    """Whether it worked in time."""

    def try_it() -> None:
        if not attempt():
            raise _NotYet

    try:
        await until(try_it, _NotYet, bell_fd, arm, timeout_s)
    except _NotYet:
        return False
    return True


class AwaitableTurn:
    """A lock or semaphore whose `acquire` is awaited; for ``async with``.

    The tasks of one event loop take turns with each other, with other threads and with other
    processes. A cancelled `acquire` leaves no trace.
    """

    def __init__(self, shared: Any) -> None:
        self._shared = shared

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `acquire` of what it is of, awaited.

        Args:
            block: Whether to wait while another one has it.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it is the caller's now.

        Raises:
            AbandonedLockError: As in `Lock`.

        If a process dies: the owner: who waits has it within 100 ms.
        """
        if self._try():
            return True
        if not block:
            return False
        return await self._wait(timeout)

    async def _wait(self, timeout_s: float | None) -> bool:
        return await _tried(self._try, self._shared._bell_fd, self._shared._arm, timeout_s)

    def _try(self) -> bool:
        return bool(self._shared.acquire(False))

    def release(self) -> None:
        """As `release` of what it is of.

        Raises:
            LockNotHeld: As there.
            LockNotOwned: As there.

        If a process dies: As there.
        """
        self._shared.release()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class AwaitableLock(AwaitableTurn):
    """A Lock, awaited; in order, if it is fair."""

    _shared: Lock

    async def _wait(self, timeout_s: float | None) -> bool:
        lock = self._shared
        if not lock.fair:
            return await super()._wait(timeout_s)
        place = PlaceInOrder(lock)
        try:
            return await _tried(place.look, lock._bell_fd, lock._arm, timeout_s)
        finally:
            place.leave()

    def locked(self) -> bool:
        """As `Lock.locked`."""
        return self._shared.locked()


class AwaitableRLock(AwaitableTurn):
    """An RLock, awaited: the task that has it may acquire it again.

    To other threads the lock is the event loop's thread's. Among the tasks of the loop it is
    the one's that has awaited it; so do not take it without `.aio` in the same thread.
    """

    _shared: RLock

    def _try(self) -> bool:
        lock, task = self._shared, anyio.get_current_task().id
        if lock._is_mine() and lock._task != task:
            return False
        if not lock.acquire(False):
            return False
        lock._task = task
        return True

    def release(self) -> None:
        """As `RLock.release`, by the task that has it.

        Raises:
            LockNotOwned: Another task or thread has it, or none.

        If a process dies: As in `RLock.release`.
        """
        lock = self._shared
        if lock._is_mine() and lock._task != anyio.get_current_task().id:
            lock._refuse_release()
        lock.release()


class AwaitableEvent:
    """An Event whose `wait` is awaited."""

    def __init__(self, event: Event) -> None:
        self._event = event

    async def wait(self, timeout: float | None = None) -> bool:
        """As `Event.wait`, awaited.

        Args:
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it was set.

        Raises:
            OutOfSharedMemory: As in `Event.wait`.

        If a process dies: As in `Event.wait`; who waits returns within 100 ms.
        """
        event = self._event
        moment = MomentOfEvent(event)
        try:
            return await _tried(moment.has_happened, event._bell_fd, event._arm, timeout)
        finally:
            moment.leave()

    def is_set(self) -> bool:
        """As `Event.is_set`."""
        return self._event.is_set()

    def set(self) -> None:
        """As `Event.set`."""
        self._event.set()

    def clear(self) -> None:
        """As `Event.clear`."""
        self._event.clear()


class AwaitableCondition:
    """A Condition whose `acquire`, `wait` and `wait_for` are awaited; for ``async with``."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self._turn: AwaitableTurn = condition._lock.aio

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `Lock.acquire`, awaited.

        Args:
            block: Whether to wait while another one has the lock.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether the lock is the caller's now.

        Raises:
            AbandonedLockError: As in `Lock`.

        If a process dies: As in `AwaitableTurn.acquire`.
        """
        return await self._turn.acquire(block, timeout)

    def release(self) -> None:
        """As `Lock.release`.

        Raises:
            LockNotHeld: As there.
            LockNotOwned: As there.

        If a process dies: As there.
        """
        self._turn.release()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    async def wait(self, timeout: float | None = None) -> bool:
        """As `Condition.wait`, awaited. When it is cancelled the caller has the lock again first.

        Args:
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it was notified.

        Raises:
            LockNotOwned: This thread has not got the lock.
            TooManyWaiters: As in `Condition.wait`.
            AbandonedLockError: As in `Condition.wait`.

        If a process dies: As in `Condition.wait`; those that wait are notified within 100 ms.
        """
        condition = self._condition
        condition._must_own("wait()")
        place = PlaceInCondition(condition, condition._lock)
        depth = condition._lock._semlock._count()
        for _ in range(depth):
            self._turn.release()
        try:
            told = await _tried(place.look, condition._bell_fd, place.arm, timeout)
        except BaseException:
            place.leave()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._acquire_again(depth)
        if told:
            place.done()
        else:
            place.leave()
        return told

    async def _acquire_again(self, depth: int) -> None:
        found: AbandonedLockError | None = None
        while depth:
            try:
                await self._turn.acquire()
                depth -= 1
            except AbandonedLockError as error:
                found = error
        if found is not None:
            raise self._condition._error_after_wait(found)

    async def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """As `Condition.wait_for`, awaited.

        Args:
            predicate: Says whether it is so; called with the lock.
            timeout: How long to wait in all, in seconds; None for as long as it takes.

        Returns:
            What the predicate returned last.

        Raises:
            LockNotOwned: This thread has not got the lock.
            TooManyWaiters: As in `wait`.

        If a process dies: As in `wait`.
        """
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            rest = ends - time.monotonic()
            if rest <= 0:
                break
            await self.wait(None if timeout is None else rest)
        return result

    def notify(self, n: int = 1) -> None:
        """As `Condition.notify`.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self._condition.notify(n)

    def notify_all(self) -> None:
        """As `Condition.notify_all`.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self._condition.notify_all()
