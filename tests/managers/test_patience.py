"""A client does not give up its session as long as the server keeps it, nor tries for ever (P3)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from interlock.managers.aio import AsyncClient
from interlock.managers.auth import Address
from interlock.managers.bounds import Bounds
from interlock.managers.calling.greeting import Way
from interlock.managers.calling.patience import FRUITLESS_MAX, Patience
from interlock.managers.client import Client
from interlock.managers.wire.bodies import Welcome
from tests.managers.relay import Relay
from tests.managers.served import KEY, Served

GRACE_S, HEARTBEAT_S = 5.0, 1.0
WELCOME = Welcome(
    bytes(16), bytes(16), bytes(32), True, [], HEARTBEAT_S, GRACE_S, calls=10, call_bytes=1000
)
CUT = ConnectionResetError("cut")
REFUSED = ConnectionRefusedError("nobody listens")


@pytest.fixture
def patience() -> Patience:
    return Patience(Way("/nowhere", None, None, None, 10.0))


def tries(patience: Patience, now_s: float, last: OSError, again: Callable[[float], None]) -> float:
    """Try until it gives up; when that is."""
    while patience.left_s(now_s, last) > 0:
        now_s += patience.pause_s + 0.1
        again(now_s)
    return now_s


def test_tries_that_are_cut_while_greeting_go_on_for_the_grace(patience: Patience) -> None:
    """However many they are; not much longer, as the session is gone then."""
    patience.lost(100.0, WELCOME, is_fruitful=True)
    ended_s = tries(patience, 100.0, CUT, lambda _: patience.failed())
    assert 100.0 + GRACE_S - 1.0 <= ended_s <= 100.0 + GRACE_S


def test_where_nobody_listens_they_go_on_for_the_heartbeat_time(patience: Patience) -> None:
    """A killed server is told of within it."""
    patience.lost(100.0, WELCOME, is_fruitful=True)
    ended_s = tries(patience, 100.0, REFUSED, lambda _: patience.failed())
    assert 100.0 < ended_s <= 100.0 + HEARTBEAT_S


def test_each_welcome_gives_the_grace_anew(patience: Patience) -> None:
    """The server keeps the session for as long as that from then."""
    patience.lost(100.0, WELCOME, is_fruitful=True)
    patience.lost(104.0, WELCOME, is_fruitful=False)
    assert patience.left_s(104.0, CUT) == pytest.approx(GRACE_S - patience.pause_s)
    assert tries(patience, 104.0, CUT, lambda _: patience.failed()) >= 104.0 + GRACE_S - 1.0


def test_connections_that_bring_nothing_come_to_an_end(patience: Patience) -> None:
    """A server may cut because of what it is sent; that is not sent for ever."""
    lost: list[float] = []

    def again(now_s: float) -> None:
        patience.lost(now_s, WELCOME, is_fruitful=False)
        lost.append(now_s)

    patience.lost(100.0, WELCOME, is_fruitful=True)
    tries(patience, 100.0, CUT, again)
    assert len(lost) >= FRUITLESS_MAX
    assert lost[-1] - lost[0] >= GRACE_S - 1.0


def test_what_brings_something_makes_them_count_anew(patience: Patience) -> None:
    """Also when it comes once in so many connections."""
    patience.lost(100.0, WELCOME, is_fruitful=True)
    for second in range(200):
        patience.lost(100.0 + second, WELCOME, is_fruitful=second % (FRUITLESS_MAX - 1) == 0)
        assert patience.left_s(100.0 + second, CUT) > 0


def by_a_thread(address: Address, nbytes: int) -> int:
    with Client(address, authkey=KEY) as client:
        counter = client.find("shared")
        began.set()
        return len(client.call(counter, "echo", bytes(nbytes)))


def by_a_task(address: Address, nbytes: int) -> int:
    async def main() -> int:
        async with await AsyncClient.connect(address, authkey=KEY) as client:
            counter = await client.find("shared")
            began.set()
            return len(await client.call(counter, "echo", bytes(nbytes)))

    return asyncio.run(main())


began = threading.Event()


@pytest.mark.parametrize("by", [by_a_thread, by_a_task])
def test_a_call_that_is_cut_for_longer_than_the_grace_is_made(
    by: Callable[[Address, int], int],
) -> None:
    """P3: the server lets the client in each time, and the link is cut before the call is over."""
    bounds = Bounds(heartbeat_s=HEARTBEAT_S, grace_s=1.0)
    good_s = [float("inf")]

    def allowance() -> int | None:
        if not began.is_set():
            return 10_000
        good_s[0] = min(good_s[0], time.monotonic() + 3 * bounds.grace_s)
        return 20_000 if time.monotonic() < good_s[0] else None

    began.clear()
    with (
        Served(("127.0.0.1", 0), bounds=bounds) as served,
        Relay(served.address, allowance) as relay,
    ):
        assert by(relay.address, 1_000_000) == 1_000_000
        assert relay.cuts >= 3
        assert time.monotonic() > good_s[0]
