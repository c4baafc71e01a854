"""Queues between threads: `interlock.queues`' interface, the very objects as messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock.context.threads.handle import Delivery, Handle, deadline
from interlock.context.threads.store import Record, Store
from interlock.errors import Full, ShutDown
from interlock.queues.base import core_limits
from interlock.queues.dead_letters import DeadLetters
from interlock.queues.statistics import QueueStatistics
from interlock.serialize.trust import Terms, Trust

if TYPE_CHECKING:
    from interlock.queues.aio import AsyncQueue
    from interlock.serialize.limits import Limits

__all__ = ["Delivery", "ThreadJoinableQueue", "ThreadQueue", "ThreadSimpleQueue"]

T = TypeVar("T")


class ThreadQueue(Handle, Generic[T]):
    """`interlock.queues.Queue` between threads of this process.

    Messages are the very objects: nothing is copied, and who changes one changes it for all.
    ``trust``, ``limits``, ``writable`` and ``max_bytes``, which are about bytes, have no effect.

    Args:
        maxsize: How many messages it holds at the most; 0 or less for no bound.
        max_bytes: Of no effect.
        max_deliveries: How often a message is delivered under a lease before it goes to the
            `dead_letters`; None for no bound.
        trust: Of no effect.
        limits: Of no effect.
        writable: Of no effect.

    Raises:
        ValueError: max_bytes or max_deliveries is less than 1, or trust is another word.

    If a process dies: a thread that is stopped, or ends, gives back what it had leased; what it
        was putting is there or not at all.
    """

    _is_joinable = False

    def __init__(
        self,
        maxsize: int = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> None:
        terms = Terms(trust, limits, writable)
        size, most, _, deliveries, _ = core_limits(maxsize, max_bytes, max_deliveries)
        store = Store(size, deliveries, joinable=self._is_joinable)
        super().__init__(store, terms, most)

    def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None:
        """Put a message.

        Args:
            obj: The message; it is not copied.
            block: Whether to wait for room.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Full: There was no room in time.
            ShutDown: The queue was shut down.
            QueueClosed: This handle was closed.

        If a process dies: this one's threads and queues are gone with it.
        """
        self._store.put(obj, deadline(block, timeout), self._check)

    def put_nowait(self, obj: T) -> None:
        """As `ThreadQueue.put` with block=False."""
        self.put(obj, False)

    def put_many(self, objs: Iterable[T], block: bool = True, timeout: float | None = None) -> None:
        """Put messages, in order.

        Args:
            objs: The messages.
            block: Whether to wait for room.
            timeout: How long to wait for the room of each, in seconds.

        Raises:
            Full: There was no room in time; `accepted` says how many were put.
            ShutDown: The queue was shut down.
            QueueClosed: This handle was closed.

        If a process dies: this one's threads and queues are gone with it.
        """
        for accepted, obj in enumerate(objs):
            try:
                self.put(obj, block, timeout)
            except Full as full:
                full.accepted = accepted
                raise

    def get(
        self, block: bool = True, timeout: float | None = None, writable: bool | None = None
    ) -> T:
        """Take the oldest message.

        Args:
            block: Whether to wait for one.
            timeout: How long to wait for it, in seconds; None for as long as it takes.
            writable: Of no effect.

        Raises:
            Empty: There was none in time.
            ShutDown: The queue was shut down, and nothing is left.
            QueueClosed: This handle was closed.

        If a process dies: this one's threads and queues are gone with it.
        """
        message: T = self._store.take(_message, deadline(block, timeout), self._check)
        return message

    def get_nowait(self, writable: bool | None = None) -> T:
        """As `ThreadQueue.get` with block=False."""
        return self.get(False)

    def get_many(
        self, max_messages: int, timeout: float | None = None, writable: bool | None = None
    ) -> list[T]:
        """Take the oldest messages, as many as there are but at least one.

        Args:
            max_messages: How many at the most, 1 or more.
            timeout: How long to wait for the first, in seconds.
            writable: Of no effect.

        Raises:
            ValueError: max_messages is less than 1.
            Empty: There was none in time.
            ShutDown: The queue was shut down, and nothing is left.
            QueueClosed: This handle was closed.

        If a process dies: this one's threads and queues are gone with it.
        """
        if max_messages < 1:
            raise ValueError(f"max_messages is {max_messages}; give at least 1")
        until = deadline(True, timeout)
        return self._store.take(_messages, until, self._check, number=max_messages)

    def lease(self, timeout: float | None = None) -> Delivery:
        """Take a message for a ``with`` block, whose end says that the work on it is done.

        Args:
            timeout: How long to wait for a message, in seconds; None for as long as it takes.

        Raises:
            Empty: On entry: there was none in time.
            ShutDown: On entry: the queue was shut down, and nothing is left.

        If a process dies: a thread that is stopped within the block gives the message back.
        """
        return Delivery(self, timeout)

    def qsize(self) -> int:
        """How many messages can be taken."""
        self._check()
        return len(self._store.ready)

    def full(self) -> bool:
        """Whether there is no room."""
        self._check()
        store = self._store
        return bool(store.maxsize) and len(store.ready) + store.leased >= store.maxsize

    def __iter__(self) -> Iterator[T]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = self.get()
            except ShutDown:
                return
            yield message

    def shutdown(self, immediate: bool = False) -> None:
        """Put an end to the queue, as `interlock.queues.Queue.shutdown`.

        Args:
            immediate: Drop what is in the queue; `get` raises at once.

        Raises:
            QueueClosed: This handle was closed.
        """
        self._check()
        self._store.end(bool(immediate))

    @property
    def dead_letters(self) -> DeadLetters[T]:
        """The messages that were delivered `max_deliveries` times and never acknowledged."""
        return DeadLetters(self)  # type: ignore[arg-type]

    def statistics(self) -> QueueStatistics:
        """What is in the queue at this moment.

        Raises:
            QueueClosed: This handle was closed.
        """
        return QueueStatistics.of(self)  # type: ignore[arg-type]

    @property
    def aio(self) -> AsyncQueue[T]:
        """The same methods to be awaited, under asyncio and Trio.

        Raises:
            MissingDependency: anyio is not installed.
        """
        from interlock.queues.aio import AsyncQueue

        return AsyncQueue(self)  # type: ignore[arg-type]

    def join_thread(self) -> None:
        """Does nothing: what was put needs nobody to send it."""

    def cancel_join_thread(self) -> None:
        """Does nothing: no exit waits for a queue."""

    @property
    def _maxsize(self) -> int:
        return self._store.maxsize

    def _get_dead(self, block: bool = True, timeout: float | None = None) -> Any:
        return self._store.take_dead(deadline(block, timeout), self._check)


class ThreadJoinableQueue(ThreadQueue[T]):
    """`interlock.queues.JoinableQueue` between threads; see `ThreadQueue`."""

    _is_joinable = True

    def task_done(self) -> None:
        """Say that the work on a message that `get` gave is done.

        Raises:
            ValueError: Called more often than there were messages.
            QueueClosed: This handle was closed.
        """
        self._check()
        self._store.task_done()

    def join(self) -> None:
        """Wait until the work on every message that was put is done.

        Raises:
            QueueClosed: This handle was closed.

        If a process dies: a thread that ends before its task_done() is waited for, for ever; what
            it had by a lease is delivered again.
        """
        self._check()
        self._store.join(self._check)


class ThreadSimpleQueue(Handle, Generic[T]):
    """`interlock.queues.SimpleQueue` between threads; see `ThreadQueue`."""

    def __init__(
        self,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> None:
        most = core_limits(0, max_bytes, None)[1]
        super().__init__(Store(0, 0), Terms(trust, limits, writable), most)

    def put(self, obj: T) -> None:
        """As `ThreadQueue.put`."""
        self._store.put(obj, None, self._check)

    def get(self, writable: bool | None = None) -> T:
        """As `ThreadQueue.get`."""
        message: T = self._store.take(_message, None, self._check)
        return message


def _message(records: list[Record]) -> Any:
    return records[0].message


def _messages(records: list[Record]) -> list[Any]:
    return [record.message for record in records]
