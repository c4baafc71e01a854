"""The holder of a lock dies, and so does who repairs what it left: the next one repairs.

R1, R4: all that is derived is counted again under the lock, as often as it takes.

How: a first child is killed while it has a side of the ring, at each of its steps. A second one
takes the lock over and is killed at each step of the repair, or with its own step half
done. Then the parent must find every letter once, every count right and every block free.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.errors import Empty
from tests.faults.doomed import Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import GLANCE_S, STALL_S, check_sound, drain, promptly

MAX_BYTES = 8 << 20
LETTERS = 24

Role = Callable[..., None]


class Refused(Exception):
    """Gives a lease back."""


def put_inline(diary: Diary, queue: Any, writer: str) -> None:
    put(diary, queue, writer, "inline")


def put_large(diary: Diary, queue: Any, writer: str) -> None:
    put(diary, queue, writer, "large")


def put(diary: Diary, queue: Any, writer: str, kind: str) -> None:
    for number in range(LETTERS):
        queue.put(write(Letter(kind, writer, number)))
        diary.write(number)


# A consumer's role ends when nothing is left: the one before it has taken some of the letters.
def get(diary: Diary, queue: Any, writer: str) -> None:
    with contextlib.suppress(Empty):
        while True:
            diary.write(read(queue.get(timeout=GLANCE_S)).number)


def acknowledge(diary: Diary, queue: Any, writer: str) -> None:
    with contextlib.suppress(Empty):
        while True:
            with queue.lease(timeout=GLANCE_S) as delivery:
                diary.write(read(delivery.message).number)


def give_back(diary: Diary, queue: Any, writer: str) -> None:
    with contextlib.suppress(Empty):
        while True:
            with contextlib.suppress(Refused), queue.lease(timeout=GLANCE_S):
                raise Refused


HOLDING_P = {
    put_large: "put.claimed put.queued_block put.written put.committed put.counted "
    "block.described chunk.carved extent.grown block.hint_cleared".split(),
    put_inline: "put.written put.committed chunk.made chunk.linked".split(),
}
REPAIRING_P = "repair.producers mutex.consistent put.written put.committed".split()
HOLDING_C = {
    get: "get.taken get.advanced get.done get.settled get.block_freed".split(),
    acknowledge: "get.taken get.done get.block_freed".split(),
    give_back: "get.found lease.returned lease.dead_lettered get.done".split(),
}
REPAIRING_C = "repair.consumers mutex.consistent get.taken get.done get.settled".split()
PRODUCERS = [(role, name) for role, names in HOLDING_P.items() for name in names]
CONSUMERS = [(role, name) for role, names in HOLDING_C.items() for name in names]


def producers_scenario(role: Role, first: Point, second: Point) -> bool:
    """Whether both producers died."""
    context = interlock.get_context("fork")
    queue = context.Queue(max_bytes=MAX_BYTES)
    for number in range(3):
        queue.put(write(Letter("large", "earlier", number)))
    for _ in range(3):
        queue.get()
    returned, died = {}, True
    for writer, point in (("first", first), ("second", second)):
        with doomed(context, role, point, queue, writer) as producer:
            died &= producer.end()
            returned[writer] = len(producer.diary())
    promptly(queue.put, write(Letter("small", "parent", 0)), timeout=STALL_S)
    found = drain(queue)
    for writer, count in returned.items():
        mine = [letter.number for letter in found if letter.writer == writer]
        assert mine in (list(range(count)), list(range(count + 1))), f"{count} puts, {mine} came"
    check_sound(queue)
    return died


def consumers_scenario(role: Role, first: Point, second: Point) -> bool:
    """Whether both consumers died."""
    context = interlock.get_context("fork")
    queue = context.JoinableQueue(max_bytes=MAX_BYTES, max_deliveries=2)
    for number in range(LETTERS):
        queue.put(write(Letter("large", "parent", number)))
    taken, died = [], 0
    for doing, point in ((role, first), (get, second)):
        with doomed(context, doing, point, queue, "") as consumer:
            died += consumer.end()
            taken += consumer.diary()
    found = [letter.number for letter in drain(queue)]
    found += [read(message).number for message in queue.dead_letters]
    assert len(found) == len(set(found)), f"delivered twice: {found}"
    again = set(found) & set(taken)
    missing = set(range(LETTERS)) - set(found) - set(taken)
    assert len(again) <= (role is acknowledge), f"{again} were done, and came again"
    assert len(missing) <= died - (role is not get), f"{missing} are lost"
    check_sound(queue)
    return died == 2


@pytest.mark.parametrize("second", REPAIRING_P)
@pytest.mark.parametrize(("role", "first"), PRODUCERS)
def test_the_producers_side_is_repaired_by_whoever_lives(
    role: Role, first: str, second: str, with_crash_points: Stage
) -> None:
    """R1, R4, I2, I3: two producers die one upon the other."""
    for passes in (0, 2):
        died = with_crash_points.run(
            producers_scenario, role, Point(first, passes), Point(second, passes and 1)
        )
        assert died or passes, f"{first}, then {second}: not both died"


@pytest.mark.parametrize("second", REPAIRING_C)
@pytest.mark.parametrize(("role", "first"), CONSUMERS)
def test_the_consumers_side_is_repaired_by_whoever_lives(
    role: Role, first: str, second: str, with_crash_points: Stage
) -> None:
    """R1, R4, I2, I3: two consumers die one upon the other."""
    for passes in (0, 2):
        died = with_crash_points.run(
            consumers_scenario, role, Point(first, passes), Point(second, passes and 1)
        )
        assert died or passes, f"{first}, then {second}: not both died"
