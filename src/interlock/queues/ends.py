"""A queue's two ends under the names that `multiprocessing`'s queues have inside.

Programs wait for `queue._reader` beside sentinels, and `concurrent.futures` and the
pool of the standard library use both. Here they are views of the one handle.
"""

from __future__ import annotations

import weakref
from typing import Any

from interlock._native import QueueEnd
from interlock.errors import QueueClosed

__all__ = ["ReadingEnd", "WritingEnd"]


class _End:
    def __init__(self, queue: QueueEnd) -> None:
        self._of = weakref.ref(queue)  # the queue has its ends; a cycle would delay its end

    @property
    def _queue(self) -> Any:
        queue = self._of()
        if queue is None:
            raise QueueClosed("The queue of this end is gone. Keep the queue itself.")
        return queue

    @property
    def closed(self) -> bool:
        """Whether the queue's handle is closed or gone."""
        queue = self._of()
        return queue is None or not queue._is_open

    def close(self) -> None:
        """Does nothing: the handle is closed as a whole, by the queue's own `close`."""


class ReadingEnd(_End):
    """Where messages come out."""

    def recv(self) -> Any:
        """As `Queue.get`.

        Raises:
            ShutDown: The queue was shut down and nothing is left.
            QueueClosed: The handle was closed.

        If a process dies: as in `Queue.get`.
        """
        return self._queue.get()

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether a message can be taken.

        Args:
            timeout: How long to wait for one, in seconds; None for as long as it takes.

        Raises:
            QueueClosed: The handle was closed.

        If a process dies: what it had taken and not finished is there again.
        """
        from interlock.connection.wait import wait

        return bool(wait([self], timeout))

    def fileno(self) -> int:
        """As `Queue.fileno`."""
        descriptor: int = self._queue.fileno()
        return descriptor

    _is_readable = True

    def _ready(self) -> bool:
        return bool(self._queue._ready())

    def _arm(self, what: str) -> bool:
        return bool(self._queue._arm(what))

    def _bell_fd(self) -> int:
        return int(self._queue._bell_fd())


class WritingEnd(_End):
    """Where messages go in."""

    def send(self, obj: Any) -> None:
        """As `Queue.put`.

        Raises:
            SerializationError: A part of the object cannot be serialized.
            ShutDown: The queue was shut down.
            QueueClosed: The handle was closed.

        If a process dies: this one: the message was put whole or not at all.
        """
        self._queue.put(obj)
