"""What both clients make of values: references that come in are counted, and given back."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from interlock.errors import ServerGone
from interlock.managers.faults import unpack_fault
from interlock.managers.references import Reference, exchange
from interlock.managers.wire.bodies import Answer, Call
from interlock.managers.wire.values import Packed, pack, unpack
from interlock.serialize import Limits

__all__ = ["DESK", "Access", "Hold"]

DESK = 0  # the number of the object that each server has: its desk


class Hold:
    """What keeps an object of the server for this client, as long as a `Reference` has it.

    The server counts how often it gave a reference to this client, and so does this; when it goes,
    so many are given back. If another reference to the object is on its way meanwhile, the
    server's count stays above zero.
    """

    __slots__ = ("__weakref__", "access", "count", "number")

    def __init__(self, access: Access, number: int) -> None:
        self.access = access
        self.number = number
        self.count = 0

    def __del__(self) -> None:
        # The collector calls this anywhere, also in the middle of a locked part: so no lock.
        self.access.dropped.append((self.number, self.count))


class Access:
    """The values of one client's connection.

    Args:
        share: Makes a ticket for an object of another server connection.
        limits: What a value may contain.

    Attributes:
        dropped: Objects that nobody has here any more, and how often they were received.
        forks: Children that are to have what this process has; told before `dropped` is.
        server: The identity of the server, when it is known.
        present: What the program sees in the place of a reference; itself by default.
        pid: Of the process whose session it is.
    """

    def __init__(self, share: Callable[[Reference], bytes], limits: Limits | None) -> None:
        self.dropped: deque[tuple[int, int]] = deque()
        self.forks: deque[bytes] = deque()
        self.server = b""
        self.present: Callable[[Reference], object] = _as_it_is
        self.pid = os.getpid()
        self._share = share
        self._limits = limits
        self._holds: WeakValueDictionary[int, Hold] = WeakValueDictionary()
        self._lock = threading.Lock()

    def check_here(self) -> None:
        """Let pass the process whose session it is.

        Raises:
            ServerGone: This is another.
        """
        if os.getpid() != self.pid:
            raise ServerGone(
                f"This client was made by process {self.pid}, and this is another: a session is "
                "one process's. Make a client here."
            )

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Packed:
        """The arguments of a call.

        Raises:
            SerializationError: A part is neither plain nor registered; with the path to it.
        """
        with exchange(self):
            return pack((args, kwargs), self._limits)

    def call(self, target: int, method: str, packed: Packed) -> Call:
        """A call with these arguments."""
        data, buffers = packed
        return Call(target, method, data, len(buffers))

    def result(self, answer: Answer, buffers: Sequence[memoryview]) -> Any:
        """What a call returned.

        Raises:
            DecodeError: It is no value, or of a type that is not registered here.
            Exception: What the method raised.
        """
        if answer.failed:
            raise unpack_fault(answer.data, list(buffers))
        with exchange(self):
            return unpack(answer.data, buffers, self._limits)

    def take_dropped(self) -> dict[int, int]:
        """What is to be given back to the server."""
        counts: dict[int, int] = {}
        for _ in range(len(self.dropped)):
            number, count = self.dropped.popleft()
            counts[number] = counts.get(number, 0) + count
        return counts

    def check_held(self, reference: Reference) -> None:
        """Let pass what this client has.

        Raises:
            ValueError: Another client has it, perhaps of another server.
        """
        hold = reference.holder
        if not (isinstance(hold, Hold) and hold.access is self):
            raise ValueError(
                f"{reference!r} is another client's. Ask that one for a ticket (share), and claim "
                "it here."
            )

    def holds(self) -> list[Hold]:
        """Of all objects that anybody here has."""
        return list(self._holds.values())  # in a forked child nobody else is there

    # ---- as an Exchange --------------------------------------------------------------------------

    def sent(self, reference: Reference) -> bytes | None:
        """To its own server; what another client of it has goes with a ticket."""
        if reference.server != self.server:
            raise TypeError(
                f"{reference!r} belongs to another server than the one that it is sent to"
            )
        hold = reference.holder
        if isinstance(hold, Hold) and hold.access is self:
            return None
        if isinstance(hold, Hold):
            return hold.access._share(reference)
        raise TypeError(f"{reference!r} is not held by a client")

    def received(self, reference: Reference, ticket: bytes | None) -> object:
        """One more of that number."""
        if reference.server != self.server:
            raise ValueError("it is a reference to another server")
        with self._lock:
            hold = self._holds.get(reference.id)
            if hold is None:
                hold = self._holds[reference.id] = Hold(self, reference.id)
            hold.count += 1
        return hold


def _as_it_is(reference: Reference) -> object:
    return reference
