"""Queue, JoinableQueue and SimpleQueue of a cluster: messages that cannot be lost while it lives.

`put` packs the object in the caller, and returns when the message is at the desk. `get` leases the
message from the desk, and tells the desk as soon as it has it; what a dead consumer had not told of
is delivered again. (So a consumer that is killed in the very moment between the two leaves a
message that is delivered twice; none is ever lost.)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock.context.dask.desk.answers import NOT_HELD
from interlock.context.dask.link import Link
from interlock.context.dask.packing import pack_message, unpack
from interlock.context.dask.things.base import DaskThing, deadline
from interlock.context.dask.things.delivery import DaskDeadLetters, DaskDelivery
from interlock.context.dask.things.messages import check_put, messages_of
from interlock.errors import Full, QueueClosed, ShutDown
from interlock.queues.statistics import QueueStatistics

if TYPE_CHECKING:
    from interlock.context.dask.things.aio import AsyncDaskQueue

__all__ = ["DaskJoinableQueue", "DaskQueue", "DaskQueueBase", "DaskSimpleQueue"]

MAX_BYTES = 256 << 20  # by default; a scheduler is no place for more
T = TypeVar("T")


class DaskQueueBase(DaskThing, Generic[T]):
    """What all queues share."""

    _is_joinable = False
    _is_closed = False

    def __init__(
        self, link: Link, maxsize: int = 0, max_bytes: int | None = None,
        max_deliveries: int | None = None,
    ) -> None:  # fmt: skip
        for name, value in (("max_bytes", max_bytes), ("max_deliveries", max_deliveries)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; give at least 1, or None for the default")
        bounds = max(0, maxsize), max_bytes or MAX_BYTES, max_deliveries or 0
        super().__init__(link, link.make("queue", *bounds))

    def _check_open(self) -> None:
        if self._is_closed:
            raise QueueClosed(f"{type(self).__name__} is closed in this process")

    def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None:
        """Put a message at the end.

        Args:
            obj: Anything that can be sent; a handle of a result on the cluster stays one.
            block: Whether to wait for room.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Full: There was no room in time.
            ShutDown: The queue was shut down.
            MessageTooLarge: It is larger than the queue may ever hold.
            SerializationError: A part of it cannot be sent.
            ServerGone: The scheduler is lost.

        If a process dies: this one: the message was put whole or not at all.
        """
        self._check_open()
        data, keys = pack_message(obj)  # here: what cannot be sent fails in the caller
        answer = self._call("put", data, keys, wait_s=deadline(block, timeout))
        check_put(answer, len(data))

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """The oldest message.

        Args:
            block: Whether to wait for one.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Raises:
            Empty: None came in time.
            ShutDown: The queue was shut down and nothing is left.
            ServerGone: The scheduler is lost.

        If a process dies: what it was about to get is delivered to another.
        """
        return self._taken(1, deadline(block, timeout))[0]

    def _taken(self, most: int, wait_s: float | None) -> list[T]:
        self._check_open()
        ticket = uuid.uuid4().hex
        messages = messages_of(self._call("get", most, wait_s=wait_s, ticket=ticket))
        return self._had(ticket, messages)

    def _had(self, ticket: str, messages: list[tuple[bytes, int]]) -> list[T]:
        """They are here, and leased no more."""
        link = self._link
        # First the objects: handles in them must be wished for before the queue lets go of them.
        objects = [unpack(data, link) for data, _ in messages]
        link.tell(link.caller(), self._name, "done", ticket, False)
        return objects

    def _counts(self) -> list[Any]:
        self._check_open()
        counts: list[Any] = self._call("counts")[1]
        return counts

    def empty(self) -> bool:
        """Whether there is nothing to take, at this moment."""
        return not self._counts()[0]

    def close(self) -> None:
        """Use it no more in this process; others go on."""
        self._is_closed = True

    def _state(self) -> dict[str, Any]:
        return {}


class DaskQueue(DaskQueueBase[T]):
    """A first in, first out queue for all tasks, processes and programs of a cluster.

    It has `multiprocessing.Queue`'s methods, and `lease`, `put_many`, `get_many`, `dead_letters`,
    `shutdown`, iteration, `statistics` and the awaitable view `aio`.

    Args:
        link: To the cluster.
        maxsize: Messages at the most; 0 for no bound.
        max_bytes: Bytes of them at the most, as they lie in the scheduler; None for 256 MiB.
        max_deliveries: After so many under a lease, a message is a dead letter; None for no bound.

    Raises:
        ValueError: max_bytes or max_deliveries is less than 1.
        ServerGone: The scheduler is lost, or does not take Interlock's plugin.

    If a process dies: What it had put is delivered; what it had leased is delivered again. The
        one that made the queue: the queue ends with it. The scheduler: all is lost.
    """

    def put_nowait(self, obj: T) -> None:
        """As `put` without waiting."""
        self.put(obj, False)

    def get_nowait(self) -> T:
        """As `get` without waiting."""
        return self.get(False)

    def put_many(self, objs: Iterable[T], block: bool = True, timeout: float | None = None) -> None:
        """Put each; as `DaskQueueBase.put`.

        Args:
            objs: The messages.
            block: Whether to wait for room.
            timeout: How long to wait for the room of each, in seconds.

        Raises:
            Full: There was no room in time; `accepted` says how many were put.

        If a process dies: some first messages were put, each of them whole.
        """
        for accepted, obj in enumerate(objs):
            try:
                self.put(obj, block, timeout)
            except Full as full:
                full.accepted = accepted
                raise

    def get_many(self, max_messages: int, timeout: float | None = None) -> list[T]:
        """The oldest messages, at least one.

        Args:
            max_messages: How many at the most.
            timeout: How long to wait for the first, in seconds; None for as long as it takes.

        Raises:
            ValueError: max_messages is less than 1.
            Empty: None came in time.
            ShutDown: The queue was shut down and nothing is left.

        If a process dies: what it was about to get is delivered to another.
        """
        if max_messages < 1:
            raise ValueError(f"max_messages is {max_messages}; give at least 1")
        return self._taken(max_messages, deadline(True, timeout))

    def lease(self, timeout: float | None = None) -> DaskDelivery[T]:
        """Take a message in a ``with`` block that is done with it when it ends well.

        Args:
            timeout: How long to wait for one, in seconds; None for as long as it takes.

        Raises:
            Empty: On entry: none came in time.
            ShutDown: On entry: the queue was shut down and nothing is left.

        If a process dies: the message is delivered to another, with the next attempt.
        """
        self._check_open()
        return DaskDelivery(self, timeout)

    @property
    def dead_letters(self) -> DaskDeadLetters[T]:
        """The messages that were delivered `max_deliveries` times and never acknowledged."""
        return DaskDeadLetters(self)

    def __iter__(self) -> Iterator[T]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = self.get()
            except ShutDown:
                return
            yield message

    def qsize(self) -> int:
        """How many messages can be taken, at this moment."""
        return int(self._counts()[0])

    def full(self) -> bool:
        """Whether there is no room for another, at this moment."""
        ready, leased, _, _, maxsize, *_ = self._counts()
        return bool(maxsize) and ready + leased >= maxsize

    def statistics(self) -> QueueStatistics:
        """What is in the queue at this moment; who uses it is not known."""
        ready, leased, dead, put, maxsize, max_bytes, max_deliveries, is_shut, _ = self._counts()
        return QueueStatistics(
            ready, leased, dead, put, maxsize, max_bytes, max_deliveries, (), is_shut
        )

    def shutdown(self, immediate: bool = False) -> None:
        """Put an end to the queue everywhere; immediate: drop what is in it."""
        self._check_open()
        self._call("shut", bool(immediate))

    @property
    def aio(self) -> AsyncDaskQueue[T]:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.context.dask.things.aio import AsyncDaskQueue

        return AsyncDaskQueue(self)

    def join_thread(self) -> None:
        """Does nothing: what was put is at the desk."""

    def cancel_join_thread(self) -> None:
        """Does nothing: no exit waits for a queue."""


class DaskJoinableQueue(DaskQueue[T]):
    """A queue that knows when the work on its messages is done; arguments as `DaskQueue`.

    If a process dies: A task that it had by a lease is delivered again. One that it had by `get` is
        never done.
    """

    _is_joinable = True

    def task_done(self) -> None:
        """Say that the work on a message that `get` gave is done.

        Raises:
            ValueError: Called more often than there were messages.
        """
        self._check_open()
        if self._call("task_done")[0] == NOT_HELD:
            raise ValueError("task_done() called too many times")

    def join(self) -> None:
        """Wait until the work on every message that was put is done.

        Raises:
            ServerGone: The scheduler is lost.

        If a process dies: a task it had taken by `get` is never done, and this waits for ever;
            take messages by `lease` where that may happen.
        """
        self._check_open()
        self._call("join")


class DaskSimpleQueue(DaskQueueBase[T]):
    """`multiprocessing.SimpleQueue`'s interface: `put`, `get`, `empty`, `close`.

    If a process dies: As `DaskQueue`.
    """
