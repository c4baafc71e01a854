"""This process's connections to servers: one for each, which all proxies and threads use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from dataclasses import replace
from multiprocessing import util
from typing import Any
from weakref import WeakKeyDictionary

from interlock.managers.aio import AsyncClient
from interlock.managers.calling.access import Hold
from interlock.managers.client import Client
from interlock.managers.references import Reference
from interlock.managers.remote.place import Place

__all__ = ["Line", "connected_to", "forget", "line_to"]


class Line:
    """The connection of this process to one server.

    Args:
        place: Where the server is.

    Attributes:
        proxytypes: By typeid, what the managers that use the line have registered.

    Raises:
        AuthenticationFailed, ConnectionRefusedByServer, InsecureAddress, OSError: As of `Client`.

    If a process dies: the server: `ServerGone` in each thread that waits.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pid = os.getpid()
        self.proxytypes: dict[str, Any] = {}
        self._fork = b""  # by which a child gets what this process has
        self._renewing = threading.RLock()
        self.client = Client(place.target(), **self.options())
        self.client._access.present = self._present
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[AsyncClient]] = (
            WeakKeyDictionary()
        )
        util.register_after_fork(self, Line._bootstrapped)
        util.Finalize(None, _close_all, exitpriority=_AT_EXIT)

    def options(self) -> dict[str, Any]:
        """How a client comes to the server."""
        place = self.place
        return {
            "authkey": place.key,
            "ssl": place.client_context(),
            "hostname": place.hostname,
            "insecure": place.insecure,
        }

    def _present(self, reference: Reference) -> object:
        from interlock.managers.remote.proxies import proxy_of

        return proxy_of(reference, self)

    @property
    def is_usable(self) -> bool:
        """Whether calls by it may succeed."""
        return self.client._board._state.lost_by is None and self.pid == os.getpid()

    async def aio(self) -> AsyncClient:
        """The client of the running loop.

        Raises:
            OSError: As of `AsyncClient.connect`.
        """
        from interlock.managers.remote.twins import connected

        loop = asyncio.get_running_loop()
        made = self._of_loops.get(loop)
        if made is None or (made.done() and not _is_alive(made)):
            made = loop.create_task(connected(self))
            self._of_loops[loop] = made
        return await asyncio.shield(made)

    # ---- forks -----------------------------------------------------------------------------------

    def about_to_fork(self) -> None:
        """In the parent, before: name the child."""
        if self.is_usable:
            self._fork = secrets.token_bytes(16)
            self.client._access.forks.append(self._fork)

    def in_child(self) -> None:
        """In the child: what the parent had is not ours yet."""
        self._renewing = threading.RLock()
        self.client._board.abandon()
        self._of_loops.clear()

    def here(self) -> Client:
        """The client of this process; a forked child makes one, and adopts what its parent had.

        Raises:
            AuthenticationFailed, ConnectionRefusedByServer, OSError: As of `Client`.

        If a process dies: the server: as of the class.
        """
        if self.pid != os.getpid():
            with self._renewing:
                if self.pid != os.getpid():
                    self._renew()
        return self.client

    def _renew(self) -> None:
        old, new = self.client._access, Client(self.place.target(), **self.options())
        new._access.present = self._present
        holds = [hold for hold in old.holds() if hold.access is old]
        if holds and new._access.server == old.server:
            _adopt(new, self._fork, holds)
        self.client, self.pid = new, os.getpid()
        util.Finalize(None, _close_all, exitpriority=_AT_EXIT)

    def _bootstrapped(self) -> None:
        """In the child of a Process: at once, for the parent may drop what the child is to use."""
        with contextlib.suppress(Exception):  # whoever uses it is told
            self.here()


def _is_alive(made: asyncio.Task[AsyncClient]) -> bool:
    failed = made.cancelled() or made.exception() is not None
    return not failed and made.result()._state.lost_by is None


def _adopt(client: Client, fork: bytes, holds: list[Hold]) -> None:
    """Have what the parent had: its holds become the child's."""
    access, present = client._access, client._access.present
    access.present = _itself
    references = client.call(0, "adopt", fork, [hold.number for hold in holds])
    access.present = present
    for hold, reference in zip(holds, references, strict=True):
        if reference is not None:
            new: Hold = reference.holder
            hold.access, hold.count, new.count = access, new.count, 0
            access._holds[hold.number] = hold


def _itself(reference: Reference) -> object:
    return reference


_AT_EXIT = 5  # after the finalizers of managers and proxies
_lines: dict[Place, Line] = {}
_making = threading.Lock()


def line_to(place: Place) -> Line:
    """The line of this process to a server.

    Raises:
        AuthenticationFailed, ConnectionRefusedByServer, InsecureAddress, OSError: As of `Client`.

    If a process dies: the server: as of `Line`.
    """
    with _making:
        line = _lines.get(place)
        if line is not None and line.pid != os.getpid():
            with contextlib.suppress(OSError):  # then a new one tells why
                line.here()
        if line is None or not line.is_usable:
            line = _lines[place] = Line(place)
        return line


def connected_to(place: Place) -> Place | None:
    """Where this process is connected to, if that is the same server, by whatever key."""
    for known in list(_lines):
        if replace(known, key=place.key) == place:
            return known
    return None


def forget(place: Place) -> None:
    """Close the line to a server, if there is one."""
    with _making:
        line = _lines.pop(place, None)
    if line is not None and line.pid == os.getpid():
        line.client.close()


def _close_all() -> None:
    for place in list(_lines):
        with contextlib.suppress(Exception):  # the process ends
            forget(place)


def _before_fork() -> None:
    for line in list(_lines.values()):
        line.about_to_fork()


def _in_parent() -> None:
    for line in list(_lines.values()):
        if line.is_usable:
            line.client._board.lend()


def _in_child() -> None:
    global _making
    _making = threading.Lock()
    for line in list(_lines.values()):
        line.in_child()


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
