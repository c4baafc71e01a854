"""One connection of a server: bytes to calls, answers to bytes; and the times when it is cut.

The transport writes straight into the memory that the reader lends. Nothing is read into a queue
that grows: a client is told how much it may send, and who sends more is cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from interlock.errors import InterlockError, WireError
from interlock.managers.auth import Peer, peer_of
from interlock.managers.bounds import Bounds
from interlock.managers.serving.secured import Secured
from interlock.managers.serving.session import Session
from interlock.managers.tls import Validity, validity_of
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Bye, Cancel, Encoded, Hello, Ping, Pong, Welcome
from interlock.managers.wire.bodies import decode as decode_body
from interlock.managers.wire.bodies import encode as encode_body
from interlock.managers.wire.frames import STRANGER, Kind, Message, WireLimits, pieces, whole
from interlock.managers.wire.handshake import as_bytes, refusal_of, server_side
from interlock.managers.wire.outbox import Outbox
from interlock.managers.wire.reader import Reader

__all__ = ["Hall", "Link"]

_HIGH_WATER = 256 * 1024
_log = logging.getLogger(__name__)


class Hall(Protocol):
    """The server, as a connection knows it."""

    bounds: Bounds
    key: bytes | None
    tls: bool
    insecure: bool

    def arrived(self, link: Link) -> None:
        """A connection is there.

        Raises:
            LimitReached: There are too many.
        """

    def greet(self, link: Link, peer: Peer, hello: Hello) -> tuple[Session, Welcome]:
        """Find or make the session of a client that has shown who it is.

        Raises:
            ServerGone, LimitReached: It gets none.
        """

    def when_kept(self, told: Callable[[], None]) -> None:
        """Call that when a killed server would know all that was until now."""

    def settled(self, link: Link, session: Session) -> None:
        """The client has been told of its session."""

    def woken(self, session: Session) -> None:
        """A session may have something to run."""

    def left(self, link: Link, *, for_good: bool) -> None:
        """A connection is gone; for good if the client said so."""


class Link(asyncio.BufferedProtocol):
    """The server's end of a connection.

    Args:
        hall: The server.
        clock: Seconds, for the times.

    Attributes:
        session: Whose it is; None until the handshake is done.
        validity: Of the client's certificate; None if it has shown none.
    """

    def __init__(self, hall: Hall, clock: Callable[[], float]) -> None:
        self._hall = hall
        self._clock = clock
        self.session: Session | None = None
        self.validity: Validity | None = None
        self._made: tuple[Session, Welcome] | None = None
        self._reader = Reader(STRANGER, preamble=version.CLIENT.size)
        self._outbox = Outbox()
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._is_paused = self._flush_is_due = self._is_bye = self._is_welcomed = False
        self._is_taking = self._is_amid = False
        self._began_s = self._heard_s = self._moved_s = self._paused_s = clock()
        self._progress = 0

    # ---- the transport's calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio has it."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        try:
            self._hall.arrived(self)
        except InterlockError as error:
            self._refuse(error)
            return
        if not isinstance(transport, Secured):
            self.identify(None)

    def identify(self, certificate: Mapping[str, Any] | None) -> None:
        """Take who the other side is, which TLS tells behind its handshake.

        Args:
            certificate: As `ssl.SSLSocket.getpeercert` gives it.
        """
        if certificate:
            self.validity = validity_of(certificate)
        try:
            peer = peer_of(
                self._transport.get_extra_info("socket"),
                certificate,
                tls=self._hall.tls,
                insecure=self._hall.insecure,
            )
        except (InterlockError, OSError) as error:
            self._refuse(error)
            return

        def greet(hello: Hello) -> Welcome:
            self._made = self._hall.greet(self, peer, hello)
            return self._made[1]

        self._handshake = server_side(self._hall.key, greet)
        next(self._handshake)

    def get_buffer(self, sizehint: int) -> memoryview:
        """As asyncio has it."""
        try:
            return self._reader.room()
        except WireError as error:
            self.cut(error)
            return memoryview(bytearray(65536))

    def buffer_updated(self, nbytes: int) -> None:
        """As asyncio has it."""
        if self._transport.is_closing():
            return
        self._heard_s = self._clock()
        self._is_taking = True
        try:
            for message in self._reader.filled(nbytes):
                if self.session is None:
                    self._greeting(message)
                else:
                    self._received(self.session, message)
                if self._transport.is_closing():
                    return
            self._reader_moved()
            if self.session is not None:
                self._hall.woken(self.session)
        except InterlockError as error:
            self.cut(error)
        finally:
            self._is_taking = False
        self._flush()

    def eof_received(self) -> bool:
        """As asyncio has it."""
        return False

    def pause_writing(self) -> None:
        """As asyncio has it."""
        self._is_paused = True
        self._paused_s = self._clock()

    def resume_writing(self) -> None:
        """As asyncio has it."""
        self._is_paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._outbox.clear()
        self._hall.left(self, for_good=self._is_bye)

    # ---- messages --------------------------------------------------------------------------------

    def _greeting(self, message: Message) -> None:
        try:
            told = self._handshake.send(message)
        except StopIteration:
            self._settled()
        except Exception as error:
            self._refuse(error)
        else:
            self._transport.write(told)
            if self._transport.is_closing():
                return
            # A refused version is the last that is said: the next step raises it.
            if len(told) == version.SERVER.size:
                self._transport.close()

    def _settled(self) -> None:
        assert self._made is not None
        self.session, welcome = self._made
        bounds = self._hall.bounds
        self._reader.limits = WireLimits(
            buffer_bytes=bounds.call_bytes, under_way=min(bounds.calls, 64)
        )
        self._hall.when_kept(lambda: self._welcomed(welcome))

    def _welcomed(self, welcome: Welcome) -> None:
        if self.session is not None and not self._transport.is_closing():
            self._is_welcomed = True
            self._transport.write(as_bytes(welcome))
            self._hall.settled(self, self.session)

    def _received(self, session: Session, message: Message) -> None:
        if message.kind is Kind.CALLS:
            session.received(message)
        elif message.kind is Kind.PING:
            for number in decode_body(message, Ping).done:
                session.acknowledge(number)
            self._send(*encode_body(Pong()))
        elif message.kind is Kind.CANCEL:
            decode_body(message, Cancel)
            session.cancel(message.call)
        else:
            decode_body(message, Bye)
            self._is_bye = True
            self._transport.close()

    def answer(self, call: int, encoded: Encoded) -> None:
        """Send an answer."""
        if not self._is_welcomed:
            return  # it is among those that follow the welcome
        self._send(*encoded, call=call)

    def _send(self, kind: Kind, body: bytes, buffers: list[memoryview], call: int = 0) -> None:
        if buffers:
            self._outbox.add(pieces(kind, call, body, buffers))
        else:
            self._outbox.add_whole(whole(kind, call, body))
        self._flush_soon()

    def _flush_soon(self) -> None:
        """Once for all that is answered in this round of the loop."""
        if not self._flush_is_due and not self._is_taking:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        while self._outbox and not self._is_paused and not self._transport.is_closing():
            parts = self._outbox.take()
            if not parts:
                return
            for part in parts:
                self._transport.write(part)

    # ---- the end ---------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Cut who is silent, or slow."""
        bounds = self._hall.bounds
        if self._transport is None or self._transport.is_closing():
            return
        if self.session is None:
            if now_s - self._began_s > bounds.handshake_s:
                self.cut(WireError(f"It took over {bounds.handshake_s} s to say who it is."))
        elif now_s - self._heard_s > 3 * bounds.heartbeat_s:
            self.cut(WireError(f"It was silent for {3 * bounds.heartbeat_s} s."))
        elif self._is_paused and now_s - self._paused_s > bounds.stall_s:
            self.cut(WireError(f"It has read nothing for {bounds.stall_s} s."))
        elif self._reader.is_amid_frame and now_s - self._moved_s > bounds.stall_s:
            self.cut(WireError(f"A frame took over {bounds.stall_s} s to arrive."))

    def _reader_moved(self) -> None:
        was_amid, self._is_amid = self._is_amid, self._reader.is_amid_frame
        if self._reader.progress != self._progress or not (was_amid and self._is_amid):
            self._progress = self._reader.progress
            self._moved_s = self._clock()

    def _refuse(self, error: Exception) -> None:
        """Say why not, in a way that a client of any version reads, and end it."""
        _log.info("a client was refused (%s): %s", self._where, error)
        if self._reader.offset < version.CLIENT.size:
            self._transport.write(version.reply(version.NEWEST))
        if not isinstance(error, WireError):
            self._transport.write(as_bytes(refusal_of(error)))
        self._transport.close()

    def cut(self, error: Exception) -> None:
        """End the connection at once; the session may go on with another one."""
        _log.info("a connection was cut (%s): %s", self._where, error)
        self._transport.abort()

    @property
    def _where(self) -> str:
        """For the log: who, if that is known, and from where."""
        if self.session is not None:
            return f"{self.session.peer.name!r:.100}, {self.session.peer.where}"
        place = self._transport.get_extra_info("peername")
        return f"{place[0]}:{place[1]}" if isinstance(place, tuple) else "a process of this machine"

    def pause(self) -> None:
        """Take nothing more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def close(self, *, for_good: bool = True) -> None:
        """End the connection when what was written has gone out.

        Args:
            for_good: Whether the client is told that there is nothing to come back to.
        """
        if self.session is not None:
            if for_good:
                self._send(*encode_body(Bye("The server ends.")))
            self._flush()
        if self._transport is not None:
            self._transport.close()
