"""An honest client, and one that sends what it likes: for tests of what a stranger may do."""

from __future__ import annotations

import contextlib
import socket
import ssl as tls
import threading
import time
from typing import Any

from interlock.managers.auth import Address
from interlock.managers.client import Client
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Call, Calls, Hello, Welcome, encode
from interlock.managers.wire.client_state import READS
from interlock.managers.wire.frames import Message, pieces
from interlock.managers.wire.handshake import client_side
from interlock.managers.wire.reader import Reader
from interlock.managers.wire.values import pack
from tests.managers.served import BOUND_S, KEY
from tests.managers.waiting import until

__all__ = ["STALL_S", "Honest", "Raw", "call", "calls"]

STALL_S = 1.0  # what no other client may wait; 0.2 on a machine that does nothing else


class Honest:
    """A client that calls all the time; in the end it says what it has waited at most."""

    def __init__(self, address: Address, **options: Any) -> None:
        self._address = address
        self._options = options or {"authkey": KEY}
        self.taken_s: list[float] = []  # by each call, one after another
        self._end = threading.Event()
        self._failure: Exception | None = None
        self.calls = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with Client(self._address, **self._options) as client:
                counter = client.create("Counter")
                while not self._end.wait(0.002):
                    began_s = time.monotonic()
                    client.call(counter, "add", 1)
                    self.taken_s.append(time.monotonic() - began_s)
                    self.calls += 1
                assert client.call(counter, "add", 0) == self.calls
        except Exception as error:
            self._failure = error

    def __enter__(self) -> Honest:
        self._thread.start()
        until(lambda: self.calls or self._failure)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(BOUND_S)
        if self._failure is not None:
            raise self._failure
        assert self.calls > 0
        assert max(self.taken_s) < STALL_S, f"an honest client waited {max(self.taken_s):.2f} s"


class Raw:
    """A connection on which one sends what one likes.

    Args:
        address: Of the server.
        ssl: A context, for TLS.
    """

    def __init__(self, address: Address, ssl: tls.SSLContext | None = None) -> None:
        assert isinstance(address, tuple)
        self.sock = socket.create_connection(address, BOUND_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ssl is not None:
            self.sock = ssl.wrap_socket(self.sock, server_hostname=address[0])
        self._key = KEY if ssl is None else None
        self.reader = Reader(READS, preamble=version.SERVER.size)
        self.reader.is_stepwise = True
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data
        self.sock.sendall(data)

    def message(self) -> Message:
        waiting = self.reader.rest()
        while not waiting:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionResetError("cut")
            waiting = self.reader.feed(data)
        return waiting[0]

    def enter(self, hello: Hello | None = None) -> Welcome:
        """As an honest client does."""
        steps = client_side(self._key, hello or Hello())
        told = next(steps)
        while True:
            if told:
                self.send(told)
            try:
                told = steps.send(self.message())
            except StopIteration as done:
                welcome: Welcome = done.value
                return welcome

    def is_cut(self) -> bool:
        """Wait until the server has ended the connection."""
        self.sock.settimeout(BOUND_S)
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(65536):
                pass
        return True

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def calls(number: int, *made: Call, lane: int = 1) -> bytes:
    kind, body, buffers = encode(Calls(lane, [], list(made)))
    return b"".join(part for piece in pieces(kind, number, body, buffers) for part in piece)


def call(target: int, method: str, *args: object) -> Call:
    data, _ = pack((args, {}))
    return Call(target, method, data)
