"""A queue of a server, for programs on many machines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from interlock.errors import Empty, Full, LeaseLost, ShutDown
from interlock.managers.named.place import AsyncNamed, Named
from interlock.managers.named.steps import Call, Steps, Tell
from interlock.managers.named.values import dumps, loads

__all__ = ["AsyncDelivery", "AsyncQueue", "Delivery", "Queue", "QueueCounts"]


@dataclass(frozen=True)
class QueueCounts:
    """What is in a queue.

    Attributes:
        ready: Messages that are put, and taken by nobody.
        leased: Messages that are taken, and not yet done.
        dead: Dead letters.
    """

    ready: int
    leased: int
    dead: int


def _limit(block: bool, timeout: float | None) -> float | None:
    if not block:
        return 0.0
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout


def _put(values: Iterable[Any], limit_s: float | None, name: str) -> Steps[None]:
    encoded = [dumps(value) for value in values]
    if encoded and not (yield Call("put", (encoded, limit_s))):
        raise Full(f"The queue {name!r} had no room in time; nothing was put.")


def _taken(ticket: int, most: int, limit_s: float | None, name: str) -> Steps[Any]:
    got = yield Call("take", (ticket, most, limit_s), undo=("abandon", ticket))
    if not got:
        raise Empty(f"No message came to the queue {name!r} in time; none was taken.")
    try:
        return [(attempt, loads(data)) for attempt, data in got]
    except BaseException:  # it cannot be made here; another may
        yield Tell("give_back", (ticket,))
        raise


def _get(ticket: int, most: int, limit_s: float | None, name: str) -> Steps[list[Any]]:
    got = yield from _taken(ticket, most, limit_s, name)
    yield Tell("done", (ticket,))
    return [message for _, message in got]


def _done(ticket: int, name: str) -> Steps[None]:
    if not (yield Call("done", (ticket,))):
        raise LeaseLost(
            f"The message of the queue {name!r} is leased to this client no more: it was away for "
            "longer than the grace. The message is delivered to another, or was."
        )


def _given_back(ticket: int) -> Steps[None]:
    yield Call("give_back", (ticket,))


def _dead_letter(name: str) -> Steps[Any]:
    data = yield Call("dead_letter")
    if data is None:
        raise Empty(f"The queue {name!r} has no dead letter.")
    return loads(data)


def _counts() -> Steps[QueueCounts]:
    return QueueCounts(*(yield Call("counts")))


def _shut(immediate: bool) -> Steps[None]:
    yield Call("shutdown", (immediate,))


class Delivery:
    """A message under a lease; `Queue.lease` gives it.

    Attributes:
        message: The message.
        attempt: How often it was delivered, this time included.

    If a process dies: this one: the message is ready again when the grace has ended.
    """

    def __init__(self, queue: Queue, limit_s: float | None) -> None:
        self._queue = queue
        self._limit_s = limit_s
        self._ticket = 0
        self.message: Any = None
        self.attempt = 0

    def acknowledge(self) -> None:
        """The message is done.

        Raises:
            LeaseLost: It is not this client's any more.
        """
        ticket, self._ticket = self._ticket, 0
        if ticket:
            self._queue._run(_done(ticket, self._queue.name))

    def give_back(self) -> None:
        """The message is ready for another."""
        ticket, self._ticket = self._ticket, 0
        if ticket:
            self._queue._run(_given_back(ticket))

    def __enter__(self) -> Delivery:
        ticket = next(self._queue._house.tickets)
        got = self._queue._run(_taken(ticket, 1, self._limit_s, self._queue.name))
        self._ticket = ticket
        self.attempt, self.message = got[0]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.acknowledge()
        else:
            self.give_back()


class Queue(Named):
    """A queue by name, with leases.

    If a process dies: a client: what it had put is delivered; what it had leased is delivered
    again when its grace has ended. The server: with a journal, every message is there again.
    """

    kind = "queue"

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a message.

        Args:
            obj: Of plain and registered types.
            block: Whether to wait for room.
            timeout: Seconds; None for as long as it takes.

        Raises:
            Full: There was no room in time.
            ShutDown: The queue was shut down.
            SerializationError: It cannot travel; with the path to what cannot.
            LimitReached: The server has no more memory for it.
            ServerGone: The server ended, or forgot this client.

        If a process dies: as `Queue`.
        """
        self._run(_put((obj,), _limit(block, timeout), self.name))

    def put_nowait(self, obj: Any) -> None:
        """As `Queue.put` with block=False."""
        self.put(obj, block=False)

    def put_many(
        self, objs: Iterable[Any], block: bool = True, timeout: float | None = None
    ) -> None:
        """Put messages, all in one step, when there is room for all.

        Raises:
            MessageTooLarge: There never will be.
            Exception: As `Queue.put`.

        If a process dies: as `Queue`.
        """
        self._run(_put(objs, _limit(block, timeout), self.name))

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest message.

        Args:
            block: Whether to wait for one.
            timeout: Seconds; None for as long as it takes.

        Raises:
            Empty: None came in time.
            ShutDown: The queue was shut down, and nothing is left.
            ServerGone: The server ended, or forgot this client.

        If a process dies: this one, before it returns: the message is ready again.
        """
        limit_s = _limit(block, timeout)
        return self._run(_get(next(self._house.tickets), 1, limit_s, self.name))[0]

    def get_nowait(self) -> Any:
        """As `Queue.get` with block=False."""
        return self.get(block=False)

    def get_many(self, max_messages: int, timeout: float | None = None) -> list[Any]:
        """Wait for a message, and take with it what is there already.

        Raises:
            Exception: As `Queue.get`.

        If a process dies: as `Queue.get`.
        """
        if max_messages < 1:
            raise ValueError("max_messages must be at least 1")
        ticket = next(self._house.tickets)
        return self._run(_get(ticket, max_messages, _limit(True, timeout), self.name))

    def lease(self, timeout: float | None = None) -> Delivery:
        """A message for the length of a block: acknowledged at its end, given back by an error.

        Raises:
            Empty: When the block is entered: none came in time.
            LeaseLost: At its end: this client was away for longer than the grace.

        If a process dies: as `Queue`.
        """
        return Delivery(self, _limit(True, timeout))

    def dead_letter(self) -> Any:
        """Take the oldest message that was delivered too often.

        Raises:
            Empty: There is none.
        """
        return self._run(_dead_letter(self.name))

    def counts(self) -> QueueCounts:
        """What is in it at this moment."""
        return self._run(_counts())

    def qsize(self) -> int:
        """How many messages are ready."""
        return self.counts().ready

    def empty(self) -> bool:
        """Whether none is ready."""
        return self.qsize() == 0

    def shutdown(self, immediate: bool = False) -> None:
        """Put an end to it for all; as `interlock.Queue.shutdown`."""
        self._run(_shut(bool(immediate)))

    def __iter__(self) -> Iterator[Any]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = self.get()
            except ShutDown:
                return
            yield message

    @property
    def aio(self) -> AsyncQueue:
        """The same queue for asyncio."""
        twin: AsyncQueue = self._twin()
        return twin


class AsyncDelivery:
    """`Delivery`, for ``async with``.

    If a process dies: as `Delivery`.
    """

    def __init__(self, queue: AsyncQueue, limit_s: float | None) -> None:
        self._queue = queue
        self._limit_s = limit_s
        self._ticket = 0
        self.message: Any = None
        self.attempt = 0

    async def acknowledge(self) -> None:
        """As `Delivery.acknowledge`, awaited."""
        ticket, self._ticket = self._ticket, 0
        if ticket:
            await self._queue._run(_done(ticket, self._queue.name))

    async def give_back(self) -> None:
        """As `Delivery.give_back`, awaited."""
        ticket, self._ticket = self._ticket, 0
        if ticket:
            await self._queue._run(_given_back(ticket))

    async def __aenter__(self) -> AsyncDelivery:
        ticket = next(self._queue._house.tickets)
        got = await self._queue._run(_taken(ticket, 1, self._limit_s, self._queue.name))
        self._ticket = ticket
        self.attempt, self.message = got[0]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.acknowledge()
        else:
            await self.give_back()


class AsyncQueue(AsyncNamed):
    """`Queue`, to be awaited. A task that is cancelled while it waits has taken nothing.

    If a process dies: as `Queue`.
    """

    kind = "queue"

    async def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """As `Queue.put`, awaited."""
        await self._run(_put((obj,), _limit(block, timeout), self.name))

    async def put_many(
        self, objs: Iterable[Any], block: bool = True, timeout: float | None = None
    ) -> None:
        """As `Queue.put_many`, awaited."""
        await self._run(_put(objs, _limit(block, timeout), self.name))

    async def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As `Queue.get`, awaited."""
        limit_s = _limit(block, timeout)
        return (await self._run(_get(next(self._house.tickets), 1, limit_s, self.name)))[0]

    async def get_many(self, max_messages: int, timeout: float | None = None) -> list[Any]:
        """As `Queue.get_many`, awaited."""
        if max_messages < 1:
            raise ValueError("max_messages must be at least 1")
        ticket = next(self._house.tickets)
        return await self._run(_get(ticket, max_messages, _limit(True, timeout), self.name))

    def lease(self, timeout: float | None = None) -> AsyncDelivery:
        """As `Queue.lease`."""
        return AsyncDelivery(self, _limit(True, timeout))

    async def dead_letter(self) -> Any:
        """As `Queue.dead_letter`, awaited."""
        return await self._run(_dead_letter(self.name))

    async def counts(self) -> QueueCounts:
        """As `Queue.counts`, awaited."""
        return await self._run(_counts())

    async def qsize(self) -> int:
        """As `Queue.qsize`, awaited."""
        return (await self.counts()).ready

    async def shutdown(self, immediate: bool = False) -> None:
        """As `Queue.shutdown`, awaited."""
        await self._run(_shut(bool(immediate)))

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = await self.get()
            except ShutDown:
                return
            yield message
