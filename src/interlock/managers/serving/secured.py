"""TLS between a socket and a `Link`: to the one a protocol, to the other a transport.

Why not asyncio's own TLS: there a connection that never finishes its handshake is known to nobody
but the event loop, so that no bound holds for it; each has 256 KiB of memory to read into; and a
client that is refused is not sent the alert that says why. Here a connection counts from its
first moment, all of a server read into the same memory, and alerts go out.

    socket  ->  get_buffer, buffer_updated  ->  incoming BIO  ->  TLS  ->  the reader's own memory
    socket  <-  transport.write             <-  outgoing BIO  <-  TLS  <-  write

Bytes are encrypted as they are written, and sent together at the end of the loop's round, or when
they are SEND_AT: then the transport says when to pause, and the link writes no more.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Any

from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.managers.serving.gate import Gate
    from interlock.managers.serving.link import Link

__all__ = ["Secured"]

_SEND_AT = 64 * 1024
_log = logging.getLogger(__name__)


class Secured(asyncio.BufferedProtocol):
    """One connection.

    Args:
        gate: Says by which context.
        link: Whose bytes these are.
    """

    def __init__(self, gate: Gate, link: Link) -> None:
        self._gate = gate
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None  # None: nobody is let in
        self._transport: Any = None
        self._is_greeted = self._send_is_due = False

    # ---- as a protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = transport
        try:
            context = self._gate.context()
        except (InterlockError, OSError) as error:
            _log.error("nobody is let in: %s", error)
            self._transport.abort()
            return
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._link.connection_made(self)  # type: ignore[arg-type]

    def get_buffer(self, sizehint: int) -> memoryview:
        """As asyncio has it; what is read there is taken before anybody else reads."""
        return self._gate.room

    def buffer_updated(self, nbytes: int) -> None:
        """As asyncio has it."""
        self._incoming.write(self._gate.room[:nbytes])
        if self._tls is None or self._transport.is_closing():
            return
        try:
            if not self._is_greeted:
                self._tls.do_handshake()
                self._is_greeted = True
                self._link.identify(self._tls.getpeercert())
            self._decrypt(self._tls)
        except ssl.SSLWantReadError:
            self._send_soon()
        except ssl.SSLError as error:  # also the other side's end
            where = self._transport.get_extra_info("peername")
            _log.info("a TLS connection of %s ends: %s", where, error)
            self._send()  # the alert
            self._transport.close()

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        while not self._transport.is_closing():
            room = self._link.get_buffer(-1)
            count: Any = tls.read(len(room), room)  # typed as bytes, and a number with a buffer
            self._link.buffer_updated(count)

    def eof_received(self) -> bool:
        """As asyncio has it."""
        return False

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self._link.pause_writing()

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._link.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        if self._tls is not None:
            self._link.connection_lost(exc)

    # ---- as a transport --------------------------------------------------------------------------

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt, and send soon; before the handshake there is nobody to read it."""
        if not self._is_greeted or self._tls is None:
            return
        rest = memoryview(data).cast("B")
        while rest.nbytes:
            rest = rest[self._tls.write(rest) :]
        if self._outgoing.pending >= _SEND_AT:
            self._send()
        else:
            self._send_soon()

    def _send_soon(self) -> None:
        if not self._send_is_due:
            self._send_is_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._send_is_due = False
        if self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())

    def close(self) -> None:
        """End it when what was written has gone out."""
        if self._tls is not None and self._is_greeted and not self._transport.is_closing():
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                _log.debug("the other side has not said goodbye, and is not waited for")
            self._send()
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """As asyncio's transports have it."""
        return bool(self._transport.is_closing())

    def pause_reading(self) -> None:
        """As asyncio's transports have it."""
        self._transport.pause_reading()

    def set_write_buffer_limits(self, high: int) -> None:
        """As asyncio's transports have it."""
        self._transport.set_write_buffer_limits(high=high)

    def get_extra_info(self, name: str) -> Any:
        """As asyncio's transports have it."""
        return self._transport.get_extra_info(name)
