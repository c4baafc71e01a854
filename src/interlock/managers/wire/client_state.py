"""A client's half of the protocol, without I/O: what it has asked, and what it must send.

Both clients drive it, the one for threads (client.py) and the one for asyncio (aio.py). None of it
is thread-safe; who drives it has a lock.

    begun -> (sent, perhaps again by another connection) -> settled: answered, or lost
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from interlock.errors import MessageTooLarge, ServerGone, WireError
from interlock.managers.wire.bodies import (
    DONE_MAX,
    Answer,
    Answers,
    Bye,
    Call,
    Calls,
    Cancel,
    Encoded,
    Hello,
    Ping,
    Pong,
    Welcome,
    decode,
    encode,
    encoded_size,
)
from interlock.managers.wire.frames import Kind, Message, WireLimits, pieces
from interlock.managers.wire.values import buffers_of_each

__all__ = ["READS", "ClientState", "Pending", "anew"]

READS = WireLimits(buffer_bytes=1 << 32)
"""What a client takes of its server, which it chose: more than any honest one sends at once."""

_DONE_BYTES = 1024 * 1024  # of answers that the server keeps because we have not said that we have


def anew(error: Exception) -> Exception:
    """The same error for another to raise, for each raise makes its traceback longer."""
    made = copy.copy(error)
    made.__cause__ = error.__cause__
    return made.with_traceback(None)


class Pending:
    """Calls that were asked in one frame.

    Attributes:
        number: Of the frame.
        lane: Behind whose calls they are run.
        count: How many calls are in it.
        is_sent: Whether the present connection has it.
        is_given_up: Whether nobody waits for it, which the server is to know.
        answers: What came of each, with its buffers; None until then.
        error: Why there will be no answers.
    """

    __slots__ = (
        "answers", "count", "encoded", "error", "is_given_up", "is_sent", "kept", "lane", "nbytes",
        "number", "settled",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        lane: int,
        encoded: Encoded,
        count: int,
        kept: object,
        settled: Callable[[Pending], object],
    ) -> None:
        self.number = number
        self.lane = lane
        self.encoded = encoded
        self.nbytes = encoded_size(encoded)
        self.count = count
        self.kept = kept  # the arguments: what they refer to must not be released before
        self.settled = settled
        self.is_sent = self.is_given_up = False
        self.answers: list[tuple[Answer, list[memoryview]]] | None = None
        self.error: Exception | None = None

    def is_over(self) -> bool:
        """Whether there is anything left to wait for."""
        return self.answers is not None or self.error is not None

    is_settled = property(is_over)

    def pieces(self) -> Iterator[list[Any]]:
        """What is to be written for it."""
        kind, body, buffers = self.encoded
        yield from pieces(kind, self.number, body, buffers)
        if self.is_given_up:
            yield [self.cancellation()]

    def cancellation(self) -> bytes:
        """What tells the server that nobody waits for it."""
        return _joined(pieces(*_of(encode(Cancel()), self.number)))


class ClientState:
    """Numbers, answers, acknowledgements and heartbeats of one session.

    Attributes:
        welcome: What the server told last; None before it told anything.
        lost_by: Why the session is over; None as long as it is not.
        is_fruitful: Whether the present connection has brought anything forward: a message has
            come, or the server has calls that it had not before.
    """

    def __init__(self) -> None:
        self.welcome: Welcome | None = None
        self.lost_by: Exception | None = None
        self.is_fruitful = False
        self._received: set[int] = set()  # calls that the server is known to have
        self._next = 1
        self._attempts = 0
        self._pending: dict[int, Pending] = {}
        self._pending_bytes = 0
        self._done: deque[int] = deque()
        self._done_bytes = 0
        self._heard_s = self._sent_s = 0.0

    # ---- a connection ----------------------------------------------------------------------------

    def hello(self) -> Hello:
        """With what the handshake ends."""
        if self.welcome is None:
            return Hello()
        self._attempts += 1
        welcome = self.welcome
        return Hello(welcome.session, welcome.secret, sorted(self._pending), self._attempts)

    def welcomed(self, welcome: Welcome, now_s: float) -> None:
        """A connection is there. What the server has not received is `unsent`.

        Raises:
            WireError: The server speaks of calls that there are not.
        """
        received = set(welcome.received)
        if not received <= self._pending.keys():
            raise WireError("The server has received calls that were not made.")
        for number, pending in self._pending.items():
            pending.is_sent = number in received
        self.is_fruitful = not received <= self._received
        self._received = received
        self.welcome = welcome
        self._done.clear()  # what we did not ask for any more is acknowledged
        self._done_bytes = 0
        self._heard_s = self._sent_s = now_s

    def unsent(self) -> list[Pending]:
        """In the order in which they were begun, which is that of their lanes."""
        return [pending for pending in self._pending.values() if not pending.is_sent]

    def cancellations(self) -> list[bytes]:
        """Of what the server has received, and nobody waits for any more; it may not know."""
        return [
            pending.cancellation()
            for pending in self._pending.values()
            if pending.is_sent and pending.is_given_up
        ]

    def disconnected(self) -> None:
        """Nothing that was sent is known to have arrived."""
        for pending in self._pending.values():
            pending.is_sent = False

    def lose(self, error: Exception) -> None:
        """Give up: whoever waits gets the error."""
        self.lost_by = error
        for number in list(self._pending):
            self._settle(self._pending[number], None, error)

    # ---- calls -----------------------------------------------------------------------------------

    def has_credit(self, nbytes: int) -> bool:
        """Whether the server takes calls of that size now."""
        assert self.welcome is not None
        open_calls = len(self._pending) + max(0, len(self._done) - DONE_MAX)
        fits = self._pending_bytes + nbytes + 8 * DONE_MAX + 64 <= self.welcome.call_bytes
        return open_calls < self.welcome.calls and fits

    def size(self, calls: Sequence[Call], buffers: Sequence[memoryview]) -> int:
        """How many bytes of the server's credit calls take at the most.

        Raises:
            MessageTooLarge: They are more than it ever takes.
        """
        nbytes = sum(len(call.data) + 64 for call in calls) + sum(each.nbytes for each in buffers)
        assert self.welcome is not None
        most = self.welcome.call_bytes - 8 * DONE_MAX - 64
        if nbytes > most:
            raise MessageTooLarge(
                f"A call of {nbytes} bytes is larger than the {most} that the server takes of one "
                "client (Bounds.call_bytes); it was not sent. Send it in parts."
            )
        return nbytes

    def begin(
        self,
        lane: int,
        calls: list[Call],
        buffers: Sequence[memoryview],
        kept: object,
        settled: Callable[[Pending], object],
    ) -> Pending:
        """Enter calls. Write its pieces, or have it written as `unsent`.

        Args:
            lane: Calls of one lane are run one after another.
            calls: Of one frame.
            buffers: That belong to them.
            kept: Is kept until they are settled.
            settled: Called then.

        Raises:
            Exception: The session is over; see `lost_by`.
        """
        if self.lost_by is not None:
            raise anew(self.lost_by)
        encoded = encode(Calls(lane, self.take_done(), calls), buffers)
        pending = Pending(self._next, lane, encoded, len(calls), kept, settled)
        self._next += 1
        self._pending[pending.number] = pending
        self._pending_bytes += pending.nbytes
        return pending

    def heard(self, now_s: float) -> None:
        """Bytes have come, of whatever message."""
        self._heard_s = now_s

    def received(self, message: Message) -> None:
        """Take what came.

        Raises:
            WireError: It is nothing that a server sends.
            ServerGone: The server said that it ends.
        """
        self.is_fruitful = True
        if message.kind is Kind.PONG:
            decode(message, Pong)
            return
        if message.kind is Kind.BYE:
            raise ServerGone(f"The server ended in good order: {decode(message, Bye).message}")
        nbytes = message.nbytes
        body = decode(message, Answers)
        pending = self._pending.get(message.call)
        if pending is None:
            return  # it was given up
        if len(body.answers) != pending.count:
            raise WireError(
                f"{len(body.answers)} answers came to the {pending.count} calls {message.call}."
            )
        parts = [list(each) for each in buffers_of_each(body.answers, message.buffers)]
        self._done.append(message.call)
        self._done_bytes += nbytes
        self._settle(pending, list(zip(body.answers, parts, strict=True)), None)

    def _settle(
        self,
        pending: Pending,
        answers: list[tuple[Answer, list[memoryview]]] | None,
        error: Exception | None,
    ) -> None:
        del self._pending[pending.number]
        self._pending_bytes -= pending.nbytes
        pending.answers, pending.error = answers, error
        pending.kept = None
        pending.encoded = (Kind.CALLS, b"", [])
        pending.settled(pending)

    def cancel(self, pending: Pending) -> bytes | None:
        """Nobody waits for it: what to send, if anything.

        If its answer came just now, the server undoes what it can, and forgets it.
        """
        pending.is_given_up = True
        told = pending.cancellation()
        if not pending.is_settled:
            return told if pending.is_sent else None
        if pending.number not in self._done:
            return None
        self._done.remove(pending.number)
        return told + _joined(pieces(*_of(encode(Ping([pending.number])), 0)))

    # ---- acknowledgements and heartbeats ---------------------------------------------------------

    @property
    def done_is_urgent(self) -> bool:
        """Whether the server keeps much that it need not."""
        return self._done_bytes > _DONE_BYTES or len(self._done) > DONE_MAX

    def take_done(self) -> list[int]:
        """The answers that we have, for the next frame."""
        taken = [self._done.popleft() for _ in range(min(len(self._done), DONE_MAX))]
        if not self._done:
            self._done_bytes = 0
        return taken

    def ping(self) -> bytes:
        """A heartbeat, with acknowledgements."""
        return _joined(pieces(*_of(encode(Ping(self.take_done())), 0)))

    def bye(self) -> bytes:
        """The end of the session; what we have, the server need not keep, nor take back."""
        told = []
        while self._done:
            told.append(self.ping())
        return b"".join([*told, _joined(pieces(*_of(encode(Bye()), 0)))])

    def is_ping_due(self, now_s: float) -> bool:
        """Whether the server should hear from us; it is taken to be sent then."""
        assert self.welcome is not None
        if now_s - self._sent_s < self.welcome.heartbeat_s / 3:
            return False
        self._sent_s = now_s
        return True

    def is_silent(self, now_s: float) -> bool:
        """Whether nothing was heard for so long that the connection is dead."""
        assert self.welcome is not None
        return now_s - self._heard_s > self.welcome.heartbeat_s


def _of(encoded: Encoded, call: int) -> tuple[Kind, int, bytes, list[memoryview]]:
    kind, body, buffers = encoded
    return kind, call, body, buffers


def _joined(written: Iterator[list[Any]]) -> bytes:
    return b"".join(part for piece in written for part in piece)
