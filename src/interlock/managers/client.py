"""A client for threads: each call waits for its answer in the thread that made it.

No thread passes answers on. Of those that wait, one reads for all (it has `_reading`); when its own
answer is there, it wakes another. A thread of the client's own looks after the connection while
nobody waits: heartbeats, and references to be given back.

A lost connection is made again by who reads. Calls that the server has not received are sent again,
answers that were lost come again, and none of the threads that wait notices.

    lock          guards
    _state_lock   the ClientState, `_channel`, and the set of those that wait; never held in a wait
    _reading      reading, and making a new connection
"""

from __future__ import annotations

import contextlib
import os
import ssl as tls
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from interlock.errors import AuthenticationFailed, InterlockError, ServerGone, WireError
from interlock.managers.access import Access
from interlock.managers.auth import Address, check_address
from interlock.managers.channel import Channel, connect
from interlock.managers.pipeline import Collected, Pipeline
from interlock.managers.references import Reference
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Call, Welcome
from interlock.managers.wire.client_state import READS, ClientState, Pending
from interlock.managers.wire.frames import STRANGER, Message
from interlock.managers.wire.handshake import client_side
from interlock.managers.wire.reader import Reader
from interlock.serialize import Limits

__all__ = ["Client"]

_DESK = 0
_LOOK_S = 0.5  # how often the client's own thread looks
_BACKOFF_S, _BACKOFF_MAX_S = 0.02, 1.0
_FRUITLESS_MAX = 20  # connections by which nothing came


class _Waiter:
    """A thread that waits for something to become true."""

    __slots__ = ("event", "is_met")

    def __init__(self, is_met: Callable[[], bool]) -> None:
        self.event = threading.Event()
        self.is_met = is_met


class Client:
    """A connection to an object server, for any number of threads.

    Args:
        address: The path of a Unix socket, or host and port.
        authkey: The key of the server, which has to show that it has it too.
        ssl: A client's context, for TLS.
        hostname: What the server's certificate is to say; the host by default.
        insecure: Allows plain TCP to other machines.
        limits: What one value may contain.
        connect_s: For one attempt to connect, with the handshake.

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
        ssl: tls.SSLContext | None = None,
        hostname: str | None = None,
        insecure: bool = False,
        limits: Limits | None = None,
        connect_s: float = 10.0,
    ) -> None:
        check_address(address, tls=ssl is not None, insecure=insecure)
        self._address = address
        self._key = bytes(authkey) if authkey is not None else None
        self._ssl, self._hostname = ssl, hostname
        self._connect_s = connect_s
        self._pid = os.getpid()
        self._state = ClientState()
        self._state_lock = threading.Lock()
        self._reading = threading.Lock()
        self._waiters: dict[_Waiter, None] = {}
        self._orphans: deque[Pending] = deque()  # what they refer to must be given back
        self._channel: Channel | None = None
        self._reader = Reader(READS)
        self._fruitless = 0
        self._collecting = threading.local()
        self._stop = threading.Event()
        self.access = Access(self.share, limits)
        with self._reading:
            self._enter(*self._connected(connect_s))
        self._keeper = threading.Thread(
            target=self._keep, name="interlock-manager-client", daemon=True
        )
        self._keeper.start()

    # ---- what one does with it -------------------------------------------------------------------

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
        packed = self.access.arguments(args, kwargs)
        made = self.access.call(number, method, packed)
        collected: Collected | None = getattr(self._collecting, "now", None)
        if collected is not None:
            return collected.add(made, packed[1], (target, args, kwargs))
        pending = self._begin(threading.get_ident(), [made], packed[1], (target, args, kwargs))
        self._wait_settled(pending)
        return self._results(pending)[0]()

    def create(self, typeid: str, /, *args: Any, **kwargs: Any) -> Any:
        """Make an object on the server; the reference to it.

        Raises:
            NotExposed: Nothing is registered as that, or clients may not make any.
            Exception: As `Client.call`.
        """
        return self.call(_DESK, f"create {typeid}", *args, **kwargs)

    def find(self, name: str) -> Any:
        """The reference to an object that the server has by a name.

        Raises:
            NoSuchObject: It has none.
            Exception: As `Client.call`.
        """
        return self.call(_DESK, "find", name)

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
        lane = threading.get_ident()
        collected = Collected(
            lambda calls, buffers, kept: self._begin(lane, calls, buffers, kept),
            self._wait_settled,
            self.access.result,
        )
        self._collecting.now = collected
        try:
            yield Pipeline(collected)
        finally:
            self._collecting.now = None
            collected.finish()
        collected.raise_first()

    def close(self) -> None:
        """End the session: what this client has is let go."""
        self._stop.set()
        with self._state_lock:
            channel, lost = self._channel, self._state.lost_by
        if os.getpid() != self._pid:
            return
        if channel is not None and lost is None:
            with contextlib.suppress(OSError):  # the server will notice by itself
                channel.send([self._state.bye()], 1.0)
        self._lose(ServerGone("This client was closed."))
        self._keeper.join()
        if channel is not None:
            with self._reading:
                channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- calls -----------------------------------------------------------------------------------

    def _number(self, reference: Reference) -> int:
        """Of an object here; one that another client has is claimed first."""
        self.access.check_held(reference)
        return reference.id

    def _outside(self, method: str, *args: Any) -> Any:
        """A call on the desk whose result is wanted at once, in a pipeline too."""
        collected, self._collecting.now = getattr(self._collecting, "now", None), None
        try:
            return self.call(_DESK, method, *args)
        finally:
            self._collecting.now = collected

    def _begin(
        self, lane: int, calls: list[Call], buffers: list[memoryview], kept: object
    ) -> Pending:
        if os.getpid() != self._pid:
            raise ServerGone(
                f"This client was made by process {self._pid}, and this is another: a session is "
                "one process's. Make a Client here."
            )
        self._give_back()
        nbytes = sum(len(call.data) + 64 for call in calls) + sum(each.nbytes for each in buffers)
        self._state.check_size(nbytes)
        waiter: _Waiter | None = None
        while True:
            with self._state_lock:
                if self._state.lost_by is not None or self._state.has_credit(nbytes):
                    return self._entered(lane, calls, buffers, kept)
                waiter = waiter or _Waiter(lambda: self._may_begin(nbytes))
                self._waiters[waiter] = None
            self._wait(waiter)

    def _may_begin(self, nbytes: int) -> bool:
        return self._state.lost_by is not None or self._state.has_credit(nbytes)

    def _entered(
        self, lane: int, calls: list[Call], buffers: list[memoryview], kept: object
    ) -> Pending:
        """Under the lock: enter the calls; behind it they are written, if there is a connection."""
        pending = self._state.begin(lane, calls, buffers, kept, self._settled)
        channel = self._channel
        pending.is_sent = channel is not None
        if channel is not None:
            self._state_lock.release()
            try:
                self._write(channel, pending)
            finally:
                self._state_lock.acquire()
        return pending

    def _write(self, channel: Channel, pending: Pending) -> None:
        """By that connection; if it is lost, whoever makes the next one sends them again."""
        try:
            for piece in pending.pieces():
                channel.send(piece, self._heartbeat_s)
        except OSError:
            channel.shut()

    def _settled(self, pending: Pending) -> None:
        """Under the lock: wake whoever has what it waits for."""
        for waiter in self._waiters:
            if waiter.is_met():
                waiter.event.set()

    def _wait_settled(self, pending: Pending) -> None:
        waiter = _Waiter(lambda: pending.is_settled)
        with self._state_lock:
            self._waiters[waiter] = None
        try:
            self._wait(waiter)
        except BaseException:
            self._abandon(pending)
            raise

    def _results(self, pending: Pending) -> list[Callable[[], Any]]:
        return Collected.results_of(pending, self.access.result)

    def _abandon(self, pending: Pending) -> None:
        """Its thread was interrupted: the server need not go on with it."""
        with self._state_lock:
            told, channel = self._state.cancel(pending), self._channel
            if pending.is_settled:
                self._orphans.append(pending)
            else:
                pending.settled = self._orphans.append
        if told is not None and channel is not None:
            with contextlib.suppress(OSError):
                channel.send([told], self._heartbeat_s)

    # ---- waiting and reading ---------------------------------------------------------------------

    def _wait(self, waiter: _Waiter) -> None:
        try:
            while not waiter.is_met():
                if self._reading.acquire(blocking=False):
                    try:
                        while not waiter.is_met():
                            self._read(self._heartbeat_s / 3)
                    finally:
                        self._reading.release()
                else:
                    waiter.event.wait()
                    waiter.event.clear()
        finally:
            with self._state_lock:
                self._waiters.pop(waiter, None)
            self._hand_over()

    def _hand_over(self) -> None:
        """Let another one read."""
        if self._reading.locked():
            return
        with self._state_lock:
            for waiter in self._waiters:
                if not waiter.event.is_set():
                    waiter.event.set()
                    return

    def _read(self, timeout_s: float) -> None:
        """Read once; whoever has `_reading`."""
        channel = self._channel
        if channel is None:  # who was about to connect was interrupted, or it is lost for good
            self._reconnect(None, ConnectionResetError("the connection was lost"))
            return
        try:
            count = channel.recv_into(self._reader.room(), timeout_s)
            if count == 0:
                raise ConnectionResetError("the server closed the connection")
            now_s = time.monotonic()
            if count:
                self._take(self._reader.filled(count), now_s)
            self._beat(channel, now_s)
        except InterlockError as error:
            self._lose(error)
            channel.close()
        except OSError as error:
            self._reconnect(channel, error)

    def _take(self, messages: list[Message], now_s: float) -> None:
        with self._state_lock:
            self._state.heard(now_s)
            for message in messages:
                self._state.received(message)

    def _beat(self, channel: Channel, now_s: float) -> None:
        """Tell the server that we are there; find out whether it is."""
        with self._state_lock:
            if self._state.is_silent(now_s):
                raise TimeoutError(f"nothing was heard for {self._heartbeat_s} s")
            if not self._state.is_ping_due(now_s) and not self._state.done_is_urgent:
                return
            ping = self._state.ping()
        channel.send([ping], self._heartbeat_s)

    def _keep(self) -> None:
        """What the client's own thread does: look, from time to time."""
        while not self._stop.wait(min(_LOOK_S, self._heartbeat_s / 3)):
            while self._orphans:
                for made in self._results(self._orphans.popleft()):
                    with contextlib.suppress(Exception):  # nobody wants to know
                        made()
            with contextlib.suppress(InterlockError):  # whoever calls next is told
                self._give_back()
            if self._reading.acquire(blocking=False):
                try:
                    self._read(0.0)
                finally:
                    self._reading.release()
                self._hand_over()
            if self._state.lost_by is not None:
                return

    def _give_back(self) -> None:
        """Release what nobody here has any more; nobody waits for that."""
        if not self.access.dropped:
            return
        counts = self.access.take_dropped()
        data, buffers = self.access.arguments((counts,), {})
        made = self.access.call(_DESK, "release", (data, buffers))
        with self._state_lock:
            if self._state.lost_by is None and self._state.has_credit(len(data)):
                self._entered(0, [made], buffers, None)
            else:
                self.access.dropped.extend(counts.items())

    # ---- connections -----------------------------------------------------------------------------

    @property
    def _heartbeat_s(self) -> float:
        welcome = self._state.welcome
        return self._connect_s if welcome is None else welcome.heartbeat_s

    def _connected(self, timeout_s: float) -> tuple[Channel, Reader]:
        """A connection whose handshake is done."""
        deadline_s = time.monotonic() + timeout_s
        channel = connect(self._address, self._ssl, self._hostname, timeout_s)
        try:
            with self._state_lock:
                steps = client_side(self._key, self._state.hello())
            reader = Reader(STRANGER, preamble=version.SERVER.size)
            reader.is_stepwise = True
            told = next(steps)
            while True:
                if told:
                    channel.send([told], timeout_s)
                message = _next_message(channel, reader, deadline_s)
                try:
                    told = steps.send(message)
                except StopIteration as done:
                    welcome: Welcome = done.value
                    break
            with self._state_lock:
                self._state.welcomed(welcome, time.monotonic())
            self.access.server = welcome.server
            reader.limits, reader.is_stepwise = READS, False
            return channel, reader
        except BaseException:
            channel.close()
            raise

    def _enter(self, channel: Channel, reader: Reader) -> None:
        """Use it: first send what the server has not received."""
        self._reader = reader
        try:
            self._take(reader.rest(), time.monotonic())
            while True:
                with self._state_lock:
                    todo = self._state.unsent()
                    for pending in todo:
                        pending.is_sent = True
                    if not todo:
                        self._channel = channel
                        return
                for pending in todo:
                    for piece in pending.pieces():
                        channel.send(piece, self._heartbeat_s)
        except BaseException:
            channel.close()
            raise

    def _reconnect(self, channel: Channel | None, error: OSError) -> None:
        """Come back, or give up."""
        began_s = time.monotonic()
        with self._state_lock:
            self._channel = None
            self._state.disconnected()
            fruitless = self._state.messages == 0
        if channel is not None:
            channel.close()
        self._fruitless = self._fruitless + 1 if fruitless else 0
        welcome = self._state.welcome
        assert welcome is not None
        pause_s = _BACKOFF_S if self._fruitless else 0.0
        last: Exception = error
        while self._fruitless < _FRUITLESS_MAX and self._state.lost_by is None:
            nobody = isinstance(last, ConnectionRefusedError | FileNotFoundError)
            most_s = welcome.heartbeat_s if nobody else welcome.grace_s
            left_s = began_s + most_s - pause_s - time.monotonic()
            if left_s <= 0 or self._stop.wait(pause_s):
                break
            try:
                self._enter(*self._connected(min(self._connect_s, left_s)))
                return
            except (AuthenticationFailed, ServerGone, WireError) as final:
                last = final
                break
            except (OSError, InterlockError) as again:
                last = again
                pause_s = min(max(2 * pause_s, _BACKOFF_S), _BACKOFF_MAX_S)
        self._lose(
            ServerGone(
                f"The server at {self._address} is gone ({last}). Whether the calls that waited "
                "were run cannot be known. Start it, and make a new Client."
            )
        )

    def _lose(self, error: Exception) -> None:
        """It is over: whoever waits is told. Who reads gives back the descriptor."""
        with self._state_lock:
            channel, self._channel = self._channel, None
            if self._state.lost_by is None:
                self._state.lose(error)
            for waiter in self._waiters:
                waiter.event.set()
        if channel is not None:
            channel.shut()


def _next_message(channel: Channel, reader: Reader, deadline_s: float) -> Message:
    """Of a handshake."""
    waiting = reader.rest()
    while not waiting:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the server did not finish the handshake in time")
        count = channel.recv_into(reader.room(), left_s)
        if count == 0:
            raise ConnectionResetError("the server closed the connection")
        waiting = reader.filled(count or 0)
    return waiting[0]
