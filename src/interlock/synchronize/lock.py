"""Lock: one thread at a time, whatever process it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock._types import Context
from interlock.synchronize.lock_base import LockBase, OnAbandon
from interlock.synchronize.owner import owner_for_repr

if TYPE_CHECKING:
    from interlock.synchronize.aio import AwaitableLock

__all__ = ["Lock"]


class Lock(LockBase):
    """A lock with `multiprocessing.Lock`'s interface that does not stay stuck.

    It may be given to processes as an argument, inherited by fork, and sent through queues and
    pipes. Taking and releasing a free lock needs no system call.

    Args:
        ctx: The context that makes it.
        fair: Whether the lock is first come, first served. The default lets who comes pass
            those that sleep, which gives more turns in all.
        on_abandon: What who takes the lock after its owner has died gets: ``"warn"``, an
            AbandonedLockWarning with the lock, or ``"raise"``, an AbandonedLockError without it.

    Raises:
        ValueError: on_abandon is another word.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: the owner, or the owner's thread alone: who waits has the lock within
        50 ms, and is told. `abandoned` says who it was.

    Example:
        >>> import interlock
        >>> lock = interlock.Lock()
        >>> with lock:
        ...     print(lock.owner.process)
        MainProcess
    """

    def __init__(self, *, ctx: Context, fair: bool = False, on_abandon: OnAbandon = "warn") -> None:
        self._make(fair, on_abandon)

    @property
    def aio(self) -> AwaitableLock:
        """The same lock, awaited: ``async with lock.aio:``."""
        from interlock.synchronize.aio import AwaitableLock

        return AwaitableLock(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(owner={owner_for_repr(self.owner)})>"
