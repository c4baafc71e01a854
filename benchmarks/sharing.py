"""What is measured of dicts and lists that processes share: one item set, one got."""

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


def append_items(clock: Clock, shared: Any, count: int) -> None:
    """Makes a list longer, item by item."""
    clock.start()
    for number in range(count):
        shared.append(number)
    clock.stop()
    if len(shared) != count or shared[count - 1] != count - 1:
        raise WrongResult(f"a list of {count} items has {len(shared)}")


def index_items(clock: Clock, shared: Any, count: int) -> None:
    """Gets each item of a list in turn."""
    shared.extend(range(len(KEYS)))
    clock.start()
    total = 0
    for number in range(count):
        total += shared[number % len(KEYS)]
    clock.stop()
    if total != sum(number % len(KEYS) for number in range(count)):
        raise WrongResult(f"the items of {count} places have the sum {total}")


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
    return _managed("dict", role, context, count)


def _managed(kind: str, role: Callable[..., None], context: Any, count: int) -> float:
    """On what a manager makes, in a process that did not ask for it."""
    with context.Manager() as manager:
        return play(context, [Role(role, (getattr(manager, kind)(), count))])[0]


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


def _managed_workload(key: str, name: str, kind: str, role: Callable[..., None]) -> Workload:
    make: Callable[[], Any] = dict if kind == PLAIN else list
    references: dict[str, Measure] = {kind: partial(_here, role, make)}
    measure = partial(_managed, kind, role)
    return Workload(key, name, measure, {STDLIB: 20}, references=references)


WORKLOADS: tuple[Workload, ...] = (
    _workload("dict-set", "shared dict, set", set_keys),
    _workload("dict-get", "shared dict, get", get_keys),
    _managed_workload("managed-dict-set", "managed dict, set", "dict", set_keys),
    _managed_workload("managed-dict-get", "managed dict, get", "dict", get_keys),
    _managed_workload("managed-list-append", "managed list, append", "list", append_items),
    _managed_workload("managed-list-index", "managed list, index", "list", index_items),
)
