"""Calls, references and locks across three hosts, over TLS with certificates (P2, P3)."""

from __future__ import annotations

import pytest

from tests.hosts.network import Poor
from tests.hosts.scene import Scene
from tests.managers.waiting import until

KINDS = ("threads", "asyncio")


@pytest.mark.parametrize("kind", KINDS)
def test_two_hosts_use_the_objects_of_a_third(scene: Scene, kind: str) -> None:
    """One that it has by name, one that a client made and passed on, large values both ways."""
    scene.serve()
    east, west = scene.client("east", kind), scene.client("west", kind)
    for client in (east, west):
        client("find", "counter")
    assert [east("call", "counter", "add", 1), west("call", "counter", "add", 2)] == [1, 3]
    east("create", "own", "Counter")
    west("claim", "passed", east("share", "own"))
    assert west("call", "passed", "add", 5) == 5
    assert east("call", "own", "add", 0) == 5
    assert east("echo", "own", 4 << 20)
    refused = west.outcome("call", "passed", "fail", "value")
    assert (refused.error, refused.text) == ("ValueError", "('v', 3)")


def test_a_lock_is_held_by_one_of_two_hosts(scene: Scene) -> None:
    """The other has it when it is given back."""
    scene.serve()
    east, west = scene.client("east"), scene.client("west")
    for client in (east, west):
        client("find", "gate")
    assert east("call", "gate", "take")
    assert not west("call", "gate", "take")
    east("call", "gate", "free")
    assert west("call", "gate", "take")


def test_what_waits_on_one_host_is_woken_from_another(scene: Scene) -> None:
    """An async method of the server, for both clients at once."""
    server = scene.serve()
    east, west = scene.client("east"), scene.client("west", "asyncio")
    for client in (east, west):
        client("find", "gate")
    waiting = [client.begin("call", "gate", "wait") for client in (east, west)]
    third = scene.client("hub")
    third("find", "gate")
    until(lambda: third("call", "gate", "waiters") == 2)
    assert server("statistics")["sessions"] == 3
    third("call", "gate", "open")
    assert [each.result(60).value for each in waiting] == ["open", "open"]


@pytest.mark.parametrize("network", [{"east": Poor(loss=0.1, delay_s=0.05)}], indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_run_once_by_a_cable_that_loses_and_delays(scene: Scene, kind: str) -> None:
    """10 % of the packets of each direction are lost, the others are 50 ms late (P2)."""
    scene.serve()
    east, west = scene.client("east", kind), scene.client("west")
    for client in (east, west):
        client("find", "counter")
    east("note", "counter", 4)
    assert east("echo", "counter", 20_000)
    until(lambda: east("made") >= 40, 60.0)
    assert min(west("round_trips_s", "counter", 20, 0.0)) < 0.1  # its cable is a good one
    assert min(east("round_trips_s", "counter", 3, 0.0)) >= 0.1
    assert sorted(east("end")) == sorted(west("call", "counter", "noted"))
    assert scene.network.dropped("east") > 0
