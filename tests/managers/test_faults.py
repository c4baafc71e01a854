"""Lost links, killed servers: each call is run once, and nobody waits for ever (P2, P3).

Between the client and the server stands a relay, which is cut or held by the test.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from interlock.errors import ServerGone
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.references import Reference
from tests.managers.relay import Relay
from tests.managers.served import BOUND_S, KEY, Served, in_a_process
from tests.managers.waiting import until

HEARTBEAT_S = 1.0
GRACE_S = 5.0
SLACK_S = 2.0  # a loaded machine
CUTS = [50, pytest.param(400, marks=pytest.mark.campaign)]

BOUNDS = Bounds(heartbeat_s=HEARTBEAT_S, grace_s=GRACE_S)


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(("127.0.0.1", 0), bounds=BOUNDS) as served:
        yield served


class Waiting:
    """A thread in a call."""

    def __init__(self, client: Client, *call: object) -> None:
        self.result: object = None
        self.error: Exception | None = None
        self.took_s = 0.0
        self._client, self._call = client, call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        began_s = time.monotonic()
        target, method, *args = self._call
        try:
            self.result = self._client.call(target, method, *args)  # type: ignore[arg-type]
        except Exception as error:
            self.error = error
        self.took_s = time.monotonic() - began_s

    def outcome(self) -> object:
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive(), "the call never ended"
        return self.result if self.error is None else self.error


def test_a_killed_server_is_told_to_all_that_wait() -> None:
    """Within the heartbeat time, of which the client may use all to find it started again (P3)."""
    with in_a_process(heartbeat_s=HEARTBEAT_S, grace_s=60.0) as (process, address):
        client = Client(address, authkey=KEY)
        gate = client.create("Gate")
        waiting = [Waiting(client, gate, "wait") for _ in range(5)]
        until(lambda: client.call(gate, "waiters") == 5)
        os.kill(process.pid, signal.SIGKILL)
        killed_s = time.monotonic()
        for each in waiting:
            assert isinstance(each.outcome(), ServerGone)
        assert time.monotonic() - killed_s < HEARTBEAT_S + SLACK_S
        with pytest.raises(ServerGone, match="gone"):
            client.call(gate, "waiters")
        client.close()


def test_a_stopped_server_is_noticed_by_its_silence() -> None:
    """Its machine answers, it does not, as when a machine is lost: then grace, then the end."""
    with in_a_process(heartbeat_s=HEARTBEAT_S, grace_s=1.0) as (process, address):
        client = Client(address, authkey=KEY)
        gate = client.create("Gate")
        waiting = Waiting(client, gate, "wait")
        until(lambda: client.call(gate, "waiters") == 1)
        os.kill(process.pid, signal.SIGSTOP)
        assert isinstance(waiting.outcome(), ServerGone)
        assert waiting.took_s < 2 * HEARTBEAT_S + 1.0 + SLACK_S
        os.kill(process.pid, signal.SIGCONT)
        client.close()


def test_a_server_that_ends_in_good_order_says_so() -> None:
    """Its clients are told at once."""
    with Served(("127.0.0.1", 0)) as served:
        client = Client(served.address, authkey=KEY)
        gate = client.create("Gate")
        waiting = Waiting(client, gate, "wait")
        until(lambda: client.call(gate, "waiters") == 1)
    assert isinstance(waiting.outcome(), ServerGone)
    client.close()


def test_a_link_cut_in_the_middle_of_a_call_is_not_noticed(served: Served) -> None:
    """The call goes on at the server; its answer comes by the next connection."""
    with Relay(served.address) as relay, Client(relay.address, authkey=KEY) as client:
        gate = client.create("Gate")
        waiting = Waiting(client, gate, "wait")
        until(lambda: client.call(gate, "waiters") == 1)
        relay.cut()
        until(lambda: relay.connections == 2)
        assert client.call(gate, "waiters") == 1
        client.call(gate, "open")
        assert waiting.outcome() == "open"


def test_a_link_that_falls_silent_is_replaced(served: Served) -> None:
    """No end comes, and no byte: found by heartbeats on both sides."""
    with Relay(served.address) as relay, Client(relay.address, authkey=KEY) as client:
        counter = client.create("Counter")
        relay.is_silent.set()
        waiting = Waiting(client, counter, "add", 1)
        until(lambda: relay.connections > 1)
        relay.is_silent.clear()
        assert waiting.outcome() == 1
        assert client.call(counter, "add", 1) == 2


def test_what_a_client_holds_is_kept_for_the_time_of_grace(served: Served) -> None:
    """A lock of a client that is away and comes back is its own all the time."""
    with Relay(served.address) as relay:
        with (
            Client(relay.address, authkey=KEY) as away,
            Client(served.address, authkey=KEY) as other,
        ):
            gate = away.create("Gate")
            theirs = other.claim(away.share(gate))
            assert away.call(gate, "take")
            relay.is_down.set()
            relay.cut()
            until(lambda: served.statistics()["connections"] == 1)
            assert not other.call(theirs, "take")
            relay.is_down.clear()
            until(lambda: served.statistics()["connections"] == 2)
            assert not other.call(theirs, "take")
            away.call(gate, "free")
            assert other.call(theirs, "take")


HOLDER = """
import sys, time
from interlock.managers.client import Client
from interlock.managers.references import Reference
client = Client(("127.0.0.1", int(sys.argv[1])), authkey=b"a key for tests")
gate = client.find("gate")
assert client.call(gate, "take")
print("taken", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_client_held_is_let_go_after_the_grace() -> None:
    """Its lock is free, its objects are gone, not before and not much later (P3)."""
    bounds = Bounds(heartbeat_s=HEARTBEAT_S, grace_s=1.5)
    with Served(("127.0.0.1", 0), bounds=bounds) as served:
        assert served.server is not None
        with Client(served.address, authkey=KEY) as client:
            gate = client.create("Gate")
            shared = served.server._objects._present[gate.id]
            served.server.serve("gate", shared.target, "Gate")
            port = str(served.address[1])
            holder = subprocess.Popen(
                [sys.executable, "-c", HOLDER, port],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            with holder:
                assert holder.stdout is not None
                assert holder.stdout.readline() == "taken\n"
                found = client.find("gate")
                assert not client.call(found, "take")
                holder.kill()
                killed_s = time.monotonic()
                until(lambda: client.call(found, "take"))
                assert 1.0 < time.monotonic() - killed_s < 1.5 + SLACK_S
            until(lambda: served.statistics()["sessions"] == 1)


def test_who_was_away_too_long_is_told_that_its_session_is_over() -> None:
    """Calls that wait fail; nothing is run under a session that has let everything go."""
    bounds = Bounds(heartbeat_s=HEARTBEAT_S, grace_s=HEARTBEAT_S)
    with Served(("127.0.0.1", 0), bounds=bounds) as served, Relay(served.address) as relay:
        client = Client(relay.address, authkey=KEY)
        gate = client.create("Gate")
        relay.is_silent.set()
        assert served.server is not None
        until(lambda: served.statistics()["sessions"] == 0)
        relay.is_silent.clear()
        with pytest.raises(ServerGone):
            client.call(gate, "waiters")
        client.close()


def seed() -> int:
    chosen = int(os.environ.get("INTERLOCK_SEED", random.randrange(1 << 31)))
    print(f"INTERLOCK_SEED={chosen}")
    return chosen


class Caller:
    """What each of several threads calls, until there were enough cuts."""

    def __init__(self, client: Client, counter: Reference, relay: Relay, cuts: int) -> None:
        self._client, self._counter, self._relay, self._cuts = client, counter, relay, cuts
        self._tokens = itertools.count()
        self._lock = threading.Lock()
        self.made: list[int] = []

    def work(self, number: int) -> None:
        own = random.Random(number)
        while self._relay.cuts < self._cuts:
            with self._lock:
                mine = [next(self._tokens) for _ in range(own.choice([1, 1, 40]))]
            if len(mine) == 1:
                assert self._client.call(self._counter, "note", mine[0]) == mine[0]
            else:
                with self._client.pipeline():
                    laters = [self._client.call(self._counter, "note", each) for each in mine]
                assert [later.result() for later in laters] == mine
            with self._lock:
                self.made.extend(mine)
            if own.random() < 0.2:
                array = np.full(own.randrange(1, 60_000), number)
                back = self._client.call(self._counter, "echo", array)
                assert len(back) == len(array)
                assert (back == array).all()


@pytest.mark.parametrize("cuts", CUTS)
def test_each_call_runs_once_under_random_cuts(served: Served, cuts: int) -> None:
    """Connections, cut after a random number of bytes: no call is lost, none runs twice.

    Small calls, calls with large arrays both ways, and pipelines, by several threads.
    """
    chance = random.Random(seed())
    is_over = threading.Event()

    def allowance() -> int | None:
        if is_over.is_set():
            return None
        return chance.choice([300, 2000, 20_000, 1_000_000]) + chance.randrange(1000)

    with Relay(served.address, allowance) as relay:
        is_over.set()  # the first connection lives, so that there is a client
        with Client(relay.address, authkey=KEY) as client:
            is_over.clear()
            counter = client.create("Counter")
            relay.cut()
            caller = Caller(client, counter, relay, cuts)
            failures: list[BaseException] = []

            def guarded(number: int) -> None:
                try:
                    caller.work(number)
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=guarded, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(100 + cuts)
                assert not thread.is_alive(), f"stuck after {relay.cuts} cuts"
            is_over.set()
            assert failures == []
            noted = client.call(counter, "noted")
    assert relay.cuts >= cuts
    assert sorted(noted) == sorted(caller.made), "a call was lost, or run twice"
