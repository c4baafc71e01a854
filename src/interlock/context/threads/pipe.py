"""Pipe between threads: `interlock.connection.Pipe`'s interface, the very objects as messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from multiprocessing.context import BufferTooShort
from typing import TYPE_CHECKING, Any

from interlock.context.threads.handle import deadline
from interlock.context.threads.stopping import shielded
from interlock.context.threads.store import Record, Store
from interlock.errors import NotInContext, ShutDown
from interlock.serialize.codec import decode, pickle_bytes

if TYPE_CHECKING:
    from types import TracebackType

    from interlock.connection.aio import AsyncConnection
    from interlock.serialize.trust import Trust

__all__ = ["Pipe", "ThreadConnection"]


class _Raw(bytes):
    """What `send_bytes` sent."""


class _Side:
    """One end of a pipe, of which any number of handles may be open.

    When the last is closed, the other end receives what was sent and then EOFError.
    """

    def __init__(self, incoming: Store | None, outgoing: Store | None) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.handles = 0

    def closed(self) -> None:
        """A handle was closed."""
        self.handles -= 1
        if not self.handles:
            if self.outgoing is not None:
                self.outgoing.end(False)
            if self.incoming is not None:
                self.incoming.end(True)


def Pipe(duplex: bool = True) -> tuple[ThreadConnection, ThreadConnection]:
    """Two connected ends, for threads.

    Args:
        duplex: Whether both ends send and receive; otherwise the first receives and the second
            sends.
    """
    there = Store(0, 0)
    back = Store(0, 0) if duplex else None
    return ThreadConnection(_Side(there, back)), ThreadConnection(_Side(back, there))


class ThreadConnection:
    """One end of a pipe between threads.

    Messages are the very objects, and `send` never waits. Of an end among its arguments a
    process of this context has a handle of its own; the end is closed when all of its handles are.

    If a process dies: A thread that ends closes its handles. When nobody has the other end any
        more, `recv` raises EOFError after the last message, and `send` BrokenPipeError.
    """

    _side: _Side | None = None

    def __init__(self, side: _Side) -> None:
        side.handles += 1
        self._side = side
        self._of = side
        self._reads = True
        self.trust: Trust = "process"

    # ---- objects -----------------------------------------------------------------

    def send(self, obj: Any) -> None:
        """Send an object; it is not copied.

        Raises:
            BrokenPipeError: Nobody is left to receive.
            OSError: The connection is closed, or read-only.

        If a process dies: this one's threads are gone with it.
        """
        store = self._outgoing()
        try:
            store.put(obj, None, self._check)
        except ShutDown:
            self._check()
            raise BrokenPipeError(32, "Broken pipe") from None

    def recv(self, writable: bool | None = None) -> Any:
        """Receive what was sent.

        Args:
            writable: Of no effect.

        Raises:
            EOFError: Nobody is left to send, and nothing is left to receive.
            OSError: The connection is closed, or write-only.

        If a process dies: this one's threads are gone with it.
        """
        return self._taken(_as_object, None)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether `recv` would not wait.

        Args:
            timeout: How long to wait for that, in seconds; None for as long as it takes.

        Raises:
            OSError: The connection is closed, or write-only.

        If a process dies: this one's threads are gone with it.
        """
        store, until = self._incoming(), deadline(True, timeout)

        def may() -> bool:
            self._check()
            return store.can_take()

        with store.held():
            return store.wait(may, until)

    # ---- bytes -------------------------------------------------------------------

    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None) -> None:
        """Send a copy of a part of a buffer as one message.

        Args:
            buf: Anything with the buffer protocol, contiguous.
            offset: Where the part begins, in bytes.
            size: How long it is, in bytes; None for the rest.

        Raises:
            ValueError: The part is not within the buffer.
            BrokenPipeError: Nobody is left to receive.
            OSError: The connection is closed, or read-only.

        If a process dies: this one's threads are gone with it.
        """
        view = memoryview(buf).cast("B")
        if offset < 0:
            raise ValueError("offset is negative")
        if view.nbytes < offset:
            raise ValueError("buffer length < offset")
        if size is not None and size < 0:
            raise ValueError("size is negative")
        if size is not None and offset + size > view.nbytes:
            raise ValueError("buffer length < offset + size")
        self.send(_Raw(view[offset : None if size is None else offset + size]))

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        """Receive a message as bytes: what `send_bytes` sent, or what `send` sent, encoded.

        Args:
            maxlength: How long it may be, in bytes.

        Raises:
            EOFError: Nobody is left to send, and nothing is left to receive.
            OSError: The connection is closed or write-only, or the message is longer than
                maxlength; it is lost then, and so is this direction of the connection.

        If a process dies: this one's threads are gone with it.
        """
        if maxlength is not None and maxlength < 0:
            raise ValueError("negative maxlength")

        def fitting(records: list[Record]) -> bytes:
            message = _as_bytes(records)
            if maxlength is not None and len(message) > maxlength:
                self._reads = False
                if not self.writable:
                    self.close()
                raise OSError("bad message length")
            return message

        message: bytes = self._taken(fitting, None)
        return message

    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int:
        """Receive a message into a buffer; how many bytes it has.

        Args:
            buf: Anything writable with the buffer protocol, contiguous.
            offset: Where to begin in it, in bytes.

        Raises:
            BufferTooShort: There was not enough room; its first argument is the message.
            EOFError: Nobody is left to send, and nothing is left to receive.
            ValueError: offset is not within the buffer.
            OSError: The connection is closed, or write-only.

        If a process dies: this one's threads are gone with it.
        """
        with memoryview(buf) as view, view.cast("B") as target:
            if offset < 0:
                raise ValueError("negative offset")
            if offset > target.nbytes:
                raise ValueError("offset too large")

        def put_in(records: list[Record]) -> int:
            message = _as_bytes(records)
            with memoryview(buf) as view, view.cast("B") as target:
                if target.nbytes < offset + len(message):
                    raise BufferTooShort(message)
                target[offset : offset + len(message)] = message
            return len(message)

        size: int = self._taken(put_in, None)
        return size

    # ---- what it is --------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether this handle is closed."""
        return self._side is None

    @property
    def readable(self) -> bool:
        """Whether it receives."""
        return self._reads and self._of.incoming is not None

    @property
    def writable(self) -> bool:
        """Whether it sends."""
        return self._of.outgoing is not None

    def fileno(self) -> int:
        """A descriptor that poll(2) finds readable while `recv` would not wait.

        Raises:
            OSError: The connection is closed, or write-only.
        """
        return self._incoming().level()

    def close(self) -> None:
        """Close this handle."""
        with shielded():
            side, self._side = self._side, None
            if side is not None:
                side.closed()
                for store in (side.incoming, side.outgoing):
                    if store is not None:
                        with store.held():
                            pass  # who waits by this handle looks

    def __enter__(self) -> ThreadConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._side is not None:
            self.close()

    @property
    def aio(self) -> AsyncConnection:
        """The same methods to be awaited, under asyncio and Trio.

        Raises:
            MissingDependency: anyio is not installed.
        """
        from interlock.connection.aio import AsyncConnection

        return AsyncConnection(self)  # type: ignore[arg-type]

    def __reduce__(self) -> Any:
        raise NotInContext(
            "The context 'thread' has no pipes that can be sent: they are of this process alone. "
            "Use a pipe of a context of processes.",
            "thread", "Pipe.__reduce__", "a pipe of a context of processes",
        )  # fmt: skip

    # ---- as others ask for it ----------------------------------------------------

    def _duplicate(self) -> ThreadConnection:
        self._check()
        return ThreadConnection(self._of)

    def _give_back(self) -> None:
        self.close()

    @property
    def _is_readable(self) -> bool:
        return self.readable

    def _ready(self) -> bool:
        return self._incoming().can_take()

    def _arm(self, what: str) -> bool:
        return what == "writable" or self._incoming().arm(what)

    def _bell_fd(self) -> int:
        return self._incoming().level()

    def _side_fd(self) -> int:
        return self._outgoing().side()

    def _send_nowait(self, obj: Any) -> None:
        self.send(obj)

    def _recv_nowait(self, writable: bool | None = None) -> Any:
        return self._taken(_as_object, -math.inf)

    def _recv_bytes_nowait(self) -> bytes:
        message: bytes = self._taken(_as_bytes, -math.inf)
        return message

    def _taken(self, made: Callable[[list[Record]], Any], until: float | None) -> Any:
        store = self._incoming()
        try:
            return store.take(made, until, self._check)
        except ShutDown:
            self._check()
            raise EOFError from None

    def _check(self) -> None:
        if self._side is None:
            raise OSError("handle is closed")

    def _incoming(self) -> Store:
        incoming = self._of.incoming if self._reads else None
        return self._direction(incoming, "connection is write-only")

    def _outgoing(self) -> Store:
        return self._direction(self._of.outgoing, "connection is read-only")

    def _direction(self, store: Store | None, otherwise: str) -> Store:
        self._check()
        if store is None:
            raise OSError(otherwise)
        return store


def _as_object(records: list[Record]) -> Any:
    message = records[0].message
    return decode(bytes(message)) if isinstance(message, _Raw) else message


def _as_bytes(records: list[Record]) -> bytes:
    message = records[0].message
    return bytes(message) if isinstance(message, _Raw) else pickle_bytes(message)
