"""All objects that a server has by name: made when they are first asked for, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from interlock.errors import (
    AccessDenied,
    BadArgument,
    LimitReached,
    StaleToken,
    WrongKind,
)
from interlock.managers.auth import Permissions, check_permitted
from interlock.managers.objects import Exposed
from interlock.managers.references import Reference, Shared
from interlock.managers.served.dict import ServedDict
from interlock.managers.served.ledger import (
    DROP_THING,
    MAKE_THING,
    NO_ITEMS,
    SET_ITEM,
    SET_TOKENS,
    Ledger,
    Nowhere,
)
from interlock.managers.served.list import ServedList
from interlock.managers.served.lock import ServedLock
from interlock.managers.served.queue import ServedQueue
from interlock.managers.served.thing import Fence, Item, Thing, removed
from interlock.managers.served.types import exposed_as
from interlock.managers.serving.desk import caller
from interlock.managers.serving.session import Session

__all__ = ["EPOCH_BITS", "STORE", "Store"]

STORE = "interlock.store"
"""By which clients find the store."""

EPOCH_BITS = 40
"""Each start of a server gives out numbers of its own, so many in all."""

_KINDS: dict[str, type[Thing]] = {
    each.kind: each for each in (ServedDict, ServedList, ServedLock, ServedQueue)
}
_OPTIONS = {"queue": {"maxsize", "max_deliveries"}}
_NAME_MAX = 200


class Keeper(Protocol):
    """The server, as the store knows it."""

    identity: bytes

    def keep(
        self, number: int, name: str, target: object, exposed: Exposed, *, found: bool = False
    ) -> Shared:
        """Let an object be called by that number."""

    def drop(self, number: int) -> None:
        """Undo it."""


class _Removed(Nowhere):
    """The house and the ledger of what was removed: nothing can be put into it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.ledger: Ledger = self

    def enter(self, statement: str, values: tuple[Any, ...], *, repeatable: bool = False) -> None:
        if statement == SET_ITEM:
            raise removed(self._name)

    def charge(self, nbytes: int) -> None:
        """As `House.charge`; what it took was given back when it was removed."""
        if nbytes > 0:
            raise removed(self._name)

    def next_number(self) -> int:
        """As `House.next_number`."""
        raise removed(self._name)

    def check_fence(self, fence: Fence) -> None:
        """As `House.check_fence`."""
        raise removed(self._name)


class Store:
    """The objects of one server, and what they may take of its memory.

    Args:
        server: That calls them for clients.
        ledger: Where their changes are entered.
        permissions: Who may open which; None for all.
        bytes_max: For all values.
        things_max: For all objects.
        epoch: A number of this start, above those of all earlier ones.

    Attributes:
        shared: All of them by their numbers, and this.
    """

    def __init__(
        self,
        server: Keeper,
        ledger: Ledger,
        permissions: Permissions | None,
        *,
        bytes_max: int,
        things_max: int,
        epoch: int,
    ) -> None:
        self.ledger = ledger
        self._server = server
        self._permissions = permissions
        self._bytes_max = bytes_max
        self._things_max = things_max
        self._bytes = 0
        self._last = epoch << EPOCH_BITS
        self._next_thing = 2
        self._tokens = 0
        self._types = {kind: exposed_as(kind, cls) for kind, cls in _KINDS.items()}
        self._things: dict[int, Thing] = {}
        self._names: dict[str, Thing] = {}
        self.shared: dict[int, Shared] = {
            1: server.keep(1, STORE, self, exposed_as("store", Store), found=True)
        }

    # ---- for clients -----------------------------------------------------------------------------

    def open(self, kind: str, name: str, options: dict[str, Any]) -> Reference:
        """The object of that name, which is made if there is none.

        Raises:
            WrongKind: It is another kind of object, or has other options.
            AccessDenied: The client may not use it.
            LimitReached: There are too many.
            BadArgument: There is no such kind, name or option.
        """
        self._check_permitted(kind, name)
        thing = self._names.get(name)
        if thing is None:
            thing = self._made(kind, name, options)
        elif thing.kind != kind:
            raise WrongKind(f"{name!r} is a {thing.kind} of the server, not a {kind}.")
        for option, value in options.items():
            if value is not None and value != (thing.options.get(option) or 0):
                raise WrongKind(
                    f"The {kind} {name!r} has {option}={thing.options.get(option)}, not {value}; "
                    "who opened it first has said so. Leave it out, or give the same."
                )
        return Reference.to(self.shared[thing.number], self._server.identity)

    def remove(self, name: str) -> bool:
        """Remove an object, with all that is in it; whether there was one.

        Raises:
            AccessDenied: The client may not remove it.
        """
        thing = self._names.get(name)
        if thing is None:
            return False
        names = (thing.kind, name)
        check_permitted(self._permissions, caller().peer.name, names, "remove")
        if isinstance(thing, ServedQueue):
            thing.shutdown(True)
        if isinstance(thing, ServedLock):  # the next one of that name goes on from there
            self._tokens = max(self._tokens, thing.token)
            self.ledger.enter(SET_TOKENS, (self._tokens,))
        thing.forget()
        del self._names[name], self._things[thing.number], self.shared[thing.number]
        self._server.drop(thing.number)
        thing._house = thing._ledger = _Removed(name)
        self.ledger.enter(NO_ITEMS, (thing.number,))
        self.ledger.enter(DROP_THING, (thing.number,))
        return True

    def names(self) -> list[tuple[str, str]]:
        """All names, with the kinds, that the client may use."""
        return [
            (name, thing.kind)
            for name, thing in self._names.items()
            if self._may_use(thing.kind, name)
        ]

    # ---- for what is in it -----------------------------------------------------------------------

    def charge(self, nbytes: int) -> None:
        """As `House.charge`."""
        if nbytes > 0 and self._bytes + nbytes > self._bytes_max:
            raise LimitReached(
                f"The server's objects take {self._bytes} of the {self._bytes_max} bytes that they "
                f"may, and {nbytes} more do not fit; nothing was stored."
            )
        self._bytes += nbytes

    def next_number(self) -> int:
        """As `House.next_number`."""
        self._last += 1
        return self._last

    def check_fence(self, fence: Fence) -> None:
        """As `House.check_fence`."""
        number, token = fence
        lock = self._things.get(number)
        if not isinstance(lock, ServedLock):
            raise StaleToken(f"The server has no lock {number}; nothing was changed.")
        lock.check(token)

    # ---- for the server --------------------------------------------------------------------------

    def load(
        self,
        things: list[tuple[int, str, str, str, Item]],
        items_of: Callable[[int], list[Item]],
        sessions: dict[bytes, Session],
        tokens: int,
    ) -> None:
        """Take up what a journal has.

        Args:
            things: Number, kind, name, options and state of each.
            items_of: What is in the one of that number, in order.
            sessions: Those that may come back.
            tokens: The highest of a lock that was removed.
        """
        self._tokens = tokens
        bound, self._bytes_max = self._bytes_max, 1 << 62  # what was taken is not refused now
        for number, kind, name, options, state in things:
            thing = self._entered(number, kind, name, json.loads(options))
            thing.load([state] if kind == "lock" else items_of(number), sessions)
        self._bytes_max = bound
        for session in sessions.values():
            session.restored(self.shared)

    def waiting(self) -> int:
        """How many calls wait for others."""
        return sum(thing.waiting() for thing in self._things.values())

    @property
    def nbytes(self) -> int:
        """What all values take."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._names)

    def sizes(self) -> Iterator[tuple[str, str, dict[str, int]]]:
        """Of each object its kind, its name, and what is to be counted of it."""
        return ((thing.kind, name, thing.sizes()) for name, thing in self._names.items())

    # ---- its own ---------------------------------------------------------------------------------

    def _made(self, kind: str, name: str, options: dict[str, Any]) -> Thing:
        if kind not in _KINDS or not name or len(name) > _NAME_MAX or not name.isprintable():
            raise BadArgument(
                f"{kind!r:.50} of the name {name!r:.300}: there are dict, list, lock and queue, "
                f"and a name has 1 to {_NAME_MAX} printable characters; nothing was made.",
                "$.name",
            )
        known = {key: value for key, value in options.items() if value is not None}
        if not known.keys() <= _OPTIONS.get(kind, set()) or not all(
            type(value) is int and 0 <= value < 1 << 40 for value in known.values()
        ):
            raise BadArgument(f"A {kind} has no such options: {options!r:.200}.", "$.options")
        if len(self._things) >= self._things_max:
            raise LimitReached(
                f"The server has {len(self._things)} objects by name, as many as it may; "
                f"{name!r} was not made. Remove some."
            )
        number, self._next_thing = self._next_thing, self._next_thing + 1
        self.ledger.enter(MAKE_THING, (number, kind, name, json.dumps(known)))
        thing = self._entered(number, kind, name, known)
        if isinstance(thing, ServedLock) and self._tokens:
            thing.begin_at(self._tokens)
        return thing

    def _entered(self, number: int, kind: str, name: str, options: dict[str, Any]) -> Thing:
        thing = _KINDS[kind](number, name, self, options)
        self._things[number] = self._names[name] = thing
        self._next_thing = max(self._next_thing, number + 1)
        self.shared[number] = self._server.keep(number, name, thing, self._types[kind])
        return thing

    def _may_use(self, kind: str, name: str) -> bool:
        if self._permissions is None:
            return True
        allowed = self._permissions.get(caller().peer.name, self._permissions.get("*", {}))
        return bool({kind, name, "*"} & set(allowed))

    def _check_permitted(self, kind: str, name: str) -> None:
        if not self._may_use(kind, name):
            raise AccessDenied(f"{caller().peer.name!r:.100} may not use {name!r:.100}.")
