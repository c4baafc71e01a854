"""RWLock, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import anyio

from interlock._native import Entered, PlaceInReadWriteLock
from interlock.synchronize.aio import tried

if TYPE_CHECKING:
    from interlock.synchronize.rwlock import Side

__all__ = ["AwaitableSide", "Held"]


class Held:
    """What a task has of an RWLock: a place of its own, and how often it took it."""

    def __init__(self, place: PlaceInReadWriteLock, write: bool) -> None:
        self.place, self.write = place, write
        self.times = [0, 0]  # to read, to write


class AwaitableSide:
    """One side of an RWLock whose `acquire` is awaited; for ``async with``.

    The lock is the task's that has awaited it. Do not take it without `.aio` in the loop's thread.
    """

    def __init__(self, side: Side) -> None:
        self._side = side

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `Side.acquire`, awaited. A cancelled one leaves no trace.

        Args:
            block: Whether to wait while others have it.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether this task has it now.

        Raises:
            WouldDeadlock: As in `Side.acquire`, of this task.
            AbandonedLockError: As there.
            TooManyWaiters: As there.

        If a process dies: As in `RWLock`; who waits has it within 100 ms.
        """
        side, lock = self._side, self._side._lock
        held = lock._places.get(anyio.get_current_task().id)
        if held is not None:
            if side._write and not held.write:
                return side._told(Entered.DEADLOCK, None)
            held.times[side._write] += 1
            return True
        place = PlaceInReadWriteLock(lock, side._write)
        entered = place.enter()

        def look() -> bool:
            nonlocal entered
            entered = place.look()
            return entered is not Entered.BUSY

        try:
            # It lines up before it awaits anything, so that tasks have it in the order they came.
            if entered is Entered.BUSY and block and not look():
                await tried(look, lock._bell_fd, place.arm, timeout)
            side._told(entered, place.leave)
        except BaseException:
            place.leave()
            raise
        if entered is Entered.BUSY:
            place.leave()
            return False
        held = lock._places[anyio.get_current_task().id] = Held(place, side._write)
        held.times[side._write] = 1
        return True

    def release(self) -> None:
        """As `Side.release`, by the task that took it.

        Raises:
            LockNotOwned: This task has not got it on this side.

        If a process dies: As in `Side.release`.
        """
        side, task = self._side, anyio.get_current_task().id
        held = side._lock._places.get(task)
        if held is None or held.times[side._write] == 0:
            side._refuse("task")
            return
        held.times[side._write] -= 1
        if not any(held.times):
            del side._lock._places[task]
            held.place.leave()

    async def __aenter__(self) -> bool:
        return await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
