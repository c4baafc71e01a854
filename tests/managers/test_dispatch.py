"""Whose call is run next: clients by turns, which are short in calls and in time (P6)."""

from __future__ import annotations

import asyncio
import time

from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Registry
from interlock.managers.references import Objects, Shared
from interlock.managers.serving.desk import Desk, desk_type
from interlock.managers.serving.dispatch import TURN, TURN_S, Dispatcher
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Call, Calls, encode
from interlock.managers.wire.frames import Message
from interlock.managers.wire.values import pack

BOUND_S = 30.0
BOUNDS = Bounds()


async def order_of(calls: dict[str, int], each_s: float) -> list[str]:
    """Who was served when, if each client has sent so many calls that take so long."""
    served: list[str] = []
    ended = asyncio.Event()

    def work(_: object, who: str) -> None:
        ends_s = time.monotonic() + each_s
        while time.monotonic() < ends_s:
            pass
        served.append(who)
        if len(served) == sum(calls.values()):
            ended.set()

    registry, objects = Registry(), Objects(b"s" * 16)
    worker = registry.register("worker", cls=object, exposed={"work": work}, inline=True)
    desk = Shared(0, Desk(registry, objects, None, time.monotonic), desk_type())
    dispatcher = Dispatcher(registry, objects, desk, None, BOUNDS, hide_tracebacks=False)
    shared = objects.add(object(), worker)
    for who, count in calls.items():
        session = Session(who.encode() * 16, b"k" * 32, Peer(who, "tcp", "here"), BOUNDS)
        session.give(shared)
        data, _ = pack(((who,), {}))
        for number in range(1, count + 1):
            kind, body, _ = encode(Calls(number, [], [Call(shared.id, "work", data)]))
            session.received(Message(kind, number, body, []))
        dispatcher.wake(session)
    running = asyncio.create_task(dispatcher.run())
    await asyncio.wait_for(ended.wait(), BOUND_S)
    running.cancel()
    await dispatcher.stop()
    return served


def test_small_calls_are_run_some_at_a_time() -> None:
    served = asyncio.run(order_of({"a": 3 * TURN, "b": 1}, 0.0))
    assert served.index("b") <= TURN


def test_a_call_that_takes_long_ends_its_clients_turn() -> None:
    """A flood of large values holds up another client for one of them, not for a whole turn."""
    served = asyncio.run(order_of({"a": TURN, "b": 1}, 2 * TURN_S))
    assert served.index("b") == 1
