"""The messages of a queue that nobody managed to work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock.errors import Empty, ShutDown

if TYPE_CHECKING:
    from interlock._native import MessageQueue

__all__ = ["DeadLetters"]

T = TypeVar("T")


class DeadLetters(Generic[T]):
    """A view of a queue's dead letters, with the reading half of a queue's interface."""

    def __init__(self, queue: MessageQueue[T]) -> None:
        self._queue: Any = queue

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the oldest dead letter.

        Args:
            block: Whether to wait for one.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Empty: There was none in time.
            ShutDown: The queue was shut down, and none is left nor can come.
            QueueClosed: The queue's handle was closed.

        If a process dies: this one, before it returns: the dead letter stays.
        """
        message: T = self._queue._get_dead(block, timeout)
        return message

    def get_nowait(self) -> T:
        """As `DeadLetters.get` with block=False."""
        return self.get(False)

    def qsize(self) -> int:
        """How many there are."""
        count: int = self._queue._counts()[2]
        return count

    def empty(self) -> bool:
        """Whether there are none."""
        return self.qsize() == 0

    def __iter__(self) -> Iterator[T]:
        """Take those that are there."""
        while True:
            try:
                letter = self.get_nowait()
            except (Empty, ShutDown):
                return
            yield letter
