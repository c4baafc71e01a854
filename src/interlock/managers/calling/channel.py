"""A socket for several threads: one that reads, any that write, and TLS without their meeting.

Before Python 3.13 two threads inside one `ssl.SSLSocket` corrupt it; so every step on a TLS
socket is one that does not wait, under a lock, and waiting is done outside of it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl as tls
import threading
import time
from typing import Any

from interlock.managers.auth import Address

__all__ = ["Channel", "connect", "is_of_connection"]

_OURS = frozenset(("interlock", "socket", "ssl"))


def connect(
    address: Address, ssl: tls.SSLContext | None, hostname: str | None, timeout_s: float
) -> Channel:
    """Connect to a server.

    Args:
        address: A path, or host and port.
        ssl: None for a plain connection.
        hostname: What the server's certificate is to say; the host by default.
        timeout_s: For all of it.

    Raises:
        OSError: It is not there, or its certificate is not in order.

    If a process dies: the server, before it has accepted: OSError.
    """
    sock: socket.socket
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(timeout_s)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return Channel(sock)
    sock = socket.create_connection(address, timeout_s)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ssl is not None:
            sock = ssl.wrap_socket(sock, server_hostname=hostname or address[0])
        return Channel(sock)
    except (tls.SSLEOFError, ConnectionResetError) as error:
        sock.close()
        raise ConnectionResetError(
            f"the server at {address} ended the connection instead of beginning TLS; is it one "
            "without TLS, or one whose keys cannot be read?"
        ) from error
    except BaseException:
        sock.close()
        raise


def is_of_connection(error: OSError) -> bool:
    """Whether it tells of the connection, and was not raised by a signal's handler, say."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    module = "" if at is None else str(at.tb_frame.f_globals.get("__name__"))
    return module.partition(".")[0] in _OURS


class Channel:
    """A connected socket.

    Args:
        sock: Its own from now on.

    Attributes:
        is_waiting: Whether a thread that is interrupted has lost none of what is read.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.is_waiting = False
        self._sock = sock
        self._tls = threading.Lock() if isinstance(sock, tls.SSLSocket) else None
        self._sending = threading.Lock()
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sock, select.POLLOUT)

    def send(self, parts: list[Any], timeout_s: float) -> None:
        """Write all of it; other threads' parts come before or behind.

        Where it fails, or its thread is interrupted, the connection is ended: what would come
        behind half a frame would be taken for the rest of it.

        Raises:
            OSError: The connection is gone, or takes nothing for that long.

        If a process dies: the server: OSError, now or the next time.
        """
        with self._sending:
            try:
                for part in parts:
                    rest = memoryview(part)
                    while rest.nbytes:
                        deadline_s = time.monotonic() + timeout_s
                        rest = rest[self._sent(rest, deadline_s) :]
            except BaseException:
                self.shut()
                raise

    def _sent(self, rest: memoryview, deadline_s: float) -> int:
        while True:
            try:
                if self._tls is None:
                    return self._sock.send(rest)
                with self._tls:
                    return self._sock.send(rest)
            except (BlockingIOError, tls.SSLWantWriteError):
                waited = self._writable
            except tls.SSLWantReadError:
                waited = self._readable
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not waited.poll(left_s * 1000):
                raise TimeoutError("the other side takes no bytes")

    def recv_into(self, room: memoryview, timeout_s: float) -> int | None:
        """Read what is there.

        Returns:
            How many bytes; 0 at the end of the connection, None if none came in that time.

        Raises:
            OSError: The connection is gone.

        If a process dies: the server: 0 or OSError, at once if the machine lives.
        """
        if self._tls is None:
            if not self._comes(timeout_s):
                return None
            with contextlib.suppress(BlockingIOError):  # another thread has had it
                return self._sock.recv_into(room)
            return None
        got = self._decrypted(room)
        if got is None and self._comes(timeout_s):
            got = self._decrypted(room)
        return got

    def _comes(self, timeout_s: float) -> bool:
        self.is_waiting = True
        is_there = bool(self._readable.poll(timeout_s * 1000))
        self.is_waiting = False
        return is_there

    def _decrypted(self, room: memoryview) -> int | None:
        assert self._tls is not None
        with self._tls:
            try:
                return self._sock.recv_into(room)
            except (tls.SSLWantReadError, tls.SSLWantWriteError):
                return None

    def shut(self) -> None:
        """End the connection; who waits for it wakes up. The descriptor stays until `close`."""
        with contextlib.suppress(OSError):  # it has ended already
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def abandon(self) -> None:
        """In a forked child: give back the descriptor; the connection is the parent's."""
        self._sock.close()

    def close(self) -> None:
        """End the connection and give back the descriptor."""
        self.shut()
        with self._sending:
            self._sock.close()
