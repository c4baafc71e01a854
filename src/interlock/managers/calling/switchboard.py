"""One session for many threads: each waits for its own answers, and one of them reads for all.

No thread passes answers on. Of those that wait, one has `_reading` and reads; when its own answer
is there, it wakes another. A thread of this object's own looks after the connection while nobody
waits: heartbeats, and references to be given back.

A lost connection is made again by who reads. Calls that the server has not received are sent again,
answers that were lost come again, and none of the threads that wait notices.

    lock          guards
    _state_lock   the ClientState, `_channel`, and the set of those that wait; never held in a wait
    _reading      reading, and making a new connection

An exception may come between any two steps of a thread (Ctrl-C), but not between a `with` and what
it takes, if that is in C. What is taken only if it is free is taken by `taken_at_once`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque

from interlock._interruptible import Event, taken_at_once
from interlock.errors import InterlockError, ServerGone, WireError
from interlock.managers.auth import AuthenticationFailed
from interlock.managers.calling.access import Access
from interlock.managers.calling.channel import Channel, is_of_connection
from interlock.managers.calling.greeting import Way, greet
from interlock.managers.calling.patience import Patience
from interlock.managers.calling.pipeline import Collected
from interlock.managers.calling.returns import Returns
from interlock.managers.calling.waiters import Waiter, Waiters
from interlock.managers.wire.bodies import Call
from interlock.managers.wire.client_state import READS, ClientState, Pending
from interlock.managers.wire.frames import Message
from interlock.managers.wire.reader import Reader

__all__ = ["LOOK_S", "Switchboard"]

LOOK_S = 0.5  # how often its own thread looks


class Switchboard:
    """The session of one client.

    Args:
        way: To the server.
        access: What becomes of values.

    Raises:
        AuthenticationFailed, ConnectionRefusedByServer, LimitReached, OSError: As `Client`.
    """

    def __init__(self, way: Way, access: Access) -> None:
        self._way = way
        self._access = access
        self._state = ClientState()
        self._state_lock = threading.Lock()
        self._reading = threading.Lock()
        self._waiters = Waiters()
        self._returns = Returns(access, self._sent_at_once)
        self._orphans: deque[Pending] = deque()  # what they refer to must be given back
        self._channel: Channel | None = None
        self._reader = Reader(READS)
        self._patience = Patience(way)
        self._stop = Event()
        with self._reading:
            self._enter(*self._connected(way.connect_s))
        self._keeper = threading.Thread(
            target=self._keep, name="interlock-manager-client", daemon=True
        )
        self._keeper.start()

    def close(self) -> None:
        """End the session: what this client has is let go."""
        self._stop.set()
        with self._state_lock:
            channel, lost = self._channel, self._state.lost_by
            told = self._state.bye()
        if os.getpid() != self._access.pid:
            return
        if channel is not None and lost is None:
            with contextlib.suppress(OSError):  # the server will notice by itself
                channel.send([told], 1.0)
        self._lose(ServerGone("This client was closed."))
        self._keeper.join()
        if channel is not None:
            with self._reading:
                channel.close()

    def begin(
        self, lane: int, calls: list[Call], buffers: list[memoryview], kept: object
    ) -> Pending:
        """Send calls, or have them sent when there is a connection again.

        Waits while the server has as many of this client's as it takes.

        Args:
            lane: Behind whose calls they are run.
            calls: Of one frame.
            buffers: That belong to them.
            kept: Is kept until they are answered.

        Raises:
            ServerGone: The session is over, or is another process's.
            MessageTooLarge: The server never takes so many bytes.

        If a process dies: as `Client`.
        """
        self._access.check_here()
        self._returns.give_back()
        nbytes = self._state.size(calls, buffers)
        waiter: Waiter | None = None
        while True:
            entered: list[Pending] = []
            try:
                with self._state_lock:
                    if self._state.lost_by is not None or self._state.has_credit(nbytes):
                        channel = self._entered(entered, lane, calls, buffers, kept)
                    else:
                        waiter = waiter or Waiter(lambda: self._may_begin(nbytes))
                        self._waiters.enter(waiter)
                if entered:
                    self._write(channel, entered[0])
                    return entered[0]
            except BaseException:
                if entered and kept is not None:  # somebody was to wait for it
                    self._abandon(entered[0])
                raise
            assert waiter is not None
            self._wait(waiter)

    def _may_begin(self, nbytes: int) -> bool:
        return self._state.lost_by is not None or self._state.has_credit(nbytes)

    def _entered(
        self,
        entered: list[Pending],
        lane: int,
        calls: list[Call],
        buffers: list[memoryview],
        kept: object,
    ) -> Channel | None:
        """Under the lock: enter the calls; behind it they are to be written by this connection."""
        pending = self._state.begin(lane, calls, buffers, kept, self._settled)
        entered.append(pending)
        pending.is_sent = self._channel is not None
        return self._channel

    def _write(self, channel: Channel | None, pending: Pending) -> None:
        """By that connection; if it is lost, whoever makes the next one sends them again."""
        if channel is None:
            return
        try:
            for piece in pending.pieces():
                channel.send(piece, self._heartbeat_s)
        except OSError as error:
            if not is_of_connection(error):
                raise

    def _settled(self, pending: Pending) -> None:
        """Under the lock: wake whoever has what it waits for."""
        self._waiters.wake_met()

    def wait_settled(self, pending: Pending) -> None:
        """Return when the calls have been answered, or never will be.

        Raises:
            KeyboardInterrupt: Or what else interrupts the thread; the calls are cancelled then.

        If a process dies: the server: the calls have an error then, as `Client` tells.
        """
        waiter = Waiter(pending.is_over)
        with self._state_lock:
            self._waiters.enter(waiter)
        try:
            self._wait(waiter)
        except BaseException:
            self._abandon(pending)
            raise

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

    def _wait(self, waiter: Waiter) -> None:
        try:
            while not waiter.is_met():
                had: list[bool] = []
                try:
                    taken_at_once(self._reading, had)
                    while True in had and not waiter.is_met():
                        self._read(self._heartbeat_s / 3)
                finally:
                    if True in had:
                        self._reading.release()
                if True not in had:
                    waiter.wait()
        finally:
            with self._state_lock:
                self._waiters.leave(waiter)
            self._hand_over()

    def _hand_over(self) -> None:
        """Let another one read."""
        if not self._waiters or self._reading.locked():
            return
        with self._state_lock:
            self._waiters.wake_one()

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
        except BaseException as error:
            if isinstance(error, OSError) and is_of_connection(error):
                self._reconnect(channel, error)
                return
            if not channel.is_waiting:  # what was read and is lost comes by another connection
                channel.shut()
            raise  # Ctrl-C, or what a signal's handler has raised

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
        while not self._stop.wait(min(LOOK_S, self._heartbeat_s / 3)):
            while self._orphans:
                for made in Collected.results_of(self._orphans.popleft(), self._access.result):
                    with contextlib.suppress(Exception):  # nobody wants to know
                        made()
            with contextlib.suppress(InterlockError):  # whoever calls next is told
                self._returns.give_back()
            if self._reading.acquire(blocking=False):  # nobody interrupts this thread
                try:
                    self._read(0.0)
                finally:
                    self._reading.release()
                self._hand_over()
            if self._state.lost_by is not None:
                return

    def _sent_at_once(self, call: Call, buffers: list[memoryview]) -> bool:
        """As `Returns` has it."""
        entered: list[Pending] = []
        with self._state_lock:
            if self._state.lost_by is not None or not self._state.has_credit(len(call.data)):
                return False
            channel = self._entered(entered, 0, [call], buffers, None)
        self._write(channel, entered[0])
        return True

    def lend(self) -> None:
        """In the parent, after a fork: tell the server of the child."""
        if self._state.lost_by is None:
            self._returns.give_back()

    def abandon(self) -> None:
        """In a forked child: the session is the parent's."""
        if self._channel is not None:
            self._channel.abandon()

    # ---- connections -----------------------------------------------------------------------------

    @property
    def _heartbeat_s(self) -> float:
        welcome = self._state.welcome
        return self._way.connect_s if welcome is None else welcome.heartbeat_s

    def _connected(self, timeout_s: float) -> tuple[Channel, Reader]:
        """A connection whose handshake is done."""
        with self._state_lock:
            hello = self._state.hello()
        channel, reader, welcome = greet(self._way, hello, timeout_s)
        try:
            with self._state_lock:
                self._state.welcomed(welcome, time.monotonic())
        except BaseException:
            channel.close()
            raise
        self._access.server = welcome.server
        return channel, reader

    def _enter(self, channel: Channel, reader: Reader) -> None:
        """Use it: first send what the server has not received."""
        self._reader = reader
        try:
            self._take(reader.rest(), time.monotonic())
            with self._state_lock:
                told = self._state.cancellations()
            channel.send(told, self._heartbeat_s)
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

    def _lost(self) -> None:
        """A connection that was welcomed is no more.

        Who is interrupted in here leaves the channel, dead as it is, to the next one that reads.
        """
        with self._state_lock:
            welcome = self._state.welcome
            assert welcome is not None
            self._patience.lost(time.monotonic(), welcome, is_fruitful=self._state.is_fruitful)
            self._state.disconnected()
            self._channel = None

    def _reconnect(self, channel: Channel | None, error: OSError) -> None:
        """Come back, or give up."""
        patience = self._patience
        last: Exception = error
        if channel is not None:
            self._lost()
            channel.close()
        while self._state.lost_by is None:
            welcome = self._state.welcome
            left_s = patience.left_s(time.monotonic(), last)
            if left_s <= 0 or self._stop.wait(patience.pause_s):
                break
            try:
                self._enter(*self._connected(min(self._way.connect_s, left_s)))
                return
            except (AuthenticationFailed, ServerGone, WireError) as final:
                last = final
                break
            except (OSError, InterlockError) as again:
                last = again
                if self._state.welcome is welcome:
                    patience.failed()
                else:  # it was let in, and lost while it sent the calls again
                    self._lost()
        self._lose(
            ServerGone(
                f"The server at {self._way.address} is gone ({last}). Whether the calls that "
                "waited were run cannot be known. Start it, and make a new Client."
            )
        )

    def _lose(self, error: Exception) -> None:
        """It is over: whoever waits is told. Who reads gives back the descriptor."""
        with self._state_lock:
            channel, self._channel = self._channel, None
            if self._state.lost_by is None:
                self._state.lose(error)
            self._waiters.wake_all()
        if channel is not None:
            channel.shut()
