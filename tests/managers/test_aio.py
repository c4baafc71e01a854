"""The client for asyncio: awaited calls, cuts, cancelling (P2, P10)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from interlock.errors import BadArgument, ServerGone
from interlock.managers.aio import AsyncClient
from interlock.managers.auth import AuthenticationFailed
from interlock.managers.bounds import Bounds
from tests.managers.relay import Relay
from tests.managers.served import BOUND_S, KEY, Served

CUTS = 60
BOUNDS = Bounds(heartbeat_s=1.0, grace_s=5.0)


def within_bound(work: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(2 * BOUND_S):
            return await work()

    return asyncio.run(bounded())


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    while not await holds():
        await asyncio.sleep(0.01)


def test_calls_of_many_tasks_are_awaited_side_by_side() -> None:
    """Values, large ones, errors; one that waits holds up no other."""

    async def work() -> None:
        async with await AsyncClient.connect(served.address, authkey=KEY) as client:
            counter, gate = await client.create("Counter"), await client.create("Gate")
            waiting = asyncio.create_task(client.call(gate, "wait"))
            array = np.arange(300_000)
            backs = await asyncio.gather(*(client.call(counter, "echo", array) for _ in range(5)))
            assert all((back == array).all() for back in backs)
            with pytest.raises(BadArgument):
                await client.call(counter, "add", "x")
            await client.call(gate, "open")
            assert await waiting == "open"

    with Served(("127.0.0.1", 0)) as served:
        within_bound(work)


def test_a_pipeline_of_a_task_runs_in_order() -> None:
    """Large calls among small ones too, which go out in parts."""

    async def work() -> None:
        async with await AsyncClient.connect(served.address, authkey=KEY) as client:
            counter = await client.create("Counter")
            large = np.zeros(200_000)
            async with client.pipeline():
                laters = []
                for index in range(300):
                    laters.append(await client.call(counter, "note", index))
                    if index % 100 == 0:
                        await client.call(counter, "echo", large)
            assert [later.result() for later in laters] == list(range(300))
            assert await client.call(counter, "noted") == list(range(300))

    with Served(("127.0.0.1", 0)) as served:
        within_bound(work)


def test_a_cancelled_call_is_cancelled_at_the_server() -> None:
    """Nobody waits there any more."""

    async def work() -> None:
        async with await AsyncClient.connect(served.address, authkey=KEY) as client:
            gate = await client.create("Gate")
            waiting = asyncio.create_task(client.call(gate, "wait"))

            async def waits() -> bool:
                return bool(await client.call(gate, "waiters") == 1)

            async def nobody() -> bool:
                return bool(await client.call(gate, "waiters") == 0)

            await until(waits)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await until(nobody)

    with Served(("127.0.0.1", 0)) as served:
        within_bound(work)


def test_each_awaited_call_runs_once_under_cuts() -> None:
    """Connections that end after a random number of bytes."""
    chance = random.Random(11)
    lives = [True]

    def allowance() -> int | None:
        return None if lives[0] else chance.choice([300, 3000, 400_000]) + chance.randrange(500)

    async def work() -> None:
        async with await AsyncClient.connect(relay.address, authkey=KEY) as client:
            counter = await client.create("Counter")
            lives[0] = False
            relay.cut()
            made: list[int] = []

            async def one(number: int) -> None:
                own = random.Random(number)
                while relay.cuts < CUTS:
                    token = len(made)
                    made.append(token)
                    assert await client.call(counter, "note", token) == token
                    array = np.full(own.randrange(4_000), number)
                    assert (await client.call(counter, "echo", array) == array).all()

            await asyncio.gather(*(one(number) for number in range(4)))
            lives[0] = True
            assert sorted(await client.call(counter, "noted")) == made

    with (
        Served(("127.0.0.1", 0), bounds=BOUNDS) as served,
        Relay(served.address, allowance) as relay,
    ):
        within_bound(work)


def test_who_waits_is_told_that_the_server_ended() -> None:
    """And so is who calls later; another key is refused."""

    async def work() -> None:
        with Served(("127.0.0.1", 0), bounds=BOUNDS) as served:
            with pytest.raises(AuthenticationFailed):
                await AsyncClient.connect(served.address, authkey=b"another")
            client = await AsyncClient.connect(served.address, authkey=KEY)
            gate = await client.create("Gate")
            waiting = asyncio.create_task(client.call(gate, "wait"))
            await asyncio.sleep(0)
        with pytest.raises(ServerGone):
            await waiting
        with pytest.raises(ServerGone):
            await client.call(gate, "open")
        await client.aclose()

    within_bound(work)
