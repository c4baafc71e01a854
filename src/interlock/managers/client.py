"""A client for threads: each call waits for its answer in the thread that made it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from interlock.managers.auth import Address, check_address
from interlock.managers.calling.access import DESK, Access
from interlock.managers.calling.greeting import Way
from interlock.managers.calling.pipeline import Collected, Later
from interlock.managers.calling.switchboard import Switchboard
from interlock.managers.references import Reference
from interlock.managers.tls import Security
from interlock.managers.wire.bodies import Answer, Call
from interlock.managers.wire.client_state import Pending
from interlock.serialize import Limits

__all__ = ["Client", "Pipeline"]

_TOLD = 1  # the lane of calls that nobody waits for


class Pipeline:
    """An open pipeline of one thread."""

    def __init__(
        self,
        begin: Callable[[int, list[Call], list[memoryview], object], Pending],
        wait: Callable[[Pending], None],
        result: Callable[[Answer, Sequence[memoryview]], Any],
    ) -> None:
        self._begin, self._wait_for = begin, wait
        self._lane = threading.get_ident()
        self._sent: list[tuple[Pending, list[Later]]] = []
        self.collected = Collected(self.flush, self.finish, result)

    def flush(self) -> None:
        """Send what was gathered, without waiting for it."""
        for frame in self.collected.take():
            pending = self._begin(self._lane, frame.calls, frame.buffers, frame.kept)
            self._sent.append((pending, frame.laters))

    def finish(self) -> None:
        """Send what was gathered, and wait for all results.

        If a process dies: as `Client`.
        """
        self.flush()
        sent, self._sent = self._sent, []
        for pending, laters in sent:
            self._wait_for(pending)
            self.collected.settle(pending, laters)


class Client:
    """A connection to an object server, for any number of threads.

    Args:
        address: The path of a Unix socket, or host and port.
        authkey: The key of the server, which has to show that it has it too.
        ssl: `Credentials`, whose files are looked at for each connection, or a client's context.
        hostname: What the server's certificate is to say; the host by default.
        insecure: Allows plain TCP to other machines.
        limits: What one value may contain.
        connect_s: For one attempt to connect, with the handshake.
        absent_s: How long a server that nobody finds is waited for, when it was there before;
            None for its heartbeat time.

    Raises:
        InsecureAddress: The address is beyond this machine, without TLS.
        AuthenticationFailed: One of the two sides has not the key of the other.
        ConnectionRefusedByServer: There is no common version, or the server takes nobody.
        OSError: The server is not there.

    If a process dies: the server: `ServerGone` in each thread that waits, within the heartbeat
    time if its machine lives, and otherwise within that and the time of grace.
    """

    def __init__(
        self,
        address: Address,
        *,
        authkey: bytes | None = None,
        ssl: Security | None = None,
        hostname: str | None = None,
        insecure: bool = False,
        limits: Limits | None = None,
        connect_s: float = 10.0,
        absent_s: float | None = None,
    ) -> None:
        check_address(address, tls=ssl is not None, insecure=insecure)
        key = bytes(authkey) if authkey is not None else None
        self._collecting = threading.local()
        self._access = Access(self.share, limits)
        self._board = Switchboard(
            Way(address, key, ssl, hostname, connect_s, absent_s), self._access
        )

    def call(self, target: Reference | int, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of an object.

        Args:
            target: The object; 0 for the server's desk.
            method: One of those that were registered.
            args, kwargs: Plain values, objects of registered types, and references.

        Returns:
            Its result. Within `pipeline`, what will have the result.

        Raises:
            SerializationError: An argument cannot travel; nothing was sent.
            ServerGone: The server ended, or forgot this client.
            Exception: What the method raised, of the same type, with the server's traceback.

        If a process dies: as `Client`.
        """
        number = target if isinstance(target, int) else self._number(target)
        packed = self._access.arguments(args, kwargs)
        made = self._access.call(number, method, packed)
        kept = (target, args, kwargs)
        collected: Collected | None = getattr(self._collecting, "now", None)
        if collected is not None:
            return collected.add(made, packed[1], kept)
        pending = self._board.begin(threading.get_ident(), [made], packed[1], kept)
        self._board.wait_settled(pending)
        return Collected.results_of(pending, self._access.result)[0]()

    def create(self, typeid: str, /, *args: Any, **kwargs: Any) -> Any:
        """Make an object on the server; the reference to it.

        Raises:
            NotExposed: Nothing is registered as that, or clients may not make any.
            Exception: As `Client.call`.
        """
        return self.call(DESK, f"create {typeid}", *args, **kwargs)

    def find(self, name: str) -> Any:
        """The reference to an object that the server has by a name.

        Raises:
            NoSuchObject: It has none.
            Exception: As `Client.call`.
        """
        return self.call(DESK, "find", name)

    def tell(self, target: Reference, method: str, /, *args: Any) -> None:
        """Call a method whose result nobody wants, without waiting for it.

        Raises:
            ServerGone: The server ended, or forgot this client.
        """
        packed = self._access.arguments(args, {})
        made = self._access.call(self._number(target), method, packed)
        self._board.begin(_TOLD, [made], packed[1], (target, args))

    def share(self, reference: Reference) -> bytes:
        """A ticket with which one other client gets the object, within a minute.

        Raises:
            Exception: As `Client.call`.
        """
        ticket: bytes = self._outside("share", self._number(reference))
        return ticket

    def claim(self, ticket: bytes) -> Reference:
        """The object of a ticket.

        Raises:
            NoSuchObject: It is used up, or has ended.
            Exception: As `Client.call`.
        """
        made: Reference = self._outside("claim", ticket)
        return made

    @contextlib.contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """Gather the calls of this thread into few frames; they are run in order.

        Within the block a call returns a `Later`. At its end all have been answered.

        Raises:
            Exception: At the end, what the first of them raised whose result nobody asked for.

        If a process dies: as `Client`.
        """
        if getattr(self._collecting, "now", None) is not None:
            raise RuntimeError("A pipeline is open in this thread already; use that one.")
        pipeline = Pipeline(self._board.begin, self._board.wait_settled, self._access.result)
        self._collecting.now = pipeline.collected
        try:
            yield pipeline
        finally:
            self._collecting.now = None
            pipeline.finish()
        pipeline.collected.raise_first()

    def close(self) -> None:
        """End the session: what this client has is let go."""
        self._board.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _number(self, reference: Reference) -> int:
        """Of an object here; one that another client has is claimed first."""
        self._access.check_held(reference)
        return reference.id

    def _outside(self, method: str, *args: Any) -> Any:
        """A call on the desk whose result is wanted at once, in a pipeline too."""
        collected, self._collecting.now = getattr(self._collecting, "now", None), None
        try:
            return self.call(DESK, method, *args)
        finally:
            self._collecting.now = collected
