"""What all objects have that a server has by name: a number, claims of clients, fences.

A claim is what a client has until it says otherwise or is gone: a lock, messages under a lease. The
client gives each a number of its own, its ticket, before it asks; so a call that is run again
after a restart finds what it was given, and one that was interrupted can be undone, whether it had
been run or not (`Claims.abandon`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from interlock.errors import BadArgument, NoSuchObject
from interlock.managers.served.ledger import Ledger
from interlock.managers.serving.desk import caller
from interlock.managers.serving.session import Session

__all__ = ["Claim", "Claims", "Fence", "House", "Item", "Thing", "removed"]

T = TypeVar("T")
Claim = tuple[bytes, int]
"""The session of a client, and its ticket."""

Fence = tuple[int, int]
"""The number of a lock, and the token with which it was given out."""

_ABANDONED_MAX = 10_000
_TICKET_MAX = (1 << 63) - 1


class House(Protocol):
    """The store, as an object in it knows it."""

    ledger: Ledger

    def charge(self, nbytes: int) -> None:
        """Take so much more memory, or give it back.

        Raises:
            LimitReached: There is no more; nothing was taken.
        """

    def next_number(self) -> int:
        """One that was never given before, and is above all of those."""

    def check_fence(self, fence: Fence) -> None:
        """Let pass who has the lock.

        Raises:
            StaleToken: It was given out again, or is free.
        """


class Item:
    """A row of the journal: an entry of a dict, an item of a list, a message of a queue.

    Attributes:
        place: Where it is in the order of the object.
        key: Of a dict's entry, as bytes.
        value: As the client encoded it.
        number: Of a dict's entry its version, of a message how often it was delivered.
        holder: The session that has it, if any.
        ticket: Of that.
    """

    __slots__ = ("holder", "key", "number", "place", "ticket", "value")

    def __init__(
        self,
        place: int,
        value: bytes,
        *,
        key: bytes | None = None,
        number: int = 0,
        holder: bytes | None = None,
        ticket: int = 0,
    ) -> None:
        self.place = place
        self.key = key
        self.value = value
        self.number = number
        self.holder = holder
        self.ticket = ticket


class Thing:
    """An object that a server has by name.

    Args:
        number: Its own, for ever.
        name: Its name.
        house: The store that it is in.
        options: With which it was made.
    """

    kind: ClassVar[str]

    def __init__(self, number: int, name: str, house: House, options: dict[str, Any]) -> None:
        self.number = number
        self.name = name
        self.options = options
        self._house = house
        self._ledger = house.ledger

    def load(self, items: list[Item], sessions: dict[bytes, Session]) -> None:
        """Take up what a journal has of it; sessions hold again what they held."""

    def waiting(self) -> int:
        """How many calls wait for others."""
        return 0

    def sizes(self) -> dict[str, int]:
        """What is to be counted of it, by name."""
        return {}

    def forget(self) -> None:
        """It is removed: give back what it takes."""

    def _fenced(self, fence: Fence | None) -> None:
        if fence is not None:
            self._house.check_fence(fence)


class Claims(Generic[T]):
    """What clients have of one object."""

    def __init__(self, thing: Thing, release: Callable[[Claim], object]) -> None:
        self._thing = thing
        self._release = release
        self._has: dict[Claim, T] = {}
        self._abandoned: dict[Claim, None] = {}

    @staticmethod
    def mine(ticket: int) -> Claim:
        """The claim of who calls.

        Raises:
            BadArgument: A journal could not have that number.
        """
        if not 0 <= ticket <= _TICKET_MAX:
            raise BadArgument(f"A ticket is from 0 to {_TICKET_MAX}; nothing was done.", "$.ticket")
        return (caller().session.identity, ticket)

    def find(self, claim: Claim) -> T | None:
        """What that claim has.

        Raises:
            asyncio.CancelledError: The client does not want it any more.
        """
        if claim in self._abandoned:
            del self._abandoned[claim]
            raise asyncio.CancelledError
        return self._has.get(claim)

    def enter(self, claim: Claim, what: T, session: Session | None = None) -> None:
        """The client has that from now on, until it is gone."""
        self._has[claim] = what
        held = session or caller().session
        held.hold((self._thing.number, claim), lambda: self._release(claim))

    def end(self, claim: Claim) -> T | None:
        """The claim is over; what it had."""
        what = self._has.pop(claim, None)
        if what is not None and caller_session() is not None:
            caller().session.drop((self._thing.number, claim))
        return what

    def abandon(self, ticket: int) -> None:
        """The call with that ticket was interrupted: undo it, or do not begin it."""
        claim = self.mine(ticket)
        if claim in self._has:
            self._release(claim)
            return
        self._abandoned[claim] = None
        if len(self._abandoned) > _ABANDONED_MAX:
            del self._abandoned[next(iter(self._abandoned))]


def removed(name: str) -> NoSuchObject:
    """What who uses an object is told when another has removed it."""
    return NoSuchObject(f"{name!r} was removed from the server. Open it again.")


def caller_session() -> Session | None:
    """Who calls; None where a session ends by itself."""
    try:
        return caller().session
    except LookupError:
        return None
