"""Desk: a plugin of Dask's scheduler, which keeps the board of queues, locks and the like.

    program, worker ──(handler of the scheduler, as Dask's own primitives have)──► Desk ─► Board

Data: a board (`interlock.context.board.board`); the seats of each client of Dask, and what each has
made.

D1  The board is used in the scheduler's event loop only, in steps with no await between.
D2  When Dask removes a client (its connection is gone) its seats are gone from the board, which
    takes back what they had; and what it made ends.
D3  A message that refers to results on the cluster keeps them there for as long as it is on the
    board, as a client named after it.

A death: of a worker or a program, see D2; of the scheduler: all is lost with the cluster, and every
call raises `ServerGone`.

Why in the scheduler: an actor dies with its worker, and is not told when another worker does. Why
not Dask's own Queue, Lock and Semaphore: see docs/decisions/0026.
Source: distributed, SchedulerPlugin; its QueueExtension is built the same way.
"""

from __future__ import annotations

import asyncio
import functools
import pickle
from collections import defaultdict
from contextlib import suppress
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from interlock.context.board.answers import RAISED, VALUE, packed
from interlock.context.board.board import Board
from interlock.context.board.queues import Message, QueueThing
from interlock.context.board.seats import Seat, Who
from interlock.errors import LimitReached, NoSuchObject, ServerGone
from interlock.serialize.whole import from_whole

__all__ = ["LATER", "OPERATION", "Desk"]

# The name of the handler. The number goes up when messages change, so that programs with different
# releases of Interlock have each a desk of their own.
OPERATION = "interlock_desk_1"
LATER = b""  # the answer comes by the stream of the client

THINGS_MAX = 1_000_000  # a program that makes more has lost its way
KNOW_S, KNOW_TRIES = 0.01, 1000  # how long a message may refer to what the scheduler has not
_IDLE = ("released", "waiting", "queued", "no-worker")


class Desk(SchedulerPlugin):
    """Answers calls for things; see the head of this module."""

    name = OPERATION
    idempotent = True

    def __init__(self) -> None:
        self._taken_by: defaultdict[str, set[str]] = defaultdict(set)
        self._made: defaultdict[str, set[str]] = defaultdict(set)
        self._waiting: set[asyncio.Future[bytes]] = set()  # calls whose answer comes later
        self._scheduler: Any = None
        self._change: asyncio.Event | None = None  # in the cluster's workers and clients

    async def start(self, scheduler: Any) -> None:
        """Begin: Dask calls it once in the scheduler."""
        self._scheduler = scheduler
        self._change = asyncio.Event()
        kinds = {"queue": functools.partial(_Queue, scheduler)}
        self._board = Board(_no_objects, _no_objects, kinds)
        scheduler.handlers[OPERATION] = self.call

    async def call(self, client: str, ticket: int, data: bytes) -> bytes:
        """A method of the desk, and its arguments; what `Link.asked` reads as an answer.

        LATER if it waits: then the answer comes by the client's stream. Else those that wait would
        have all of the connections that Dask gives a client.
        """
        task = asyncio.ensure_future(self._answer(client, data))
        await asyncio.sleep(0)  # it has come as far as it does without waiting
        if task.done():
            return task.result()
        self._waiting.add(task)
        task.add_done_callback(lambda task: self._tell_later(client, ticket, task))
        return LATER

    async def _answer(self, client: str, data: bytes) -> bytes:
        method, args = from_whole(data)
        try:
            if client not in self._scheduler.clients:
                raise ServerGone(
                    "Dask's scheduler is lost: it has given up the connection of this process."
                )
            return pickle.dumps((VALUE, await getattr(self, f"_{method}")(client, *args)))
        except Exception as error:
            return pickle.dumps(packed((RAISED, error)))

    def _tell_later(self, client: str, ticket: int, task: asyncio.Future[bytes]) -> None:
        self._waiting.discard(task)
        stream = self._scheduler.client_comms.get(client)
        if stream is not None and not task.cancelled():  # else it was taken back, or all ends
            with suppress(OSError):  # then it is taken back soon
                stream.send({"op": OPERATION, "ticket": ticket, "data": task.result()})

    # ---- what a line asks ----------------------------------------------------------

    async def _call(
        self, client: str, who: Who, number: int, name: str, method: str, args: Any, timeout_s: Any
    ) -> tuple[str, Any]:
        if method in ("put", "put_many"):
            payloads = args[0] if method == "put_many" else [args]
            await self._know([key for (_, keys), _ in payloads for key in keys])
        return packed(await self._board.call(who, number, name, method, args, timeout_s))

    async def _know(self, keys: list[Any]) -> None:
        if not await _known(self._scheduler, keys):
            raise NoSuchObject(
                "A handle in the message means nothing to the scheduler: its task was cancelled, "
                "or it is of another cluster. The message was not put."
            )

    async def _withdraw(self, client: str, who: Who, number: int) -> None:
        self._board.withdraw(who, number)

    async def _make(self, client: str, name: str, kind: str, args: Any) -> tuple[str, Any]:
        if len(self._board) >= THINGS_MAX:
            raise LimitReached(f"The scheduler has {THINGS_MAX:,} queues, locks and the like.")
        self._made[client].add(name)
        return packed(self._board.make(name, kind, args))

    async def _drop(self, client: str, names: list[str]) -> None:
        self._made[client].difference_update(names)
        self._board.drop(names)

    async def _enter(self, client: str, seat: Seat) -> None:
        self._taken_by[client].add(seat.key)
        self._board.enter(seat)

    async def _gone(self, client: str, key: str, orderly: bool) -> None:
        self._taken_by[client].discard(key)
        self._board.gone(key, orderly)

    async def _seats(self, client: str) -> dict[str, tuple[int, str, str]]:
        return self._board.seats()

    # ---- what else a program asks ----------------------------------------------------

    async def _wish(self, client: str, keys: list[Any]) -> None:
        """Keep these results for this client, before a message lets go of them."""
        self._scheduler.client_desires_keys(keys=keys, client=client)

    async def _idle(self, client: str, keys: list[Any]) -> tuple[list[Any], list[Any]]:
        """Of these tasks, those that no worker has; and those that are not here (yet, or again)."""
        tasks = self._scheduler.tasks
        idle = [key for key in keys if key in tasks and tasks[key].state in _IDLE]
        return idle, [key for key in keys if key not in tasks]

    async def _departed(self, client: str, worker: str) -> None:
        """Wait until there is no such worker, or nobody who asks."""
        while worker in self._scheduler.workers and client in self._scheduler.clients:
            assert self._change is not None, "it has begun"
            await self._change.wait()

    # ---- deaths ------------------------------------------------------------------

    def remove_client(self, scheduler: Any, client: str) -> None:
        """Dask has noticed that a program, or a worker's client, is gone."""
        for key in self._taken_by.pop(client, ()):
            self._board.gone(key, False)
        self._board.drop(self._made.pop(client, ()))
        self._changed()

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """Dask has noticed that a worker is gone."""
        self._changed()

    def _changed(self) -> None:
        assert self._change is not None, "it has begun"
        self._change.set()
        self._change = asyncio.Event()


class _Queue(QueueThing):
    """A queue whose messages may refer to results on the cluster (D3).

    Args:
        scheduler: Has them.
        bounds: As `QueueThing` has them.
    """

    def __init__(self, scheduler: Any, *bounds: int) -> None:
        super().__init__(*bounds)
        self._scheduler = scheduler

    def _enter(self, message: Message) -> None:
        super()._enter(message)
        _, keys = message.payload
        if keys:
            self._scheduler.client_desires_keys(keys=keys, client=self._keeper(message))

    def _leave(self, message: Message) -> None:
        super()._leave(message)
        _, keys = message.payload
        if keys:
            keeper = self._keeper(message)
            self._scheduler.client_releases_keys(keys=keys, client=keeper)
            self._scheduler.clients.pop(keeper, None)

    def _keeper(self, message: Message) -> str:
        return f"interlock-message-{id(self)}-{message.number}"


def _no_objects(value: Any) -> Any:
    raise NotImplementedError("a scheduler keeps bytes, and no objects of programs")


async def _known(scheduler: Any, keys: list[Any]) -> bool:
    """Wait until the scheduler has heard of these tasks, which comes by another connection."""
    for _ in range(KNOW_TRIES):
        if all(key in scheduler.tasks for key in keys):
            return True
        await asyncio.sleep(KNOW_S)
    return False
