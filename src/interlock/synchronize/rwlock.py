"""RWLock: many that read, or one that writes."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any

from interlock._native import Entered, SharedReadWriteLock
from interlock._types import Context
from interlock.errors import (
    AbandonedLockError,
    AbandonedLockWarning,
    LockNotOwned,
    WouldDeadlock,
)
from interlock.synchronize.base import SharedBase
from interlock.synchronize.lock_base import OnAbandon
from interlock.synchronize.owner import Holder

if TYPE_CHECKING:
    from interlock.synchronize.aio_rwlock import AwaitableSide, Held

__all__ = ["RWLock", "Side"]


_YES = Entered.YES  # looked up once


class RWLock(SharedBase, SharedReadWriteLock):
    """A lock that many threads may have to read, or one to write; first come, first served.

    It has two sides, each used like a lock: ``with lock.reader:`` and ``with lock.writer:``. A
    reader that comes while a writer waits waits behind it, so that writers have their turn.
    A thread that has it may take it again; one that writes may read as well, and may go on
    reading when it has written. It can be sent like a `Lock`.

    Args:
        on_abandon: As in `Lock`, for a writer that died: ``"warn"`` or ``"raise"``.
        ctx: The context that makes it.

    Raises:
        ValueError: on_abandon is another word.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: one that reads, or its thread alone: writers that wait for it have the lock
        within 50 ms. One that writes: who is next has it within 50 ms, and is told.

    Example:
        >>> import interlock
        >>> lock = interlock.RWLock()
        >>> with lock.reader:
        ...     print(len(lock.readers), lock.owner)
        1 None
    """

    def __init__(self, *, on_abandon: OnAbandon = "warn", ctx: Context) -> None:
        if on_abandon not in ("warn", "raise"):
            raise ValueError(f"on_abandon is {on_abandon!r}; give 'warn' or 'raise'")
        SharedReadWriteLock.__init__(self, raises=on_abandon == "raise")
        self._made()

    def _made(self) -> None:
        self._places: dict[int, Held] = {}  # by task of this process's event loops
        super()._made()

    @property
    def reader(self) -> Side:
        """To have it together with others that read."""
        return Side(self, write=False)

    @property
    def writer(self) -> Side:
        """To have it alone."""
        return Side(self, write=True)

    @property
    def owner(self) -> Holder | None:
        """Who has it to write, or None; of the moment, and seen from any process."""
        return next((Holder.seen(who) for who, writes in self._holders() if writes), None)

    @property
    def readers(self) -> tuple[Holder, ...]:
        """Those that have it to read; of the moment, and seen from any process."""
        return tuple(Holder.seen(who) for who, writes in self._holders() if not writes)

    @property
    def on_abandon(self) -> OnAbandon:
        """What who has it after a dead writer gets: a warning, or an error."""
        return "raise" if self._raises() else "warn"

    def __repr__(self) -> str:
        writer = self.owner
        state = f"{len(self.readers)} readers" if writer is None else f"writer={writer.pid}"
        return f"<{type(self).__name__}({state}, {len(self.waiters)} waiting)>"


class Side:
    """One side of an RWLock, used like a lock."""

    __slots__ = ("_lock", "_write")

    def __init__(self, lock: RWLock, write: bool) -> None:
        self._lock, self._write = lock, write

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, to read or to write.

        Args:
            block: Whether to wait while others have it.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether this thread has it now.

        Raises:
            WouldDeadlock: This thread has it to read, and wants to write: it would wait for itself.
            AbandonedLockError: A writer died, and the lock was made with on_abandon="raise".
                This thread has not got it; the next call takes it.
            TooManyWaiters: More threads want it than its table has places for.
            RecursionError: This thread has taken it 65,535 times.

        If a process dies: As in `RWLock`.
        """
        entered = self._lock._acquire(self._write, block, timeout)
        return True if entered is _YES else self._told(entered, self.release)

    def release(self) -> None:
        """Give it up; by the thread that took it, once for each `acquire`.

        Raises:
            LockNotOwned: This thread has not got it on this side.

        If a process dies: this one, before it returns: it has given it up, or is dead with it.
        """
        if not self._lock._release(self._write):
            self._refuse("thread")

    def __enter__(self) -> bool:
        entered = self._lock._acquire(self._write, True, None)
        return True if entered is _YES else self._told(entered, self.release)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._lock._release(self._write):
            self._refuse("thread")

    @property
    def aio(self) -> AwaitableSide:
        """The same, awaited: ``async with lock.reader.aio:``."""
        from interlock.synchronize.aio_rwlock import AwaitableSide

        return AwaitableSide(self)

    def _refuse(self, who: str) -> None:
        raise LockNotOwned(
            f"This {who} has not got this RWLock to {self._aim}; only the {who} that acquired it "
            "may release it"
        )

    @property
    def _aim(self) -> str:
        return "write" if self._write else "read"

    def _told(self, entered: Entered, release: Any) -> bool:
        """What the caller is told of an attempt; it gives the lock up before it raises."""
        if entered is Entered.DEADLOCK:
            raise WouldDeadlock(
                "This thread has the RWLock to read, and wants it to write: it would wait for "
                "itself. Release the reader first, or take the writer from the start."
            )
        if entered is Entered.TOO_OFTEN:
            raise RecursionError(f"This thread has the RWLock to {self._aim} 65,535 times.")
        if entered is Entered.ABANDONED:
            self._tell_of_a_death(release)
        return entered is not Entered.BUSY

    def _tell_of_a_death(self, release: Any) -> None:
        who = self._lock.abandoned
        assert who is not None, "the core has just recorded it"
        story = f"{who.died_with(self._lock)}, to write"
        try:
            if self._lock._raises():
                raise AbandonedLockError(
                    f"{story}. You have not got the lock. What it guards may be half changed: put "
                    "it right, then acquire the lock again.",
                    who,
                )
            warnings.warn(
                f"{story}. You have the lock now; what it guards may be half changed.",
                AbandonedLockWarning,
                stacklevel=4,
            )
        except BaseException:
            release()
            raise

    def __repr__(self) -> str:
        return f"<{'writer' if self._write else 'reader'} of {self._lock!r}>"
