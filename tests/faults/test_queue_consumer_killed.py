"""Every probe point, a consumer killed there: what it had not finished is delivered to another.

P2: a `get` that has not returned has taken nothing; only a message that its core was already done
with may go with the consumer, at most one, as if it had been killed just after `get`. A message
under a lease goes with nobody. None is delivered twice. Survivors go on at once (P3), and
no block stays behind (I3).

How: the parent puts letters. A child on the build with crash points takes them in one of several
ways, writes each into its diary, and is killed at one point, at its first pass or a later
one. Then the parent takes what is left, and every letter must be found once: in the diary, or by
the parent.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.errors import Empty
from tests.faults.doomed import Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import GLANCE_S, check_sound, drain, is_settled, promptly

MAX_BYTES = 8 << 20
LETTERS = 24
PASSES = (0, 1, 5)


class Refused(Exception):
    """Gives a lease back."""


def get(diary: Diary, queue: Any) -> None:
    for _ in range(LETTERS):
        diary.write(read(queue.get()).number)


def get_many(diary: Diary, queue: Any) -> None:
    for _ in range(LETTERS):  # one at a time: what a call returns is lost with its process
        for message in queue.get_many(1):
            diary.write(read(message).number)


def acknowledge(diary: Diary, queue: Any) -> None:
    for _ in range(LETTERS):
        with queue.lease() as delivery:
            diary.write(read(delivery.message).number)


def give_back(diary: Diary, queue: Any) -> None:
    for _ in range(LETTERS):
        with contextlib.suppress(Refused), queue.lease():
            raise Refused


def keep_views(diary: Diary, queue: Any) -> None:
    views = []
    for _ in range(LETTERS):
        views.append(queue.get())
        diary.write(read(views[-1]).number)
    while views:
        views.pop()


def take_dead_letters(diary: Diary, queue: Any) -> None:
    for _ in range(LETTERS):
        diary.write(read(queue.dead_letters.get()).number)


def fork_with_views(diary: Diary, point: Point, queue: Any) -> None:
    views = []
    for _ in range(LETTERS):
        views.append(queue.get())
        diary.write(read(views[-1]).number)
    point.arm()
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    del views


# How a consumer takes what kind of message from a queue with which options, and where it comes by.
AT_ONCE = "mutex.locked get.decoded get.done mutex.unlocked".split()
TAKEN = "mutex.locked get.taken get.advanced get.done get.settled mutex.unlocked".split()
RETURNED = "mutex.locked get.taken get.advanced get.settled mutex.unlocked".split()
WAYS: dict[str, tuple[Callable[..., None], str, dict[str, int], list[str]]] = {
    "get small": (get, "small", {}, AT_ONCE),
    "get inline": (get, "inline", {}, [*AT_ONCE, "chunk.unlinked"]),
    "get note": (get, "note", {}, TAKEN),
    "get large": (get, "large", {}, [*TAKEN, "get.block_freed"]),
    "get array": (
        get,
        "array",
        {},
        [*TAKEN, "get.borrowed", "get.block_freed", "borrow.released"],
    ),
    "get_many small": (get_many, "small", {}, AT_ONCE),
    "acknowledge small": (acknowledge, "small", {}, TAKEN),
    "acknowledge inline": (acknowledge, "inline", {}, [*TAKEN, "chunk.unlinked"]),
    "acknowledge large": (acknowledge, "large", {}, [*TAKEN, "get.block_freed"]),
    "give back small": (give_back, "small", {}, [*RETURNED, "get.found", "lease.returned"]),
    "give back large": (give_back, "large", {}, [*RETURNED, "get.found", "lease.returned"]),
    "give back to dead letters": (
        give_back,
        "small",
        {"max_deliveries": 2},
        [*TAKEN, "get.found", "lease.returned", "lease.dead_lettered"],
    ),
    "take dead letters": (
        take_dead_letters,
        "large",
        {"max_deliveries": 1},
        [*TAKEN, "get.found", "get.block_freed"],
    ),
    "keep views": (keep_views, "array", {}, ["get.borrowed", "borrow.released"]),
}
CASES = [(way, name) for way, (*_, names) in WAYS.items() for name in names]

# Until here the core is not done with the message.
NOT_DONE = frozenset(
    "mutex.locked get.found get.decoded get.taken get.advanced get.borrowed".split()
)


def scenario(method: str, way: str, point: Point) -> bool:
    """Whether the consumer died at the point."""
    role, kind, options, _ = WAYS[way]
    context: Any = interlock.get_context(method)
    queue = context.JoinableQueue(max_bytes=MAX_BYTES, **options)
    for number in range(LETTERS):
        queue.put(write(Letter(kind, "parent", number)))
    if role is take_dead_letters:
        refuse_all(queue)
    with doomed(context, role, point, queue) as consumer:
        died = consumer.end()
        taken = consumer.diary()
    found = [letter.number for letter in drain(queue) + drain_dead_letters(queue)]
    check_each_once(taken, found, point, under_lease=role is acknowledge)
    check_sound(queue)
    return died


def check_each_once(taken: list[int], found: list[int], point: Point, under_lease: bool) -> None:
    """Each letter is found once; but for the one that the consumer had when it died."""
    assert taken == list(range(len(taken))), f"not in their order: {taken}"
    assert len(found) == len(set(found)), f"delivered twice: {found}"
    last = len(taken) - 1
    twice, missing = set(taken) & set(found), set(range(LETTERS)) - set(taken) - set(found)
    assert twice <= ({last} if under_lease else set()), f"{taken} were done; {twice} came again"
    may_go_with_it = set() if under_lease or point.name in NOT_DONE else {last + 1}
    assert missing <= may_go_with_it, f"{missing} are lost; the consumer had got {taken}"


def refuse_all(queue: Any) -> None:
    for _ in range(LETTERS):
        with contextlib.suppress(Refused), queue.lease():
            raise Refused


def drain_dead_letters(queue: Any) -> list[Letter]:
    return [read(message) for message in queue.dead_letters]


@pytest.mark.parametrize(("way", "name"), CASES)
def test_what_a_killed_consumer_had_not_finished_is_delivered(
    way: str, name: str, with_crash_points: Stage
) -> None:
    """P2, P3, I2, I3: at every point where a consumer comes by, and at later passes of it."""
    for passes in PASSES:
        died = with_crash_points.run(scenario, "fork", way, Point(name, passes))
        assert died or passes, f"{way} never comes to {name}"


@pytest.mark.parametrize("name", ["get.taken", "get.done"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_consumer_may_be_started_in_any_way(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """P8, P2: as under fork."""
    assert with_crash_points.run(scenario, method, "acknowledge large", Point(name, 1))


def fork_scenario(point: Point) -> bool:
    context = interlock.get_context("fork")
    queue = context.Queue(max_bytes=MAX_BYTES)
    for number in range(LETTERS):
        queue.put(write(Letter("array", "parent", number)))
    with doomed(context, fork_with_views, point, queue, arm=False) as consumer:
        died = consumer.end()
        assert len(consumer.diary()) == LETTERS
    check_sound(queue)
    return died


@pytest.mark.parametrize("passes", PASSES)
def test_blocks_held_for_a_child_go_back_when_its_parent_dies_at_the_fork(
    passes: int, with_crash_points: Stage
) -> None:
    """I3: between the reservation for a child and its birth."""
    assert with_crash_points.run(fork_scenario, Point("get.borrowed", passes))


def tasks_scenario(role: Callable[..., None], point: Point) -> bool:
    """A consumer of tasks is killed, then the parent does the rest and counts."""
    context = interlock.get_context("fork")
    queue = context.JoinableQueue(max_bytes=MAX_BYTES, max_deliveries=2)
    for number in range(LETTERS):
        queue.put(write(Letter("small", "parent", number)))
    with doomed(context, role, point, queue) as consumer:
        died = consumer.end()
    while not is_settled(queue):
        with contextlib.suppress(Empty), promptly(queue.lease, timeout=GLANCE_S):
            pass
    drain_dead_letters(queue)
    promptly(queue.join)
    with pytest.raises(ValueError):
        queue.task_done()
    check_sound(queue)
    return died


@pytest.mark.parametrize("role", [acknowledge, give_back])
@pytest.mark.parametrize("name", TAKEN)
def test_join_returns_when_the_tasks_of_a_dead_consumer_are_done_by_others(
    role: Callable[..., None], name: str, with_crash_points: Stage
) -> None:
    """P2: each task ends exactly once, whenever who acknowledges it or gives it back dies."""
    for passes in PASSES:
        died = with_crash_points.run(tasks_scenario, role, Point(name, passes))
        assert died or passes, f"{role.__name__} never comes to {name}"
