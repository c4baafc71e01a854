"""Events, conditions and barriers, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import anyio

from interlock._native import (
    ArrivalAtBarrier,
    BarrierBroken,
    MomentOfEvent,
    OutcomeOfRound,
    PlaceInBarrier,
    PlaceInCondition,
)
from interlock.errors import AbandonedLockError
from interlock.synchronize.aio import AwaitableTurn, tried
from interlock.synchronize.barrier import leave_at_exit, rest
from interlock.synchronize.waiting import AsyncEntered, AsyncWaitsFor

if TYPE_CHECKING:
    from interlock.synchronize.barrier import Barrier
    from interlock.synchronize.condition import Condition
    from interlock.synchronize.event import Event

__all__ = ["AwaitableBarrier", "AwaitableCondition", "AwaitableEvent"]

T = TypeVar("T")


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
            return await tried(moment.has_happened, event._bell_fd, event._arm, timeout)
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


class AwaitableCondition(AsyncWaitsFor, AsyncEntered):
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
            told = await tried(place.look, condition._bell_fd, place.arm, timeout)
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


class AwaitableBarrier:
    """A Barrier whose `wait` is awaited; each task that waits is one of its parties."""

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier

    async def wait(self, timeout: float | None = None) -> int:
        """As `Barrier.wait`, awaited. A cancelled one takes no part in the round.

        Args:
            timeout: How long to wait, in seconds, before the barrier breaks for all; None
                for what the barrier was made with.

        Returns:
            The number of this one in the round.

        Raises:
            BrokenBarrier: As in `Barrier.wait`.
            TooManyWaiters: As there.

        If a process dies: As in `Barrier`; who waits is told within 100 ms.
        """
        barrier = self._barrier
        ends = barrier._ends(timeout)
        leave_at_exit(barrier)
        place = PlaceInBarrier(barrier)

        async def until(attempt: Callable[[], bool]) -> bool:
            return await tried(attempt, barrier._bell_fd, place.arm, rest(ends))

        def is_over() -> bool:
            return place.look() is not OutcomeOfRound.NONE

        try:
            while (arrival := place.arrive()) is ArrivalAtBarrier.FULL:
                if not await until(place.may_arrive):
                    barrier._abort_late()
            if arrival is ArrivalAtBarrier.BROKEN:
                raise barrier._error(barrier._broken())
            if arrival is ArrivalAtBarrier.LAST:
                outcome = barrier._act(place)
            elif await until(is_over):
                outcome = place.look()
            else:
                outcome = place.give_up(BarrierBroken.TIMED_OUT)
            return barrier._number(place, outcome)
        finally:
            place.leave()
