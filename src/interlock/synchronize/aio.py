"""A lock, awaited under asyncio and Trio, without a helper thread."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from interlock._awaiting import until
from interlock._native import PlaceInOrder

if TYPE_CHECKING:
    from interlock.synchronize.lock import Lock

__all__ = ["AwaitableLock"]


class _Busy(Exception):
    """Another thread or task has it."""


class AwaitableLock:
    """A lock whose `acquire` is awaited; for ``async with``.

    The tasks of one event loop take turns with each other, with other threads and with other
    processes. A cancelled `acquire` leaves no trace.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `Lock.acquire`, awaited.

        Args:
            block: Whether to wait while another one has the lock.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether the lock is the caller's now.

        Raises:
            AbandonedLockError: As in `Lock`.

        If a process dies: the owner: who waits has the lock within 100 ms.
        """
        if not block:
            timeout = 0.0
        lock = self._lock
        if lock.acquire(block=False):
            return True
        if lock.fair and timeout != 0.0:
            return await self._in_order(timeout)
        return await self._tried(lambda: lock.acquire(block=False), timeout)

    async def _in_order(self, timeout_s: float | None) -> bool:
        place = PlaceInOrder(self._lock)
        try:
            return await self._tried(place.look, timeout_s)
        finally:
            place.leave()

    async def _tried(self, attempt: Callable[[], bool], timeout_s: float | None) -> bool:
        def try_it() -> None:
            if not attempt():
                raise _Busy

        try:
            await until(try_it, _Busy, self._lock._bell_fd, self._lock._arm, timeout_s)
        except _Busy:
            return False
        return True

    def release(self) -> None:
        """As `Lock.release`.

        Raises:
            LockNotHeld: Nobody has it.

        If a process dies: As in `Lock.release`.
        """
        self._lock.release()

    def locked(self) -> bool:
        """As `Lock.locked`."""
        return self._lock.locked()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
