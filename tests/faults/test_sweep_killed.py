"""A process dies with much in its hands, and so does who puts that right: the next one does it.

R2, R4: what a dead process had taken, was filling or was reading goes back, exactly once,
however many sweepers die over it, at whatever step.

How: the first child has leases and views, and is killed while it fills a block. Others look for
the dead, and are killed in the middle of the sweep, one after the other. The parent looks last,
and must find every letter once and every block free.
"""

from __future__ import annotations

from typing import Any

import pytest

import interlock
from tests.faults.doomed import Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import check_sound, drain

MAX_BYTES = 8 << 20
KINDS = ("small", "large", "note", "array", "small", "array")
PASSES = (0, 1, 2)


def hold_much(diary: Diary, queue: Any) -> None:
    """Leases of a small, a large and a pickled message, a view of an array, half a block."""
    held = []
    for _ in range(3):
        held.append(queue.lease())
        held[-1].__enter__()
    held.append(queue.get())
    diary.write(read(held[-1]).number)
    queue.put(write(Letter("large", "killed", 0)))


def sweep(diary: Diary, queue: Any, dead: int) -> None:
    """Look at the queue until the dead process has no place in it."""
    while dead in queue.statistics().processes:
        pass


COMMON = "sweep.found sweep.returned sweep.released repair.consumers borrow.released".split()
LOCKS = "mutex.locked mutex.unlocked".split()
POINTS = {
    0: [*COMMON, *LOCKS, "lease.returned"],  # by max_deliveries
    1: [*COMMON, *LOCKS, "lease.dead_lettered", "get.done"],
}
# One sweeper comes as far as here, the next one takes it over from there.
CHAIN = (
    "sweep.found lease.returned mutex.consistent sweep.returned repair.consumers sweep.returned "
    "repair.consumers borrow.released sweep.found sweep.released"
).split()
CASES = [(deliveries, name) for deliveries, names in POINTS.items() for name in names]


def scenario(method: str, deliveries: int, points: list[Point]) -> int:
    """How many of the sweepers died."""
    context = interlock.get_context(method)
    queue = context.Queue(max_bytes=MAX_BYTES, max_deliveries=deliveries or None)
    for number, kind in enumerate(KINDS):
        queue.put(write(Letter(kind, "parent", number)))
    died = 0
    with doomed(context, hold_much, Point("put.filled"), queue) as first:
        first.wait_dead()
        for point in points:
            with doomed(context, sweep, point, queue, first.pid) as sweeper:
                died += sweeper.end()
        assert first.end()
        taken = first.diary()
    found = [letter.number for letter in drain(queue)]
    dead = [read(message).number for message in queue.dead_letters]
    assert taken == [3]
    assert dead == ([0, 1, 2] if deliveries else [])
    assert sorted(found + dead + taken) == list(range(len(KINDS)))
    check_sound(queue)
    return died


@pytest.mark.parametrize(("deliveries", "name"), CASES)
def test_a_sweep_is_finished_by_the_next(
    deliveries: int, name: str, with_crash_points: Stage
) -> None:
    """R2, R4, I3: a sweeper may die at every step of it."""
    for passes in PASSES:
        died = with_crash_points.run(scenario, "fork", deliveries, [Point(name, passes)])
        assert died or passes, f"a sweeper never comes to {name}"


def test_sweepers_may_die_one_after_the_other(with_crash_points: Stage) -> None:
    """R4: each at a later step than the one before."""
    points = [Point(name) for name in CHAIN]
    assert with_crash_points.run(scenario, "fork", 0, points) == len(points)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_sweeper_may_be_started_in_any_way(method: str, with_crash_points: Stage) -> None:
    """P8, R4: as under fork."""
    assert with_crash_points.run(scenario, method, 0, [Point("sweep.returned")])
