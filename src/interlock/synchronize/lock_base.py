"""What Lock and RLock share: how one is made, and what becomes of a dead owner's."""

from __future__ import annotations

import warnings
from typing import Literal

from interlock._native import SharedLock
from interlock.errors import AbandonedLockError, AbandonedLockWarning
from interlock.synchronize.base import SharedBase
from interlock.synchronize.owner import Holder

__all__ = ["LockBase", "OnAbandon"]

OnAbandon = Literal["warn", "raise"]


class LockBase(SharedBase, SharedLock):
    """A lock in shared memory; `Lock` and `RLock` say which."""

    _recursive = False

    def _make(self, fair: bool, on_abandon: OnAbandon) -> None:
        if on_abandon not in ("warn", "raise"):
            raise ValueError(f"on_abandon is {on_abandon!r}; give 'warn' or 'raise'")
        SharedLock.__init__(self, self._recursive, bool(fair), on_abandon == "raise")
        self._made()

    @property
    def owner(self) -> Holder | None:
        """Who has the lock, or None; of the moment, and seen from any process."""
        seen = self._owner()
        return None if seen is None else Holder.seen(seen)

    @property
    def on_abandon(self) -> OnAbandon:
        """What who takes the lock after a dead owner gets: a warning, or an error."""
        return "raise" if self._raises() else "warn"

    def _abandoned_found(self) -> None:
        """Called by the core in the thread that has just got the lock from a dead owner."""
        who = self.abandoned
        assert who is not None, "the core has just recorded it"
        story = who.died_with(self)
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

    def _get_value(self) -> int:
        return 0 if self.locked() else 1

    def _is_zero(self) -> bool:
        return self.locked()
