"""What a stranger may do to a server: be cut, and nothing else (P3, P4).

In each test an honest client goes on meanwhile, and is served in time.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Iterator

import psutil
import pytest

from interlock.errors import ConnectionRefusedByServer, WireError
from interlock.managers.auth import Address
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Call, Calls, Hello, encode
from interlock.managers.wire.frames import HEADER, Kind, pieces
from tests.hostile.port.stranger import Honest, Raw, call, calls
from tests.managers.relay import Relay
from tests.managers.served import BOUND_S, KEY, Served, in_a_process
from tests.managers.waiting import until

TIMES = Bounds(handshake_s=1.0, stall_s=1.0, heartbeat_s=2.0, strangers=600)


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(("127.0.0.1", 0), bounds=TIMES) as served:
        yield served


@pytest.fixture
def honest(served: Served) -> Iterator[Honest]:
    with Honest(served.address) as honest:
        yield honest


def session(address: Address) -> bytes:
    """What an honest client sends, from its first byte to its first call."""
    with Raw(address) as raw:
        raw.enter()
        raw.send(calls(1, call(0, "create Counter")))
        raw.message()
        return raw.sent


def test_random_bytes_cut_the_connection(served: Served, honest: Honest) -> None:
    """From the first byte on, and behind a handshake in good order."""
    chance = random.Random(7)
    for index in range(60):
        with Raw(served.address) as raw:
            with contextlib.suppress(OSError):  # it may be cut before all is sent
                if index % 2:
                    raw.enter()
                raw.send(chance.randbytes(chance.choice([8, 64, 5000, 70_000])))
                raw.sock.shutdown(socket.SHUT_WR)
            assert raw.is_cut()
    assert served.statistics()["connections"] <= 2


def test_each_prefix_of_a_session_ends_well(served: Served, honest: Honest) -> None:
    """A client that ends after any number of bytes."""
    whole = session(served.address)
    for length in range(len(whole)):
        with Raw(served.address) as raw:
            raw.send(whole[:length])
    until(lambda: served.statistics()["connections"] == 1)


def test_a_recorded_session_cannot_be_played_again(served: Served, honest: Honest) -> None:
    """Its proof is over the nonce of another connection."""
    with Raw(served.address) as raw:
        raw.sock.sendall(session(served.address))
        answers = b""
        with contextlib.suppress(ConnectionError):
            while data := raw.sock.recv(65536):
                answers += data
    assert b"another key" in answers


def test_a_frame_that_is_played_again_is_not_run_again(served: Served, honest: Honest) -> None:
    """A number is taken once, behind the answer too."""
    for acknowledged in (False, True):
        with Raw(served.address) as raw:
            raw.enter()
            raw.send(calls(1, call(0, "find", "shared")))
            raw.message()
            frame = calls(2, call(0, "share", 1))
            raw.send(frame)
            raw.message()
            if acknowledged:
                kind, body, _ = encode(Calls(1, [2], [call(0, "find", "shared")]))
                raw.send(b"".join(p for piece in pieces(kind, 3, body) for p in piece))
                raw.message()
            raw.send(frame)
            assert raw.is_cut()


GIANT = {
    "body": HEADER.pack(Kind.CALLS, 0, 0, (1 << 32) - 1, 1),
    "buffer": HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + struct.pack("<Q", 1 << 62),
    "buffers": HEADER.pack(Kind.CALLS, 0, 65535, 0, 1),
    "number": calls(1 << 62, call(0, "find", "shared")),
    "value": calls(1, Call(0, "find", b"\x01\xff" + b"\xff" * 20)),
}


@pytest.mark.parametrize("what", GIANT)
def test_giant_lengths_take_no_memory(what: str) -> None:
    """The server's memory is what it was."""
    # Neither silence nor slowness cuts anybody here.
    with in_a_process(heartbeat_s=BOUND_S, stall_s=BOUND_S) as (process, address), Honest(address):
        before = psutil.Process(process.pid).memory_info().rss
        for _ in range(20):
            with Raw(address) as raw:
                raw.enter()
                raw.send(GIANT[what])
                if what == "value":
                    assert raw.message().kind is Kind.ANSWERS
                else:
                    assert raw.is_cut()
        assert psutil.Process(process.pid).memory_info().rss - before < 32 * 1024 * 1024


def test_announced_buffers_take_memory_when_they_come() -> None:
    """A client may announce what it is allowed to send; the memory is that of what it has sent."""
    with in_a_process() as (process, address):
        before = psutil.Process(process.pid).memory_info().rss
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                raw = stack.enter_context(Raw(address))
                raw.enter()
                raw.send(HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + struct.pack("<Q", 200 << 20))
                raw.send(HEADER.pack(Kind.CHUNK, 0, 0, 1000, 1) + b"x" * 500)
            with Honest(address) as honest:
                until(lambda: honest.calls > 20)
            assert psutil.Process(process.pid).memory_info().rss - before < 32 * 1024 * 1024


def test_who_asks_for_more_than_it_was_told_is_cut() -> None:
    """More calls, and more bytes of calls, than the server said."""
    bounds = Bounds(calls=8, call_bytes=100_000, heartbeat_s=BOUND_S)  # silence cuts nobody
    with Served(("127.0.0.1", 0), bounds=bounds) as served, Honest(served.address):
        with Raw(served.address) as raw:
            assert raw.enter().calls == 8
            with contextlib.suppress(ConnectionError):
                for number in range(1, 20):
                    raw.send(calls(number, call(0, "find", "shared")))
            assert raw.is_cut()
        with Raw(served.address) as raw:
            raw.enter()
            raw.send(HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + struct.pack("<Q", 100_001))
            assert raw.is_cut()


def test_slow_writers_are_cut(served: Served, honest: Honest) -> None:
    """A byte now and then, in the handshake and in a frame: neither takes for ever."""
    for begin in (lambda raw: None, lambda raw: raw.enter()):
        with Raw(served.address) as raw:
            begin(raw)
            frame = version.offer() if raw.sent == b"" else calls(1, call(0, "find", "x" * 150))
            with pytest.raises(OSError):
                for byte in frame[:-1] * 100:
                    raw.sock.sendall(bytes([byte]))
                    raw.sock.settimeout(0.1)
                    with contextlib.suppress(TimeoutError):
                        if raw.sock.recv(65536) == b"":
                            raise ConnectionResetError


def test_silent_clients_are_cut(served: Served, honest: Honest) -> None:
    """500 connections that say nothing, or nothing more; the honest client goes on."""
    silent = []
    try:
        for index in range(500):
            raw = Raw(served.address)
            silent.append(raw)
            if index % 10 == 0:
                raw.enter()
        until(lambda: served.statistics()["connections"] == 1)
    finally:
        for raw in silent:
            raw.sock.close()


def test_a_client_that_reads_nothing_is_cut(served: Served, honest: Honest) -> None:
    """Its answers are kept up to a limit, and no more of its calls are run."""
    with Raw(served.address) as raw:
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.enter()
        raw.send(calls(1, call(0, "create Counter")))
        raw.message()
        with contextlib.suppress(OSError):
            raw.sock.settimeout(5.0)
            for number in range(2, 1000):
                raw.send(calls(number, call(1, "echo", "x" * 15_000), lane=number))
        until(lambda: served.statistics()["connections"] == 1)


def test_a_flood_does_not_delay_another_client(served: Served) -> None:
    """Four clients with full pipelines, and one that makes a call now and then."""
    end = threading.Event()

    def flood() -> None:
        with Client(served.address, authkey=KEY) as client:
            counter = client.create("Counter")
            while not end.is_set():
                with client.pipeline():
                    for _ in range(5000):
                        client.call(counter, "add", 1)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    with Honest(served.address) as honest:
        for thread in threads:
            thread.start()
        try:
            before = honest.calls
            until(lambda: honest.calls > before + 50)
        finally:
            end.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()


def test_a_stolen_session_needs_its_secret(served: Served, honest: Honest) -> None:
    """Who knows its number alone is told that it is gone; the session goes on."""
    with Raw(served.address) as raw:
        welcome = raw.enter()
        with Raw(served.address) as thief:
            with pytest.raises(ConnectionError, match="another secret"):
                thief.enter(Hello(welcome.session, b"\0" * 32, []))
        raw.send(calls(1, call(0, "find", "shared")))
        assert raw.message().kind is Kind.ANSWERS


def test_another_version_is_refused_in_words(served: Served, honest: Honest) -> None:
    """A newer client that speaks ours too is served; one that does not is told what there is."""
    assert version.choose(version.offer(1, 7)) == 1
    with Raw(served.address) as raw:
        raw.send(version.offer(2, 7))
        reply = raw.message().body
        assert raw.is_cut()
    with pytest.raises(ConnectionRefusedByServer, match="versions 1 to 1"):
        version.chosen(reply, 2, 7)
    with pytest.raises(WireError):
        version.chosen(b"HTTP/1.1 4")


def test_a_stranger_at_the_other_end_is_no_server() -> None:
    """A client that reaches something else says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener, Relay(listener.getsockname()) as relay:

        def answer() -> None:
            with listener.accept()[0] as sock:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                sock.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(WireError, match="no server of Interlock"):
            Client(relay.address, authkey=KEY)
        thread.join(BOUND_S)
