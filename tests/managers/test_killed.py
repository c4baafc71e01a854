"""A process is killed while it changes a managed object: before or after, and nobody waits (P2)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from interlock import AbandonedLockWarning
from interlock.context import BaseContext
from tests.managers import work

SEED = 20_261_128
KILLS = 12
STALL_S = 5.0


def test_random_kills_of_who_changes_a_dict(context: BaseContext, manager: Any) -> None:
    """P2, P3: every value is one that was stored, and others go on."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    shared = manager.dict()
    for kill in range(KILLS):
        child = context.Process(target=work.change_dict_for_ever, args=(shared,))
        child.start()
        _watch(chance.random() * 0.05, lambda: "u" in shared, lambda: _check_dict(shared))
        child.kill()
        child.join()
        begun = time.monotonic()
        shared["mine"] = (kill, [kill] * 50)
        _check_dict(shared)
        shared.pop("u", None)
        assert time.monotonic() - begun < STALL_S


def _check_dict(shared: Any) -> None:
    for number, numbers in shared.copy().values():
        assert numbers == [number] * 50


def test_random_kills_of_who_changes_a_list(context: BaseContext, manager: Any) -> None:
    """P2, P3: whole after each kill, and nothing is left over in its memory."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    numbers = manager.list([1, -1])
    for kill in range(KILLS):
        before = numbers.copy()
        child = context.Process(target=work.change_list_for_ever, args=(numbers, 1_000 * kill))
        child.start()
        _watch(
            chance.random() * 0.05,
            lambda before=before: numbers.copy() != before,  # type: ignore[misc]
            lambda: _check_list(numbers),
        )
        child.kill()
        child.join()
        begun = time.monotonic()
        _check_list(numbers)
        numbers.extend([7, -7])
        _check_list(numbers)
        assert numbers._map._count() == len(numbers) + 1
        assert time.monotonic() - begun < STALL_S


def _check_list(numbers: Any) -> None:
    seen = numbers.copy()
    assert work.is_whole(seen), seen


def _watch(seconds: float, begun: Callable[[], bool], check: Callable[[], None]) -> None:
    """Look on: from when the child has begun, for so long."""
    work.wait_until(begun)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        check()


def test_a_lock_of_a_killed_owner(context: BaseContext, manager: Any) -> None:
    """P3: who waits has it within moments."""
    lock, ready = manager.Lock(), context.Queue()
    child = context.Process(target=_take_and_hold, args=(lock, ready))
    child.start()
    ready.get(timeout=work.BOUND_S)
    assert not lock.acquire(False)
    child.kill()
    child.join()
    with pytest.warns(AbandonedLockWarning):
        assert lock.acquire(timeout=work.BOUND_S)
    lock.release()


def _take_and_hold(lock: Any, ready: Any) -> None:
    with lock:
        work.hold_until_killed([lock], ready)


def test_shared_memory_goes_on_without_its_server(context: BaseContext) -> None:
    """P3: the server is killed: what is held is there; what must be asked for is an error."""
    manager = work.started(context)
    shared, numbers = manager.dict(a=1), manager.list([1])
    server = vars(manager)["_process"]
    server.kill()
    server.join()
    shared["b"] = 2
    numbers.append(2)
    assert (shared.copy(), numbers.copy()) == ({"a": 1, "b": 2}, [1, 2])
    manager.shutdown()
