"""A process dies and leaves others asleep that it was about to wake: they wake by themselves.

I4, P3: no kill leaves anybody asleep beside what it waits for, for longer than a second. A
lock whose holder died goes to who sleeps for it.

How: a thread of the parent sleeps in get(), put(), join() or at the ring's lock. A child makes
what it waits for, and is killed between the step and the wake-up, or holding the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock import ShutDown
from interlock.testing import wait_asleep
from tests.faults.doomed import LONG_S, Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.segment import check_nothing_left
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S, check_empty, check_sound, drain, promptly, wait_swept

MAX_BYTES = 1 << 20
FULL = 2

METHODS = ["fork", "spawn", "forkserver"]
PUTTING = "put.written put.committed put.counted mutex.unlocked wake.before".split()
GETTING = "get.done get.settled mutex.unlocked wake.before".split()
ENDING = "get.done get.settled mutex.unlocked wake.before".split()


class Sleeper:
    """A thread that is asleep in one operation, and is told of by it."""

    def __init__(self, operation: Callable[[], object]) -> None:
        self.result: object = None
        self._operation = operation
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_asleep(self._thread, LONG_S)

    def _run(self) -> None:
        self.result = self._operation()

    def returned(self, within_s: float = STALL_S) -> bool:
        """Whether the operation returned in time."""
        self._thread.join(within_s)
        return not self._thread.is_alive()


def put_one(diary: Diary, queue: Any) -> None:
    queue.put(write(Letter("small", "killed", 0)))


def acknowledge_all(diary: Diary, queue: Any) -> None:
    for _ in range(queue.qsize()):
        with queue.lease():
            pass


def look(diary: Diary, queue: Any, dead: int) -> None:
    while dead in queue.statistics().processes:
        pass


def check_shutdown(queue: Any) -> None:
    """Shut an empty queue down; who waits in it has to be told."""
    promptly(queue.shutdown)
    with pytest.raises(ShutDown):
        promptly(queue.get)
    wait_swept(queue)
    check_nothing_left(queue._descriptors()[0])


def reader_scenario(method: str, point: Point) -> bool:
    """A reader sleeps; who puts is killed. Whether it came so far."""
    context = interlock.get_context(method)
    queue = context.Queue(max_bytes=MAX_BYTES)
    sleeper = Sleeper(lambda: read(queue.get()))
    with doomed(context, put_one, point, queue) as producer:
        died = producer.end()
    committed = point.name != "put.written"
    if not committed:
        promptly(queue.put, write(Letter("small", "parent", 0)))
    assert sleeper.returned(), f"the reader sleeps on: {queue.statistics()}"
    assert sleeper.result == Letter("small", "killed" if committed else "parent", 0)
    check_shutdown(queue)
    return died


def writer_scenario(method: str, point: Point) -> bool:
    """A writer sleeps for room; who takes is killed. Whether it came so far."""
    context = interlock.get_context(method)
    queue = context.Queue(FULL, max_bytes=MAX_BYTES)
    for number in range(FULL):
        queue.put(write(Letter("note", "earlier", number)))
    late = Letter("small", "parent", 0)
    sleeper = Sleeper(lambda: queue.put(write(late)))
    with doomed(context, acknowledge_all, point, queue) as consumer:
        died = consumer.end()
    assert sleeper.returned(), f"the writer sleeps on: {queue.statistics()}"
    assert drain(queue)[-1] == late
    check_empty(queue)
    return died


def joiner_scenario(method: str, point: Point) -> bool:
    """Somebody sleeps in join(); who ends the last task is killed. Whether it came so far."""
    context = interlock.get_context(method)
    queue = context.JoinableQueue(max_bytes=MAX_BYTES)
    queue.put(write(Letter("note", "parent", 0)))
    sleeper = Sleeper(queue.join)
    with doomed(context, acknowledge_all, point, queue) as consumer:
        died = consumer.end()
    assert sleeper.returned(), f"join() sleeps on: {queue.statistics()}"
    wait_swept(queue)
    check_sound(queue)
    return died


def lock_scenario(method: str, role: Callable[..., None], name: str) -> None:
    """Threads sleep at a lock whose holder is stopped, and then killed."""
    context = interlock.get_context(method)
    queue = context.Queue(max_bytes=MAX_BYTES)
    for number in range(FULL):
        queue.put(write(Letter("note", "parent", number)))
    with doomed(context, role, Point(name, stop=True), queue) as holder:
        holder.wait_stopped()
        if role is put_one:
            letter = write(Letter("note", "late", 0))
            sleepers = [Sleeper(lambda: queue.put(letter)) for _ in range(3)]
        else:
            sleepers = [Sleeper(lambda: queue.get(timeout=LONG_S)) for _ in range(FULL)]
        holder.process.kill()
        assert all(sleeper.returned() for sleeper in sleepers), "the lock stays with the dead"
        assert holder.end()
    drain(queue)
    check_empty(queue)


def uncounted_scenario() -> None:
    """A message is committed and not counted; who swept its producer's place died too."""
    context = interlock.get_context("fork")
    queue = context.Queue(max_bytes=MAX_BYTES)
    with doomed(context, put_one, Point("put.committed"), queue) as producer:
        producer.wait_dead()
        with doomed(context, look, Point("sweep.released"), queue, producer.pid) as sweeper:
            assert sweeper.end()
        assert producer.end()
    assert read(promptly(queue.get, timeout=STALL_S)) == Letter("small", "killed", 0)
    check_shutdown(queue)


@pytest.mark.parametrize("name", PUTTING)
@pytest.mark.parametrize("method", METHODS)
def test_a_reader_gets_what_a_killed_producer_had_committed(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """I4, P3: and then the queue can be shut down."""
    assert with_crash_points.run(reader_scenario, method, Point(name))


@pytest.mark.parametrize("name", GETTING)
@pytest.mark.parametrize("method", METHODS)
def test_a_writer_gets_the_room_that_a_killed_consumer_had_made(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """I4, P3: whoever puts next may have to count it first."""
    passes = 2 if name == "mutex.unlocked" else 0  # after qsize() and the taking
    assert with_crash_points.run(writer_scenario, method, Point(name, passes))


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("method", METHODS)
def test_join_returns_when_who_ended_the_last_task_was_killed(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """I4, P3: though nobody woke it."""
    passes = 2 if name == "mutex.unlocked" else 0  # after qsize() and the taking
    assert with_crash_points.run(joiner_scenario, method, Point(name, passes))


@pytest.mark.parametrize(
    ("role", "name"),
    [
        *((put_one, name) for name in ("mutex.locked", "put.written", "put.committed")),
        *((acknowledge_all, name) for name in ("mutex.locked", "get.taken")),
    ],
)
def test_a_dead_holders_lock_goes_to_who_sleeps_for_it(
    role: Callable[..., None], name: str, with_crash_points: Stage
) -> None:
    """P3: to each of them in turn."""
    with_crash_points.run(lock_scenario, "fork", role, name)


def test_what_was_committed_is_counted_though_the_sweeper_died_too(
    with_crash_points: Stage,
) -> None:
    """R2, R4: by whoever looks next; nobody waits for ever for a message that was got."""
    with_crash_points.run(uncounted_scenario)
