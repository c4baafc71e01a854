"""How a client comes to a connection whose handshake is done."""

from __future__ import annotations

import contextlib
import ssl as tls
import time
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.managers.auth import Address
from interlock.managers.calling.channel import Channel, connect
from interlock.managers.tls import Credentials, Security, TlsFailed
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Hello, Welcome
from interlock.managers.wire.client_state import READS
from interlock.managers.wire.frames import STRANGER, Message
from interlock.managers.wire.handshake import client_side
from interlock.managers.wire.reader import Reader

__all__ = ["Way", "greet", "told_of_tls"]


@dataclass(frozen=True)
class Way:
    """How the server is reached.

    Attributes:
        address: The path of a Unix socket, or host and port.
        key: That both sides have; None for none.
        ssl: `Credentials` or a client's context; None for a plain connection.
        hostname: What the server's certificate is to say; None for the host.
        connect_s: For one attempt, with the handshake.
        absent_s: How long a server is waited for where nobody listens; None for its heartbeat
            time. One with a journal goes on when it is started again.
    """

    address: Address
    key: bytes | None
    ssl: Security | None
    hostname: str | None
    connect_s: float
    absent_s: float | None = None

    def patience_s(self, welcome: Welcome, *, nobody: bool) -> float:
        """How long a client tries to come back, where nobody listens or somebody refuses."""
        if not nobody:  # one that is started again gives the grace anew
            return max(welcome.grace_s, self.absent_s or 0.0)
        return welcome.heartbeat_s if self.absent_s is None else self.absent_s

    def context(self) -> tls.SSLContext | None:
        """For a connection that is made now.

        Raises:
            KeysNotFound, KeysExposed, KeysDamaged: As `Credentials.client_context`.
        """
        return self.ssl.client_context() if isinstance(self.ssl, Credentials) else self.ssl

    def no_word(self) -> ConnectionResetError:
        """The error of a server that has ended a connection before it said anything.

        By TLS 1.3 a client is done before the server has looked at its certificate, and not every
        server sends the alert that says what is wrong with it.
        """
        if self.ssl is None:
            return ConnectionResetError(
                f"the server at {self.address} ended the connection without a word; does it want "
                "TLS, for which this client was given no certificate?"
            )
        return ConnectionResetError(
            f"the server at {self.address} ended the connection without a word; is this client's "
            "certificate expired, revoked, or of another authority?"
        )


@contextlib.contextmanager
def told_of_tls(way: Way) -> Iterator[None]:
    """Within the block what TLS refuses is told as an error of ours.

    Raises:
        TlsFailed: One of the two certificates was refused, or something else is not in order.
    """
    try:
        yield
    except tls.SSLError as error:
        what = getattr(error, "verify_message", None) or error.reason or str(error)
        raise TlsFailed(
            f"There is no connection to {way.address}: {what.lower().replace('_', ' ')}. The "
            "certificates of both must be of one authority, valid and not revoked, and the "
            "server's be made for this host; `interlock keys show` tells."
        ) from error


def greet(way: Way, hello: Hello, timeout_s: float) -> tuple[Channel, Reader, Welcome]:
    """Connect, and come to the session.

    Returns:
        The connection, the reader with what has come behind the handshake, and the session.

    Raises:
        AuthenticationFailed, ConnectionRefusedByServer, LimitReached, ServerGone: It is refused.
        TlsFailed: A certificate is.
        WireError: The other side is no server of ours.
        OSError: It is not there, or too slow.

    If a process dies: the server: OSError.
    """
    with told_of_tls(way):
        return _greeted(way, hello, timeout_s)


def _greeted(way: Way, hello: Hello, timeout_s: float) -> tuple[Channel, Reader, Welcome]:
    deadline_s = time.monotonic() + timeout_s
    channel = connect(way.address, way.context(), way.hostname, timeout_s)
    reader = Reader(STRANGER, preamble=version.SERVER.size)
    reader.is_stepwise = True
    try:
        steps = client_side(way.key, hello)
        told = next(steps)
        while True:
            if told:
                channel.send([told], timeout_s)
            message = _next_message(channel, reader, deadline_s)
            try:
                told = steps.send(message)
            except StopIteration as done:
                reader.limits, reader.is_stepwise = READS, False
                return channel, reader, done.value
    except BaseException as error:
        channel.close()
        if isinstance(error, ConnectionResetError) and reader.offset == 0:
            raise way.no_word() from error
        raise


def _next_message(channel: Channel, reader: Reader, deadline_s: float) -> Message:
    waiting = reader.rest()
    while not waiting:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the server did not finish the handshake in time")
        count = channel.recv_into(reader.room(), left_s)
        if count == 0:
            raise ConnectionResetError("the server closed the connection")
        waiting = reader.filled(count or 0)
    return waiting[0]
