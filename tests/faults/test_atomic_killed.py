"""A process is killed when it has changed an atomic and not woken who waits for that (P3)."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

import interlock
from interlock.testing import kill_at
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S
from tests.faults.turns.others import wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = ["atomic.changed"]


def change_and_die(number: Any, change: str, point: str) -> None:
    """The child's work; it is killed at the point."""
    kill_at(point)
    if change == "compare_exchange":
        number.compare_exchange(0, 7)
    elif change == "add":
        number.add(7)
    else:
        getattr(number, change)(7)


def scenario(method: str, change: str, point: str) -> bool:
    """Whether the child died at the point; who waits for the change sees it all the same."""
    context: Any = interlock.get_context(method)
    number = interlock.AtomicInt()
    returned: list[float] = []

    def wait() -> None:
        while not number.wait(0, 10 * STALL_S):
            pass
        returned.append(time.monotonic())

    waiters = [threading.Thread(target=wait, daemon=True) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    child = context.Process(target=change_and_die, args=(number, change, point))
    child.start()
    wait_for_end(child)
    ended = time.monotonic()
    for waiter in waiters:
        waiter.join(10 * STALL_S)
        assert not waiter.is_alive(), f"stuck: {number}"
    assert max(returned) - ended < STALL_S
    assert number.load() == 7
    return bool(child.exitcode == -signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("change", ["store", "exchange", "add", "compare_exchange"])
@pytest.mark.parametrize("method", METHODS)
def test_who_waits_sees_a_change_by_the_dead(
    method: str, change: str, point: str, with_crash_points: Stage
) -> None:
    """P3: within a second at the most."""
    assert with_crash_points.run(scenario, method, change, point), f"not come to {point}"
