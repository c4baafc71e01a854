"""RLock: a lock that its owner may take again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from interlock._types import Context
from interlock.errors import LockNotOwned
from interlock.synchronize.lock_base import LockBase, OnAbandon
from interlock.synchronize.owner import owner_for_repr

if TYPE_CHECKING:
    from interlock.synchronize.aio import AwaitableRLock

__all__ = ["RLock"]


class RLock(LockBase):
    """A lock with `multiprocessing.RLock`'s interface that does not stay stuck.

    The thread that has it may acquire it again, and gives it up with as many releases; no
    other thread may release it.

    Args:
        ctx: The context that makes it.
        fair: As in `Lock`.
        on_abandon: As in `Lock`.

    Raises:
        ValueError: on_abandon is another word.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: As in `Lock`; however often the owner had it, it is free at once.
    """

    _recursive = True
    _task: int | None = None  # of the event loop's thread, the one that has awaited it

    def __init__(self, *, ctx: Context, fair: bool = False, on_abandon: OnAbandon = "warn") -> None:
        self._make(fair, on_abandon)

    @property
    def aio(self) -> AwaitableRLock:
        """The same lock, awaited: ``async with lock.aio:``; then it is that task's."""
        from interlock.synchronize.aio import AwaitableRLock

        return AwaitableRLock(self)

    def _refuse_release(self) -> NoReturn:
        raise LockNotOwned(
            "attempt to release recursive lock not owned by this task; only the task that "
            "acquired it may release it"
        )

    def __repr__(self) -> str:
        holder = self.owner
        name = owner_for_repr(holder)
        count = str(self._count()) if self._is_mine() else "0" if holder is None else "nonzero"
        return f"<{type(self).__name__}({name}, {count})>"
