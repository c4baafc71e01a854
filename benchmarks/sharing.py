"""What is measured of dicts that processes share: one key set, one key got."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from .harness import Clock, Role, WrongResult, play
from .peers import redis_peer
from .workloads import STDLIB, Measure, Workload

KEYS = [f"key {number}" for number in range(1024)]
PLAIN = "dict"


def set_keys(clock: Clock, shared: Any, count: int) -> None:
    """Gives each key in turn a new value."""
    clock.start()
    _set(shared, count)
    clock.stop()
    _check(shared, count)


def get_keys(clock: Clock, shared: Any, count: int) -> None:
    """Gets each key in turn."""
    for number, key in enumerate(KEYS):
        shared[key] = number
    clock.start()
    total = _get(shared, count)
    clock.stop()
    if total != sum(number % len(KEYS) for number in range(count)):
        raise WrongResult(f"the values of {count} keys have the sum {total}")


def _set(shared: Any, count: int) -> None:
    for number in range(count):
        shared[KEYS[number % len(KEYS)]] = number


def _get(shared: Any, count: int) -> int:
    total = 0
    for number in range(count):
        total += shared[KEYS[number % len(KEYS)]]
    return total


def _check(shared: Any, count: int) -> None:
    for number in range(max(0, count - len(KEYS)), count):
        found = shared[KEYS[number % len(KEYS)]]
        if found != number:
            raise WrongResult(f"{KEYS[number % len(KEYS)]} has {found}, not {number}")


def _shared(role: Callable[..., None], context: Any, count: int) -> float:
    """In a process that did not make the dict."""
    if hasattr(context, "SharedDict"):
        return play(context, [Role(role, (context.SharedDict(), count))])[0]
    with context.Manager() as manager:
        return play(context, [Role(role, (manager.dict(), count))])[0]


class _HereClock(Clock):
    """For what is measured in this process."""

    def __init__(self) -> None:
        self.started = self.stopped = 0.0

    def start(self) -> None:
        self.started = time.perf_counter()


def _here(role: Callable[..., None], make: Callable[[], Any], count: int) -> float:
    clock = _HereClock()
    role(clock, make(), count)
    return clock.stopped - clock.started


def _references(role: Callable[..., None]) -> dict[str, Measure]:
    found: dict[str, Measure] = {PLAIN: partial(_here, role, dict)}
    if redis_peer.is_there():
        found[redis_peer.NAME] = partial(_here, role, redis_peer.RedisDict)
    return found


def _workload(key: str, name: str, role: Callable[..., None]) -> Workload:
    return Workload(key, name, partial(_shared, role), {STDLIB: 20}, references=_references(role))


WORKLOADS: tuple[Workload, ...] = (
    _workload("dict-set", "shared dict, set", set_keys),
    _workload("dict-get", "shared dict, get", get_keys),
)
