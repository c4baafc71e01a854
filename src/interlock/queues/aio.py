"""A queue to be awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock._awaiting import until
from interlock.errors import Empty, Full, ShutDown

if TYPE_CHECKING:
    from interlock._native import Delivery, MessageQueue

__all__ = ["AsyncQueue"]

T = TypeVar("T")
R = TypeVar("R")


class AsyncQueue(Generic[T]):
    """The awaitable view of a queue: the same method names.

    Whatever is cancelled before it returns has put or taken nothing.
    """

    def __init__(self, queue: MessageQueue[T]) -> None:
        self._queue: Any = queue

    async def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None:
        """As `MessageQueue.put`, awaited.

        Args:
            obj: The message.
            block: Whether to wait for room.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Full: There was no room in time.
            ShutDown: The queue was shut down.
            SerializationError: A part of the object cannot be serialized.

        If a process dies: this one: the message was put whole or not at all.
        """
        queue = self._queue
        await until(
            lambda: queue.put_nowait(obj),
            Full,
            queue._side_fd,
            lambda: queue._arm("writable"),
            timeout if block else 0.0,
        )

    async def get(
        self, block: bool = True, timeout: float | None = None, writable: bool | None = None
    ) -> T:
        """As `MessageQueue.get`, awaited.

        Args:
            block: Whether to wait for a message.
            timeout: How long to wait for it, in seconds; None for as long as it takes.
            writable: Whether large buffers may be written to; None: as the queue has it.

        Raises:
            Empty: No message came in time.
            ShutDown: The queue was shut down and nothing is left.

        If a process dies: what another consumer was about to get comes here.
        """
        queue = self._queue
        return await self._taken(
            lambda: queue.get_nowait(writable=writable), timeout if block else 0.0
        )

    async def put_many(
        self, objs: Iterable[T], block: bool = True, timeout: float | None = None
    ) -> None:
        """As `MessageQueue.put_many`, awaited; what was put before a cancellation stays.

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
                await self.put(obj, block, timeout)
            except Full as full:
                full.accepted = accepted
                raise

    async def get_many(
        self, max_messages: int, timeout: float | None = None, writable: bool | None = None
    ) -> list[T]:
        """As `MessageQueue.get_many`, awaited.

        Args:
            max_messages: How many to take at the most, 1 or more.
            timeout: How long to wait for the first, in seconds.
            writable: As in `get`.

        Raises:
            ValueError: max_messages is less than 1.
            Empty: No message came in time.
            ShutDown: The queue was shut down and nothing is left.

        If a process dies: what another consumer was about to get comes here.
        """
        return await self._taken(lambda: self._queue.get_many(max_messages, 0.0, writable), timeout)

    @asynccontextmanager
    async def lease(self, timeout: float | None = None) -> AsyncIterator[Delivery]:
        """As `MessageQueue.lease`, for `async with`.

        Args:
            timeout: How long to wait for a message, in seconds; None for as long as it takes.

        Raises:
            Empty: On entry: no message came in time.
            ShutDown: On entry: the queue was shut down and nothing is left.

        If a process dies: this one: the message is delivered to another consumer.
        """
        delivery: Delivery = self._queue.lease(0.0)
        await self._taken(delivery.__enter__, timeout)
        try:
            yield delivery
        except BaseException:
            delivery.give_back()
            raise
        delivery.acknowledge()

    async def join(self) -> None:
        """As `JoinableQueue.join`, awaited."""
        queue = self._queue
        await until(self._look_joined, Empty, queue._side_fd, lambda: queue._arm("joined"))

    def put_nowait(self, obj: T) -> None:
        """As `Queue.put_nowait`."""
        self._queue.put_nowait(obj)

    def get_nowait(self) -> T:
        """As `Queue.get_nowait`."""
        message: T = self._queue.get_nowait()
        return message

    async def __aiter__(self) -> AsyncIterator[T]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = await self.get()
            except ShutDown:
                return
            yield message

    async def _taken(self, attempt: Callable[[], R], timeout_s: float | None) -> R:
        queue = self._queue
        return await until(
            attempt, Empty, queue._bell_fd, lambda: queue._arm("readable"), timeout_s
        )

    def _look_joined(self) -> None:
        if self._queue._unfinished():
            raise Empty
