"""P3: Ctrl-C at whatever step of a call; the other threads of the client go on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from interlock.managers.calling.switchboard import Switchboard
from interlock.managers.client import Client
from interlock.managers.wire.client_state import ClientState
from tests.managers.relay import Relay
from tests.managers.served import KEY, Served
from tests.managers.waiting import until

LONG_S = 60

STORM = """
    import random, signal, sys, threading
    from contextlib import suppress
    from interlock.managers.client import Client

    seed, address, key = sys.argv[1:]
    chance, may_raise = random.Random(int(seed)), [False]

    def raises(*_):
        if may_raise[0]:
            may_raise[0] = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, raises)
    client, noted = Client(address, authkey=key.encode()), []
    counter = client.find("shared")
    for number in range(4_000):
        with suppress(KeyboardInterrupt):
            may_raise[0] = True
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-4))
            client.call(counter, "add", 1)
            may_raise[0] = False
        may_raise[0] = False
        note = lambda: noted.append(client.call(counter, "note", number))
        other = threading.Thread(target=note, daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive(), f"another thread stands still behind call {number}"
        assert noted.pop() == number
    client.close()
"""


def test_a_call_that_is_interrupted_holds_up_no_other_thread(tmp_path: Path) -> None:
    """P3: Ctrl-C at whatever step of it; whoever reads, sends or connects next can."""
    seed = int.from_bytes(os.urandom(4), sys.byteorder)
    print("seed", seed)
    with Served(str(tmp_path / "socket")) as served:
        given = str(seed), str(served.address), KEY.decode()
        command = [sys.executable, "-c", textwrap.dedent(STORM), *given]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert ended.returncode == 0, ended.stderr


@contextmanager
def interrupted_behind(kind: type, name: str) -> Iterator[None]:
    """Ctrl-C comes once, just behind this method."""
    real: Callable[..., Any] = getattr(kind, name)

    def behind(*given: Any) -> Any:
        patch.stop()
        real(*given)
        raise KeyboardInterrupt

    patch = mock.patch.object(kind, name, behind)
    patch.start()
    yield


def test_what_a_call_made_that_was_interrupted_as_it_was_sent_is_given_back() -> None:
    """P5: nobody has the reference in its answer."""
    with Served(("127.0.0.1", 0)) as served, Client(served.address, authkey=KEY) as client:
        before = served.statistics()["objects"]
        client.create("Counter")  # let go of at once
        until(lambda: served.statistics()["objects"] == before)
        with interrupted_behind(Switchboard, "_write"), pytest.raises(KeyboardInterrupt):
            client.create("Counter")
        assert client.call(client.find("shared"), "add", 1) == 1  # behind it
        until(lambda: served.statistics()["objects"] == before)


def test_who_is_interrupted_as_a_connection_is_lost_leaves_it_to_the_next() -> None:
    """P3: who reads next comes back, in the time that there is for it."""
    with (
        Served(("127.0.0.1", 0)) as served,
        Relay(served.address) as relay,
        Client(relay.address, authkey=KEY) as client,
    ):
        counter, board = client.find("shared"), client._board
        with board._reading:  # nobody else reads meanwhile
            relay.cut()
            with interrupted_behind(ClientState, "disconnected"), pytest.raises(KeyboardInterrupt):
                while True:
                    board._read(0.1)
        assert client.call(counter, "add", 1) == 1
        assert relay.connections == 2
