"""When a server cuts a connection: by a clock that the test turns (P3)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.serving.link import Link
from interlock.managers.serving.session import Session
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Answer, Answers, Hello, Welcome, encode
from interlock.managers.wire.frames import CHUNK_MAX, HEADER, Kind
from interlock.managers.wire.handshake import as_bytes
from tests.hostile.port.stranger import call, calls

BOUNDS = Bounds(handshake_s=3.0, heartbeat_s=5.0, stall_s=2.0)
WELCOME = Welcome(b"i" * 16, b"s" * 16, b"k" * 32, False, [], 5.0, 1.0, 8, 1 << 20)


class Transport(asyncio.Transport):
    """Takes what is written; its socket is one of this machine."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__({"socket": sock})
        self.written: list[bytes] = []
        self.is_cut = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        self.is_cut = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is room."""


class Line:
    """A server's link, and both who speaks to it and its server."""

    bounds = BOUNDS
    key: bytes | None = None
    tls = insecure = False

    def __init__(self, sock: socket.socket) -> None:
        self.now_s = 100.0
        self.untold: list[Callable[[], None]] = []
        self.transport = Transport(sock)
        self.session: Session | None = None
        self.link = Link(self, lambda: self.now_s)
        self.link.connection_made(self.transport)

    def arrived(self, link: Link) -> None:
        """There is room."""

    def greet(self, link: Link, peer: Peer, hello: Hello) -> tuple[Session, Welcome]:
        self.session = Session(b"s" * 16, b"k" * 32, peer, self.bounds)
        return self.session, WELCOME

    def when_kept(self, told: Callable[[], None]) -> None:
        self.untold.append(told)

    def settled(self, link: Link, session: Session) -> None:
        """What a client lost is sent again."""

    def woken(self, session: Session) -> None:
        """Nothing is run."""

    def left(self, link: Link, *, for_good: bool) -> None:
        """It ends with the test."""

    def enter(self) -> None:
        """As an honest client."""
        self.comes(version.offer() + as_bytes(Hello()))
        self.untold.pop()()
        assert self.session is not None

    def comes(self, data: bytes) -> None:
        while data:
            room = self.link.get_buffer(-1)
            count = min(len(room), len(data))
            room[:count] = data[:count]
            data = data[count:]
            self.link.buffer_updated(count)

    def is_cut_after(self, seconds: float) -> bool:
        """Whether it is, so much later."""
        self.now_s += seconds
        self.link.tick(self.now_s)
        return self.transport.is_cut


def on_a_line(script: Callable[[Line], None]) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            script(Line(ours))

    asyncio.run(main())


def test_a_stranger_has_so_long_to_say_who_it_is() -> None:
    """However often it says a little."""

    def script(line: Line) -> None:
        for byte in version.offer()[:3]:
            assert not line.is_cut_after(0.9)
            line.comes(bytes([byte]))
        assert line.is_cut_after(0.5)

    on_a_line(script)


def test_who_is_silent_for_three_heartbeats_is_cut() -> None:
    def script(line: Line) -> None:
        line.enter()
        assert not line.is_cut_after(14.9)
        assert line.is_cut_after(0.2)

    on_a_line(script)


def test_who_reads_nothing_of_what_it_is_sent_is_cut() -> None:
    """Though it goes on to send; the time begins anew when it has read."""

    def script(line: Line) -> None:
        line.enter()
        line.link.pause_writing()
        assert not line.is_cut_after(1.9)
        line.link.resume_writing()
        assert not line.is_cut_after(1.9)
        line.link.pause_writing()
        assert not line.is_cut_after(1.9)
        line.comes(calls(1, call(0, "find", "x")))
        assert line.is_cut_after(0.2)

    on_a_line(script)


def test_a_frame_that_comes_by_the_byte_is_cut() -> None:
    """It has so long from its first byte on, whatever came before it."""

    def script(line: Line) -> None:
        line.enter()
        frame = calls(1, call(0, "find", "x"))
        line.comes(frame)
        assert not line.is_cut_after(10.0)
        for byte in frame[:5]:
            line.comes(bytes([byte]))
            assert not line.is_cut_after(0.39)
        line.comes(frame[5:6])
        assert line.is_cut_after(0.1)

    on_a_line(script)


@pytest.mark.parametrize("is_steady", [True, False])
def test_a_large_buffer_may_take_long_if_it_goes_on(is_steady: bool) -> None:
    """Each chunk is a frame, which has its own time."""

    def script(line: Line) -> None:
        line.enter()
        line.comes(HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + (8 * CHUNK_MAX).to_bytes(8, "little"))
        for _ in range(4):
            assert not line.is_cut_after(1.5)
            if is_steady:
                line.comes(HEADER.pack(Kind.CHUNK, 0, 0, CHUNK_MAX, 1) + bytes(CHUNK_MAX))
            else:
                line.comes(b"")
                break
        assert line.is_cut_after(1.5) is not is_steady

    on_a_line(script)


def test_no_answer_goes_out_before_the_welcome() -> None:
    """A client takes nothing else there; what is kept follows."""

    def script(line: Line) -> None:
        line.comes(version.offer() + as_bytes(Hello()))
        said = len(line.transport.written)
        line.link.answer(1, encode(Answers([Answer(False, b"x")])))
        line.link._flush()
        assert len(line.transport.written) == said
        line.untold.pop()()
        assert line.transport.written[said:] == [as_bytes(WELCOME)]

    on_a_line(script)
