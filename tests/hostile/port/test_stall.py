"""However a stranger behaves, another client's calls take no more than 200 ms longer (P3).

How: server, honest client and stranger are processes of their own, and what the machine keeps them
waiting is taken off (patient.py). Each attack goes on for a while, as fast as it can.
"""

from __future__ import annotations

import contextlib
import random
import resource
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from interlock.errors import BadArgument
from interlock.managers.auth import Address
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.keys import Authority
from interlock.managers.serving.gate import raise_descriptor_limit
from interlock.managers.wire import version
from interlock.managers.wire.frames import HEADER, Kind
from tests.hostile.port.patient import Patient
from tests.hostile.port.stranger import Raw, call, calls
from tests.managers.served import KEY, in_a_process

STALL_S = 0.2
ATTACK_S = 1.0
IDLE = 2000
MEMORY_MAX = 64 << 20  # that the server may take for all of it
CALLS_MIN = 20

Attack = Callable[[Address, random.Random], object]
attacks: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    """One round of an attack; it is made again and again."""
    attacks[function.__name__.replace("_", " ")] = function
    return function


@attack
def random_bytes(address: Address, chance: random.Random) -> None:
    with Raw(address) as raw, contextlib.suppress(OSError):
        if chance.random() < 0.5:
            raw.enter()
        raw.send(chance.randbytes(chance.choice([8, 64, 5000, 200_000])))


@attack
def prefixes_of_a_session(address: Address, chance: random.Random) -> None:
    with Raw(address) as raw:
        raw.enter()
        raw.send(calls(1, call(0, "create Counter")))
        raw.message()
        whole = raw.sent
    for _ in range(20):
        with Raw(address) as raw:
            raw.send(whole[: chance.randrange(len(whole))])


@attack
def giant_lengths(address: Address, chance: random.Random) -> None:
    giant = [
        HEADER.pack(Kind.CALLS, 0, 0, (1 << 32) - 1, 1),
        HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + struct.pack("<Q", 1 << 62),
        HEADER.pack(Kind.CALLS, 0, 65535, 0, 1),
        HEADER.pack(Kind.CALLS, 0, 1, 0, 1) + struct.pack("<Q", 200 << 20),
        calls(1 << 62, call(0, "find", "shared")),
    ]
    with Raw(address) as raw:
        raw.enter()
        raw.send(chance.choice(giant))


@attack
def frames_played_again(address: Address, chance: random.Random) -> None:
    with Raw(address) as raw, contextlib.suppress(OSError):
        raw.enter()
        frame = calls(1, call(0, "find", "shared"))
        for _ in range(1 + chance.randrange(3)):
            raw.send(frame)
        raw.message()


@attack
def slow_writers(address: Address, chance: random.Random) -> None:
    """Two hundred, each a byte at a time."""
    frame = version.offer() + calls(1, call(0, "find", "x" * 100))
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(Raw(address)) for _ in range(200)]
        for at in range(20):
            for raw in slow:
                with contextlib.suppress(OSError):
                    raw.send(frame[at : at + 1])


@attack
def who_reads_nothing(address: Address, chance: random.Random) -> None:
    with Raw(address) as raw:
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.enter()
        raw.send(calls(1, call(0, "create Counter")))
        raw.message()
        raw.sock.settimeout(0.3)
        with contextlib.suppress(OSError):
            for number in range(2, 500):
                raw.send(calls(number, call(1, "echo", "x" * 15_000), lane=number))


@attack
def values_of_many_items(address: Address, chance: random.Random) -> None:
    """As many as one value may have, of kinds that take long; and value upon value."""
    count = Bounds().values.max_items // 2 - 10
    with Client(address, authkey=KEY) as client:
        counter = client.create("Counter")
        values = [{str(number): number for number in range(count)}, [UUID(int=1)] * (count // 2)]
        with contextlib.suppress(BadArgument), client.pipeline():
            for number in range(20):
                client.call(counter, "add", values[number % 2])


@attack
def full_pipelines(address: Address, chance: random.Random) -> None:
    with Client(address, authkey=KEY) as client:
        counter = client.create("Counter")
        for _ in range(3):
            with client.pipeline():
                for _ in range(2000):
                    client.call(counter, "add", 1)


@attack
def two_thousand_that_are_silent(address: Address, chance: random.Random) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(Raw(address))


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """This process has one for each silent connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptor_limit(IDLE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Scene:
    """A server, and an honest client of it.

    Args:
        process: The server.
        address: Where it is.
        patient: The client.
    """

    def __init__(self, process: subprocess.Popen[str], address: Address, patient: Patient) -> None:
        self.address = address
        self._process, self._patient = process, patient
        self._memory = psutil.Process(process.pid).memory_info

    def hold(self, what: str, attacking: Callable[[], object]) -> None:
        """Attack once, and more for as long as an attack goes on; what comes of it is bounded."""
        before, _ = self._memory().rss, self._patient.calls()
        ends_s = time.monotonic() + ATTACK_S
        attacking()
        while time.monotonic() < ends_s:
            attacking()
        grown = self._memory().rss - before
        calls = self._patient.calls()
        whole_s, own_s = max(whole for whole, _ in calls), max(own for _, own in calls)
        print(
            f"{what}: {len(calls)} calls of another client, the longest took {whole_s * 1e3:.0f} "
            f"ms, of which the server's own were {own_s * 1e3:.0f} ms at the most; its memory grew "
            f"by {grown >> 10} KiB"
        )
        assert self._process.poll() is None
        assert len(calls) >= CALLS_MIN
        assert own_s < STALL_S
        assert grown < MEMORY_MAX


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        in_a_process(strangers=IDLE + 100, stall_s=1.0) as (process, address),
        Patient(process.pid, address) as patient,
    ):
        yield Scene(process, address, patient)


@pytest.mark.parametrize("what", attacks)
def test_no_attack_stalls_another_client(scene: Scene, what: str) -> None:
    """200 ms, of the server's own; its memory is bounded, and it lives."""
    chance = random.Random(20_261_128)
    scene.hold(what, lambda: attacks[what](scene.address, chance))


def shown(file: Path | None) -> ssl.SSLContext:
    """What shows that certificate, and talks to anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if file is not None:
        context.load_cert_chain(file)
    return context


def certificates(authority: Authority, strange: Path) -> dict[str, ssl.SSLContext]:
    """None of which is let in."""
    Authority.create(strange).issue("worker")
    authority.revoke("worker")
    authority.issue("late", days=1, start=datetime.now(UTC) - timedelta(days=2))
    return {
        "none": shown(None),
        "of another authority": shown(strange / "worker.key"),
        "revoked": shown(authority.directory / "worker.key"),
        "expired": shown(authority.directory / "late.key"),
    }


def test_certificates_that_are_refused_stall_nobody(authority: Authority, tmp_path: Path) -> None:
    """Handshakes that come to nothing, one after another, and bytes that are no TLS."""
    wrong = certificates(authority, tmp_path / "strange")
    tried = dict.fromkeys(wrong, 0)

    def knock(address: Address) -> None:
        for who, context in wrong.items():
            with contextlib.suppress(OSError), Raw(address, context) as raw:
                assert raw.is_cut()
            tried[who] += 1
        with Raw(address) as raw:
            raw.send(version.offer())
            assert raw.is_cut()

    with (
        in_a_process(authority.directory) as (process, address),
        Patient(process.pid, address, authority.directory) as patient,
    ):
        Scene(process, address, patient).hold("certificates", lambda: knock(address))
    assert min(tried.values()) > 0
