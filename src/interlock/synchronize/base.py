"""What all that threads take turns by share: how it is seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock._passed import Passed
from interlock.synchronize.owner import Abandonment, Holder, Seen

__all__ = ["SharedBase"]


class SharedBase(Passed):
    """A handle in one process; mixed with one of the core's kinds."""

    if TYPE_CHECKING:  # at run time these are the core's

        def _waiters(self) -> list[Seen]: ...
        def _abandoned(self) -> tuple[Seen, int] | None: ...

    @property
    def waiters(self) -> tuple[Holder, ...]:
        """The threads that sleep until it is their turn, in no order; of the moment."""
        return tuple(map(Holder.seen, self._waiters()))

    @property
    def abandoned(self) -> Abandonment | None:
        """The last one that died while it had it, or a place of it; None if there was none."""
        seen = self._abandoned()
        return None if seen is None else Abandonment.seen(*seen)

    # The standard library's classes that take a lock look into it by this name.
    @property
    def _semlock(self) -> SharedBase:
        return self
