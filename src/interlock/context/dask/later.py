"""Later: answers of the desk that come by the client's stream.

A call goes by a connection of its own, of which Dask gives a client 512; calls that wait would have
them all, and the one that they wait for would have none. So the desk says of a call that waits that
the answer comes later, and sends it where Dask reports the ends of tasks.
"""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.context.dask.desk import OPERATION

__all__ = ["Later"]

LOOK_S = 0.5  # how often to look whether the stream is still the one


class Later:
    """Of one client; everything here runs in its event loop."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._watching: asyncio.Task[None] | None = None

    def expect(self, client: Any, ticket: int) -> asyncio.Future[bytes]:
        """The answer to a call that is about to be made; `forget` it in the end."""
        client._stream_handlers[OPERATION] = self._told
        future = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        return future

    def forget(self, ticket: int) -> None:
        """Nobody waits for it any more, or it has come."""
        self._waiting.pop(ticket).cancel()

    async def answer(self, client: Any, future: asyncio.Future[bytes]) -> bytes:
        """Wait for it.

        Raises:
            ConnectionError: The stream is lost, and with it what would have come.

        If a process dies: the scheduler: see ConnectionError.
        """
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(client, client.scheduler_comm))
        return await future

    def _told(self, ticket: int, data: bytes) -> None:
        future = self._waiting.get(ticket)
        if future is not None and not future.done():
            future.set_result(data)

    async def _watch(self, client: Any, stream: Any) -> None:
        """As long as somebody waits: Dask tells nobody that it has another stream, or none."""
        while self._waiting:
            await asyncio.sleep(LOOK_S)
            if client.status != "running" or client.scheduler_comm is not stream:
                for future in self._waiting.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the connection to it was closed"))
                return
