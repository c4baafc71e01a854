"""Leases and locks across three hosts: cables are pulled out, the server is killed (P2, P3).

The server is `interlock serve` on one of them, with a journal; on each is a client, which comes
back by itself.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from tests.hosts.hub import HEARTBEAT_S, Hub
from tests.hosts.network import Network, Poor
from tests.hosts.remote import Remote
from tests.hosts.scene import seed
from tests.managers.waiting import until

HOSTS = ("hub", "east", "west")
SHORT_S, LONG_S = 1.0, 60.0  # of grace
LIFE_S = 0.8  # of a server, at most
KILLS, MANY_KILLS = 4, 100
SLACK_S = 6.0


def go_on(clients: list[Remote], steps: int = 8) -> None:
    """Return when each has done so much more."""
    before = [client("made") for client in clients]
    until(
        lambda: all(
            client("made") >= made + steps for client, made in zip(clients, before, strict=True)
        ),
        60.0,
    )


def check(clients: list[Remote]) -> None:
    """End: what was put was done once, each turn with the lock counted once, by its own token."""
    for client in clients:
        client("stop")
    ended = [client("end") for client in clients]
    found = clients[0]("found")
    assert found["left"] == [0, 0]
    assert sorted(found["done"]) == sorted(number for each in ended for number in each["put"])
    assert len(found["done"]) == sum(each["done"] for each in ended)
    tokens = [token for each in ended for token in each["tokens"]]
    assert found["count"] == len(tokens) == len(set(tokens))
    assert all(each["tokens"] == sorted(each["tokens"]) and each["tokens"] for each in ended)


@pytest.mark.parametrize("network", [{"east": Poor(loss=0.05, delay_s=0.02)}], indirect=True)
def test_leases_and_locks_go_on_while_cables_are_pulled_out(
    network: Network, keys: Path, tmp_path: Path
) -> None:
    """One host's, the other's, the server's own; for less than the heartbeat time, and for more.

    The cable of one loses and delays what it carries: whoever has the lock behind it keeps the
    others waiting, and loses nothing.
    """
    chance = random.Random(seed())
    with Hub(network, keys, tmp_path, LONG_S) as hub:
        clients = [hub.client(host) for host in HOSTS]
        for client in clients:
            client("work")
        for host, out_s in (("east", 0.2), ("west", 2.5 * HEARTBEAT_S), ("hub", 4 * HEARTBEAT_S)):
            go_on(clients)
            threading.Event().wait(chance.random() / 10)
            network.cut(host)
            threading.Event().wait(out_s)
            network.restore(host)
        go_on(clients)
        check(clients)
    assert network.dropped("east") > 0


def test_who_is_cut_off_loses_its_lease_and_its_lock_to_another_host(
    network: Network, keys: Path, tmp_path: Path
) -> None:
    """When its grace has ended, not before; under a higher token, and it is told (P3)."""
    with Hub(network, keys, tmp_path, SHORT_S) as hub:
        east, west = hub.client("east"), hub.client("west")
        west("put", ["a message", "another"])
        assert east("lease") == ["a message", 1]
        token = east("acquire", 1.0)
        east("write", "by", "east")
        assert west("acquire", 0.0) is None
        network.cut("east")
        cut_s = time.monotonic()
        higher = west("acquire", 20.0)
        assert higher > token
        assert SHORT_S <= time.monotonic() - cut_s < 3 * HEARTBEAT_S + SHORT_S + SLACK_S
        assert west("lease") == ["a message", 2]
        west("acknowledge")
        west("write", "by", "west")
        network.restore("east")
        for late in (("write", "by", "east, late"), ("acknowledge",)):
            assert east.outcome(*late).error == "ServerGone"
        assert west("read", "by") == "west"


def kill_at_random(network: Network, keys: Path, folder: Path, kills: int) -> None:
    """Clients on all hosts work, while the server is killed so often, and pulled off at times."""
    chance = random.Random(seed())
    with Hub(network, keys, folder, LONG_S) as hub:
        clients = [hub.client(host) for host in HOSTS]
        for client in clients:
            client("work")
        go_on(clients)
        for _ in range(kills):
            threading.Event().wait(chance.random() * LIFE_S)
            cut = chance.choice([None, None, *HOSTS])
            if cut is not None:
                network.cut(cut)
            hub.kill()
            hub.start()
            if cut is not None:
                network.restore(cut)
        assert hub.starts == kills + 1
        go_on(clients)
        check(clients)


def test_a_server_killed_some_times_loses_nothing_of_three_hosts(
    network: Network, keys: Path, tmp_path: Path
) -> None:
    """P2: no acknowledged change is lost, none is made twice. `make faults` has a hundred."""
    kill_at_random(network, keys, tmp_path, KILLS)


@pytest.mark.campaign
def test_a_server_killed_a_hundred_times_loses_nothing_of_three_hosts(
    network: Network, keys: Path, tmp_path: Path
) -> None:
    """At random moments, with its journal."""
    kill_at_random(network, keys, tmp_path, MANY_KILLS)
