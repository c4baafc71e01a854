"""The server of a manager by TCP, as `BaseManager.get_server` gives it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing import connection, process, util
from typing import Any

from interlock.managers.remote.place import Place, Terms, listener
from interlock.managers.remote.tables import Entry, server_registry
from interlock.managers.server import ObjectServer, run

__all__ = ["RemoteServer", "serve_for_parent"]


class _Stop(threading.Event):
    """Set from any thread; the loop is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Callable[[], None] = lambda: None

    def set(self) -> None:
        super().set()
        self.told()


class RemoteServer:
    """Serves a manager's objects; nothing that comes is unpickled.

    Args:
        entries: The manager's registry.
        place: Where, and with which key or certificate.
        terms: What clients get.

    Attributes:
        address: Where it listens, with the port that it was given.
        listener: The socket.
        stop_event: Set it to end `serve_forever`.

    Raises:
        InsecureAddress: Only other machines could reach it, and none would be let in.
        OSError: The address is taken.

    If a process dies: a client: what it held is let go when its grace has ended.
    """

    def __init__(self, entries: Mapping[str, Entry], place: Place, terms: Terms) -> None:
        self._place, self._terms = place, terms
        self._registry = server_registry(entries, terms.tasks)
        self._credentials = place.credentials()
        self.listener = listener(place)
        host, port = self.listener.getsockname()[:2]
        self.address: tuple[str, int] = (host, port)
        self.stop_event = _Stop()

    def serve_forever(self) -> None:
        """Serve until `stop_event` is set or the process is interrupted; then leave by SystemExit.

        Raises:
            SystemExit: At the end, as of `multiprocessing`.

        If a process dies: as of the class.
        """
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            run(self._serve())
        sys.exit(0)

    async def _serve(self) -> None:
        terms, place = self._terms, self._place
        server = ObjectServer(
            self._registry,
            authkey=place.key,
            ssl=self._credentials,
            permissions=terms.permissions,
            bounds=terms.bounds,
            insecure=place.insecure,
            hide_tracebacks=terms.hide_tracebacks,
        )
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def told() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        self.stop_event.told = told
        if self.stop_event.is_set():
            return
        async with server.listening(self.listener):
            await ended.wait()


def serve_for_parent(
    entries: Mapping[str, Entry],
    place: Place,
    terms: Terms,
    line: Any,
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
) -> None:
    """What the process of a started manager does.

    Args:
        entries, place, terms: As of `RemoteServer`.
        line: To the parent: the address, or the error, goes up; the wish to end comes down.
        initializer, initargs: What the process calls first.

    If a process dies: the parent: the server ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the program, which ends the server
    try:
        if initializer is not None:
            initializer(*initargs)
        server = RemoteServer(entries, place, terms)
    except BaseException as error:
        line.send(error)
        raise
    line.send(server.address)
    util.info("manager serving at %r", server.address)
    threading.Thread(target=_end_with_parent, args=(server, line), daemon=True).start()
    server.serve_forever()


def _end_with_parent(server: RemoteServer, line: Any) -> None:
    parent = process.parent_process()
    ends = [line] if parent is None else [line, parent.sentinel]
    connection.wait(ends)
    server.stop_event.set()
