"""A connection to a server that has queues, dicts, lists and locks by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from multiprocessing import util
from typing import Any, NoReturn
from weakref import WeakKeyDictionary, WeakSet

from interlock.errors import KeysRefused
from interlock.managers.aio import AsyncClient
from interlock.managers.auth import Address
from interlock.managers.client import Client
from interlock.managers.named.address import address_of
from interlock.managers.named.dict import AsyncDict, Dict
from interlock.managers.named.list import AsyncList, List
from interlock.managers.named.lock import AsyncLock, Lock
from interlock.managers.named.queue import AsyncQueue, Queue
from interlock.managers.named.steps import Tickets
from interlock.managers.named.values import LIMITS
from interlock.managers.references import Reference
from interlock.managers.served.store import STORE
from interlock.managers.tls import Credentials

__all__ = ["AsyncConnection", "Connection", "connect"]

ABSENT_S = 30.0
"""How long a client waits by default for a server that was there and is not."""


@dataclass(frozen=True)
class _Terms:
    """With what both clients connect."""

    address: Address
    authkey: bytes | None
    ssl: Credentials | None
    hostname: str | None
    insecure: bool
    connect_s: float
    absent_s: float

    def options(self) -> dict[str, Any]:
        given = vars(self) | {"limits": LIMITS}
        del given["address"]
        return given


def connect(
    address: str,
    *,
    tls: str | os.PathLike[str] | None = None,
    name: str | None = None,
    authkey: bytes | None = None,
    hostname: str | None = None,
    insecure: bool = False,
    connect_timeout: float = 10.0,
    absent_timeout: float = ABSENT_S,
) -> Connection:
    """Connect to a server that `interlock serve` runs.

    Args:
        address: ``interlock://host:port``, or ``interlock+unix:///path``.
        tls: The directory with ``ca.pem``, ``crl.pem`` and the key of `name`, looked at for each
            connection; None for plain TCP, which is for this machine.
        name: Whose certificate is shown.
        authkey: The server's key, where it has one.
        hostname: What the server's certificate is to say; the host by default.
        insecure: Allows plain TCP to other machines.
        connect_timeout: Seconds for one attempt to connect.
        absent_timeout: Seconds that the server is waited for when it was there and is not; one
            with a journal goes on where it ended. Meanwhile calls wait.

    Raises:
        ValueError: The address is none.
        InsecureAddress: It is beyond this machine, without TLS.
        AuthenticationFailed: One of the two sides has not the key of the other.
        KeysNotFound, KeysExposed, KeysDamaged, KeysRefused: The directory is not what it should be.
        OSError: The server is not there.

    If a process dies: the server: calls wait for it, and are run once by the next one if it has
    its journal; `ServerGone` otherwise.
    """
    place = address_of(address)
    shown = None
    if tls is not None:
        if name is None:
            raise KeysRefused("With tls= give name=, whose certificate in it is to be shown.")
        shown = Credentials(tls, name)
    terms = _Terms(place, authkey, shown, hostname, insecure, connect_timeout, absent_timeout)
    return Connection(terms)


class Connection:
    """Queues, dicts, lists and locks of a server, by their names, for any number of threads.

    Each is made when it is first asked for. `connect` makes a connection.

    If a process dies: as `connect`.
    """

    def __init__(self, terms: _Terms) -> None:
        self._terms = terms
        self.client = Client(terms.address, **terms.options())
        self.tickets = Tickets(1)
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncConnection] = (
            WeakKeyDictionary()
        )
        try:
            self._store: Reference = self.client.find(STORE)
        except BaseException:
            self.client.close()
            raise
        _close_at_exit(self.client)

    def queue(
        self, name: str, *, maxsize: int | None = None, max_deliveries: int | None = None
    ) -> Queue:
        """The queue of that name.

        Args:
            name: Up to 200 printable characters.
            maxsize: How many messages it holds at the most; None for what it was made with, or no
                bound.
            max_deliveries: How often a message is delivered before it is a dead letter; None for
                what it was made with, or no bound.

        Raises:
            WrongKind: Something else has that name, or the queue was made with other options.
            AccessDenied: This client may not use it.
        """
        options = {"maxsize": maxsize, "max_deliveries": max_deliveries}
        opened = self._open("queue", name, options)
        return Queue(self, name, opened, lambda: self.aio.queue(name))

    def dict(self, name: str) -> Dict:
        """The dict of that name.

        Raises:
            WrongKind, AccessDenied: As `Connection.queue`.
        """
        opened = self._open("dict", name, {})
        return Dict(self, name, opened, lambda: self.aio.dict(name))

    def list(self, name: str) -> List:
        """The list of that name.

        Raises:
            WrongKind, AccessDenied: As `Connection.queue`.
        """
        opened = self._open("list", name, {})
        return List(self, name, opened, lambda: self.aio.list(name))

    def lock(self, name: str) -> Lock:
        """The lock of that name.

        Raises:
            WrongKind, AccessDenied: As `Connection.queue`.
        """
        opened = self._open("lock", name, {})
        return Lock(self, name, opened, lambda: self.aio.lock(name))

    def names(self) -> dict[str, str]:  # type: ignore[valid-type]
        """All names that this client may use, with what each is."""
        found: dict[str, str] = dict(self.client.call(self._store, "names"))
        return found

    def remove(self, name: str) -> bool:
        """Remove an object with all that is in it; whether there was one.

        Raises:
            AccessDenied: This client may not use it.
        """
        return bool(self.client.call(self._store, "remove", name))

    @property
    def aio(self) -> AsyncConnection:
        """The same for the running event loop: with a session, and so with locks, of its own."""
        loop = asyncio.get_running_loop()
        found = self._loops.get(loop)
        if found is None:
            found = self._loops[loop] = AsyncConnection(self._terms)
        return found

    def close(self) -> None:
        """Let go of all that this client has."""
        self.client.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a connection to a server is one process's; send its address, and connect")

    def _open(self, kind: str, name: str, options: Any) -> Reference:
        opened: Reference = self.client.call(self._store, "open", kind, name, options)
        return opened


_AT_EXIT = 5
_clients: WeakSet[Client] = WeakSet()
_closes_in = 0  # the process that will call _close_all


def _close_at_exit(client: Client) -> None:
    global _closes_in
    _clients.add(client)
    if _closes_in != os.getpid():
        _closes_in = os.getpid()
        util.Finalize(None, _close_all, exitpriority=_AT_EXIT)


def _close_all() -> None:
    """What a program has that ends is let go at once, not after the time of grace."""
    for client in list(_clients):
        with contextlib.suppress(Exception):  # the process ends
            client.close()
    _clients.clear()


class AsyncConnection:
    """`Connection` for the tasks of one event loop; it connects when it is first used.

    If a process dies: as `connect`.
    """

    def __init__(self, terms: _Terms) -> None:
        self._terms = terms
        self._lock = asyncio.Lock()
        self._there: tuple[AsyncClient, Reference] | None = None
        self.tickets = Tickets(1)

    def queue(
        self, name: str, *, maxsize: int | None = None, max_deliveries: int | None = None
    ) -> AsyncQueue:
        """As `Connection.queue`; opened when it is first used."""
        return AsyncQueue(self, name, {"maxsize": maxsize, "max_deliveries": max_deliveries})

    def dict(self, name: str) -> AsyncDict:
        """As `Connection.dict`; opened when it is first used."""
        return AsyncDict(self, name)

    def list(self, name: str) -> AsyncList:
        """As `Connection.list`; opened when it is first used."""
        return AsyncList(self, name)

    def lock(self, name: str) -> AsyncLock:
        """As `Connection.lock`; opened when it is first used."""
        return AsyncLock(self, name)

    async def opened(self, kind: str, name: str, options: Any) -> tuple[AsyncClient, Reference]:
        """As `AsyncHouse.opened`."""
        async with self._lock:
            if self._there is None:
                client = await AsyncClient.connect(self._terms.address, **self._terms.options())
                self._there = client, await client.find(STORE)
        client, store = self._there
        return client, await client.call(store, "open", kind, name, options)

    async def aclose(self) -> None:
        """Let go of all that it has."""
        there, self._there = self._there, None
        if there is not None:
            await there[0].aclose()

    async def __aenter__(self) -> AsyncConnection:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
