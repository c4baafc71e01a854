"""Both halves of the protocol without any I/O: each request runs once, wherever bytes end (P2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import ServerGone, WireError
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Answer, Answers, Call, Encoded, Hello, Welcome, encode
from interlock.managers.wire.client_state import ClientState, Pending
from interlock.managers.wire.frames import WireLimits, pieces
from interlock.managers.wire.reader import Reader

PEER = Peer("key", "tcp", "here")
BOUNDS = Bounds()


class Pair:
    """A client's state and a server's session; what goes between them ends where it is told."""

    def __init__(self) -> None:
        self.state = ClientState()
        self.session = Session(b"s" * 16, b"k" * 32, PEER, BOUNDS)
        self.ran: list[int] = []
        self.settled: list[Pending] = []
        self._to_client = b""
        self.state.welcomed(self._welcome([], resumed=False), 0.0)
        self.session.line = self

    def _welcome(self, received: list[int], *, resumed: bool) -> Welcome:
        return Welcome(b"i" * 16, b"s" * 16, b"k" * 32, resumed, received, 1.0, 1.0, 1024, 1 << 28)

    def answer(self, call: int, encoded: Encoded) -> None:
        """As a connection of the server."""
        kind, body, buffers = encoded
        self._to_client += joined(pieces(kind, call, body, buffers))

    def ask(self, size: int) -> None:
        buffers = [memoryview(b"x" * size)] if size else []
        call = Call(1, "m", b"\x01\x00", len(buffers))
        self.state.begin(len(self.ran) % 2, [call], buffers, None, self.settled.append)

    def connection(self, up: int, down: int) -> None:
        """One that passes so many bytes each way, and is lost."""
        sent = b""
        for pending in self.state.unsent():
            pending.is_sent = True
            sent += joined(pending.pieces())
        for message in Reader(WireLimits()).feed(sent[:up]):
            self.session.received(message)
        while self.session.ready:
            request = self.session.ready.popleft()
            self.ran.append(request.call)
            self.session.answered(request, encode(Answers([Answer(False, b"\x01\x00")])))
        for message in Reader(WireLimits()).feed(self._to_client[:down]):
            self.state.received(message)
        self.state.disconnected()
        self._to_client = b""
        received = self.session.resume(self.state.hello(), PEER)
        self.state.welcomed(self._welcome(received, resumed=True), 0.0)
        for number, encoded in self.session.answers_kept():
            self.answer(number, encoded)


def joined(written: object) -> bytes:
    return b"".join(part for piece in written for part in piece)  # type: ignore[attr-defined]


CONNECTIONS = st.tuples(
    st.lists(st.sampled_from([0, 0, 50, 5000]), max_size=4),
    st.integers(0, 6000),
    st.integers(0, 120),
)


@settings(deadline=None, derandomize=True)
@given(st.lists(CONNECTIONS, max_size=8))
def test_each_request_runs_once_wherever_the_connections_end(
    connections: list[tuple[list[int], int, int]],
) -> None:
    """Cut within any frame of any connection; in the end one lives, and all is answered."""
    pair, asked = Pair(), 0
    for sizes, up, down in connections:
        for size in sizes:
            pair.ask(size)
        asked += len(sizes)
        pair.connection(up, down)
    for _ in range(2):  # what runs in the one is answered by the next
        pair.connection(1 << 20, 1 << 20)
    assert sorted(pair.ran) == list(range(1, asked + 1))
    assert sorted(pending.number for pending in pair.settled) == sorted(pair.ran)
    assert all(pending.answers is not None for pending in pair.settled)


def test_a_large_request_may_be_whole_after_a_later_one() -> None:
    """Its number is kept free for it, and is taken once."""
    pair = Pair()
    for size in (5000, 0):
        pair.ask(size)
    large, small = pair.state.unsent()
    head, chunk = large.pieces()
    reader = Reader(WireLimits())
    for sent in (joined(iter([head])), joined(small.pieces()), joined(iter([chunk]))):
        for message in reader.feed(sent):
            pair.session.received(message)
    assert [request.call for request in pair.session.ready] == [2]  # of one lane: as they came
    again = Reader(WireLimits()).feed(joined(large.pieces()))
    with pytest.raises(WireError, match="a second time"):
        pair.session.received(again[0])


def test_what_was_acknowledged_is_forgotten_and_cannot_be_asked_for() -> None:
    """The server keeps nothing that the client has; who asks for it gets no wrong answer."""
    pair = Pair()
    pair.ask(0)
    pair.connection(1 << 20, 1 << 20)
    assert pair.session.answers_kept() == []
    assert pair.session.kept_bytes == pair.session.waiting_bytes == 0
    with pytest.raises(ServerGone, match="forgotten"):
        pair.session.resume(Hello(b"s" * 16, b"k" * 32, [1], attempt=9), PEER)


def test_an_attempt_that_was_given_up_changes_nothing_when_it_arrives_late() -> None:
    """A HELLO that was under way when a cable was out may come behind the next connection."""
    pair = Pair()
    pair.connection(1 << 20, 1 << 20)
    late = pair.state.hello()  # the client has heard nothing, and makes another connection
    pair.session.resume(pair.state.hello(), PEER)
    pair.ask(0)
    pair.connection(1 << 20, 0)  # its answer is on the way
    with pytest.raises(WireError, match="is not true any more"):
        pair.session.resume(late, PEER)
    assert [number for number, _ in pair.session.answers_kept()] == [1]
    pair.connection(1 << 20, 1 << 20)
    assert [pending.number for pending in pair.settled] == [1]


def test_a_session_comes_back_to_its_owner_alone() -> None:
    """With the secret, and under the same name."""
    pair = Pair()
    for secret, peer in ((b"x" * 32, PEER), (None, PEER), (b"k" * 32, Peer("o", "tcp", ""))):
        with pytest.raises(ServerGone):
            pair.session.resume(Hello(b"s" * 16, secret, []), peer)


def test_a_server_that_answers_what_was_not_asked_is_refused() -> None:
    """Fewer answers than calls, and calls received that were never made."""
    state = Pair().state
    with pytest.raises(WireError, match="were not made"):
        state.welcomed(Pair()._welcome([7], resumed=True), 0.0)
