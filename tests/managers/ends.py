"""Two ends that meet over TLS, on loopback sockets or in memory, and what each has to say of it."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.managers.tls import peer_name

BOUND_S = 30.0  # no conversation takes longer, on however slow a machine


@dataclass
class Meeting:
    """What each end got: the name of the other, or the error that ended it."""

    server: str | Exception = field(default_factory=lambda: TimeoutError("the server never ended"))
    client: str | Exception = field(default_factory=lambda: TimeoutError("the client never ended"))


def meet(
    accepting: Callable[[], ssl.SSLContext], connecting: ssl.SSLContext, host: str = "localhost"
) -> Meeting:
    """Connect over the loopback interface; a client reads, as it learns only then of a refusal."""
    meeting = Meeting()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(BOUND_S)
        thread = threading.Thread(target=_serve, args=(listener, accepting, meeting), daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), BOUND_S) as plain:
            try:
                with connecting.wrap_socket(plain, server_hostname=host) as end:
                    said = end.recv(100).decode()
                    assert said == "welcome"
                    meeting.client = peer_name(end)
            except Exception as error:
                meeting.client = error
        thread.join(BOUND_S)
        assert not thread.is_alive(), "the server never ended"
    return meeting


def _serve(
    listener: socket.socket, accepting: Callable[[], ssl.SSLContext], meeting: Meeting
) -> None:
    plain, _ = listener.accept()
    plain.settimeout(BOUND_S)
    with accepting().wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as end:
        try:
            end.do_handshake()
            end.sendall(b"welcome")
            meeting.server = peer_name(end)
        except Exception as error:
            meeting.server = error
            _drain(end)


def _drain(end: socket.socket) -> None:
    """Close only after the client: what it still sends would reset the alert on its way."""
    os.set_blocking(end.fileno(), True)
    try:
        socket.socket.shutdown(end, socket.SHUT_WR)
        while os.read(end.fileno(), 4096):
            pass
    except OSError:
        return  # the client was quicker


def in_memory(
    accepting: ssl.SSLContext, connecting: ssl.SSLContext, host: str = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A server's and a client's end after their handshake, without sockets or threads."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = accepting.wrap_bio(to_server, to_client, server_side=True)
    client = connecting.wrap_bio(to_client, to_server, server_hostname=host)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return server, client
