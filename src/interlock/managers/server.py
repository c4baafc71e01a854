"""An object server: listens, keeps the sessions, and lets them go after the time of grace."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import secrets
import socket
import stat
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from interlock.errors import InsecureAddress, LimitReached, ServerGone
from interlock.managers.auth import Address, Peer, Permissions, check_address
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Exposed, Registry
from interlock.managers.references import Objects, Shared
from interlock.managers.serving.desk import Desk, desk_type
from interlock.managers.serving.dispatch import Dispatcher
from interlock.managers.serving.gate import Gate, raise_descriptor_limit
from interlock.managers.serving.link import Link
from interlock.managers.serving.recorder import Recorder
from interlock.managers.serving.secured import Secured
from interlock.managers.serving.session import Session
from interlock.managers.tls import Security
from interlock.managers.wire.bodies import Hello, Welcome

__all__ = ["ObjectServer", "run"]

_TICKS = 4  # in the shortest of the times
_TICK_MIN_S = 0.01
_BACKLOG = 512
_DRAIN_LOOK_S = 0.01
_log = logging.getLogger(__name__)


class ObjectServer:
    """Objects for clients in other processes and on other machines.

    Args:
        registry: The types that clients may make and use; nothing else can be reached.
        authkey: What clients must have, and show to have; None where certificates or the owner
            of a Unix socket tell who they are.
        ssl: `Credentials`, whose files are looked at for each connection, and while it lasts; or a
            context of one's own, which says whether clients need a certificate.
        permissions: What each client may use; None for all that is registered.
        bounds: Limits.
        insecure: Takes plain TCP from other machines, and clients that nobody has asked who they
            are.
        hide_tracebacks: Whether errors go to clients without this server's stack.
        identity: Of this server, if it goes on where a killed one ended.
        recorder: Is told what such a one must know.

    If a process dies: a client's session ends after the time of grace, and all that it held is
    let go; a server's clients get `ServerGone`.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        authkey: bytes | None = None,
        ssl: Security | None = None,
        permissions: Permissions | None = None,
        bounds: Bounds | None = None,
        insecure: bool = False,
        hide_tracebacks: bool = False,
        identity: bytes | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.key = bytes(authkey) if authkey is not None else None
        self.tls = ssl is not None
        self.insecure = insecure
        self.identity = identity or secrets.token_bytes(16)
        self._gate = None if ssl is None else Gate(ssl)
        self._registry = registry
        self._objects = Objects(self.identity)
        self._desk = Desk(registry, self._objects, permissions, time.monotonic)
        self._dispatcher = Dispatcher(
            registry,
            self._objects,
            Shared(0, self._desk, desk_type()),
            permissions,
            self.bounds,
            hide_tracebacks=hide_tracebacks,
        )
        self._dispatcher.recorder = self._recorder = recorder
        self._links: set[Link] = set()
        self._strangers: dict[Link, None] = {}  # in the order in which they came
        self._sessions: dict[bytes, Session] = {}
        self._listeners: list[asyncio.Server] = []

    def serve(self, name: str, target: object, typeid: str) -> None:
        """Let clients find an object by a name.

        Args:
            name: By which they ask for it.
            target: The object, which lives as long as the server.
            typeid: What it is registered as.

        Raises:
            ValueError: The name is taken.
            NotExposed: Nothing is registered by that typeid.
        """
        if name in self._desk.named:
            raise ValueError(f"{name!r} is served already")
        shared = self._objects.add(target, self._registry.find(typeid))
        self._desk.named[name] = shared
        self._dispatcher.names[shared.id] = name

    def keep(
        self, number: int, name: str, target: object, exposed: Exposed, *, found: bool = False
    ) -> Shared:
        """Let an object be called by that number; it lives as long as what this returns.

        Args:
            number: Its number, also after a restart.
            name: For permissions.
            target: The object.
            exposed: What clients may do with it.
            found: Whether clients find it by its name.
        """
        shared = Shared(number, target, exposed)
        self._objects.restore(shared)
        self._dispatcher.names[number] = name
        if found:
            self._desk.named[name] = shared
        return shared

    def drop(self, number: int) -> None:
        """Undo `keep`, for all who have not been given it."""
        self._dispatcher.names.pop(number, None)

    def begin_at(self, number: int) -> None:
        """Give objects that are made numbers from there on."""
        self._objects.begin_at(number)

    def restore(self, session: Session) -> None:
        """Take up the session of a client that has the time of grace to come back."""
        session.away_since_s = time.monotonic()
        self._sessions[session.identity] = session

    async def drained(self, waiting: Callable[[], int]) -> None:
        """Take no more, and return when every call that has come is answered or waits for others.

        Args:
            waiting: How many calls wait for something that another call brings.
        """
        for listener in self._listeners:
            listener.close()
        for link in self._links:
            link.pause()
        while not self._dispatcher.is_idle or self._dispatcher.running > waiting():
            await asyncio.sleep(_DRAIN_LOOK_S)

    @contextlib.asynccontextmanager
    async def listening(self, *addresses: Address | socket.socket) -> AsyncIterator[list[Address]]:
        """Serve clients at these addresses, inside the block.

        Args:
            addresses: Paths of Unix sockets, and pairs of host and port; port 0 for a free one.
                Or sockets that are bound to one: those that come there without TLS from another
                machine are refused one by one, unless the server is insecure.

        Yields:
            The addresses, with the ports that were given.

        Raises:
            InsecureAddress: One is beyond this machine without TLS, or open to every user of this
                machine without a key or certificates.
            OSError: An address is taken.
        """
        for address in addresses:
            self._check(address)
        raise_descriptor_limit(self.bounds.connections)
        async with contextlib.AsyncExitStack() as stack:
            self._listeners = listeners = [
                await self._listen(address, stack) for address in addresses
            ]
            running = [asyncio.create_task(work) for work in (self._dispatcher.run(), self._tick())]
            try:
                yield [_bound(*each) for each in zip(listeners, addresses, strict=True)]
            finally:
                for listener in listeners:
                    listener.close()
                for task in running:
                    task.cancel()
                await asyncio.wait(running)
                await self._close()

    def statistics(self) -> dict[str, int]:
        """How many connections, sessions and objects there are."""
        return {
            "connections": len(self._links),
            "sessions": len(self._sessions),
            "objects": len(self._objects),
        }

    # ---- as links know it ------------------------------------------------------------------------

    def arrived(self, link: Link) -> None:
        """As `Hall.arrived`."""
        if len(self._links) >= self.bounds.connections:
            raise LimitReached(
                f"The server has {len(self._links)} connections, as many as it takes "
                "(Bounds.connections). Try again later."
            )
        self._links.add(link)
        self._strangers[link] = None
        if len(self._strangers) > self.bounds.strangers:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.cut(LimitReached("Others came, and it was a stranger."))

    def greet(self, link: Link, peer: Peer, hello: Hello) -> tuple[Session, Welcome]:
        """As `Hall.greet`."""
        received: list[int] = []
        if hello.session is None:
            self._make_room()
            session = Session(secrets.token_bytes(16), secrets.token_bytes(32), peer, self.bounds)
            self._sessions[session.identity] = session
            if self._recorder is not None:
                self._recorder.began(session)
        else:
            found = self._sessions.get(hello.session)
            if found is None:
                raise ServerGone(
                    "The server has no such session: it was started again, or the client was away "
                    f"for more than the {self.bounds.grace_s} s of grace."
                )
            session = found
            received = session.resume(hello, peer)
        if isinstance(session.line, Link):
            session.line.cut(ServerGone("The client came back by another connection."))
        session.line = link
        bounds = self.bounds
        welcome = Welcome(
            self.identity, session.identity, session.secret, hello.session is not None, received,
            bounds.heartbeat_s, bounds.grace_s, bounds.calls, bounds.call_bytes,
        )  # fmt: skip
        return session, welcome

    def when_kept(self, told: Callable[[], None]) -> None:
        """As `Hall.when_kept`."""
        if self._recorder is None:
            told()
        else:
            self._recorder.answer(told)

    def settled(self, link: Link, session: Session) -> None:
        """As `Hall.settled`."""
        self._strangers.pop(link, None)
        for number, encoded in session.answers_kept():
            link.answer(number, encoded)

    def woken(self, session: Session) -> None:
        """As `Hall.woken`."""
        self._dispatcher.come(session)

    def left(self, link: Link, *, for_good: bool) -> None:
        """As `Hall.left`."""
        self._links.discard(link)
        self._strangers.pop(link, None)
        session = link.session
        if session is not None and session.line is link:
            session.line = None
            session.away_since_s = time.monotonic()
            if for_good:
                self._end(session)

    # ---- its own ---------------------------------------------------------------------------------

    def _check(self, address: Address | socket.socket) -> None:
        if isinstance(address, socket.socket):
            if address.family == socket.AF_UNIX:
                return
            where = address.getsockname()[:2]  # who comes there is looked at one by one
        else:
            check_address(address, tls=self.tls, insecure=self.insecure)
            where = address
        asks = self.key is not None or (self._gate is not None and self._gate.asks_who)
        if isinstance(where, tuple) and not asks and not self.insecure:
            raise InsecureAddress(
                f"Anybody who reaches {where[0]}:{where[1]} could use the server. Give authkey=, "
                "or an ssl= context that requires certificates, or write insecure=True."
            )

    async def _listen(
        self, address: Address | socket.socket, stack: contextlib.AsyncExitStack
    ) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"backlog": _BACKLOG}

        def made() -> Link:
            return Link(self, time.monotonic)

        def secured() -> Link | Secured:
            return made() if self._gate is None else Secured(self._gate, made())

        if isinstance(address, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(address)
            stack.callback(_unlink, address)
            os.chmod(address, 0o600)  # before anybody can connect
            listener = await loop.create_unix_server(made, sock=sock, **options)
        else:
            if isinstance(address, socket.socket):
                if address.family != socket.AF_UNIX:
                    # Connections inherit it; asyncio sets it on those alone whose protocol is said.
                    address.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return await loop.create_server(secured, sock=address, **options)
            try:
                listener = await loop.create_server(secured, *address, **options)
            except socket.gaierror as error:  # it does not say of what
                raise OSError(error.errno, f"{address[0]!r}: {error.strerror}") from error
        return listener

    async def _tick(self) -> None:
        bounds = self.bounds
        shortest = min(bounds.heartbeat_s, bounds.grace_s, bounds.stall_s, bounds.handshake_s)
        while True:
            await asyncio.sleep(min(1.0, max(shortest / _TICKS, _TICK_MIN_S)))
            now_s = time.monotonic()
            for link in list(self._links):
                link.tick(now_s)
            for session in list(self._sessions.values()):
                if session.line is None and now_s - session.away_since_s > bounds.grace_s:
                    self._end(session)
            self._objects.expire(now_s)
            self._desk.expire(now_s)
            if self._gate is not None:
                self._gate.cut_refused(self._links)

    def _make_room(self) -> None:
        """For one more session: of the name with most of them away, the one away longest goes.

        Raises:
            LimitReached: All are connected.
        """
        if len(self._sessions) < self.bounds.sessions:
            return
        away = [session for session in self._sessions.values() if session.line is None]
        if not away:
            raise LimitReached(f"The server has {len(self._sessions)} clients (Bounds.sessions).")
        ((most, _),) = Counter(session.peer.name for session in away).most_common(1)
        theirs = [session for session in away if session.peer.name == most]
        self._end(min(theirs, key=lambda session: session.away_since_s))

    def _end(self, session: Session) -> None:
        self._sessions.pop(session.identity, None)
        for error in session.end():
            _log.error("what a client held could not be released", exc_info=error)
        if self._recorder is not None:
            self._recorder.ended(session)

    async def _close(self) -> None:
        # The next start goes on with the sessions that were recorded, and clients come back to it.
        for link in list(self._links):
            link.close(for_good=self._recorder is None)
        if self._recorder is None:
            for session in list(self._sessions.values()):
                self._end(session)
        await self._dispatcher.stop()
        for link in list(self._links):
            link.cut(ServerGone("The server ends."))


def _bound(listener: asyncio.Server, address: Address | socket.socket) -> Address:
    """Where it listens; a port of 0 has become another one."""
    if isinstance(address, str):
        return address
    host, port = listener.sockets[0].getsockname()[:2]
    return str(host), int(port)


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):  # another server's by now, or gone
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a server's coroutine to its end, in uvloop's loop if that is installed.

    Raises:
        Exception: What the coroutine raised.
    """
    loop_factory = None  # and no error that was handled, of which later ones would tell
    with contextlib.suppress(ModuleNotFoundError):
        loop_factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(work)
