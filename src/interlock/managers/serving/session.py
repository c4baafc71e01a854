"""What a server keeps for one client: its calls, their answers, and what it holds.

A call is run exactly once. Clients number their calls 1, 2, 3 ...; a number is taken when the call
has come as a whole, and never again: it must be above all that have come, or in a gap below
(``_missing``), from which it is removed. An answer is kept until the client has said that it has
it, so a client that lost its connection sends its open calls again, those that the server has
not received, and gets the answers of the others from here.

    waiting -> running -> answered (kept) -> acknowledged (forgotten)

Whatever else a client holds is let go when its session ends: its references, and what objects
have entered by `Session.hold` (a lock, a lease). That is when it says so, or when it has been
away for the time of grace, whether it died, or cannot be reached.

Everything here is called in the server's loop.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Protocol

from interlock.errors import LimitReached, NoSuchObject, ServerGone, WireError
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.references import Shared
from interlock.managers.serving.request import Kept, Request
from interlock.managers.wire.bodies import (
    Answers,
    Calls,
    Encoded,
    Hello,
    decode,
    encode,
    encoded_size,
)
from interlock.managers.wire.frames import Message
from interlock.managers.wire.values import buffers_of_each

__all__ = ["Session"]


class Line(Protocol):
    """A connection, as a session knows it."""

    def answer(self, call: int, encoded: Encoded) -> None:
        """Send an answer."""


class Session:
    """A client, connected or away.

    Args:
        identity, secret: By which it comes back.
        peer: Who it is; another may not come back in its place.
        bounds: What it is given.

    Attributes:
        lasting: Objects that it may call besides those that it was given; of one that began
            before the server was killed.
        on_acknowledged: Called with the number of a request whose answers the client has.
    """

    def __init__(self, identity: bytes, secret: bytes, peer: Peer, bounds: Bounds) -> None:
        self.identity = identity
        self.secret = secret
        self.peer = peer
        self.bounds = bounds
        self.line: Line | None = None
        self.away_since_s = 0.0
        self.is_over = False
        self.ready: deque[Request] = deque()  # the first of each lane, unless it is running
        self.threads = asyncio.Semaphore(bounds.threads_a_client)
        self.waiting_bytes = 0  # of requests without an answer
        self.kept_bytes = 0  # of answers
        self._requests: dict[int, Request] = {}
        self._lanes: dict[int, deque[Request]] = {}
        self._highest = self._attempt = 0
        self._missing: set[int] = set()  # numbers below the highest that have not come
        self._shared: dict[int, tuple[Shared, int]] = {}
        self._progress: dict[int, list[Kept]] = {}  # of requests that a killed server began
        self._is_unknown = False  # which numbers came: a killed server knew
        self._gap_max = 2 * bounds.calls
        self.lasting: Mapping[int, Shared] = {}
        self.on_acknowledged: Callable[[int], object] | None = None
        self._held: dict[Hashable, Callable[[], object]] = {}

    # ---- calls -----------------------------------------------------------------------------------

    def received(self, message: Message) -> None:
        """Take calls that have come.

        Raises:
            WireError: They came before, are more than a client was told that it may send, or are
                no calls.
        """
        nbytes = message.nbytes
        body = decode(message, Calls)
        for number in body.done:
            self.acknowledge(number)
        if len(self._requests) >= self.bounds.calls:
            raise WireError(f"More than {self.bounds.calls} calls without acknowledged answers.")
        if self.waiting_bytes + nbytes > self.bounds.call_bytes:
            raise WireError(f"More than {self.bounds.call_bytes} bytes of calls without answers.")
        buffers = list(buffers_of_each(body.calls, message.buffers))
        self._take_number(message.call)
        request = Request(message.call, body, buffers, nbytes)
        self._requests[message.call] = request
        for answer, answer_buffers in self._progress.pop(message.call, ()):
            request.answers.append(answer)
            request.answer_buffers += answer_buffers
            request.at = request.recorded = request.at + 1
        self.waiting_bytes += nbytes
        lane = self._lanes.setdefault(request.lane, deque())
        lane.append(request)
        if len(lane) == 1:
            self.ready.append(request)

    def _take_number(self, number: int) -> None:
        if number in self._missing:
            self._missing.remove(number)
            return
        if number <= self._highest:
            raise WireError(f"Call {number} came a second time; it was not run again.")
        if self._is_unknown:
            self._is_unknown = False
            self._highest = max(self._highest, number - 1 - self.bounds.calls)
        elif number - self._highest + len(self._missing) > self._gap_max:
            raise WireError(f"Call {number} came, and the last was {self._highest}.")
        self._missing.update(range(self._highest + 1, number))
        self._highest = number

    @property
    def may_begin(self) -> bool:
        """Whether there is something to run, and room for its answer."""
        return bool(self.ready) and self.kept_bytes <= self.bounds.kept_bytes

    def answered(self, request: Request, encoded: Encoded) -> None:
        """Keep an answer, send it if the client is there, and let the next of its lane begin."""
        lane = self._lanes[request.lane]
        lane.popleft()
        if lane:
            self.ready.append(lane[0])
        else:
            del self._lanes[request.lane]
        self.waiting_bytes -= request.nbytes
        request.encoded = encoded
        request.task = None
        request.calls, request.buffers, request.answers = [], [], []
        request.answer_buffers = []
        request.nbytes = encoded_size(encoded)
        if self.is_over:
            return
        if request.is_cancelled:
            self._undo(request)
        self.kept_bytes += request.nbytes
        if self.line is not None:
            self.line.answer(request.call, encoded)

    def acknowledge(self, number: int) -> None:
        """Forget the answer of a call, which the client has."""
        request = self._requests.get(number)
        if request is not None and request.encoded is not None:
            del self._requests[number]
            self.kept_bytes -= request.nbytes
            for key, known in request.unsure:
                if self._held.pop(key, None) is not None:
                    known()
            if self.on_acknowledged is not None:
                self.on_acknowledged(number)

    def cancel(self, number: int) -> None:
        """Stop a call that nobody waits for, where it can be stopped; or undo it."""
        request = self._requests.get(number)
        if request is None:
            return
        if request.encoded is None:
            self._stop(request)
        else:
            self._undo(request)

    @staticmethod
    def _stop(request: Request) -> None:
        request.is_cancelled = True
        if request.task is not None:
            request.task.cancel()

    def _undo(self, request: Request) -> None:
        """What it was given, and nobody gets: the last first."""
        while request.unsure:
            undo = self._held.pop(request.unsure.pop()[0], None)
            if undo is not None:
                undo()

    # ---- coming back -----------------------------------------------------------------------------

    def restored(self, lasting: Mapping[int, Shared]) -> None:
        """It began before the server was killed: which numbers came is not known."""
        self._is_unknown = True
        self._gap_max *= 2
        self.lasting = lasting

    def restore(self, number: int, count: int, kept: list[Kept]) -> None:
        """Take up what a journal has of a request; before the client is there.

        Args:
            number: Of the request.
            count: How many calls it has.
            kept: What came of the first of them.
        """
        if len(kept) < count:
            self._progress[number] = kept
            return
        request = Request(number, Calls(0, [], []), [], 0)
        buffers = [buffer for _, each in kept for buffer in each]
        request.encoded = encode(Answers([answer for answer, _ in kept]), buffers)
        request.nbytes = encoded_size(request.encoded)
        self._requests[number] = request
        self.kept_bytes += request.nbytes

    def resume(self, hello: Hello, peer: Peer) -> list[int]:
        """Let the client come back.

        Returns:
            Which of its open calls need not be sent again.

        Raises:
            ServerGone: It is another client, or asks for what was forgotten.
            WireError: It is an attempt that the client has given up.
        """
        if hello.secret is None or not hmac.compare_digest(hello.secret, self.secret):
            raise ServerGone("The server knows that session by another secret.")
        if peer.name != self.peer.name:
            raise ServerGone(f"That session is of {self.peer.name}, not of {peer.name}.")
        if hello.attempt < self._attempt:
            raise WireError(
                f"Attempt {hello.attempt} to come back arrived after attempt {self._attempt}: what "
                "it says of answers is not true any more."
            )
        self._attempt = hello.attempt
        pending = set(hello.pending)
        if self._is_unknown:
            self._highest = max(pending | self._requests.keys() | {self._highest})
            self._missing |= pending - self._requests.keys()
        received = sorted(pending & self._requests.keys())
        lost = [
            number
            for number in pending - self._requests.keys()
            if number <= self._highest and number not in self._missing
        ]
        if lost:
            raise ServerGone(f"The answer of call {lost[0]} was acknowledged, and is forgotten.")
        self._missing &= pending
        for number in self._requests.keys() - pending:
            self.acknowledge(number)
        return received

    def answers_kept(self) -> list[tuple[int, Encoded]]:
        """What the client may have lost, to be sent again."""
        return [
            (number, request.encoded)
            for number, request in self._requests.items()
            if request.encoded is not None
        ]

    # ---- what it holds ---------------------------------------------------------------------------

    def give(self, shared: Shared) -> None:
        """Note that a reference goes to the client."""
        _, count = self._shared.get(shared.id, (shared, 0))
        self._shared[shared.id] = (shared, count + 1)

    def take_back(self, number: int, count: int) -> None:
        """Note that the client has dropped a reference that it was given so many times."""
        shared, had = self._shared.pop(number, (None, 0))
        if shared is not None and had > count:
            self._shared[number] = (shared, had - count)

    def find(self, number: int) -> Shared:
        """An object that the client has.

        Raises:
            NoSuchObject: It has none of that number.
        """
        entry = self._shared.get(number)
        if entry is None and number in self.lasting:
            return self.lasting[number]
        if entry is None:
            raise NoSuchObject(
                f"This client has no object {number} of the server; nothing was run. It was "
                "released, or belongs to another client, who can pass it on."
            )
        return entry[0]

    def shared(self) -> dict[int, Shared]:
        """All that it has, by number."""
        return {number: shared for number, (shared, _) in self._shared.items()}

    def check_objects(self) -> None:
        """Let pass who may have one more.

        Raises:
            LimitReached: It has as many as a client may.
        """
        if len(self._shared) >= self.bounds.objects:
            raise LimitReached(
                f"This client has {len(self._shared)} objects of the server, as many as one may "
                "(Bounds.objects); none was made. Drop some."
            )

    def hold(self, key: Hashable, release: Callable[[], object]) -> None:
        """Let something be released when the client is gone; a lock that it has, say.

        Args:
            key: By which it is dropped, when the client has released it itself.
            release: Called in the server's loop.
        """
        self._held[key] = release

    def hold_until_known(
        self, request: Request, undo: Callable[[], object], known: Callable[[], object]
    ) -> None:
        """Let something be undone if the client is gone before it has the answer.

        Args:
            request: That is answered.
            undo: Called in the server's loop; of several, the last first.
            known: Called there when the client has the answer.
        """
        if self.is_over:
            undo()
            return
        key = (request, len(request.unsure))
        request.unsure.append((key, known))
        self._held[key] = undo

    def drop(self, key: Hashable) -> None:
        """Undo `hold`."""
        self._held.pop(key, None)

    def end(self) -> list[Exception]:
        """Let everything go.

        Returns:
            What went wrong in `hold`'s functions.
        """
        self.is_over = True
        self.ready.clear()
        for request in self._requests.values():
            if request.encoded is None:
                self._stop(request)
        self._requests.clear()
        self._shared.clear()
        failures = []
        while self._held:
            _, release = self._held.popitem()
            try:
                release()
            except Exception as error:  # the others are released all the same
                failures.append(error)
        return failures
