"""What lives in a segment of its own and is passed to other processes by its descriptor."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from interlock._handover import Passage, pack

__all__ = ["Passed"]

# Those of this process by segment: one that comes back here is the one it was.
_known: weakref.WeakValueDictionary[bytes, Passed] = weakref.WeakValueDictionary()


class Passed:
    """A handle in one process; mixed with one of the core's kinds."""

    if TYPE_CHECKING:  # at run time these are the core's

        def _descriptor(self) -> int: ...
        def _segment_id(self) -> bytes: ...

    def _made(self) -> None:
        _known[self._segment_id()] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return attached, (type(self), self._segment_id(), pack([self._descriptor()]))


def attached(kind: type[Passed], segment: bytes, passage: Passage) -> Passed:
    """One that came from another process, or back to its own."""
    (descriptor,) = passage.redeem()
    known = _known.get(segment)
    if known is not None:
        os.close(descriptor)
        return known
    one = kind.__new__(kind)
    core: Any = super(Passed, one)
    core.__init__(descriptor)
    one._made()
    return one
