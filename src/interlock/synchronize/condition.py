"""Condition: wait until another thread has changed what a lock guards."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from interlock._native import PlaceInCondition, SharedCondition
from interlock._types import Context
from interlock.errors import AbandonedLockError, LockNotOwned
from interlock.synchronize.base import SharedBase
from interlock.synchronize.rlock import RLock
from interlock.synchronize.waiting import WaitsFor

if TYPE_CHECKING:
    from interlock.synchronize.aio_waits import AwaitableCondition

__all__ = ["Condition"]

ALL = 2**32 - 1

T = TypeVar("T")


class AnyLock(Protocol):
    """A lock of ours, or of the standard library's `multiprocessing`."""

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `Lock.acquire`.

        Raises:
            AbandonedLockError: As there.

        If a process dies: as there.
        """

    def release(self) -> None:
        """As `Lock.release`."""

    def __enter__(self) -> Any: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> Any: ...


class Condition(WaitsFor, SharedBase, SharedCondition):
    """A condition with `multiprocessing.Condition`'s interface that no death can stop.

    Args:
        lock: The lock that goes with it; None for a new RLock of the context's.
        ctx: The context that makes it.

    Raises:
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: one that waits takes no notification with it: the next one is notified
        within 50 ms. One that has the lock may have been about to notify, so all that wait
        are notified within 50 ms. Whoever notifies never waits for those that are notified.
    """

    def __init__(self, lock: AnyLock | None = None, *, ctx: Context) -> None:
        SharedCondition.__init__(self)
        self._use(lock if lock is not None else RLock(ctx=ctx))
        self._made()

    def _use(self, lock: Any) -> None:
        self._lock = lock
        self.acquire = lock.acquire
        self.release = lock.release

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Any:
        return self._lock.__exit__(kind, error, trace)

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock up, wait until notified, and have the lock again.

        Args:
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it was notified.

        Raises:
            LockNotOwned: This thread has not got the lock.
            TooManyWaiters: More threads wait for it than its table has places for.
            AbandonedLockError: An owner of a lock that raises died meanwhile. The caller has the
                lock again.

        If a process dies: As in `Condition`; an owner of the lock, which may have been about to
            notify: all that wait are notified within 50 ms, and the first one is told as in `Lock`.
        """
        self._must_own("wait()")
        place = PlaceInCondition(self, self._lock)
        depth = self._lock._semlock._count()
        for _ in range(depth):
            self._lock.release()
        try:
            told = place.wait(timeout)
        except BaseException:
            # What raises may come from a handler of a signal, with a notification on its way.
            place.leave()
            raise
        finally:
            self._acquire_again(depth)
        if told:
            place.done()
        else:
            place.leave()
        return told

    def _acquire_again(self, depth: int) -> None:
        """Have the lock as often as before; the error for a dead owner comes after."""
        found: AbandonedLockError | None = None
        while depth:
            try:
                self._lock.acquire()
                depth -= 1
            except AbandonedLockError as error:
                found = error
        if found is not None:
            raise self._error_after_wait(found)

    def _error_after_wait(self, found: AbandonedLockError) -> AbandonedLockError:
        return AbandonedLockError(
            f"{found.abandoned.died_with(self)}. You have its lock again, as before wait(). "
            "What it guards may be half changed: put it right.",
            found.abandoned,
        )

    def notify(self, n: int = 1) -> None:
        """Wake so many of those that wait, those first that came first.

        Args:
            n: How many at the most.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self._must_own("notify()")
        self._notify(min(max(0, n), ALL))

    def notify_all(self) -> None:
        """Wake all that wait.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self.notify(sys.maxsize)

    @property
    def aio(self) -> AwaitableCondition:
        """The same condition, awaited: ``async with condition.aio:``."""
        from interlock.synchronize.aio_waits import AwaitableCondition

        return AwaitableCondition(self)

    def _must_own(self, doing: str) -> None:
        if not self._lock._semlock._is_mine():
            raise LockNotOwned(
                f"must acquire() condition before using {doing}: this thread has not got its "
                "lock. Use it within `with condition:`."
            )

    # By these names the standard library's tests look whether anybody is left behind.
    @property
    def _sleeping_count(self) -> _Count:
        return _Count(self._waiting())

    @property
    def _woken_count(self) -> _Count:
        return _Count(0)

    _wait_semaphore = _woken_count

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), self._lock

    def __setstate__(self, lock: Any) -> None:
        self._use(lock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self._lock}, {self._waiting()})>"


class _Count:
    """A number, read as a semaphore's value is."""

    def __init__(self, value: int) -> None:
        self._value = value

    def get_value(self) -> int:
        return self._value

    _get_value = get_value
