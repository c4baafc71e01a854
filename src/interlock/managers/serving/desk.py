"""The object 0 of a server: where clients make, find, share, claim and release objects."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass

from interlock.errors import AccessDenied, NoSuchObject
from interlock.managers.auth import Peer, Permissions
from interlock.managers.objects import Exposed, Registry
from interlock.managers.references import Objects, Reference, Shared
from interlock.managers.serving.session import Session

__all__ = ["Caller", "Desk", "caller", "desk_type"]


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
        return self._objects.share(caller().session.find(number), self._clock())

    def claim(self, ticket: bytes) -> Reference:
        """The object of a ticket.

        Raises:
            NoSuchObject: The ticket is used up, or has ended.
            AccessDenied: The client may not use it.
        """
        shared = self._objects.claim(ticket, self._clock())
        self._check_reachable(shared.exposed.typeid, shared.exposed)
        return Reference.to(shared, self._objects.server)

    def _check_reachable(self, name: str, exposed: Exposed) -> None:
        """Who may call nothing of an object does not get it."""
        if self._permissions is None:
            return
        allowed = self._permissions.get(caller().peer.name, self._permissions.get("*", {}))
        if not {name, exposed.typeid, "*"} & set(allowed):
            raise AccessDenied(f"{caller().peer.name!r:.100} may not use {name!r:.100}.")


def desk_type() -> Exposed:
    """What of the desk clients may call."""
    return Registry().register(
        "desk", cls=Desk, exposed=("find", "release", "share", "claim"), inline=True
    )
