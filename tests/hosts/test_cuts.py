"""Cables that are pulled out: for a moment, for longer than the grace, for ever (P2, P3).

While one is out no packet comes through and nobody is told. The kernel sends again what was lost;
a client that has heard nothing for the heartbeat time makes another connection.
"""

from __future__ import annotations

import random
import threading
import time

import pytest

from tests.hosts.scene import Scene, seed
from tests.managers.waiting import until

HEARTBEAT_S = 1.0
GRACE_S = 12.0
SHORT_S = 2.5
SLACK_S = 6.0  # a loaded machine, and the kernel's own pauses before it sends again
KINDS = ("threads", "asyncio")


def pause(seconds: float) -> None:
    """Let time pass: how long a cable is out is what a test is about."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("kind", KINDS)
def test_each_call_runs_once_while_the_cable_is_pulled_out_again_and_again(
    scene: Scene, kind: str
) -> None:
    """Out for less than the heartbeat time and for more, in the middle of calls (P2)."""
    chance = random.Random(seed())
    server = scene.serve(heartbeat_s=HEARTBEAT_S, grace_s=GRACE_S)
    east, west = scene.client("east", kind), scene.client("west")
    for client in (east, west):
        client("find", "counter")
    east("note", "counter", 4)
    for out_s in (0.3, 2.5 * HEARTBEAT_S, 0.1, 3.5 * HEARTBEAT_S):
        before = east("made")
        until(lambda before=before: east("made") > before + 20, 60.0)  # type: ignore[misc]
        pause(chance.random() / 10)
        scene.network.cut("east")
        pause(out_s)
        assert west("call", "counter", "add", 1)  # others are served meanwhile
        scene.network.restore("east")
    before = east("made")
    until(lambda: east("made") > before + 20, 60.0)
    made, noted = east("end"), west("call", "counter", "noted")
    assert sorted(noted) == sorted(made), "a call was lost, or run twice"
    assert server("statistics")["sessions"] == 2  # none was given up


def test_who_is_cut_off_for_longer_than_the_grace_loses_what_it_held(scene: Scene) -> None:
    """Not before; and it is told when it is back (P3)."""
    server = scene.serve(heartbeat_s=HEARTBEAT_S, grace_s=SHORT_S)
    east, west = scene.client("east"), scene.client("west")
    for client in (east, west):
        client("find", "gate")
    assert east("call", "gate", "take")
    scene.network.cut("east")
    cut_s = time.monotonic()
    until(lambda: west("call", "gate", "take"))
    assert SHORT_S <= time.monotonic() - cut_s < 3 * HEARTBEAT_S + SHORT_S + SLACK_S
    assert server("statistics")["sessions"] == 1
    scene.network.restore("east")
    told = east.outcome("call", "gate", "waiters")
    assert told.error == "ServerGone"
    again = scene.client("east")
    again("find", "gate")
    assert not again("call", "gate", "take")


def test_who_is_back_within_the_grace_has_kept_what_it_held(scene: Scene) -> None:
    """Nobody else had it, though the server had given up the connection (P3)."""
    server = scene.serve(heartbeat_s=HEARTBEAT_S, grace_s=60.0)
    east, west = scene.client("east"), scene.client("west")
    for client in (east, west):
        client("find", "gate")
    assert east("call", "gate", "take")
    scene.network.cut("east")
    until(lambda: server("statistics")["connections"] == 1)
    assert not west("call", "gate", "take")
    scene.network.restore("east")
    assert east("call", "gate", "waiters") == 0
    assert not west("call", "gate", "take")
    east("call", "gate", "free")
    assert west("call", "gate", "take")


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_cut_off_is_told_to_all_that_wait(scene: Scene, kind: str) -> None:
    """When it has been silent for the heartbeat time, and did not come back in the grace (P3)."""
    scene.serve(heartbeat_s=HEARTBEAT_S, grace_s=SHORT_S)
    client = scene.client("east", kind)
    client("find", "gate")
    waiting = [client.begin("call", "gate", "wait") for _ in range(3)]
    until(lambda: client("call", "gate", "waiters") == 3)
    scene.network.cut("hub")
    cut_s = time.monotonic()
    for each in waiting:
        told = each.result(60.0)
        assert told.error == "ServerGone"
        assert "10.99.0.1" in told.text
        assert "gone" in told.text
    assert time.monotonic() - cut_s < HEARTBEAT_S + SHORT_S + SLACK_S
    assert client.outcome("call", "gate", "waiters").error == "ServerGone"


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_server_is_told_within_the_heartbeat_time(scene: Scene, kind: str) -> None:
    """Its host says that nobody listens any more; the grace need not pass (P3)."""
    server = scene.serve(heartbeat_s=HEARTBEAT_S, grace_s=60.0)
    client = scene.client("east", kind)
    client("find", "gate")
    waiting = [client.begin("call", "gate", "wait") for _ in range(3)]
    until(lambda: client("call", "gate", "waiters") == 3)
    server.kill()
    killed_s = time.monotonic()
    for each in waiting:
        assert each.result(60.0).error == "ServerGone"
    assert time.monotonic() - killed_s < HEARTBEAT_S + SLACK_S
