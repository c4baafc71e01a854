"""Certificates that end or are revoked while their owner is connected (P4).

The server has `Credentials`, and a server of its own with certificates of `interlock keys`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from interlock.errors import ServerGone
from interlock.managers.aio import AsyncClient
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.keys import Authority
from interlock.managers.tls import Credentials, client_context
from tests.managers.served import Served
from tests.managers.waiting import until

BOUNDS = Bounds(heartbeat_s=1.0, grace_s=3.0, handshake_s=5.0)


@pytest.fixture
def served(authority: Authority) -> Iterator[Served]:
    credentials = Credentials(authority.directory, "hub")
    with Served(("127.0.0.1", 0), authkey=None, ssl=credentials, bounds=BOUNDS) as served:
        yield served


def ends_soon(authority: Authority, name: str, in_s: float) -> None:
    """Issue a certificate that is valid for so many seconds more."""
    start = datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=in_s)
    authority.issue(name, days=1, start=start, revoke_old=True)


def refused(served: Served, context: ssl.SSLContext) -> bool:
    """Whether nobody is let in with that."""
    try:
        with Client(served.address, ssl=context, connect_s=5.0):
            return False
    except OSError:
        return True


def test_who_is_revoked_while_connected_is_cut_and_does_not_come_back(
    authority: Authority, served: Served
) -> None:
    """What it held is let go after the grace; others go on."""
    context = client_context(authority.directory, "worker")
    with Client(served.address, ssl=client_context(authority.directory, "other")) as other:
        worker = Client(served.address, ssl=context)
        gate = worker.create("Gate")
        theirs = other.claim(worker.share(gate))
        assert worker.call(gate, "take")
        authority.revoke("worker")
        until(lambda: served.statistics()["connections"] == 1)
        assert not other.call(theirs, "take")
        with pytest.raises(ServerGone, match="revoked"):
            worker.call(gate, "free")
        until(lambda: served.statistics()["sessions"] == 1)
        assert other.call(theirs, "take")
        assert refused(served, context)
        worker.close()


def test_a_certificate_that_ends_while_its_owner_is_connected_cuts_it(
    authority: Authority, served: Served
) -> None:
    """It is told why."""
    ends_soon(authority, "worker", 3.0)
    context = client_context(authority.directory, "worker")
    worker = Client(served.address, ssl=context)
    counter = worker.create("Counter")
    assert worker.call(counter, "add", 1) == 1
    until(lambda: served.statistics()["connections"] == 0)
    with pytest.raises(ServerGone, match="expired"):
        worker.call(counter, "add", 1)
    assert refused(served, context)
    worker.close()


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_who_renews_in_time_goes_on_with_its_session(
    authority: Authority, served: Served, kind: str
) -> None:
    """A client with `Credentials` shows the new one when it is cut, and nobody notices."""
    ends_soon(authority, "worker", 3.0)
    ends_s = time.time() + 3.0
    credentials = Credentials(authority.directory, "worker")

    def is_over() -> bool:
        return time.time() > ends_s + 2 * BOUNDS.heartbeat_s

    if kind == "threads":
        with Client(served.address, ssl=credentials) as worker:
            counter = worker.create("Counter")
            assert worker.call(counter, "add", 1) == 1
            authority.issue("worker")
            until(is_over)
            assert worker.call(counter, "add", 1) == 2
        return

    async def work() -> None:
        async with await AsyncClient.connect(served.address, ssl=credentials) as worker:
            counter = await worker.create("Counter")
            assert await worker.call(counter, "add", 1) == 1
            authority.issue("worker")
            while not is_over():
                await asyncio.sleep(0.05)
            assert await worker.call(counter, "add", 1) == 2

    asyncio.run(work())


def test_nobody_new_is_let_in_while_the_revocation_list_cannot_be_read(
    authority: Authority, served: Served
) -> None:
    """It may be the one with the client in it. Who is there stays, and all is well afterwards."""
    context = client_context(authority.directory, "worker")
    listed = authority.directory / "crl.pem"
    with Client(served.address, ssl=context) as worker:
        counter = worker.create("Counter")
        os.rename(listed, listed.with_suffix(".away"))
        assert refused(served, context)
        assert worker.call(counter, "add", 1) == 1
        os.rename(listed.with_suffix(".away"), listed)
        assert not refused(served, context)
