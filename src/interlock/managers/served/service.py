"""A server of objects by name: assembles the object server, the store and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.managers.auth import Address, Permissions
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Registry
from interlock.managers.served.journal import Journal
from interlock.managers.served.ledger import Nowhere
from interlock.managers.served.store import EPOCH_BITS, STORE, Store
from interlock.managers.server import ObjectServer
from interlock.managers.tls import Security

__all__ = ["Service", "Terms"]

DRAIN_S = 10.0
_BYTES_MAX = 4 << 30
_THINGS_MAX = 100_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a service gives to whom.

    Attributes:
        journal: The path of its file; None to keep nothing.
        authkey, ssl, permissions, bounds, insecure, hide_tracebacks: As of `ObjectServer`.
        registry: More types that clients may make.
        bytes_max: For all that is in named objects.
        things_max: How many of them there may be.
    """

    journal: str | None = None
    authkey: bytes | None = field(default=None, repr=False)
    ssl: Security | None = None
    permissions: Permissions | None = None
    bounds: Bounds | None = None
    insecure: bool = False
    hide_tracebacks: bool = False
    registry: Registry | None = None
    bytes_max: int = _BYTES_MAX
    things_max: int = _THINGS_MAX


class Service:
    """A server with queues, dicts, lists and locks by name.

    Made in the server's loop.

    Attributes:
        hurry: When it is set, the end does not wait for calls that run.

    Raises:
        JournalInUse, JournalDamaged, JournalFailed, OSError: As `Journal`.

    If a process dies: as `ObjectServer`; with a journal, the next one goes on where it ended.
    """

    def __init__(self, terms: Terms) -> None:
        self.hurry = asyncio.Event()
        self.journal = None if terms.journal is None else Journal(terms.journal)
        permissions = _with_store(terms.permissions)
        bounds = terms.bounds or Bounds()
        large = replace(bounds.values, max_string=bounds.values.max_bytes)  # a value is one string
        self.server = ObjectServer(
            terms.registry or Registry(),
            authkey=terms.authkey,
            ssl=terms.ssl,
            permissions=permissions,
            bounds=replace(bounds, values=large),
            insecure=terms.insecure,
            hide_tracebacks=terms.hide_tracebacks,
            identity=self.journal.identity if self.journal else None,
            recorder=self.journal,
        )
        epoch = self.journal.epoch if self.journal else 1
        self.server.begin_at(epoch << EPOCH_BITS)
        self.store = Store(
            self.server,
            self.journal or Nowhere(),
            terms.permissions,
            bytes_max=terms.bytes_max,
            things_max=terms.things_max,
            epoch=epoch,
        )
        if self.journal is not None:
            sessions = self.journal.sessions(self.server.bounds)
            for session in sessions.values():
                self.server.restore(session)
            things = self.journal.things()
            self.store.load(things, self.journal.items_of, sessions, self.journal.tokens)

    @contextlib.asynccontextmanager
    async def listening(self, *addresses: Address) -> AsyncIterator[list[Address]]:
        """Serve at these addresses inside the block; then answer what has come, and end.

        Yields:
            The addresses, with the ports that were given.

        Raises:
            InsecureAddress, OSError: As `ObjectServer.listening`.
        """
        if self.journal is not None:
            self.journal.start()
        try:
            async with self.server.listening(*addresses) as bound:
                yield bound
                await self._drain()
        finally:
            if self.journal is not None:
                await self.journal.stop()

    async def until(self, stop: asyncio.Event) -> None:
        """Return when that is set.

        Raises:
            JournalFailed: The journal cannot be written, and the server must end.
        """
        stopped = asyncio.ensure_future(stop.wait())
        failed = [] if self.journal is None else [self.journal.failed]
        waited: list[Any] = [stopped, *failed]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        for each in failed:
            if each is not None and each.done():
                each.result()

    async def _drain(self) -> None:
        began_s = asyncio.get_running_loop().time()
        drained = asyncio.ensure_future(self._drained())
        hurried = asyncio.ensure_future(self.hurry.wait())
        try:
            await asyncio.wait(
                [drained, hurried], timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED
            )
            if drained.done():
                drained.result()
                return
        finally:
            drained.cancel()
            hurried.cancel()
        took_s = asyncio.get_running_loop().time() - began_s
        _log.warning("calls still ran after %.1f s, and were cancelled", took_s)

    async def _drained(self) -> None:
        await self.server.drained(self.store.waiting)
        if self.journal is not None:
            await self.journal.settled()


def _with_store(permissions: Permissions | None) -> Permissions | None:
    """Who may use anything may ask for it."""
    if permissions is None:
        return None
    return {
        peer: {**allowed, STORE: ("open", "remove", "names")}
        for peer, allowed in permissions.items()
    }
