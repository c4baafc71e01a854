"""What all that threads take turns by share: how it is seen, and sent to another process."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from interlock._handover import Passage, pack
from interlock.synchronize.owner import Abandonment, Holder, Seen

__all__ = ["SharedBase"]

# Those of this process by segment: one that comes back here is the one it was.
_known: weakref.WeakValueDictionary[bytes, SharedBase] = weakref.WeakValueDictionary()


class SharedBase:
    """A handle in one process; mixed with one of the core's kinds."""

    if TYPE_CHECKING:  # at run time these are the core's

        def __init__(self, descriptor: int) -> None: ...
        def _descriptor(self) -> int: ...
        def _segment_id(self) -> bytes: ...
        def _waiters(self) -> list[Seen]: ...
        def _abandoned(self) -> tuple[Seen, int] | None: ...

    def _made(self) -> None:
        _known[self._segment_id()] = self

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

    def __reduce__(self) -> tuple[Any, ...]:
        return attached, (type(self), self._segment_id(), pack([self._descriptor()]))


def attached(kind: type[SharedBase], segment: bytes, passage: Passage) -> SharedBase:
    """One that came from another process, or back to its own."""
    (descriptor,) = passage.redeem()
    known = _known.get(segment)
    if known is not None:
        os.close(descriptor)
        return known
    one = kind.__new__(kind)
    core: Any = super(SharedBase, one)
    core.__init__(descriptor)
    one._made()
    return one
