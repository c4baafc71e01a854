"""A relay of TCP connections that can be cut, and held."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from interlock.managers.auth import Address

BOUND_S = 30.0
_POLL_S = 0.02


class Relay:
    """Passes bytes between clients and a server.

    Args:
        server: Where the server is.
        allowance: Called for each connection: how many bytes it lives for; None for ever.
    """

    def __init__(self, server: Address, allowance: Callable[[], int | None] = lambda: None) -> None:
        assert isinstance(server, tuple)
        self._server = server
        self._allowance = allowance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self.address: Address = self._listener.getsockname()
        self.connections = 0
        self.cuts = 0
        self.is_silent = threading.Event()  # nothing passes, and nobody is told
        self.is_down = threading.Event()  # nobody is let in
        self.holds_answers = threading.Event()  # what clients send passes
        self._cut = threading.Event()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def cut(self) -> None:
        """End all connections of now, as a reset does."""
        self._cut.set()

    def _accept(self) -> None:
        while not self._end.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self.is_down.is_set():
                client.close()
                continue
            self._cut.clear()
            self.connections += 1
            thread = threading.Thread(target=self._pass, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pass(self, client: socket.socket) -> None:
        left = self._allowance()
        with client, contextlib.suppress(OSError):
            with socket.create_connection(self._server, BOUND_S) as server:
                other = {client: server, server: client}
                while not (self._end.is_set() or self._cut.is_set()):
                    if self.is_silent.is_set():
                        self._end.wait(_POLL_S)
                        continue
                    sources = [client] if self.holds_answers.is_set() else [client, server]
                    for source in select.select(sources, [], [], _POLL_S)[0]:
                        data = source.recv(65536 if left is None else min(65536, max(left, 1)))
                        if not data:
                            return
                        if left is not None:
                            left -= len(data)
                        other[source].sendall(data)
                        if left is not None and left <= 0:
                            self.cuts += 1
                            return

    def __enter__(self) -> Relay:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(BOUND_S)
        self._listener.close()
