"""A message under a lease, and those that were given up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock.context.dask.packing import unpack
from interlock.context.dask.things.base import deadline
from interlock.context.dask.things.messages import messages_of
from interlock.errors import Empty, InterlockError

if TYPE_CHECKING:
    from interlock.context.dask.things.queues import DaskQueue

__all__ = ["DaskDeadLetters", "DaskDelivery"]

T = TypeVar("T")


class DaskDelivery(Generic[T]):
    """A message that is taken when its ``with`` block begins, and done with when it ends well.

    Attributes:
        message: What was put.
        attempt: The how manieth delivery of it this is, from 1.

    If a process dies: the message is delivered to another.
    """

    message: T
    attempt: int

    def __init__(self, queue: DaskQueue[T], timeout: float | None) -> None:
        self._queue = queue
        self._timeout = timeout
        self._ticket = uuid.uuid4().hex
        self._is_held = False

    def __enter__(self) -> DaskDelivery[T]:
        wait = deadline(True, self._timeout)
        self._have(messages_of(self._queue._call("get", 1, wait_s=wait, ticket=self._ticket)))
        return self

    def _have(self, messages: list[tuple[bytes, int]]) -> None:
        self._is_held = True
        data, self.attempt = messages[0]
        try:
            self.message = unpack(data, self._queue._link)
        except BaseException:
            self.give_back()
            raise

    def __exit__(self, kind: Any, error: object, trace: object) -> None:
        if kind is None:
            self.acknowledge()
        else:
            self.give_back()

    def acknowledge(self) -> None:
        """The work is done: it is not delivered again."""
        if self._is_held:
            self._is_held = False
            is_task = self._queue._is_joinable
            if not self._queue._call("done", self._ticket, is_task)[1]:
                raise InterlockError(
                    "The lease had ended before: the connection of this process to the scheduler "
                    "was lost meanwhile, and the message was given to another."
                )

    def give_back(self) -> None:
        """It is to be delivered again."""
        if self._is_held:
            self._is_held = False
            self._queue._call("back", self._ticket)


class DaskDeadLetters(Generic[T]):
    """The messages that were delivered too often and never acknowledged."""

    def __init__(self, queue: DaskQueue[T]) -> None:
        self._queue = queue

    def qsize(self) -> int:
        """How many there are."""
        return int(self._queue._counts()[2])

    def empty(self) -> bool:
        """Whether there are none."""
        return self.qsize() == 0

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the oldest.

        Args:
            block: Whether to wait for one.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Empty: There was none in time.
            ShutDown: The queue was shut down, and none is left nor can come.

        If a process dies: this one, before it returns: the dead letter may be lost.
        """
        answer = self._queue._call("dead", wait_s=deadline(block, timeout))
        message: T = unpack(messages_of(answer)[0][0], self._queue._link)
        return message

    def get_nowait(self) -> T:
        """As `DaskDeadLetters.get` with block=False."""
        return self.get(False)

    def __iter__(self) -> Iterator[T]:
        """Take those that are there."""
        while True:
            try:
                letter = self.get_nowait()
            except Empty:
                return
            yield letter
