"""What is measured of locks: turns that one process takes, and that many take from each other."""

from __future__ import annotations

from functools import partial
from typing import Any

from .harness import Clock, Role, WrongResult, play
from .workloads import STDLIB, Workload

LOOKS = 64  # turns between two looks at whether somebody else is inside


def acquire_and_release(clock: Clock, lock: Any, inside: Any, count: int) -> None:
    """Takes turns by the two methods."""
    clock.start()
    for number in range(count):
        lock.acquire()
        if number % LOOKS == 0:
            _look(inside)
        lock.release()
    clock.stop()


def with_lock(clock: Clock, lock: Any, inside: Any, count: int) -> None:
    """Takes turns by the with statement."""
    clock.start()
    for number in range(count):
        with lock:
            if number % LOOKS == 0:
                _look(inside)
    clock.stop()


def _look(inside: Any) -> None:
    inside.value += 1
    if inside.value != 1:
        raise WrongResult(f"{inside.value} processes have the lock")
    inside.value -= 1


def _turns(role: Any, processes: int, context: Any, count: int) -> float:
    lock, inside = context.Lock(), context.RawValue("i", 0)
    each = max(1, count // processes)
    seconds, _ = play(context, [Role(role, (lock, inside, each))] * processes)
    return seconds


def _workload(key: str, name: str, role: Any, processes: int, least: float) -> Workload:
    return Workload(key, name, partial(_turns, role, processes), {STDLIB: 1.0}, least=least)


WORKLOADS: tuple[Workload, ...] = (
    _workload("lock-free", "lock, free, acquire and release", acquire_and_release, 1, 0.8),
    _workload("lock-with", "lock, free, with lock", with_lock, 1, 1.0),
    _workload("lock-2", "lock, 2 processes", with_lock, 2, 0.8),
    _workload("lock-8", "lock, 8 processes", with_lock, 8, 0.8),
)
