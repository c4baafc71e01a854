"""Queue: messages between processes that cannot be lost (P2).

What `put` does, in the native core (`native/bind/transfer.cpp`, `native/core/ring.hpp`):

    encode the object            here, in the caller: what cannot travel fails here (P6)
    lock the producers' side     a robust lock: a dead owner's is taken over and repaired
    write, then commit           one 64-bit store makes the message visible
    unlock, wake a consumer      only if one sleeps; ring, only if one polls

`get` takes the oldest message under the consumers' lock and is done with it before it
returns. `lease` stops between the two: the message is this process's until it is
acknowledged, given back, or the process dies. Nothing is buffered in this process and no
thread runs, so there is nothing to drain, join or lose at exit.

Protocol: docs/protocols/ring.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from interlock._native import MessageQueue
from interlock._types import Context
from interlock.errors import ShutDown
from interlock.queues.base import QueueBase, core_limits
from interlock.queues.dead_letters import DeadLetters
from interlock.queues.statistics import QueueStatistics
from interlock.serialize.limits import Limits
from interlock.serialize.trust import Terms, Trust

if TYPE_CHECKING:
    from interlock.queues.aio import AsyncQueue

__all__ = ["Queue"]

T = TypeVar("T")

if TYPE_CHECKING:
    _Core = MessageQueue
else:  # the core's own class takes no argument: looking it up gives the class itself
    _Core = {T: MessageQueue}


class Queue(QueueBase, _Core[T], Generic[T]):
    """A first in, first out queue for any number of threads and processes.

    It has `multiprocessing.Queue`'s methods, and more: `put_many`, `get_many`, `lease`,
    `dead_letters`, `shutdown`, iteration, `statistics` and the awaitable view `aio`. It may
    be passed to a child as an argument, and sent through another queue or pipe.

    Args:
        maxsize: How many messages it holds at the most; 0 or less for no bound.
        ctx: The context that makes it.
        max_bytes: How many bytes of encoded messages it holds at the most. By default a
            quarter of the memory: a queue without any bound fills the machine when a
            consumer is slow.
        max_deliveries: How often a message is delivered under a lease before it goes to
            the `dead_letters`; None for no bound.
        trust: What its messages may be. ``"process"``: anything that pickle takes, for processes
            that trust each other. ``"registered"``: plain values and registered types, and
            nothing that arrives can run code.
        limits: What a message may contain with ``trust="registered"``; None for the defaults.
        writable: Whether large buffers (arrays of 4 KiB and more) arrive writable; read-only by
            default, as they are read in place.

    Raises:
        ValueError: max_bytes or max_deliveries is less than 1, or trust is another word.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: What it had put is delivered; what it had leased is delivered again;
    what it was putting is there whole or not at all.

    Example:
        >>> import interlock
        >>> queue = interlock.Queue()
        >>> queue.put({"id": 1})
        >>> with queue.lease(timeout=1) as delivery:
        ...     delivery.message, delivery.attempt
        ({'id': 1}, 1)
    """

    def __init__(
        self,
        maxsize: int = 0,
        *,
        ctx: Context,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> None:
        terms = Terms(trust, limits, writable)
        super().__init__(*core_limits(maxsize, max_bytes, max_deliveries))
        self._made(ctx, terms)

    @property
    def _maxsize(self) -> int:
        return self._limits()[0]

    @property
    def _closed(self) -> bool:
        return not self._is_open

    def __iter__(self) -> Iterator[T]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message: T = self.get()
            except ShutDown:
                return
            yield message

    def shutdown(self, immediate: bool = False) -> None:
        """Put an end to the queue in all processes, as `queue.Queue.shutdown` does in one.

        Every `put` raises ShutDown from now on, and every `get` once nothing is left, leased
        messages included.

        Args:
            immediate: Drop what is in the queue; `get` raises at once.

        Raises:
            QueueClosed: This handle was closed.
        """
        self._shut_down(bool(immediate))

    @property
    def dead_letters(self) -> DeadLetters[T]:
        """The messages that were delivered `max_deliveries` times and never acknowledged."""
        return DeadLetters(self)

    def statistics(self) -> QueueStatistics:
        """What is in the queue at this moment.

        Raises:
            QueueClosed: This handle was closed.
        """
        return QueueStatistics.of(self)

    @property
    def aio(self) -> AsyncQueue[T]:
        """The same methods to be awaited, under asyncio and Trio.

        Raises:
            MissingDependency: anyio is not installed.
        """
        from interlock.queues.aio import AsyncQueue

        return AsyncQueue(self)

    def join_thread(self) -> None:
        """Does nothing: there is no thread, and what was put needs nobody to send it."""

    def cancel_join_thread(self) -> None:
        """Does nothing: no exit waits for a queue."""
