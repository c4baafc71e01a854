"""What is measured of waking: one process wakes another, which wakes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .harness import Clock, Role, WrongResult, play
from .workloads import STDLIB, Workload

PATIENCE_S = 20.0


def by_events(clock: Clock, mine: Any, theirs: Any, begins: bool, count: int) -> None:
    """Sets the other's event, and waits for its own."""
    clock.start()
    for _ in range(count):
        if begins:
            theirs.set()
        if not mine.wait(PATIENCE_S):
            raise WrongResult("an event was not seen")
        mine.clear()
        if not begins:
            theirs.set()
    clock.stop()


def by_condition(clock: Clock, condition: Any, turn: Any, me: int, count: int) -> None:
    """Waits for its turn, and gives it to the other."""
    clock.start()
    for _ in range(count):
        with condition:
            if not condition.wait_for(lambda: turn.value == me, PATIENCE_S):
                raise WrongResult("a notification was not seen")
            turn.value = 1 - me
            condition.notify()
    clock.stop()


def _events(context: Any, count: int) -> float:
    first, second = context.Event(), context.Event()
    players = [(first, second, True, count), (second, first, False, count)]
    return play(context, [Role(by_events, player) for player in players])[0]


def _condition(context: Any, count: int) -> float:
    condition, turn = context.Condition(context.Lock()), context.RawValue("i", 0)
    return play(context, [Role(by_condition, (condition, turn, me, count)) for me in (0, 1)])[0]


def _workload(key: str, name: str, peer: Callable[[Any, int], float]) -> Workload:
    return Workload(key, name, partial(peer), {STDLIB: 1.0}, unit="us")


WORKLOADS: tuple[Workload, ...] = (
    _workload("wake-event", "event, there and back", _events),
    _workload("wake-condition", "condition, there and back", _condition),
)
