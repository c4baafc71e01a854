"""Locks and semaphores of a cluster."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from interlock.context.dask.desk.answers import EMPTY, NOT_HELD, NOT_OWNED, Answer
from interlock.context.dask.link import Link
from interlock.context.dask.things.base import DaskThing, deadline
from interlock.errors import AbandonedLockError, AbandonedLockWarning, LockNotHeld, LockNotOwned
from interlock.synchronize.owner import Abandonment, Holder

if TYPE_CHECKING:
    from interlock.context.dask.things.aio import AsyncDaskLock
    from interlock.synchronize.lock_base import OnAbandon

__all__ = ["DaskAcquired", "DaskBoundedSemaphore", "DaskLock", "DaskRLock", "DaskSemaphore"]


class DaskAcquired(DaskThing):
    """What is acquired and released."""

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take it; whether that was possible in time.

        Args:
            block: Whether to wait.
            timeout: How long, in seconds; None for as long as it takes.

        Raises:
            ServerGone: The scheduler is lost.
            AbandonedLockError: Its owner died with it, and the lock was made to say so; it is free.

        If a process dies: an owner: it is free as soon as Dask has noticed, and who gets it is told
            by a warning.
        """
        answer = self._call("acquire", wait_s=deadline(block, timeout))
        try:
            return self._got(answer)
        except BaseException:  # who is told by an exception has not got it
            self.release()
            raise

    def _got(self, answer: Answer) -> bool:
        return answer[0] != EMPTY

    def release(self) -> None:
        """Give it back.

        Raises:
            LockNotHeld: Nobody has it.
            LockNotOwned: It is recursive, and this thread has not got it.
        """
        self._released(self._call("release"))

    def _released(self, answer: Answer) -> None:
        status, _ = answer
        if status == NOT_HELD:
            raise LockNotHeld(f"{self!r} was released more often than acquired")
        if status == NOT_OWNED:
            raise LockNotOwned(f"{self!r} is not this thread's")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def aio(self) -> AsyncDaskLock:
        """The same to be awaited, under asyncio and Trio."""
        from interlock.context.dask.things.aio import AsyncDaskLock

        return AsyncDaskLock(self)


class DaskLock(DaskAcquired):
    """One at a time, of all that run on the cluster; anybody may release it.

    Args:
        link: To the cluster.
        on_abandon: What who takes it after a dead owner gets: ``"warn"`` or ``"raise"``.

    If a process dies: An owner: the lock is free as soon as Dask has noticed that, at once for a
        killed process, after the time of ``distributed.comm.timeouts.tcp`` for a lost machine.
    """

    _is_recursive = False

    def __init__(self, link: Link, on_abandon: OnAbandon = "warn") -> None:
        if on_abandon not in ("warn", "raise"):
            raise ValueError(f"on_abandon is {on_abandon!r}; give 'warn' or 'raise'")
        super().__init__(link, link.make("lock", self._is_recursive))
        self._on_abandon = on_abandon

    def locked(self) -> bool:
        """Whether somebody has it, at this moment."""
        return self.owner is not None

    @property
    def owner(self) -> Holder | None:
        """Who has it, at this moment: the process by the name of its machine."""
        told = self._call("look")[1]
        if told is None:
            return None
        host, pid, thread, since = told
        return Holder(pid, host, thread, datetime.fromtimestamp(since, UTC))

    def _got(self, answer: Answer) -> bool:
        status, abandoned = answer
        if status == EMPTY:
            return False
        if abandoned is not None:
            self._tell_of(abandoned)
        return True

    def _tell_of(self, abandoned: list[Any]) -> None:
        host, pid, thread, since = abandoned
        when = datetime.fromtimestamp(since, UTC)
        who = Abandonment(pid, f"on {host}", thread, when, datetime.now(UTC))
        story = who.died_with(self)
        if self._on_abandon == "raise":
            raise AbandonedLockError(
                f"{story}. You have not got the lock. What it guards may be half changed: put it "
                "right, then acquire the lock again.",
                who,
            )
        warnings.warn(
            f"{story}. You have the lock now; what it guards may be half changed.",
            AbandonedLockWarning,
            stacklevel=4,
        )


class DaskRLock(DaskLock):
    """The same, which its owner, a thread, may take again; only it may release it.

    If a process dies: As `DaskLock`.
    """

    _is_recursive = True


class DaskSemaphore(DaskAcquired):
    """So many at a time, of all that run on the cluster.

    Args:
        link: To the cluster.
        value: How many.

    If a process dies: Those that it had acquired and not released are given back.
    """

    _is_bounded = False

    def __init__(self, link: Link, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        super().__init__(link, link.make("semaphore", value, self._is_bounded))

    def get_value(self) -> int:
        """How many are left, at this moment."""
        return int(self._call("look")[1])


class DaskBoundedSemaphore(DaskSemaphore):
    """The same, which is never given back more often than it was taken.

    If a process dies: As `DaskSemaphore`.
    """

    _is_bounded = True
