"""Queues and locks of a cluster to be awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock._awaiting import anyio  # type: ignore[attr-defined]
from interlock.context.dask.aio import awaited
from interlock.context.dask.desk.answers import Answer
from interlock.context.dask.packing import pack_message
from interlock.context.dask.things.base import DaskThing, deadline
from interlock.context.dask.things.messages import check_put, messages_of
from interlock.errors import Full, ShutDown

if TYPE_CHECKING:
    from interlock.context.dask.things.delivery import DaskDelivery
    from interlock.context.dask.things.queues import DaskQueue

__all__ = ["AsyncDaskLock", "AsyncDaskQueue", "asked"]

T = TypeVar("T")


async def asked(thing: DaskThing, method: str, *arguments: Any, **how: Any) -> Answer:
    """A call to the desk, awaited; cancelled, what it took is taken back.

    Raises:
        Exception: As `Link.asked`.

    If a process dies: as `Link.asked`.
    """
    link = thing._link
    caller = link.caller(anyio.get_current_task().id)
    ticket = how.setdefault("ticket", uuid.uuid4().hex)
    try:
        return await awaited(link, thing._asked(method, *arguments, caller=caller, **how))
    except BaseException as error:
        if not isinstance(error, Exception):
            link.give_up(caller, ticket)
        raise


class AsyncDaskQueue(Generic[T]):
    """The awaitable view of a queue: the same method names.

    Whatever is cancelled before it returns has put or taken nothing.
    """

    def __init__(self, queue: DaskQueue[T]) -> None:
        self._queue = queue

    async def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None:
        """As `DaskQueueBase.put`, awaited."""
        self._queue._check_open()
        data, keys = pack_message(obj)
        check_put(
            await asked(self._queue, "put", data, keys, wait_s=deadline(block, timeout)), len(data)
        )

    async def get(self, block: bool = True, timeout: float | None = None) -> T:
        """As `DaskQueueBase.get`, awaited."""
        return (await self._taken(1, deadline(block, timeout)))[0]

    async def _taken(self, most: int, wait_s: float | None) -> list[T]:
        self._queue._check_open()
        ticket = uuid.uuid4().hex
        answer = await asked(self._queue, "get", most, wait_s=wait_s, ticket=ticket)
        return self._queue._had(ticket, messages_of(answer))

    async def put_many(
        self, objs: Iterable[T], block: bool = True, timeout: float | None = None
    ) -> None:
        """As `DaskQueue.put_many`, awaited."""
        for accepted, obj in enumerate(objs):
            try:
                await self.put(obj, block, timeout)
            except Full as full:
                full.accepted = accepted
                raise

    async def get_many(self, max_messages: int, timeout: float | None = None) -> list[T]:
        """As `DaskQueue.get_many`, awaited."""
        if max_messages < 1:
            raise ValueError(f"max_messages is {max_messages}; give at least 1")
        return await self._taken(max_messages, deadline(True, timeout))

    @asynccontextmanager
    async def lease(self, timeout: float | None = None) -> AsyncIterator[DaskDelivery[T]]:
        """As `DaskQueue.lease`, for `async with`."""
        delivery = self._queue.lease(timeout)
        wait = deadline(True, timeout)
        answer = await asked(self._queue, "get", 1, wait_s=wait, ticket=delivery._ticket)
        delivery._have(messages_of(answer))
        try:
            yield delivery
        except BaseException:
            delivery.give_back()
            raise
        delivery.acknowledge()

    async def join(self) -> None:
        """As `DaskJoinableQueue.join`, awaited."""
        await asked(self._queue, "join")

    def put_nowait(self, obj: T) -> None:
        """As `DaskQueue.put_nowait`."""
        self._queue.put_nowait(obj)

    def get_nowait(self) -> T:
        """As `DaskQueue.get_nowait`."""
        return self._queue.get_nowait()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = await self.get()
            except ShutDown:
                return
            yield message


class AsyncDaskLock:
    """The awaitable view of a lock or semaphore; it is a task's that has acquired it here."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `DaskAcquired.acquire`, awaited."""
        answer = await asked(self._lock, "acquire", wait_s=deadline(block, timeout))
        try:
            return bool(self._lock._got(answer))
        except BaseException:
            await self.release()
            raise

    async def release(self) -> None:
        """As `DaskAcquired.release`, awaited, by the task that has it."""
        self._lock._released(await asked(self._lock, "release"))

    async def __aenter__(self) -> bool:
        return await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self.release()
