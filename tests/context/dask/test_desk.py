"""The desk without a cluster: what the end of a client leaves, and results in messages."""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import pytest

from interlock.context.board.answers import LATE, NO_THING, RAISED, VALUE, unpacked
from interlock.context.board.seats import Left, Seat, Who
from interlock.context.dask.desk import LATER, OPERATION, Desk
from interlock.errors import LimitReached, NoSuchObject, ServerGone

BOUND_S = 10.0


class Scheduler:
    """As much of Dask's as the desk uses: who is there, and who wants which results."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.clients: dict[str, object] = {"one": self, "two": self}
        self.workers: dict[str, object] = {"tcp://w": self, "tcp://v": self}
        self.tasks: dict[str, object] = {"known": self}
        self.wanted: set[tuple[str, str]] = set()
        self.client_comms = {"one": self, "two": self}
        self.later: dict[int, asyncio.Future[bytes]] = {}

    def send(self, message: dict[str, Any]) -> None:
        """By the stream of a client."""
        assert message["op"] == OPERATION
        self.later[message["ticket"]].set_result(message["data"])

    def client_desires_keys(self, keys: list[str], client: str) -> None:
        self.clients[client] = self
        self.wanted |= {(key, client) for key in keys}

    def client_releases_keys(self, keys: list[str], client: str) -> None:
        self.wanted -= {(key, client) for key in keys}


class Office:
    """A desk, and two programs that have a client and a process each."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.desk = Desk()
        self._numbers = itertools.count(1)

    async def open(self) -> None:
        await self.desk.start(self.scheduler)
        for client in ("one", "two"):
            await self.ask(client, "enter", Seat(client, 7, f"program {client}", "here"))

    async def ask(self, client: str, method: str, *args: Any) -> Any:
        """A method of the desk."""
        (handler,) = self.scheduler.handlers.values()
        ticket = next(self._numbers)
        later = self.scheduler.later[ticket] = asyncio.get_running_loop().create_future()
        answer = await handler(client=client, ticket=ticket, data=pickle.dumps((method, args)))
        kind, value = unpacked(pickle.loads(await later if answer == LATER else answer))
        if kind == RAISED:
            raise value
        return value

    async def use(self, client: str, thing: str, method: str, *args: Any) -> Any:
        """A method of a thing; it waits as long as it takes."""
        who = Who(client, "thread 1")
        call = self.ask(client, "call", who, next(self._numbers), thing, method, args, None)
        return await asyncio.wait_for(call, BOUND_S)

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
        await office.open()
        await test(office)

    def wrapped() -> None:
        asyncio.run(run())

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


@in_an_office
async def test_what_a_client_had_is_taken_back_and_what_it_made_ends(office: Office) -> None:
    """P3, D2: of all its processes; who waits is told."""
    await office.ask("one", "make", "lock", "lock", (False, False))
    await office.ask("two", "make", "event", "event", ())
    await office.ask("two", "enter", Seat("worker", 8, "its worker", "there"))
    who = Who("worker", "thread 2")
    await office.ask("two", "call", who, 1, "lock", "acquire", (), None)
    locked = asyncio.create_task(office.use("one", "lock", "acquire"))
    waiting = asyncio.create_task(office.use("one", "event", "wait"))
    await settled()
    assert not locked.done()
    office.dies("two")
    kind, (has_it, left) = await locked
    assert kind == VALUE and has_it and isinstance(left, Left)
    assert (left.process, left.host) == ("its worker", "there")
    assert await waiting == (NO_THING, None)
    assert [*await office.ask("one", "seats")] == ["one"]
    with pytest.raises(ServerGone, match="given up the connection"):
        await office.ask("two", "enter", Seat("late", 9, "late", "there"))


@in_an_office
async def test_what_nobody_has_any_more_is_gone(office: Office) -> None:
    """P5: and what is left of a name is not its maker's to end."""
    await office.ask("one", "make", "event", "event", ())
    await office.ask("one", "drop", ["event"])
    assert await office.use("one", "event", "set") == (NO_THING, None)
    await office.ask("two", "make", "event", "event", ())
    office.dies("one")
    assert (await office.use("two", "event", "set"))[0] == VALUE
    with mock.patch("interlock.context.dask.desk.THINGS_MAX", 1):
        with pytest.raises(LimitReached, match="has 1 queues"):
            await office.ask("two", "make", "more", "event", ())


@in_an_office
async def test_a_process_that_leaves_gives_back_at_once(office: Office) -> None:
    """P3: its client lives on, as a worker's does."""
    await office.ask("one", "make", "lock", "lock", (False, False))
    await office.use("two", "lock", "acquire")
    locked = asyncio.create_task(office.use("one", "lock", "acquire"))
    await settled()
    await office.ask("two", "gone", "two", True)
    assert (await locked)[0] == VALUE


@in_an_office
async def test_a_withdrawn_call_ends(office: Office) -> None:
    """P2: by what an interrupted process sends."""
    await office.ask("one", "make", "event", "event", ())
    who = Who("one", "thread 1")
    waiting = asyncio.create_task(office.ask("one", "call", who, 77, "event", "wait", (), None))
    await settled()
    await office.ask("one", "withdraw", who, 77)
    assert (await waiting)[0] == LATE


@in_an_office
async def test_results_that_a_message_refers_to_are_kept(office: Office) -> None:
    """P2, D3: until it is done, or its queue ends; unknown ones are refused."""
    await office.ask("one", "make", "queue", "queue", (0, 1000, 0))
    put = ("put", (b"a", ["known"]), 1)
    assert await office.use("one", "queue", *put) == (VALUE, True)
    assert [key for key, _ in office.scheduler.wanted] == ["known"]
    _, [(ticket, *_)] = await office.use("two", "queue", "take", 1, False)
    await office.ask("two", "wish", ["known"])
    await office.use("two", "queue", "done", [ticket])
    assert office.scheduler.wanted == {("known", "two")}
    assert {*office.scheduler.clients} == {"one", "two"}
    await office.use("two", "queue", *put)
    office.dies("one")
    assert office.scheduler.wanted == {("known", "two")}
    await office.ask("two", "make", "queue", "queue", (0, 1000, 0))
    with mock.patch("interlock.context.dask.desk.KNOW_TRIES", 2):
        with pytest.raises(NoSuchObject, match="was not put"):
            await office.use("two", "queue", "put_many", [((b"a", ["never"]), 1)])


@in_an_office
async def test_which_tasks_no_worker_has(office: Office) -> None:
    """P3: at once, also when some have come and gone; who asks knows which."""
    office.scheduler.tasks = {"waits": mock.Mock(state="queued"), "runs": mock.Mock(state="memory")}
    found = await office.ask("one", "idle", ["waits", "gone", "runs"])
    assert found == (["waits"], ["gone"])


@in_an_office
async def test_a_worker_s_end_is_told(office: Office) -> None:
    """P3: to who waits for that one."""
    gone, other = (
        asyncio.create_task(office.ask("one", "departed", worker))
        for worker in ("tcp://w", "tcp://v")
    )
    await settled()
    office.scheduler.workers.pop("tcp://w")
    office.desk.remove_worker(office.scheduler, "tcp://w", stimulus_id="")
    await asyncio.wait_for(gone, BOUND_S)
    assert not other.done()
    other.cancel()
