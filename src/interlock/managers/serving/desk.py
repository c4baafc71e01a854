"""The object 0 of a server: where clients make, find, share, claim and release objects."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from interlock.errors import AccessDenied, LimitReached, NoSuchObject
from interlock.managers.auth import Peer, Permissions
from interlock.managers.objects import Exposed, Registry
from interlock.managers.references import TICKET_S, Objects, Reference, Shared
from interlock.managers.serving.fences import fenced
from interlock.managers.serving.session import Session

__all__ = ["Caller", "Desk", "caller", "desk_type"]

ADOPT_S = 10.0  # how long a child waits for what its parent says of it
LENT_MAX, LENT_A_CLIENT = 4_000_000, 1_000_000  # objects; a child counts for _CHILD more
FORK_BYTES = 16
_CHILD = 256


Unsure = tuple[Callable[[], object], Callable[[], object]]
"""What is called if a result never comes to the client, and if it has come."""


@dataclass(frozen=True)
class Caller:
    """Who calls, for a method that wants to know.

    Attributes:
        peer: The client's name, and how it is known.
        session: What it has; `Session.hold` lets something go when the client is gone.
        lane: Which of the client's threads or tasks it is; with the session, an owner's identity.
    """

    peer: Peer
    session: Session
    lane: int
    unsure: list[Unsure] = field(default_factory=list, repr=False, compare=False)

    def unless_known(
        self, undo: Callable[[], object], known: Callable[[], object] = lambda: None
    ) -> None:
        """Have something undone if the result of this call never comes to the client.

        That is, if the client's session ends before it has said that it has the answer, or if it
        says that it waits for it no more. A client that is killed in between may have had it: what
        was undone is then there twice, and never lost.

        Args:
            undo: Called in the server's loop then.
            known: Called there when the client has the answer.
        """
        self.unsure.append((undo, known))


_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("interlock_caller")


def caller() -> Caller:
    """Who calls the method that is running.

    Raises:
        LookupError: It was not called by a client.
    """
    return _caller.get()


class Desk:
    """What all clients may call.

    Args:
        registry: The types; making an object is a call of ``create TYPEID`` on the desk.
        objects: Where the objects are.
        permissions: Who may have which.
        clock: For the ends of tickets.
    """

    def __init__(
        self,
        registry: Registry,
        objects: Objects,
        permissions: Permissions | None,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._objects = objects
        self._permissions = permissions
        self._clock = clock
        self.named: dict[str, Shared] = {}
        self._lent: dict[bytes, tuple[float, dict[int, Shared], bytes]] = {}
        self._lent_by: Counter[bytes] = Counter()  # objects, by the session of the parent
        self._lent_in_all = 0
        self._awaited: dict[bytes, list[asyncio.Future[None]]] = {}

    def find(self, name: str) -> Reference:
        """The object that is served by that name.

        Raises:
            NoSuchObject: There is none.
            AccessDenied: The client may not use it.
        """
        shared = self.named.get(name)
        if shared is None:
            raise NoSuchObject(f"The server has no object of the name {name!r:.100}.")
        self._check_reachable(name, shared.exposed)
        return Reference.to(shared, self._objects.server)

    def release(self, counts: dict[int, int]) -> None:
        """Take back references, by the number of times that the client was given each."""
        for number, count in counts.items():
            caller().session.take_back(number, count)

    def share(self, number: int) -> bytes:
        """A ticket by which one other client gets an object of this one."""
        session = caller().session
        return self._objects.share(session.find(number), self._clock(), session.identity)

    def claim(self, ticket: bytes) -> Reference:
        """The object of a ticket.

        Raises:
            NoSuchObject: The ticket is used up, or has ended.
            AccessDenied: The client may not use it.
        """
        shared = self._objects.claim(ticket, self._clock())
        self._check_reachable(shared.exposed.typeid, shared.exposed)
        return Reference.to(shared, self._objects.server)

    def lend(self, fork: bytes) -> None:
        """Keep what the client has for a child that it has forked, which adopts it.

        Raises:
            ValueError: That is no name of a child.
            LimitReached: There are too many children that have not come.
        """
        session = caller().session
        shared = session.shared()
        theirs, count = self._lent_by[session.identity], len(shared) + _CHILD
        if len(fork) != FORK_BYTES or fork in self._lent:
            raise ValueError("a child has another name")
        if theirs + count > LENT_A_CLIENT or self._lent_in_all + count > LENT_MAX:
            raise LimitReached(f"The server keeps {theirs} objects for children of this client.")
        self._lent[fork] = (self._clock() + TICKET_S, shared, session.identity)
        self._count(session.identity, count)
        for waiter in self._awaited.pop(fork, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def adopt(self, fork: bytes, numbers: list[int]) -> list[Reference | None]:
        """Objects that the client's parent had when it forked; None for what it had not."""
        if fork not in self._lent:  # the parent's message is on its way
            waiter = asyncio.get_running_loop().create_future()
            waiters = self._awaited.setdefault(fork, [])
            waiters.append(waiter)
            try:
                await asyncio.wait([waiter], timeout=ADOPT_S)
            finally:
                waiters.remove(waiter)
                if not waiters:
                    self._awaited.pop(fork, None)
        lent = self._taken(fork)
        found: list[Reference | None] = []
        for number in numbers:
            shared = lent.get(number)
            found.append(None if shared is None else Reference.to(shared, self._objects.server))
        return found

    def expire(self, now_s: float) -> None:
        """Let go what children have not adopted in time."""
        for fork in [each for each, (end_s, *_) in self._lent.items() if now_s > end_s]:
            self._taken(fork)

    def _taken(self, fork: bytes) -> dict[int, Shared]:
        _, lent, parent = self._lent.pop(fork, (0.0, {}, b""))
        if parent:
            self._count(parent, -len(lent) - _CHILD)
        return lent

    def _count(self, parent: bytes, more: int) -> None:
        self._lent_in_all += more
        self._lent_by[parent] += more
        if not self._lent_by[parent]:
            del self._lent_by[parent]

    def under(self, number: int, lock: int, token: int) -> Reference:
        """A way to the object that ends when the lock is given to another.

        Raises:
            StaleToken: It was used under a higher token already.
        """
        caller().session.check_objects()
        shared = caller().session.find(number)
        way = self._objects.enter(fenced(shared, lock, token))
        return Reference.to(way, self._objects.server)

    def count(self) -> int:
        """How many objects there are."""
        return len(self._objects)

    def listing(self) -> list[tuple[int, str, int]]:
        """Of the objects that this client has: number, typeid, and how many holders there are."""
        return [
            (shared.id, shared.exposed.typeid, sys.getrefcount(shared) - 3)
            for shared in caller().session.shared().values()
        ]

    def _check_reachable(self, name: str, exposed: Exposed) -> None:
        """Who may call nothing of an object does not get it."""
        if self._permissions is None:
            return
        allowed = self._permissions.get(caller().peer.name, self._permissions.get("*", {}))
        if not {name, exposed.typeid, "*"} & set(allowed):
            raise AccessDenied(f"{caller().peer.name!r:.100} may not use {name!r:.100}.")


def desk_type() -> Exposed:
    """What of the desk clients may call."""
    names = ("find", "release", "share", "claim", "lend", "under", "count", "listing")
    return Registry().register("desk", cls=Desk, exposed=(*names, "adopt"), inline=names)
