"""A pipe's end to be awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from interlock._awaiting import until
from interlock.errors import Empty, Full

if TYPE_CHECKING:
    from interlock.connection.pipe import PipeConnection

__all__ = ["AsyncConnection"]

T = TypeVar("T")


class AsyncConnection:
    """The awaitable view of a connection: the same method names."""

    def __init__(self, connection: PipeConnection) -> None:
        self._connection = connection

    async def send(self, obj: Any) -> None:
        """As `PipeEnd.send`, awaited. Cancelled before it returns, it has sent nothing.

        Raises:
            SerializationError: A part of the object cannot be serialized.
            BrokenPipeError: Nobody is left to receive.
            OSError: The connection is closed, or read-only.

        If a process dies: this one, before it returns: the message was sent whole or not
        at all.
        """
        connection = self._connection
        await until(
            lambda: connection._send_nowait(obj),
            Full,
            connection._side_fd,
            lambda: connection._arm("writable"),
        )

    async def recv(self, writable: bool | None = None) -> Any:
        """As `PipeEnd.recv`, awaited. Cancelled before it returns, it has received nothing.

        Args:
            writable: Whether large buffers may be written to; None: as the pipe has it.

        Raises:
            EOFError: Nobody is left to send, and nothing is left to receive.
            OSError: The connection is closed, or write-only.

        If a process dies: who else has this end gets what this one had not yet received.
        """
        connection = self._connection
        return await self._received(lambda: connection._recv_nowait(writable))

    async def recv_bytes(self) -> bytes:
        """As `PipeConnection.recv_bytes`, awaited."""
        return await self._received(self._connection._recv_bytes_nowait)

    async def _received(self, attempt: Callable[[], T]) -> T:
        connection = self._connection
        return await until(attempt, Empty, connection._bell_fd, lambda: connection._arm("readable"))

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Receive until nobody is left to send."""
        while True:
            try:
                message = await self.recv()
            except EOFError:
                return
            yield message
