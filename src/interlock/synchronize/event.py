"""Event: many wait until one says that it has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock._native import SharedEvent
from interlock._types import Context
from interlock.synchronize.base import SharedBase

if TYPE_CHECKING:
    from interlock.synchronize.aio_waits import AwaitableEvent

__all__ = ["Event"]


class Event(SharedBase, SharedEvent):
    """An event with `multiprocessing.Event`'s interface, in one word of shared memory.

    Args:
        ctx: The context that makes it.

    Raises:
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: while it waits: nothing. While it sets or clears: the event is set or not;
        if it is, whoever waits returns within 50 ms.
    """

    def __init__(self, *, ctx: Context) -> None:
        SharedEvent.__init__(self)
        self._made()

    @property
    def aio(self) -> AwaitableEvent:
        """The same event, awaited: ``await event.aio.wait()``."""
        from interlock.synchronize.aio_waits import AwaitableEvent

        return AwaitableEvent(self)

    def __repr__(self) -> str:
        status = "set" if self.is_set() else "unset"
        return f"<{type(self).__qualname__} at {id(self):#x} {status}>"
