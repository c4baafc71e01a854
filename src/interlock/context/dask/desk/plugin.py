"""Desk: a plugin of Dask's scheduler, where queues, locks and the like lie.

    program, worker ──(handler of the scheduler, as Dask's own primitives have)──► Desk ─► Thing

Data: things by name; each has its maker, and callers that wait or hold something, each by a client
of Dask and a ticket.

I1  A thing's state changes in the scheduler's event loop only, in steps with no await between.
I2  Whatever a caller has or waits for is known by its client and ticket; it is taken back when
    Dask removes the client (its connection is gone), or the caller gives the call up.
I3  A call that was given up before it came here does nothing when it comes.

A death: of a worker or a program, see I2; of a thing's maker: the thing ends, who waits is told;
of the scheduler: all is lost with the cluster, and every call raises `ServerGone`.

Why in the scheduler: an actor dies with its worker, and is not told when another worker does. Why
not Dask's own Queue, Lock and Semaphore: see docs/decisions/0026.
Source: distributed, SchedulerPlugin; its QueueExtension is built the same way.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from interlock.context.dask.desk.answers import GONE, OK, OPERATION, TOO_MANY, Answer
from interlock.context.dask.desk.barrier import BarrierThing
from interlock.context.dask.desk.cell import CellThing
from interlock.context.dask.desk.locks import (
    ConditionThing,
    EventThing,
    LockThing,
    SemaphoreThing,
)
from interlock.context.dask.desk.queue import QueueThing, known
from interlock.context.dask.desk.thing import IsGone, Thing
from interlock.context.dask.desk.turns import Caller, Turns

__all__ = ["Desk"]

THINGS_MAX = 1_000_000  # a program that makes more has lost its way
_IDLE = ("released", "waiting", "queued", "no-worker")
FORGOTTEN_MAX = 10_000  # calls that were given up before they came


class Desk(SchedulerPlugin):
    """Answers calls for things; see the head of this module."""

    name = OPERATION
    idempotent = True

    def __init__(self) -> None:
        self._things: dict[str, Thing] = {}
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._watching: dict[Turns, None] = {}  # of those that wait for a worker to be gone
        self._scheduler: Any = None

    async def start(self, scheduler: Any) -> None:
        """Begin: Dask calls it once in the scheduler."""
        self._scheduler = scheduler
        scheduler.handlers[OPERATION] = self.call
        scheduler.stream_handlers[OPERATION] = self.told

    async def call(
        self,
        thing: str,
        method: str,
        caller: list[Any],
        ticket: str,
        wait_s: float | None,
        arguments: list[Any],
    ) -> Answer:
        """A call that is answered."""
        who = Caller(*caller)
        if who.client not in self._scheduler.clients or self._forgotten.pop(ticket, self) is None:
            return GONE, None
        if not thing:
            found: Any = getattr(self, f"_{method}")(who, ticket, wait_s, *arguments)
        elif thing in self._things:
            found = self._things[thing].called(method, who, ticket, wait_s, arguments)
        else:
            return GONE, None
        answer: Answer = await found if inspect.isawaitable(found) else found
        return answer

    def told(
        self, thing: str, method: str, caller: list[Any], arguments: list[Any], client: str
    ) -> None:
        """A call that is not answered, by the stream that carries a client's wishes for keys."""
        found = self._things.get(thing)
        if found is not None:
            found.called(method, Caller(*caller), "", None, arguments)

    # ---- the desk's own calls, without a thing -------------------------------------

    def _make(
        self, who: Caller, ticket: str, wait_s: object, name: str, kind: str, arguments: list[Any]
    ) -> Answer:
        if len(self._things) >= THINGS_MAX:
            return TOO_MANY, THINGS_MAX
        make: Callable[..., Thing] = getattr(self, f"_make_{kind}")
        self._things[name] = make(who.client, *arguments)
        return OK, None

    def _make_queue(self, maker: str, *bounds: int) -> Thing:
        return QueueThing(maker, self._scheduler, *bounds)

    def _make_lock(self, maker: str, is_recursive: bool) -> Thing:
        return LockThing(maker, is_recursive)

    def _make_semaphore(self, maker: str, value: int, is_bounded: bool) -> Thing:
        return SemaphoreThing(maker, value, is_bounded)

    def _make_condition(self, maker: str, lock: str) -> Thing:
        found = self._things[lock]
        assert isinstance(found, LockThing), "a condition is made with a lock"
        return ConditionThing(maker, found)

    def _make_event(self, maker: str) -> Thing:
        return EventThing(maker)

    def _make_barrier(self, maker: str, parties: int, acts: bool) -> Thing:
        return BarrierThing(maker, parties, acts)

    def _make_cell(self, maker: str, data: bytes) -> Thing:
        return CellThing(maker, data)

    def _forget(self, who: Caller, ticket: str, wait_s: object, given_up: str) -> Answer:
        """A call was given up: by an exception in who called, such as Ctrl-C."""
        self._forgotten[given_up] = None
        while len(self._forgotten) > FORGOTTEN_MAX:
            self._forgotten.popitem(last=False)
        self._take_back(lambda caller, ticket: ticket == given_up)
        return OK, None

    async def _departed(
        self, who: Caller, ticket: str, wait_s: float | None, worker: str
    ) -> Answer:
        """Wait until there is no such worker."""

        def attempt() -> Answer | None:
            return None if worker in self._scheduler.workers else (OK, None)

        turns = Turns()  # of its own: they do not wait for each other
        self._watching[turns] = None
        try:
            return await turns.take(who, ticket, attempt, wait_s) or (GONE, None)
        finally:
            del self._watching[turns]

    async def _idle(self, who: Caller, ticket: str, wait_s: object, keys: list[Any]) -> Answer:
        """Of these tasks, those that no worker has."""
        await known(self._scheduler, keys)
        tasks = self._scheduler.tasks
        return OK, [k for k in keys if k in tasks and tasks[k].state in _IDLE]

    # ---- deaths ------------------------------------------------------------------

    def remove_client(self, scheduler: Any, client: str) -> None:
        """Dask has noticed that a program, or a worker's client, is gone."""
        self._take_back(lambda caller, ticket: caller.client == client)
        for name in [name for name, thing in self._things.items() if thing.maker == client]:
            self._things.pop(name).end((GONE, None))

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """Dask has noticed that a worker is gone."""
        for turns in list(self._watching):
            turns.look()

    def _take_back(self, is_gone: IsGone) -> None:
        for turns in list(self._watching):
            turns.forget(is_gone)
        for thing in list(self._things.values()):
            thing.forget(is_gone)
