"""A manager's client whose connection is cut: it comes back to what it had, or finds it fenced."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from interlock.errors import ServerGone, StaleToken
from interlock.managers import SyncManager, under
from tests.managers.relay import Relay
from tests.managers.remote.programs import BOUND_S, KEY


def through(relay: Relay) -> Any:
    client = SyncManager(relay.address, KEY)
    client.connect()
    return client


def test_proxies_go_on_by_another_connection(manager: Any) -> None:
    """Each call is run once, and the lock is the client's all the time."""
    with Relay(manager.address) as relay:
        client = through(relay)
        lock, numbers = client.Lock(), client.list()
        with lock:
            token = lock.token
            for number in range(50):
                numbers.append(number)
                if number % 10 == 5:
                    relay.cut()
            assert lock.token == token
        assert list(numbers) == list(range(50))
        assert relay.connections > 1


def test_a_waiting_call_outlives_its_connection(manager: Any) -> None:
    with Relay(manager.address) as relay:
        queue, got = through(relay).Queue(), list[Any]()
        waits = threading.Thread(target=lambda: got.append(queue.get(timeout=BOUND_S)))
        waits.start()
        relay.cut()
        queue.put("after the cut")
        waits.join(BOUND_S)
        assert got == ["after the cut"]


def test_who_was_away_for_too_long_has_lost_its_lock_and_is_fenced(manager: Any) -> None:
    """The next has it under a higher token; what still comes under the old one is refused."""
    shared = manager.dict()
    with Relay(manager.address) as relay:
        client = through(relay)
        lock, state = client.Lock(), client.dict()
        shared["lock"], shared["state"] = lock, state
        lock.acquire()
        token = lock.token
        mine = under(token, state)
        mine["by"] = "the first"
        relay.is_down.set()
        relay.cut()
        direct = shared["lock"]
        assert direct.acquire(timeout=BOUND_S)
        assert direct.token > token
        under(direct.token, shared["state"])["by"] = "the second"
        with pytest.raises(ServerGone):
            mine["by"] = "the first, late"
    with pytest.raises(StaleToken):
        under(token, shared["state"])
    assert shared["state"]["by"] == "the second"
