"""SimpleQueue: put, get, empty, close, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from interlock._native import SimpleMessageQueue
from interlock._types import Context
from interlock.queues.base import QueueBase, core_limits
from interlock.serialize.limits import Limits
from interlock.serialize.trust import Terms, Trust

__all__ = ["SimpleQueue"]

T = TypeVar("T")

if TYPE_CHECKING:
    _Core = SimpleMessageQueue
else:  # the core's own class takes no argument: looking it up gives the class itself
    _Core = {T: SimpleMessageQueue}


class SimpleQueue(QueueBase, _Core[T], Generic[T]):
    """A queue with `multiprocessing.SimpleQueue`'s interface and `Queue`'s promises.

    Args:
        ctx: The context that makes it.
        max_bytes: As in `Queue`.
        trust: As in `Queue`.
        limits: As in `Queue`.
        writable: As in `Queue`.

    Raises:
        ValueError: max_bytes is less than 1, or trust is another word.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: As in `Queue`.
    """

    def __init__(
        self,
        *,
        ctx: Context,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> None:
        terms = Terms(trust, limits, writable)
        super().__init__(*core_limits(0, max_bytes, None))
        self._made(ctx, terms)
