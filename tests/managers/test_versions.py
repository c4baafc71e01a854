"""Another release at the other end: a version that both speak, or a refusal in words (P4).

How: a process in which the table of versions says something else, as that release's client or as
its server; what it does with a version that both speak is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interlock.errors import ConnectionRefusedByServer
from interlock.managers.aio import AsyncClient
from interlock.managers.auth import Address, AuthenticationFailed
from interlock.managers.client import Client
from interlock.managers.wire import version
from interlock.managers.wire.bodies import Hello
from interlock.managers.wire.handshake import client_side
from tests.hostile.port.stranger import Raw
from tests.managers.served import BOUND_S, KEY, Served

Versions = tuple[int, int]
OURS: Versions = (1, 1)
NEWER_TOO: Versions = (1, 3)
NEWER: Versions = (2, 3)
OLDER: Versions = (0, 0)

RELEASE = """
import json, sys
from interlock.managers.wire import version
oldest, newest = version.OLDEST, version.NEWEST = json.loads(sys.argv[1])
for function in (version.offer, version.choose, version.reply, version.chosen):
    function.__defaults__ = (oldest, newest)
"""
SERVES = """
import asyncio
from tests.managers import served
from interlock.managers.server import run
run(served._main(None, {}))
"""
CALLS = """
from interlock.managers.client import Client
from tests.managers.served import KEY
try:
    with Client(("127.0.0.1", int(sys.argv[2])), authkey=KEY) as client:
        print(client.call(client.create("Counter"), "add", 2))
except Exception as error:
    print(type(error).__name__, error)
"""


def release(program: str, speaks: Versions, *arguments: str) -> subprocess.Popen[str]:
    """A process of another release."""
    command = [sys.executable, "-c", RELEASE + program, json.dumps(speaks), *arguments]
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )


@contextlib.contextmanager
def server(speaks: Versions) -> Iterator[Address]:
    """One of another release."""
    with release(SERVES, speaks) as process:
        try:
            assert process.stdout is not None
            host, port = json.loads(process.stdout.readline())
            yield host, port
        finally:
            process.kill()


def by_threads(address: Address) -> Any:
    with Client(address, authkey=KEY) as client:
        return client.call(client.create("Counter"), "add", 2)


def by_tasks(address: Address) -> Any:
    async def main() -> Any:
        async with await AsyncClient.connect(address, authkey=KEY) as client:
            return await client.call(await client.create("Counter"), "add", 2)

    return asyncio.run(main())


@pytest.mark.parametrize("call", [by_threads, by_tasks])
def test_our_clients_and_servers_of_other_releases(call: Callable[[Address], Any]) -> None:
    """A newer one that speaks ours as well serves us; of others both ranges are told."""
    with server(NEWER_TOO) as address:
        assert call(address) == 2
    for speaks in (NEWER, OLDER):
        with server(speaks) as address, pytest.raises(ConnectionRefusedByServer) as caught:
            call(address)
        said = str(caught.value)
        assert f"The server speaks versions {speaks[0]} to {speaks[1]}" in said
        assert f"this program {OURS[0]} to {OURS[1]}" in said
        assert "Update the older one" in said


def test_our_server_and_clients_of_other_releases() -> None:
    """A newer one that speaks ours as well is served; others are told what there is."""
    with Served(("127.0.0.1", 0)) as served:
        assert isinstance(served.address, tuple)
        said = {}
        for speaks in (NEWER_TOO, NEWER, OLDER):
            with release(CALLS, speaks, str(served.address[1])) as client:
                said[speaks], _ = client.communicate(timeout=BOUND_S)
        assert said[NEWER_TOO] == "2\n"
        for speaks in (NEWER, OLDER):
            words = said[speaks]
            assert words.startswith("ConnectionRefusedByServer The server speaks versions 1 to 1 ")
            assert f"this program {speaks[0]} to {speaks[1]}" in words
        assert by_threads(served.address) == 2


def test_nobody_on_the_way_can_change_what_a_side_offers() -> None:
    """The proof of the key is over the first bytes of both: an older version cannot be forced."""
    with Served(("127.0.0.1", 0)) as served, Raw(served.address) as raw:
        steps = client_side(KEY, Hello())
        assert next(steps) == version.offer() != version.offer(1, 7)
        raw.send(version.offer(1, 7))
        assert steps.send(raw.message()) == b""  # the server has chosen
        raw.send(steps.send(raw.message()))
        with pytest.raises(AuthenticationFailed, match="another key"):
            steps.send(raw.message())
