"""Thousands that connect and say nothing: others are served in time, memory is bounded (P3)."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from interlock.managers.auth import Address
from interlock.managers.client import Client
from interlock.managers.keys import Authority
from interlock.managers.serving.gate import raise_descriptor_limit
from interlock.managers.tls import client_context
from tests.hostile.port.stranger import Honest, Raw
from tests.managers.served import BOUND_S, KEY, in_a_process
from tests.managers.waiting import until

IDLE = 2000
KIB = 1024
MOST_S = 0.2  # on a machine that does nothing else
PATIENT = {"handshake_s": 100.0, "heartbeat_s": 100.0}


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """This process has one for each idle connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptor_limit(IDLE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def check_served_in_time(honest: Honest, quiet: int) -> None:
    """The honest client's calls behind the first ones, beside those: most took no longer."""
    first, later = sorted(honest.taken_s[:quiet]), sorted(honest.taken_s[quiet:])
    at = int(len(later) * 0.95)
    bound_s = max(MOST_S, 3 * first[int(len(first) * 0.95)])
    assert later[at] < bound_s, f"{first[-3:]}, and then {later[-3:]}"


@pytest.mark.parametrize(
    ("who", "kib"),
    [("strangers", 48), ("clients", 48), ("strangers by TLS", 96), ("clients by TLS", 96)],
)
def test_two_thousand_idle_connections_stall_nobody(
    who: str, kib: int, authority: Authority
) -> None:
    """Strangers, and clients that have come to a session: `kib` KiB each at the most.

    When they are gone, the server has their descriptors no more.
    """
    keys = authority.directory if "TLS" in who else None
    ssl = client_context(keys, "worker") if keys else None
    options: dict[str, Any] = {"ssl": client_context(keys, "other")} if keys else {"authkey": KEY}
    with (
        in_a_process(keys, strangers=IDLE + 100, **PATIENT) as (process, address),
        Honest(address, **options) as honest,
    ):
        server = psutil.Process(process.pid)
        until(lambda: honest.calls > 100)
        quiet, few, before = honest.calls, server.num_fds(), server.memory_info().rss
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE):
                if "strangers" in who:
                    connected(address, stack)
                else:
                    stack.enter_context(Raw(address, ssl)).enter()
            until(lambda: server.num_fds() >= few + IDLE)
            calls = honest.calls
            until(lambda: honest.calls > calls + 100)
            taken = (server.memory_info().rss - before) // KIB
            assert taken < IDLE * kib, f"{taken / IDLE:.0f} KiB each"
        until(lambda: server.num_fds() < few + 10)
        check_served_in_time(honest, quiet)


def connected(address: Address, stack: contextlib.ExitStack) -> socket.socket:
    assert isinstance(address, tuple)
    return stack.enter_context(socket.create_connection(address, BOUND_S))


@pytest.mark.parametrize("secured", [False, True])
def test_of_strangers_the_server_keeps_so_many_and_no_more(
    secured: bool, authority: Authority
) -> None:
    """The oldest go for new ones, before a TLS handshake too; a client comes through."""
    keys = authority.directory if secured else None
    options: dict[str, Any] = {"ssl": client_context(keys, "other")} if keys else {"authkey": KEY}
    with in_a_process(keys, strangers=100, handshake_s=100.0) as (process, address):
        server = psutil.Process(process.pid)
        few = server.num_fds()
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE):
                connected(address, stack)
            until(lambda: server.num_fds() <= few + 101)
            with Client(address, **options) as client:
                assert client.call(client.create("Counter"), "add", 1) == 1


def test_who_never_begins_a_tls_handshake_is_cut(authority: Authority) -> None:
    """By the server's own time for a handshake, as without TLS."""
    with in_a_process(authority.directory, handshake_s=1.0) as (process, address):
        server = psutil.Process(process.pid)
        few = server.num_fds()
        with contextlib.ExitStack() as stack:
            silent = [connected(address, stack) for _ in range(20)]
            until(lambda: server.num_fds() > few)
            for sock in silent:
                assert sock.recv(1) == b""
        until(lambda: server.num_fds() == few)


def test_a_server_without_descriptors_serves_who_is_there() -> None:
    """It takes new ones again when others have gone."""
    with in_a_process(handshake_s=100.0) as (process, address), Honest(address) as honest:
        few = psutil.Process(process.pid).num_fds()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (few + 20, few + 20))
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                connected(address, stack)
            calls = honest.calls
            until(lambda: honest.calls > calls + 100)
        with Client(address, authkey=KEY, connect_s=BOUND_S) as client:
            assert client.call(client.create("Counter"), "add", 1) == 1
