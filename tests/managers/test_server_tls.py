"""The same over TLS 1.3 with certificates on both sides: names, permissions, threads, cuts."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from interlock.errors import AccessDenied
from interlock.managers.aio import AsyncClient
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from tests.managers.certificates import contexts
from tests.managers.relay import Relay
from tests.managers.served import BOUND_S, Served
from tests.managers.waiting import until

Secured = tuple[Served, ssl.SSLContext]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    ours, theirs = contexts(tmp_path_factory.mktemp("keys"), "worker-1")
    permissions = {"worker-1": {"Counter": "*", "Gate": "*"}}
    with Served(
        ("127.0.0.1", 0),
        authkey=None,
        ssl=ours,
        permissions=permissions,
        bounds=Bounds(heartbeat_s=1.0, grace_s=5.0),
    ) as served:
        yield served, theirs


def test_the_name_in_the_certificate_says_what_a_client_may_use(secured: Secured) -> None:
    """No key is needed: the certificate tells who it is."""
    served, theirs = secured
    with Client(served.address, ssl=theirs, hostname="localhost") as client:
        assert client.call(client.create("Counter"), "add", 1) == 1
        with pytest.raises(AccessDenied, match="worker-1"):
            client.create("dict")


def test_who_has_no_certificate_gets_no_connection(secured: Secured, tmp_path: Path) -> None:
    """Nor who has one of another authority, nor who calls the server by another name."""
    served, theirs = secured
    stranger = contexts(tmp_path, "worker-1")[1]
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    for context, name in ((stranger, "localhost"), (theirs, "another")):
        with pytest.raises(OSError):
            Client(served.address, ssl=context, hostname=name)


def test_threads_share_a_tls_connection_that_is_cut(secured: Secured) -> None:
    """Large and small values by several threads, which read and write at once."""
    served, theirs = secured
    wrong: list[object] = []
    with Relay(served.address) as relay:
        with Client(relay.address, ssl=theirs, hostname="localhost") as client:
            counter = client.create("Counter")

            def ask(number: int) -> None:
                try:
                    for index in range(20):
                        array = np.full(50_000 * (number % 2) + 1, number * index)
                        if not (client.call(counter, "echo", array) == array).all():
                            wrong.append(array)
                except BaseException as error:
                    wrong.append(error)

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
            for thread in threads:
                thread.start()
            for connections in (1, 2):
                relay.cut()
                until(lambda most=connections: relay.connections > most)  # type: ignore[misc]
            for thread in threads:
                thread.join(BOUND_S)
                assert not thread.is_alive()
    assert wrong == []


def test_the_client_for_asyncio_speaks_tls_too(secured: Secured) -> None:
    """With the same context."""
    served, theirs = secured

    async def work() -> None:
        async with asyncio.timeout(BOUND_S):
            async with await AsyncClient.connect(
                served.address, ssl=theirs, hostname="localhost"
            ) as client:
                counter = await client.create("Counter")
                array = np.arange(200_000)
                assert (await client.call(counter, "echo", array) == array).all()

    asyncio.run(work())
