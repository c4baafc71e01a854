"""What Lock and RLock share: how one is made, seen, and sent to another process."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Literal

from interlock._handover import Passage, pack
from interlock._native import SharedLock
from interlock.errors import AbandonedLockError, AbandonedLockWarning
from interlock.synchronize.owner import Abandonment, Holder

__all__ = ["LockBase", "OnAbandon"]

OnAbandon = Literal["warn", "raise"]

# The locks of this process by segment: one that comes back here is the one it was.
_known: weakref.WeakValueDictionary[bytes, LockBase] = weakref.WeakValueDictionary()


class LockBase(SharedLock):
    """A lock in shared memory; mixed with what is special to its kind."""

    _recursive = False

    def _make(self, fair: bool, on_abandon: OnAbandon) -> None:
        if on_abandon not in ("warn", "raise"):
            raise ValueError(f"on_abandon is {on_abandon!r}; give 'warn' or 'raise'")
        super().__init__(self._recursive, bool(fair), on_abandon == "raise")
        _known[self._segment_id()] = self

    @property
    def owner(self) -> Holder | None:
        """Who has the lock, or None; of the moment, and seen from any process."""
        seen = self._owner()
        return None if seen is None else Holder.seen(seen)

    @property
    def waiters(self) -> tuple[Holder, ...]:
        """The threads that sleep until they get the lock, in no order; of the moment.

        Who awaits it by `.aio` is seen only if the lock is fair.
        """
        return tuple(map(Holder.seen, self._waiters()))

    @property
    def abandoned(self) -> Abandonment | None:
        """The last owner that died while it had the lock; None if there was none."""
        seen = self._abandoned()
        return None if seen is None else Abandonment.seen(*seen)

    @property
    def on_abandon(self) -> OnAbandon:
        """What who takes the lock after a dead owner gets: a warning, or an error."""
        return "raise" if self._raises() else "warn"

    def _abandoned_found(self) -> None:
        """Called by the core in the thread that has just got the lock from a dead owner."""
        who = self.abandoned
        assert who is not None, "the core has just recorded it"
        name = type(self).__name__
        story = f"The {who.story} died while it had this {name}, since {who.since:%H:%M:%S} UTC"
        try:
            if self._raises():
                raise AbandonedLockError(
                    f"{story}. You have not got the lock. What it guards may be half changed: put "
                    "it right, then acquire the lock again.",
                    who,
                )
            warnings.warn(
                f"{story}. You have the lock now; what it guards may be half changed.",
                AbandonedLockWarning,
                stacklevel=2,
            )
        except BaseException:
            self.release()
            raise

    # The standard library's classes that take a lock look into it by these names.
    @property
    def _semlock(self) -> LockBase:
        return self

    def _get_value(self) -> int:
        return 0 if self.locked() else 1

    def _is_zero(self) -> bool:
        return self.locked()

    def __reduce__(self) -> tuple[Callable[..., LockBase], tuple[Any, ...]]:
        return attached, (type(self), self._segment_id(), pack([self._descriptor()]))


def attached(kind: type[LockBase], segment: bytes, passage: Passage) -> LockBase:
    """A lock that came from another process, or back to its own."""
    (descriptor,) = passage.redeem()
    known = _known.get(segment)
    if known is not None:
        os.close(descriptor)
        return known
    lock = kind.__new__(kind)
    SharedLock.__init__(lock, descriptor)
    _known[segment] = lock
    return lock
