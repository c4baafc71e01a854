"""What `BaseManager` does where its address is a host and a port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import util
from typing import Any

from interlock.managers.calling.access import DESK
from interlock.managers.kinds.pools import Tasks
from interlock.managers.remote.line import forget, line_to
from interlock.managers.remote.place import Place, Terms, as_lists
from interlock.managers.remote.server import RemoteServer, serve_for_parent
from interlock.managers.remote.tables import Entry

__all__ = ["Remote"]

_START_S = 60.0


class Remote:
    """A manager's side of a server by TCP.

    Args:
        place: Where the server is, or will be.
        terms: What its clients get.
        entries: The manager's registry.
        tasks: The functions for its pools.
    """

    def __init__(
        self,
        place: Place,
        terms: Terms,
        entries: Callable[[], Mapping[str, Entry]],
        tasks: Callable[[], Tasks],
    ) -> None:
        self.place = place
        self._given = terms
        self._entries, self._tasks = entries, tasks

    @property
    def _terms(self) -> Terms:
        return replace(self._given, tasks=self._tasks())

    def server(self) -> RemoteServer:
        """The server, to be run in this process.

        Raises:
            InsecureAddress, OSError: As of `RemoteServer`.
        """
        return RemoteServer(self._entries(), self.place, self._terms)

    def connect(self) -> None:
        """Connect to the server, and use what this process has registered for its typeids.

        Raises:
            AuthenticationFailed, ConnectionRefusedByServer, InsecureAddress, OSError: As of
                `Client`.

        If a process dies: the server: OSError.
        """
        line = line_to(self.place)
        for typeid, entry in self._entries().items():
            if getattr(entry[3], "_exposed_", None) is not None:
                line.proxytypes[typeid] = entry[3]

    def start(self, context: Any, initializer: Any, initargs: Any) -> tuple[Any, Any]:
        """Start a process with the server.

        Returns:
            The process, and the line by which it is told to end.

        Raises:
            InsecureAddress, OSError: As of `RemoteServer`, in the process.

        If a process dies: the server's, before it listens: EOFError.
        """
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve_for_parent,
            args=(self._entries(), self.place, self._terms, theirs, initializer, tuple(initargs)),
        )
        process.start()
        theirs.close()
        told = ours.recv()
        if isinstance(told, BaseException):
            process.join()
            ours.close()
            raise told
        self.place = replace(self.place, address=told)
        try:
            self.connect()
        except BaseException:
            self.end(process, ours, 1.0)
            raise
        return process, ours

    def end(self, process: Any, line: Any, timeout_s: float) -> None:
        """End the process of `start`.

        Raises:
            OSError: It cannot be killed.

        If a process dies: it has ended already.
        """
        forget(self.place)
        with contextlib.suppress(OSError):
            line.send("end")
        line.close()
        for stop in (lambda: None, process.terminate, process.kill):
            stop()
            process.join(timeout_s)
            if not process.is_alive():
                return
            util.info("manager still alive")

    def create(self, typeid: str, args: Any, kwds: Any) -> Any:
        """Make an object in the server; the proxy.

        Raises:
            NotExposed, AccessDenied: The server has no such type for this client.
            Exception: What making it raised.

        If a process dies: the server: `ServerGone`.
        """
        if self.place.as_lists:
            args, kwds = as_lists(list(args)), as_lists(dict(kwds))
        return line_to(self.place).here().create(typeid, *args, **kwds)

    def count(self) -> int:
        """How many objects the server has."""
        number: int = line_to(self.place).here().call(DESK, "count")
        return number

    def listing(self) -> str:
        """What this client has, for people."""
        rows = line_to(self.place).here().call(DESK, "listing")
        return "\n".join(
            f"  {number}:       refcount={count}\n    {typeid}" for number, typeid, count in rows
        )
