"""The `.aio` of a proxy: the same methods, awaited, without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from interlock.managers.aio import AsyncClient
from interlock.managers.references import REFERENCE, Reference, encode_reference
from interlock.managers.remote.line import Line
from interlock.serialize.registry import add_alike

__all__ = ["Twin", "connected"]

_claimed: WeakKeyDictionary[Reference, dict[AsyncClient, Reference]] = WeakKeyDictionary()


class Twin:
    """Calls methods of an object from asyncio.

    Each event loop has a connection of its own, a session that holds locks of its own: what was
    acquired by a twin is released by a twin.

    If a process dies: the server: `ServerGone`.
    """

    def __init__(self, reference: Reference, line: Line) -> None:
        self._reference, self._line = reference, line

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def call(*args: Any, **kwds: Any) -> Any:
            return await self._call(name, args, kwds)

        return call

    async def _call(self, name: str, args: Any, kwds: Any) -> Any:
        client = await self._line.aio()
        return await client.call(await self._its(client), name, *args, **kwds)

    async def _its(self, client: AsyncClient) -> Reference:
        """The reference by which the loop's client has the object."""
        if getattr(self._reference.holder, "access", None) is client._access:
            return self._reference
        known = _claimed.setdefault(self._reference, {})
        if client not in known:
            ticket = await asyncio.to_thread(self._line.here().share, self._reference)
            claimed: Any = await client.claim(ticket)
            known[client] = claimed._reference
        return known[client]


add_alike(Twin, REFERENCE, lambda twin: encode_reference(twin._reference))


async def connected(line: Line) -> AsyncClient:
    """A client for the running loop, which gives twins where others give references.

    Raises:
        OSError: As of `AsyncClient.connect`.
    """
    client = await AsyncClient.connect(line.place.target(), **line.options())
    client._access.present = lambda reference: Twin(reference, line)
    guard = asyncio.get_running_loop().create_task(_close_with_loop(client))
    _guards.add(guard)
    guard.add_done_callback(_guards.discard)
    return client


_guards: set[asyncio.Task[None]] = set()


async def _close_with_loop(client: AsyncClient) -> None:
    """A loop that ends cancels its tasks, and nobody else is told."""
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await client.aclose()
