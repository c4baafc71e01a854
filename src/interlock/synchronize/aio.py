"""Locks and semaphores, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from interlock._awaiting import until
from interlock._native import PlaceInOrder
from interlock.synchronize.waiting import AsyncEntered

if TYPE_CHECKING:
    from interlock.synchronize.lock import Lock
    from interlock.synchronize.rlock import RLock

__all__ = ["AwaitableLock", "AwaitableRLock", "AwaitableTurn", "tried"]


class _NotYet(Exception):
    """Another thread or task has it, or it has not happened."""


async def tried(
    attempt: Callable[[], bool],
    bell_fd: Callable[[], int],
    arm: Callable[[], bool],
    timeout_s: float | None,
) -> bool:
    """Make an attempt now, whenever the bell rings, and now and then.

    Args:
        attempt: Whether it worked.
        bell_fd: The bell.
        arm: Ask for it to be rung; True: try at once.
        timeout_s: How long to go on, in seconds; None for as long as it takes.

    Returns:
        Whether one worked in time.

    Raises:
        Exception: What the attempt raises.

    If a process dies: it is for the attempt to notice, within 100 ms.
    """

    def try_it() -> None:
        if not attempt():
            raise _NotYet

    try:
        await until(try_it, _NotYet, bell_fd, arm, timeout_s)
    except _NotYet:
        return False
    return True


class AwaitableTurn(AsyncEntered):
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
        return await tried(self._try, self._shared._bell_fd, self._shared._arm, timeout_s)

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


class AwaitableLock(AwaitableTurn):
    """A Lock, awaited; in order, if it is fair."""

    _shared: Lock

    async def _wait(self, timeout_s: float | None) -> bool:
        lock = self._shared
        if not lock.fair:
            return await super()._wait(timeout_s)
        place = PlaceInOrder(lock)
        try:
            return await tried(place.look, lock._bell_fd, lock._arm, timeout_s)
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
