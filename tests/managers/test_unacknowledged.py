"""An item of a queue is never lost with the client that took it (P2).

It is taken when the client has said that it has the answer. A client that is gone before, or that
waits no more, has taken nothing: the item is the first of the queue again.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interlock
from interlock.errors import ServerGone
from interlock.managers.aio import AsyncClient
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.kinds.queues import METHODS, methods_of_ours
from interlock.managers.remote.tables import Kind, _of_kind
from tests.managers.relay import Relay
from tests.managers.served import BOUND_S, KEY, Served
from tests.managers.waiting import until

BOUNDS = Bounds(heartbeat_s=0.5, grace_s=0.5)
ROUNDS = 300


class Shop:
    """A server in this process with a queue that can be looked into."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def serve(self, target: Any) -> None:
        """By the name `queue`."""
        server = self.served.server
        assert server is not None
        ours = isinstance(target, interlock.queues.Queue)
        methods = methods_of_ours(target) if ours else METHODS
        server._registry.enter(_of_kind("queue", Kind(type(target), methods), None))
        server.serve("queue", target, "queue")

    def is_deserted(self) -> bool:
        """Whether no client is there, nor may come back."""
        return self.served.statistics()["sessions"] == 0


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Served(("127.0.0.1", 0), bounds=BOUNDS) as served:
        yield Shop(served)


def fifo() -> Any:
    return queue.Queue()


def shared() -> Any:
    return interlock.Queue()


def rest(of: Any) -> list[Any]:
    """All that is in it."""
    found = []
    while not of.empty():
        found.append(of.get_nowait())
    return found


@pytest.mark.parametrize("make", [fifo, shared])
@pytest.mark.parametrize("method", ["get", "get_nowait"])
def test_what_a_client_took_and_never_had_is_there_again(
    shop: Shop, make: Callable[[], Any], method: str
) -> None:
    """Its answers are lost on the way, and it is gone: in the old order, before what was behind."""
    items = make()
    shop.serve(items)
    for number in range(5):
        items.put(number)
    with Relay(shop.served.address) as relay:
        client = Client(relay.address, authkey=KEY)
        found = client.find("queue")
        relay.holds_answers.set()
        waiting = [threading.Thread(target=failing, args=(client, found, method)) for _ in range(3)]
        for thread in waiting:
            thread.start()
        until(lambda: items.qsize() == 2)
        assert not shop.is_deserted()
        relay.is_down.set()
        relay.cut()
        until(shop.is_deserted)
        for thread in waiting:
            thread.join(BOUND_S)
            assert not thread.is_alive()
        client.close()
    until(lambda: items.qsize() == 5)
    assert rest(items) == list(range(5))


def failing(client: Client, found: Any, method: str) -> None:
    with pytest.raises(ServerGone):
        client.call(found, method)


@pytest.mark.parametrize("make", [fifo, shared])
def test_what_a_client_has_had_is_its_own(shop: Shop, make: Callable[[], Any]) -> None:
    """Also when it says goodbye at once, and when its connection is lost for a moment."""
    items = make()
    shop.serve(items)
    for number in range(3):
        items.put(number)
    with Client(shop.served.address, authkey=KEY) as client:
        assert client.call(client.find("queue"), "get") == 0
    until(shop.is_deserted)
    with Relay(shop.served.address) as relay, Client(relay.address, authkey=KEY) as client:
        found = client.find("queue")
        assert client.call(found, "get") == 1
        relay.cut()
        until(lambda: relay.connections == 2)
        assert client.call(found, "qsize") == 1
    until(shop.is_deserted)
    assert rest(items) == [2]


@pytest.mark.parametrize("make", [queue.LifoQueue, queue.PriorityQueue])
def test_other_queues_have_it_back_in_their_order(shop: Shop, make: Callable[[], Any]) -> None:
    """The last in is the first out, the least is the first."""
    items = make()
    shop.serve(items)
    for number in (2, 1, 3):
        items.put(number)
    expected = sorted([1, 2, 3]) if make is queue.PriorityQueue else [3, 1, 2]
    with Relay(shop.served.address) as relay:
        client = Client(relay.address, authkey=KEY)
        found = client.find("queue")
        relay.holds_answers.set()
        thread = threading.Thread(target=failing, args=(client, found, "get"))
        thread.start()
        until(lambda: items.qsize() == 2)
        relay.is_down.set()
        relay.cut()
        until(shop.is_deserted)
        thread.join(BOUND_S)
        client.close()
    assert rest(items) == expected
    assert items.unfinished_tasks == 3


def test_who_waits_has_what_another_never_had(shop: Shop) -> None:
    """It is woken by what comes back, as by what is put."""
    items = fifo()
    shop.serve(items)
    with (
        Relay(shop.served.address) as relay,
        Client(shop.served.address, authkey=KEY) as other,
    ):
        client = Client(relay.address, authkey=KEY)
        found = client.find("queue")
        items.put("the item")
        relay.holds_answers.set()
        thread = threading.Thread(target=failing, args=(client, found, "get"))
        thread.start()
        until(items.empty)
        got: list[Any] = []
        theirs = other.find("queue")
        waiting = threading.Thread(target=lambda: got.append(other.call(theirs, "get")))
        waiting.start()
        relay.is_down.set()
        relay.cut()
        waiting.join(BOUND_S)
        assert got == ["the item"]
        thread.join(BOUND_S)
        client.close()


@pytest.mark.parametrize("make", [fifo, shared])
def test_a_get_that_is_cancelled_has_taken_nothing(shop: Shop, make: Callable[[], Any]) -> None:
    """Whenever that is: before the item came, while the answer is on its way, or just behind it."""
    chance = random.Random(7)
    items = make()
    shop.serve(items)

    async def main() -> tuple[list[int], int]:
        got: list[int] = []
        cancelled = 0
        async with await AsyncClient.connect(shop.served.address, authkey=KEY) as client:
            found = await client.find("queue")
            for number in range(ROUNDS):
                taking = asyncio.create_task(client.call(found, "get"))
                if chance.random() < 0.5:
                    await asyncio.sleep(0.001)
                items.put(number)
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.random() * 0.002)
                taking.cancel()
                try:
                    got.append(await taking)
                except asyncio.CancelledError:
                    cancelled += 1
                    if chance.random() < 0.5:  # the next one finds none, and waits
                        got.append(await client.call(found, "get"))
        return got, cancelled

    got, cancelled = asyncio.run(main())
    until(shop.is_deserted)
    left = rest(items)
    assert sorted([*got, *left]) == list(range(ROUNDS))
    assert 0 < cancelled < ROUNDS
