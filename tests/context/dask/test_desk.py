"""The desk without a cluster: what a death, or a call that is given up, leaves (I1, I2, I3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from unittest import mock

from interlock.context.dask.desk.answers import (
    ACT,
    BROKEN,
    EMPTY,
    FULL,
    GONE,
    LOST,
    NOT_HELD,
    OK,
    SHUT,
)
from interlock.context.dask.desk.plugin import Desk

BOUND_S = 10.0


class Scheduler:
    """As much of Dask's as the desk uses: who is there, and who wants which results."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.stream_handlers: dict[str, Any] = {}
        self.clients: dict[str, object] = {"one": self, "two": self}
        self.workers: dict[str, object] = {"tcp://w": self}
        self.tasks: dict[str, object] = {"known": self}
        self.wanted: set[tuple[str, str]] = set()

    def client_desires_keys(self, keys: list[str], client: str) -> None:
        self.clients[client] = self
        self.wanted |= {(key, client) for key in keys}

    def client_releases_keys(self, keys: list[str], client: str) -> None:
        self.wanted -= {(key, client) for key in keys}


class Office:
    """A desk, and callers of it."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.desk = Desk()
        self._count = 0

    async def make(self, kind: str, *arguments: Any) -> str:
        self._count += 1
        name = f"{kind}-{self._count}"
        assert await self.ask("one", "", "make", name, kind, list(arguments)) == (OK, None)
        return name

    async def ask(
        self, client: str, thing: str, method: str, *arguments: Any,
        wait_s: float | None = None, ticket: str | None = None, thread: int = 1,
    ) -> Any:  # fmt: skip
        self._count += 1
        return await asyncio.wait_for(
            self.desk.call(
                thing=thing,
                method=method,
                caller=[client, "here", 7, thread],
                ticket=ticket or f"ticket-{self._count}",
                wait_s=wait_s,
                arguments=list(arguments),
            ),
            BOUND_S,
        )

    def later(self, asking: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.ensure_future(asking)

    def dies(self, client: str) -> None:
        self.scheduler.clients.pop(client)
        self.desk.remove_client(self.scheduler, client)


async def settled() -> None:
    """All that can go on has."""
    for _ in range(20):
        await asyncio.sleep(0)


def in_an_office(test: Callable[[Office], Awaitable[None]]) -> Callable[[], None]:
    async def run() -> None:
        office = Office()
        await office.desk.start(office.scheduler)
        await test(office)

    def wrapped() -> None:
        asyncio.run(run())

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


@in_an_office
async def test_what_a_dead_consumer_leased_comes_first_again(office: Office) -> None:
    """P2: in the order in which it was put, and counted as another attempt."""
    queue = await office.make("queue", 0, 1000, 0)
    for data in (b"a", b"b", b"c"):
        await office.ask("one", queue, "put", data, [])
    assert await office.ask("two", queue, "get", 2, ticket="t") == (OK, [[b"a", 1], [b"b", 1]])
    office.dies("two")
    assert await office.ask("one", queue, "get", 9) == (OK, [[b"a", 2], [b"b", 2], [b"c", 1]])


@in_an_office
async def test_a_dead_consumer_that_waits_takes_nothing(office: Office) -> None:
    """P2: nor does one that gave its call up, before or after it came to the desk."""
    queue = await office.make("queue", 0, 1000, 0)
    dead = office.later(office.ask("two", queue, "get", 1))
    gave_up = office.later(office.ask("one", queue, "get", 1, ticket="t"))
    await settled()
    office.dies("two")
    await office.ask("one", "", "forget", "t")
    await office.ask("one", "", "forget", "overtaken")
    assert await office.ask("one", queue, "get", 1, ticket="overtaken") == (GONE, None)
    await office.ask("one", queue, "put", b"a", [])
    assert (await dead, await gave_up) == ((GONE, None), (GONE, None))
    assert await office.ask("one", queue, "get", 1) == (OK, [[b"a", 1]])


@in_an_office
async def test_a_lease_that_is_given_up_is_delivered_again(office: Office) -> None:
    """P2: the answer was under way when who asked was interrupted; done comes too late then."""
    queue = await office.make("queue", 0, 1000, 1)
    await office.ask("one", queue, "put", b"a", [])
    assert await office.ask("one", queue, "get", 1, ticket="t") == (OK, [[b"a", 1]])
    await office.ask("one", "", "forget", "t")
    assert await office.ask("one", queue, "done", "t", False) == (OK, False)
    assert await office.ask("one", queue, "dead", wait_s=0) == (OK, [[b"a", 1]])
    assert await office.ask("one", queue, "dead", wait_s=0) == (EMPTY, None)


@in_an_office
async def test_room_goes_to_who_waited_longest(office: Office) -> None:
    """P3: also when one before him goes away; a message that is leased takes its room."""
    queue = await office.make("queue", 1, 1000, 0)
    await office.ask("one", queue, "put", b"a", [])
    dead = office.later(office.ask("two", queue, "put", b"b", []))
    await settled()
    waiting = office.later(office.ask("one", queue, "put", b"c", []))
    assert await office.ask("one", queue, "get", 1, ticket="t") == (OK, [[b"a", 1]])
    assert await office.ask("one", queue, "put", b"d", [], wait_s=0) == (FULL, None)
    office.dies("two")
    assert (await dead)[0] == GONE
    assert not waiting.done()
    await office.ask("one", queue, "done", "t", False)
    assert await waiting == (OK, None)
    assert await office.ask("one", queue, "get", 1) == (OK, [[b"c", 1]])


@in_an_office
async def test_a_queue_that_is_shut_waits_for_leases(office: Office) -> None:
    """P2: what is leased may come back; only then is it the end for consumers."""
    queue = await office.make("queue", 0, 1000, 0)
    await office.ask("one", queue, "put", b"a", [])
    await office.ask("two", queue, "get", 1)
    waiting = office.later(office.ask("one", queue, "get", 1))
    await office.ask("one", queue, "shut", False)
    assert not waiting.done()
    office.dies("two")
    assert await waiting == (OK, [[b"a", 2]])
    assert await office.ask("one", queue, "put", b"b", []) == (SHUT, None)


@in_an_office
async def test_results_that_a_message_refers_to_are_kept(office: Office) -> None:
    """P2: from put to done, by a client of the message's own; unknown ones are refused."""
    queue = await office.make("queue", 0, 1000, 0)
    assert await office.ask("one", queue, "put", b"a", ["known"]) == (OK, None)
    assert [key for key, _ in office.scheduler.wanted] == ["known"]
    await office.ask("one", queue, "get", 1, ticket="t")
    assert office.scheduler.wanted
    office.desk.told(queue, "done", ["one", "here", 7, 1], ["t", False], client="one")
    assert not office.scheduler.wanted
    assert {*office.scheduler.clients} == {"one", "two"}
    office.scheduler.tasks.clear()
    with mock.patch("interlock.context.dask.desk.queue.KNOW_TRIES", 2):
        assert (await office.ask("one", queue, "put", b"a", ["never"]))[0] == LOST


@in_an_office
async def test_a_dead_owner_s_lock_is_the_next_one_s(office: Office) -> None:
    """P3: who is told by whom it was; the third is not told again."""
    lock = await office.make("lock", False)
    assert await office.ask("two", lock, "acquire", thread=5) == (OK, None)
    waiting = office.later(office.ask("one", lock, "acquire"))
    await settled()
    office.dies("two")
    status, abandoned = await waiting
    assert (status, abandoned[:3]) == (OK, ["here", 7, 5])
    assert await office.ask("one", lock, "release") == (OK, None)
    assert await office.ask("one", lock, "acquire") == (OK, None)


@in_an_office
async def test_an_owner_takes_its_lock_again_before_those_that_wait(office: Office) -> None:
    """P3: it would wait for itself behind them."""
    lock = await office.make("lock", True)
    await office.ask("one", lock, "acquire", thread=1)
    waiting = office.later(office.ask("one", lock, "acquire", thread=2))
    await settled()
    assert await office.ask("one", lock, "acquire", thread=1) == (OK, None)
    await office.ask("one", lock, "release", thread=1)
    await settled()
    assert not waiting.done()
    await office.ask("one", lock, "release", thread=1)
    assert await waiting == (OK, None)


@in_an_office
async def test_a_call_that_is_given_up_gives_back_its_own(office: Office) -> None:
    """P3: one acquire of two; nobody is told of a death, and a barrier only breaks."""
    lock = await office.make("lock", True)
    await office.ask("one", lock, "acquire", ticket="first")
    await office.ask("one", lock, "acquire", ticket="second")
    await office.ask("one", "", "forget", "second")
    waiting = office.later(office.ask("two", lock, "acquire"))
    await settled()
    assert not waiting.done()
    await office.ask("one", "", "forget", "first")
    assert await waiting == (OK, None)
    barrier = await office.make("barrier", 3, False)
    interrupted = office.later(office.ask("one", barrier, "wait", ticket="third"))
    other = office.later(office.ask("two", barrier, "wait"))
    await settled()
    await office.ask("one", "", "forget", "third")
    assert [await each for each in (interrupted, other)] == [(BROKEN, None)] * 2


@in_an_office
async def test_places_of_a_dead_process_come_back_once(office: Office) -> None:
    """P3: those that another has released for it are not given back again."""
    semaphore = await office.make("semaphore", 3, True)
    for _ in range(3):
        await office.ask("two", semaphore, "acquire")
    assert await office.ask("one", semaphore, "release") == (OK, None)
    office.dies("two")
    assert await office.ask("one", semaphore, "look") == (OK, 3)
    assert await office.ask("one", semaphore, "release") == (NOT_HELD, None)
    assert await office.ask("one", semaphore, "acquire", ticket="t") == (OK, None)
    await office.ask("one", "", "forget", "t")
    assert await office.ask("one", semaphore, "look") == (OK, 3)


@in_an_office
async def test_a_condition_outlives_its_dead(office: Office) -> None:
    """P3: a sleeper that died takes no notification; an owner that died wakes all."""
    lock = await office.make("lock", True)
    condition = await office.make("condition", lock)
    sleeping = []
    for client, thread in (("two", 1), ("one", 2), ("one", 3)):
        await office.ask(client, lock, "acquire", thread=thread)
        sleeping.append(office.later(office.ask(client, condition, "wait", thread=thread)))
        await settled()
    office.dies("two")
    assert await sleeping[0] == (GONE, None)
    await office.ask("one", lock, "acquire", thread=4)
    await office.ask("one", condition, "notify", 1, thread=4)
    await office.ask("one", lock, "release", thread=4)
    assert await sleeping[1] == (OK, [True, None])
    await office.ask("one", lock, "release", thread=2)
    office.scheduler.clients["three"] = office
    await office.ask("three", lock, "acquire")
    office.dies("three")
    status, (is_woken, abandoned) = await sleeping[2]
    assert (status, is_woken, abandoned[:2]) == (OK, True, ["here", 7])


@in_an_office
async def test_a_barrier_breaks_with_a_party(office: Office) -> None:
    """P3: one that waits, and one that runs the action; a round that has passed is over."""
    barrier = await office.make("barrier", 2, True)
    waiting = office.later(office.ask("one", barrier, "wait"))
    await settled()
    assert await office.ask("two", barrier, "wait") == (ACT, 0)
    office.dies("two")
    status, missing = await waiting
    assert (status, missing) == (BROKEN, ["here", 7, 1])
    assert await office.ask("one", barrier, "wait") == (BROKEN, None)
    await office.ask("one", barrier, "reset")
    waiting = office.later(office.ask("one", barrier, "wait"))
    await settled()
    assert await office.ask("one", barrier, "wait", thread=2) == (ACT, 0)
    assert await office.ask("one", barrier, "acted", True) == (OK, 0)
    assert await waiting == (OK, 1)
    assert await office.ask("one", barrier, "look") == (OK, [0, False])


@in_an_office
async def test_things_end_with_their_maker(office: Office) -> None:
    """P3: who waits is told, and who comes later; a worker that has gone is told of, too."""
    queue, event = await office.make("queue", 0, 1000, 0), await office.make("event")
    gone = office.later(office.ask("two", "", "departed", "tcp://w"))
    waiting = [
        office.later(office.ask("two", queue, "get", 1)),
        office.later(office.ask("two", event, "wait")),
    ]
    await settled()
    assert not gone.done()
    office.scheduler.workers.clear()
    office.desk.remove_worker(office.scheduler, "tcp://w", stimulus_id="")
    assert await gone == (OK, None)
    office.dies("one")
    assert [await each for each in waiting] == [(GONE, None)] * 2
    assert await office.ask("two", queue, "counts") == (GONE, None)
