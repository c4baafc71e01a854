"""Every probe point, a producer killed there: nothing that was put is lost, doubled or damaged.

P2: a message whose `put` had returned arrives exactly once and whole. The one that was being put
arrives at most once, whole, and in its place. The survivors go on at once, and get the memory
back.

How: a child on the build with crash points writes into its diary after each `put` that
returned, and is killed at one point, at its first pass or a later one. The parent has put before,
puts after, and takes everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interlock
from tests.faults.doomed import Diary, Point, doomed
from tests.faults.letters import Letter, write
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S, check_sound, drain, promptly

Role = Callable[..., None]

MAX_BYTES = 8 << 20
LETTERS = 24  # of a producer that is not killed
PASSES = (0, 1, 5)

# Where a producer comes by, by what kind of message (letters.py).
IN_THE_RING = "mutex.locked put.written put.committed put.counted mutex.unlocked".split()
A_BLOCK = "put.claimed put.filled put.queued_block block.described chunk.carved".split()
A_CHUNK = "chunk.made chunk.linked block.described chunk.carved".split()
POINTS = {
    "small": IN_THE_RING,
    "note": IN_THE_RING,
    "inline": [*IN_THE_RING, *A_CHUNK],
    "large": [*A_BLOCK, *IN_THE_RING, "extent.grown", "block.hint_cleared"],
    "array": [*A_BLOCK, *IN_THE_RING, "extent.grown", "block.hint_cleared"],
}
CASES = [(kind, name) for kind, names in POINTS.items() for name in names]


def produce(diary: Diary, queue: Any, kind: str) -> None:
    for number in range(LETTERS):
        queue.put(write(Letter(kind, "killed", number)))
        diary.write(number)


def produce_many(diary: Diary, queue: Any, kind: str) -> None:
    def letters() -> Iterator[object]:
        for number in range(LETTERS):
            yield write(Letter(kind, "killed", number))
            diary.write(number)  # it is asked for the next

    queue.put_many(letters())


def scenario(method: str, role: Role, kind: str, point: Point, survivor_gets_first: bool) -> bool:
    """Whether the producer died at the point."""
    context = interlock.get_context(method)
    queue = context.Queue(max_bytes=MAX_BYTES)
    for number in range(3):  # so that there are free blocks to be used again
        queue.put(write(Letter(kind, "earlier", number)))
    for _ in range(3):
        queue.get()
    before, after = Letter(kind, "before", 0), Letter(kind, "after", 0)
    queue.put(write(before))
    with doomed(context, role, point, queue, kind) as producer:
        died = producer.end()
        returned = len(producer.diary())
    found = drain(queue) if survivor_gets_first else []
    promptly(queue.put, write(after), timeout=STALL_S)
    found += drain(queue)
    arrived = len(found) - 2
    assert returned <= arrived <= returned + 1, f"{returned} of its puts returned; {found} came"
    assert found == [before, *(Letter(kind, "killed", n) for n in range(arrived)), after]
    check_sound(queue)
    return died


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_a_killed_producer_had_put_arrives_once_and_whole(
    kind: str, name: str, with_crash_points: Stage
) -> None:
    """P2, P3, I2, I3: at every point where a producer comes by, and at later passes of it."""
    for passes in PASSES:
        for survivor_gets_first in (False, True):
            died = with_crash_points.run(
                scenario, "fork", produce, kind, Point(name, passes), survivor_gets_first
            )
            assert died or passes, f"a producer of {kind} messages never comes to {name}"


@pytest.mark.parametrize("name", IN_THE_RING)
def test_what_put_many_had_put_arrives_once_and_whole(name: str, with_crash_points: Stage) -> None:
    """P2: each message of a call for itself."""
    for passes in PASSES:
        assert with_crash_points.run(
            scenario, "fork", produce_many, "small", Point(name, passes), False
        )


@pytest.mark.parametrize("name", ["put.written", "put.committed", "put.queued_block"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_producer_may_be_started_in_any_way(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """P8, P2: as under fork."""
    assert with_crash_points.run(scenario, method, produce, "large", Point(name, 1), False)
