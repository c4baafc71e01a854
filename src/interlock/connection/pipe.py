"""Pipe: two connected ends for any number of threads and processes (P2).

A message goes through a ring in shared memory, one for each direction
(`native/core/ring.hpp`), and so stays whole whoever else sends on the same end and whoever is
killed. The ends also have the two ends of a socket pair, through which no message goes:
by it the kernel tells one side that the last process that had the other is gone, which
no shared memory can tell for a process that has not yet begun to use its end. It is
what `fileno` gives, too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection as StandardConnection
from multiprocessing.context import BufferTooShort
from typing import TYPE_CHECKING, Any

from interlock._handover import Passage, pack
from interlock._native import Line, PipeEnd
from interlock.serialize.limits import Limits
from interlock.serialize.trust import TRUSTING, Terms, Trust

if TYPE_CHECKING:
    from interlock.connection.aio import AsyncConnection

__all__ = ["Pipe", "PipeConnection"]

# Messages under way in one direction, in bytes. A pipe(2) has 64 KiB; this is enough that
# neither side waits for the other's turn, and little enough to lie in a pipe nobody reads.
MAX_BYTES = 16 << 20


def Pipe(
    duplex: bool = True,
    *,
    max_bytes: int | None = None,
    trust: Trust = "process",
    limits: Limits | None = None,
    writable: bool = False,
) -> tuple[PipeConnection, PipeConnection]:
    """Two connected ends, as `multiprocessing.Pipe` gives them.

    Args:
        duplex: Whether both ends send and receive; otherwise the first receives and the
            second sends.
        max_bytes: How many bytes may be under way in one direction before `send` waits; 16 MiB
            by default. A message that is larger travels alone.
        trust: What its messages may be; as in `interlock.queues.Queue`.
        limits: What a message may contain with ``trust="registered"``.
        writable: Whether large buffers arrive writable; as in `interlock.queues.Queue`.

    Raises:
        ValueError: max_bytes is less than 1, or trust is another word.
        OutOfSharedMemory: The kernel has no memory for it.
    """
    if max_bytes is not None and max_bytes < 1:
        raise ValueError(f"max_bytes is {max_bytes}; give at least 1, or None for the default")
    terms = Terms(trust, limits, writable)
    most = MAX_BYTES if max_bytes is None else max_bytes
    there = Line(most)
    back = Line(most) if duplex else None
    first, second = socket.socketpair()
    return (
        PipeConnection(first.detach(), there, back, terms),
        PipeConnection(second.detach(), back, there, terms),
    )


class PipeConnection(PipeEnd, StandardConnection):
    """One end of a pipe: the standard library's `Connection`, with whole messages.

    Any number of threads and processes may send and receive on one end at once.

    If a process dies: What it had sent is received. When the last process that has
    the other end is gone, `recv` raises EOFError after the last message, and `send`
    BrokenPipeError.
    """

    def __init__(
        self,
        handle: int,
        incoming: Line | None,
        outgoing: Line | None,
        terms: Terms = TRUSTING,
    ) -> None:
        PipeEnd.__init__(self, handle, incoming, outgoing)
        self._terms = terms
        self._set_terms(terms.bounds, terms.writable)
        StandardConnection.__init__(
            self, handle, readable=incoming is not None, writable=outgoing is not None
        )

    @property
    def trust(self) -> Trust:
        """What its messages may be: ``"process"`` or ``"registered"``."""
        return self._terms.trust

    def fileno(self) -> int:
        """A descriptor that poll(2) finds readable while `recv` would not wait.

        It is the connection's, not to be read from or closed. After the first call each
        `send` at the other end costs a system call more; `interlock.connection.wait` and
        `.aio` do without that.

        Raises:
            OSError: The connection is closed.
        """
        handle = self._bell_fd()
        self._poll_for_good()
        return handle

    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None) -> None:
        """Send a part of a buffer as one message.

        Args:
            buf: Anything with the buffer protocol, contiguous.
            offset: Where the part begins, in bytes.
            size: How long it is, in bytes; None for the rest.

        Raises:
            ValueError: The part is not within the buffer.
            BrokenPipeError: Nobody is left to receive.
            OSError: The connection is closed, or read-only.

        If a process dies: this one, before it returns: the message was sent whole or not
        at all.
        """
        view = memoryview(buf)
        if view.itemsize > 1:
            view = view.cast("B")
        length = view.nbytes
        if offset < 0:
            raise ValueError("offset is negative")
        if length < offset:
            raise ValueError("buffer length < offset")
        if size is None:
            size = length - offset
        elif size < 0:
            raise ValueError("size is negative")
        elif offset + size > length:
            raise ValueError("buffer length < offset + size")
        self._send_bytes(view, offset, size)

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        """Receive a message as bytes: what `send_bytes` sent, or the pickle of what `send` sent.

        Args:
            maxlength: How long it may be, in bytes.

        Raises:
            EOFError: Nobody is left to send, and nothing is left to receive.
            OSError: The connection is closed or write-only, or the message is longer than
                maxlength; it is lost then, and so is this direction of the connection.

        If a process dies: as in `recv`.
        """
        if maxlength is not None and maxlength < 0:
            raise ValueError("negative maxlength")
        message = self._recv_bytes()
        if maxlength is not None and len(message) > maxlength:
            self._bad_message_length()
        return message

    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int:
        """Receive a message into a buffer.

        Args:
            buf: Anything writable with the buffer protocol, contiguous.
            offset: Where to begin in it, in bytes.

        Returns:
            How many bytes the message has.

        Raises:
            BufferTooShort: There was not enough room; its first argument is the message.
            EOFError: Nobody is left to send, and nothing is left to receive.
            ValueError: offset is not within the buffer.
            OSError: The connection is closed, or write-only.

        If a process dies: as in `recv`.
        """
        with memoryview(buf) as view, view.cast("B") as target:
            if offset < 0:
                raise ValueError("negative offset")
            if offset > target.nbytes:
                raise ValueError("offset too large")
            message = self._recv_bytes()
            if target.nbytes < offset + len(message):
                raise BufferTooShort(message)
            target[offset : offset + len(message)] = message
            return len(message)

    @property
    def aio(self) -> AsyncConnection:
        """The same methods to be awaited, under asyncio and Trio.

        Raises:
            MissingDependency: anyio is not installed.
        """
        from interlock.connection.aio import AsyncConnection

        return AsyncConnection(self)

    @property
    def _is_readable(self) -> bool:
        return bool(self._readable)

    def _bell_fd(self) -> int:
        handle: int | None = self.__dict__.get("_handle")
        if handle is None:
            raise OSError("handle is closed")
        return handle

    def _bad_message_length(self) -> None:
        self._readable = False
        if self.writable:
            self._stop_reading()
        else:
            self.close()
        raise OSError("bad message length")

    def _close(self, _close: Callable[[int], None] = os.close) -> None:
        # First the socket: who is woken by the second looks whether it is closed.
        _close(self._bell_fd())
        self._hang_up()

    def __reduce__(self) -> tuple[Callable[..., PipeConnection], tuple[Any, ...]]:
        incoming, outgoing = self._descriptors()
        descriptors = [self._bell_fd(), *(incoming or ()), *(outgoing or ())]
        shape = (incoming is not None, outgoing is not None)
        return _attached, (*shape, pack(descriptors), self._terms)


def _attached(readable: bool, writable: bool, passage: Passage, terms: Terms) -> PipeConnection:
    """An end that came from another process."""
    handle, *rest = passage.redeem()
    incoming = Line(rest.pop(0), rest.pop(0)) if readable else None
    outgoing = Line(rest.pop(0), rest.pop(0)) if writable else None
    return PipeConnection(handle, incoming, outgoing, terms)
