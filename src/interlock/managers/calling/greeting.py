"""How a client comes to a connection whose handshake is done."""

from __future__ import annotations

import ssl as tls
import time
from dataclasses import dataclass

from interlock.managers.auth import Address
from interlock.managers.calling.channel import Channel, connect
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Hello, Welcome
from interlock.managers.wire.client_state import READS
from interlock.managers.wire.frames import STRANGER, Message
from interlock.managers.wire.handshake import client_side
from interlock.managers.wire.reader import Reader

__all__ = ["Way", "greet"]


@dataclass(frozen=True)
class Way:
    """How the server is reached.

    Attributes:
        address: The path of a Unix socket, or host and port.
        key: That both sides have; None for none.
        ssl: A client's context; None for a plain connection.
        hostname: What the server's certificate is to say; None for the host.
        connect_s: For one attempt, with the handshake.
    """

    address: Address
    key: bytes | None
    ssl: tls.SSLContext | None
    hostname: str | None
    connect_s: float


def greet(way: Way, hello: Hello, timeout_s: float) -> tuple[Channel, Reader, Welcome]:
    """Connect, and come to the session.

    Returns:
        The connection, the reader with what has come behind the handshake, and the session.

    Raises:
        AuthenticationFailed, ConnectionRefusedByServer, LimitReached, ServerGone: It is refused.
        WireError: The other side is no server of ours.
        OSError: It is not there, or too slow.

    If a process dies: the server: OSError.
    """
    deadline_s = time.monotonic() + timeout_s
    channel = connect(way.address, way.ssl, way.hostname, timeout_s)
    try:
        steps = client_side(way.key, hello)
        reader = Reader(STRANGER, preamble=version.SERVER.size)
        reader.is_stepwise = True
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
    except BaseException:
        channel.close()
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
