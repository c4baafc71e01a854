"""One connection of a client for asyncio: bytes to messages, and the other way round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from interlock.errors import WireError
from interlock.managers.calling.greeting import Way, told_of_tls
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Hello, Welcome
from interlock.managers.wire.client_state import READS
from interlock.managers.wire.frames import STRANGER, Message
from interlock.managers.wire.handshake import client_side
from interlock.managers.wire.outbox import Outbox
from interlock.managers.wire.reader import Reader

__all__ = ["AioLine"]

_HIGH_WATER = 256 * 1024
_CLOSE_S = 1.0


class AioLine(asyncio.BufferedProtocol):
    """The client's end of a connection.

    Args:
        received: Called with what has come, behind the handshake; also with nothing, when bytes
            of a large message have come.
        lost: Called when the connection is gone, with the reason.
    """

    def __init__(
        self, received: Callable[[list[Message]], None], lost: Callable[[Exception], None]
    ) -> None:
        self._received = received
        self._lost = lost
        self._reader = Reader(STRANGER, preamble=version.SERVER.size)
        self._reader.is_stepwise = True
        self._outbox = Outbox()
        self._transport: Any = None
        self._is_paused = self._is_greeted = self._is_gone = False
        self._error: Exception = ConnectionResetError("the server closed the connection")
        self._messages: list[Message] = []  # of the handshake
        self._came = asyncio.Event()

    async def greet(self, way: Way, hello: Hello) -> Welcome:
        """Connect, and come to the session; behind it `begin` is to be called.

        Raises:
            InterlockError, OSError: As `greeting.greet`.
        """
        with told_of_tls(way):
            return await self._greeted(way, hello)

    async def _greeted(self, way: Way, hello: Hello) -> Welcome:
        loop = asyncio.get_running_loop()
        if isinstance(way.address, str):
            await loop.create_unix_connection(lambda: self, way.address)
        else:
            name = (way.hostname or way.address[0]) if way.ssl is not None else None
            await loop.create_connection(
                lambda: self, *way.address, ssl=way.context(), server_hostname=name
            )
        try:
            steps = client_side(way.key, hello)
            told = next(steps)
            while True:
                self._transport.write(told)
                try:
                    told = steps.send(await self._next())
                except StopIteration as done:
                    welcome: Welcome = done.value
                    return welcome
        except BaseException as error:
            self.shut()
            if isinstance(error, ConnectionError) and way.ssl is not None:
                if self._reader.offset == 0:
                    raise way.no_word() from error
            raise

    async def _next(self) -> Message:
        """Of the handshake."""
        while not self._messages:
            self._messages = self._reader.rest()
            if not self._messages:
                if self._transport.is_closing():
                    raise self._error
                self._came.clear()
                await self._came.wait()
        return self._messages.pop(0)

    def begin(self) -> None:
        """The handshake is done: from now on messages are passed on."""
        self._is_greeted = True
        self._reader.limits, self._reader.is_stepwise = READS, False
        messages = self._messages + self._reader.rest()
        self._messages = []
        if messages:
            self._received(messages)
        if self._is_gone:  # lost behind the welcome, while nobody was to be told yet
            self._lost(self._error)

    def write(self, pieces: Iterator[list[Any]], lane: int | None = None) -> None:
        """Send a message, behind those of its lane."""
        self._outbox.add(pieces, lane)
        self._flush()

    def shut(self, error: Exception | None = None) -> None:
        """End the connection."""
        if error is not None:
            self._error = error
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """End the connection when what was written has gone out, and see it end."""
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                while not self._is_gone:
                    self._came.clear()
                    await self._came.wait()
        finally:
            self._transport.abort()  # a server that is silent may not keep us

    # ---- the transport's calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)

    def get_buffer(self, sizehint: int) -> memoryview:
        """As asyncio has it."""
        try:
            return self._reader.room()
        except WireError as error:
            self.shut(error)
            return memoryview(bytearray(65536))

    def buffer_updated(self, nbytes: int) -> None:
        """As asyncio has it."""
        if self._transport.is_closing():
            return
        try:
            messages = self._reader.filled(nbytes)
            if self._is_greeted:
                self._received(messages)
            else:
                self._messages += messages
                self._came.set()
        except Exception as error:
            self.shut(error)

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._is_paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._outbox.clear()
        self._is_gone = True
        self._error = exc or self._error
        self._came.set()
        if self._is_greeted:
            self._lost(self._error)

    def _flush(self) -> None:
        while not self._is_paused and not self._transport.is_closing():
            parts = self._outbox.take()
            if not parts:
                return
            for part in parts:
                self._transport.write(part)
