"""Objects of a server, for as long as anybody has them, and the references that travel.

An object lives exactly as long as it has a holder. Holders are ordinary Python references to its
`Shared`, so that the interpreter's own counting, and its collector for cycles, do the work:

- a session, for each reference that its client was given and has not given back;
- a `Reference` in an object of the server: a managed list with a managed dict in it;
- a ticket (`Objects.share`), between the moment when a client passes a reference on by other ways
  and the moment when another client claims it. A ticket is used once, and has an end.

A `Reference` is a registered value ("interlock.Reference"). What it means to send or receive one
depends on the connection, which says so by `exchange` while a value is encoded or decoded.

A client cannot make up a reference: the server takes one from it only for what the client's own
session holds, or with a ticket, which cannot be guessed.
"""

from __future__ import annotations

import contextvars
import itertools
import reprlib
import secrets
import weakref
from collections import Counter
from collections.abc import Hashable
from typing import Any, Protocol

from interlock.errors import LimitReached, NoSuchObject
from interlock.managers.objects import Exposed
from interlock.serialize import register

__all__ = [
    "REFERENCE", "TICKET_S", "Exchange", "Objects", "Reference", "Shared", "encode_reference",
    "exchange",
]  # fmt: skip

REFERENCE = "interlock.Reference"
TICKET_S = 60.0
"""How long a ticket holds its object; a process that is started with one has that long."""

_TICKETS_MAX, _TICKETS_A_CLIENT = 100_000, 10_000


class Shared:
    """An object of the server.

    Attributes:
        id: Never used again by the same server.
        target: The object itself.
        exposed: What clients may do with it.
        fences: The highest token that came for it, of each lock.
    """

    __slots__ = ("__weakref__", "exposed", "fences", "id", "target")

    def __init__(self, number: int, target: object, exposed: Exposed) -> None:
        self.id = number
        self.target = target
        self.exposed = exposed
        self.fences: dict[int, int] = {}


class Objects:
    """All objects of a server that have a holder.

    Args:
        server: The identity of this start of the server; references of another one are not ours.
    """

    def __init__(self, server: bytes) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._present: weakref.WeakValueDictionary[int, Shared] = weakref.WeakValueDictionary()
        # By the address of the target, which its `Shared` keeps from being used again.
        self._of_targets: weakref.WeakValueDictionary[tuple[int, str], Shared] = (
            weakref.WeakValueDictionary()
        )
        self._tickets: dict[bytes, tuple[float, Shared, Hashable]] = {}
        self._of_clients: Counter[Hashable] = Counter()  # tickets that nobody has claimed

    def __len__(self) -> int:
        return len(self._present)

    def add(self, target: object, exposed: Exposed) -> Shared:
        """Take up an object, once for all who get it; it is gone with its last holder."""
        key = (id(target), exposed.typeid)
        shared = self._of_targets.get(key)
        if shared is None:
            shared = self._of_targets[key] = self.enter(Shared(0, target, exposed))
        return shared

    def enter(self, shared: Shared) -> Shared:
        """Take up another way to an object."""
        shared.id = next(self._numbers)
        self._present[shared.id] = shared
        return shared

    def share(self, shared: Shared, now_s: float, client: Hashable = None) -> bytes:
        """A ticket for the object.

        Args:
            shared: The object.
            now_s: Its time begins.
            client: Whose it is; each may have so many.

        Raises:
            LimitReached: There are too many that nobody has claimed.
        """
        theirs = self._of_clients[client]
        if theirs >= _TICKETS_A_CLIENT or len(self._tickets) >= _TICKETS_MAX:
            raise LimitReached(
                f"The server keeps {theirs} objects for those to whom this client has passed them "
                f"on; each ticket ends after {TICKET_S:.0f} s. Have some claimed, or wait."
            )
        ticket = secrets.token_bytes(16)
        self._tickets[ticket] = (now_s + TICKET_S, shared, client)
        self._of_clients[client] += 1
        return ticket

    def claim(self, ticket: bytes, now_s: float) -> Shared:
        """The object of a ticket, which is used up.

        Raises:
            NoSuchObject: It was used, has ended, or never was one.
        """
        if ticket in self._tickets:
            end_s, shared, _ = self._tickets[ticket]
            self._spend(ticket)
            if now_s <= end_s:
                return shared
        raise NoSuchObject(
            "A reference was passed on, and its ticket is used up or has ended "
            f"({TICKET_S:.0f} s). Pass it on again, from a process that still has it."
        )

    def expire(self, now_s: float) -> None:
        """Let go what nobody has claimed in time."""
        for ticket in [each for each, (end_s, *_) in self._tickets.items() if now_s > end_s]:
            self._spend(ticket)

    def _spend(self, ticket: bytes) -> None:
        client = self._tickets.pop(ticket)[2]
        self._of_clients[client] -= 1
        if not self._of_clients[client]:
            del self._of_clients[client]

    def begin_at(self, number: int) -> None:
        """Give new objects numbers from there on; those below are of an earlier start."""
        self._numbers = itertools.count(number)

    def restore(self, shared: Shared) -> None:
        """Take up an object that has its number already; who calls this keeps it."""
        self._present[shared.id] = shared


class Exchange(Protocol):
    """What a connection makes of references, while a value passes through it."""

    def sent(self, reference: Reference) -> bytes | None:
        """Note that it goes out; the ticket that the other side needs, if it needs one."""

    def received(self, reference: Reference, ticket: bytes | None) -> object:
        """The holder of what has come in.

        Raises:
            NoSuchObject: It is not there, or not the other side's.
        """

    def present(self, reference: Reference) -> object:
        """What the program sees in its place."""


_current: contextvars.ContextVar[Exchange | None] = contextvars.ContextVar(
    "interlock_exchange", default=None
)


class exchange:
    """Encode and decode references as that connection does, in this thread and block."""

    __slots__ = ("_token", "_with")

    def __init__(self, current: Exchange) -> None:
        self._with = current

    def __enter__(self) -> None:
        self._token = _current.set(self._with)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


class Reference:
    """What stands for an object of a server, wherever it is.

    Attributes:
        server: The identity of that server's start.
        id: The object's number there.
        typeid: What it is registered as.
        methods: The names that it has for clients.
        holder: What keeps the object alive as long as this is: in the server its `Shared`.
    """

    __slots__ = ("__weakref__", "holder", "id", "methods", "server", "typeid")

    def __init__(
        self, server: bytes, number: int, typeid: str, methods: tuple[str, ...], holder: object
    ) -> None:
        self.server = server
        self.id = number
        self.typeid = typeid
        self.methods = methods
        self.holder = holder

    @classmethod
    def to(cls, shared: Shared, server: bytes) -> Reference:
        """A reference to an object of this process's server, which holds it."""
        methods = tuple(sorted(shared.exposed.methods))
        return cls(server, shared.id, shared.exposed.typeid, methods, shared)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            return NotImplemented
        return (self.server, self.id) == (other.server, other.id)

    def __hash__(self) -> int:
        return hash((self.server, self.id))

    def __repr__(self) -> str:
        if isinstance(self.holder, Shared):  # in the server, where a container shows its items
            return _shown(self.holder)
        return f"<Reference to {self.typeid} {self.id} of server {self.server.hex()[:8]}>"


@reprlib.recursive_repr()
def _shown(shared: Shared) -> str:
    return repr(shared.target)


def encode_reference(reference: Reference) -> Any:
    """What stands for it in a message.

    Raises:
        TypeError: It goes by none of the connections that know it.
    """
    current = _current.get()
    if current is None:
        raise TypeError(
            "a reference travels through a manager's connection; to pass it on by other ways, ask "
            "its client for a ticket"
        )
    ticket = current.sent(reference)
    return (reference.server, reference.id, reference.typeid, reference.methods, ticket)


def _decode(state: Any) -> Any:
    current = _current.get()
    if current is None or type(state) is not tuple or len(state) != 5:
        raise ValueError("a reference comes through a manager's connection only")
    server, number, typeid, methods, ticket = state
    if (
        [type(server), type(number), type(typeid), type(methods)] != [bytes, int, str, tuple]
        or not all(type(name) is str for name in methods)
        or type(ticket) not in (bytes, type(None))
    ):
        raise ValueError("its state is another than that of a reference")
    reference = Reference(server, number, typeid, methods, None)
    reference.holder = current.received(reference, ticket)
    return current.present(reference)


register(Reference, encode=encode_reference, decode=_decode, name=REFERENCE)
