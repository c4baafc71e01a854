"""A process is stopped (SIGSTOP) while it holds a side of the ring: time limits hold all the same.

Nobody can take a lock from a holder that lives. But what was given a time keeps to it, what can
be done without that lock is done, and when the holder goes on or dies, so do the others.

How: a child stops itself at a probe point; the parent does what has a timeout.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.errors import Empty, Full, QueueClosed
from interlock.testing import wait_asleep
from tests.faults.doomed import Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S, check_sound, drain, promptly

MAX_BYTES = 1 << 20
TIMEOUT_S = 0.2
LATE_S = 0.3  # for a machine that has other things to do
AT_ONCE_S = 0.1  # for which what does not wait waits for a lock

HOLDING_P = "mutex.locked put.written put.committed put.counted".split()
HOLDING_C = "mutex.locked get.taken get.advanced".split()


def put_one(diary: Diary, queue: Any) -> None:
    queue.put(write(Letter("small", "stopped", 0)))


def get_one(diary: Diary, queue: Any) -> None:
    diary.write(read(queue.get()).number)


def fails_after(
    seconds: float, error: type[Exception], operation: Callable[..., object], *args: Any, **how: Any
) -> None:
    """Do it; it must raise that error after about that time.

    Raises:
        AssertionError: It did something else, or took another time.
    """
    begun = time.monotonic()
    with pytest.raises(error):
        operation(*args, **how)
    took_s = time.monotonic() - begun
    assert took_s < seconds + LATE_S, f"{operation.__name__}() took {took_s:.3f} s"
    assert took_s > seconds - 0.01 or seconds == AT_ONCE_S, f"it gave up after {took_s:.3f} s"


def producer_scenario(name: str, goes_on: bool) -> None:
    context = interlock.get_context("fork")
    queue = context.Queue(max_bytes=MAX_BYTES)
    for number in range(2):
        queue.put(write(Letter("note", "parent", number)))
    late = write(Letter("small", "late", 0))
    with doomed(context, put_one, Point(name, stop=True), queue) as holder:
        holder.wait_stopped()
        assert read(promptly(queue.get, timeout=STALL_S)).number == 0  # it needs not P
        fails_after(TIMEOUT_S, Full, queue.put, late, timeout=TIMEOUT_S)
        fails_after(AT_ONCE_S, Full, queue.put_nowait, late)
        fails_after(
            TIMEOUT_S, Full, queue.put, write(Letter("large", "late", 0)), timeout=TIMEOUT_S
        )
        assert read(promptly(queue.get_nowait)).number == 1
        if name in ("put.committed", "put.counted"):
            assert read(promptly(queue.get, timeout=STALL_S)).writer == "stopped"
        fails_after(TIMEOUT_S, Empty, queue.get, timeout=TIMEOUT_S)
        fails_after(TIMEOUT_S, Empty, queue.lease(timeout=TIMEOUT_S).__enter__)
        died = go_on(holder, goes_on)
    promptly(queue.put, late)
    found = [letter.writer for letter in drain(queue)]
    came_later = name in ("mutex.locked", "put.written") and not died
    assert found == ["stopped"] * came_later + ["late"]
    check_sound(queue)


def consumer_scenario(name: str, goes_on: bool) -> None:
    context = interlock.get_context("fork")
    queue = context.Queue(max_bytes=MAX_BYTES)
    queue.put(write(Letter("note", "parent", 0)))
    with doomed(context, get_one, Point(name, stop=True), queue) as holder:
        holder.wait_stopped()
        promptly(queue.put, write(Letter("note", "parent", 1)))  # it needs not C
        promptly(queue.put_nowait, write(Letter("large", "parent", 2)))
        fails_after(TIMEOUT_S, Empty, queue.get, timeout=TIMEOUT_S)
        fails_after(TIMEOUT_S, Empty, queue.get_many, 3, timeout=TIMEOUT_S)
        fails_after(TIMEOUT_S, Empty, queue.lease(timeout=TIMEOUT_S).__enter__)
        fails_after(AT_ONCE_S, Empty, queue.get_nowait)
        died = go_on(holder, goes_on)
        taken = holder.diary()
    assert taken == ([] if died else [0])
    assert sorted(taken + [letter.number for letter in drain(queue)]) == [0, 1, 2]
    check_sound(queue)


def closing_scenario(name: str) -> None:
    context = interlock.get_context("fork")
    queue: Any = context.JoinableQueue(max_bytes=MAX_BYTES)
    queue.put(write(Letter("note", "parent", 0)))
    with doomed(context, get_one, Point(name, stop=True), queue) as holder:
        holder.wait_stopped()
        waits = (
            queue.qsize,
            queue.empty,
            queue.full,
            queue.statistics,
            queue.get,
            lambda: queue.get_many(2),
            lambda: queue.lease().__enter__(),
            lambda: repr(queue),
        )
        answers: dict[int, object] = {}
        threads = []
        for number, wait in enumerate(waits):
            thread = threading.Thread(target=keep_answer, args=(answers, number, wait))
            thread.start()
            threads.append(thread)
        for thread in threads:
            wait_asleep(thread)
        queue.close()
        for thread in threads:
            thread.join(STALL_S)
        assert [answers.get(number) for number in range(len(waits) - 1)] == [QueueClosed] * 7
        assert answers[len(waits) - 1] == "<JoinableQueue closed>"
        holder.process.kill()
        holder.end()


def keep_answer(answers: dict[int, object], number: int, ask: Callable[[], object]) -> None:
    """What it returned, or the class of what it raised."""
    try:
        answers[number] = ask()
    except Exception as error:
        answers[number] = type(error)


def go_on(holder: Any, goes_on: bool) -> bool:
    """Let it go on, or kill it. Whether it died."""
    if goes_on:
        holder.go_on()
    else:
        holder.process.kill()
    died: bool = holder.end()
    assert died != goes_on
    return died


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("name", HOLDING_P)
def test_timeouts_hold_while_a_producer_is_stopped(
    name: str, goes_on: bool, with_crash_points: Stage
) -> None:
    """Queues keep timeouts to the millisecond whatever the other side does."""
    with_crash_points.run(producer_scenario, name, goes_on)


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("name", HOLDING_C)
def test_timeouts_hold_while_a_consumer_is_stopped(
    name: str, goes_on: bool, with_crash_points: Stage
) -> None:
    """And what was put meanwhile is there afterwards, with what the stopped one had taken."""
    with_crash_points.run(consumer_scenario, name, goes_on)


@pytest.mark.parametrize("name", HOLDING_C)
def test_closing_frees_who_waits_for_a_stopped_holder(name: str, with_crash_points: Stage) -> None:
    """P5: a thread that waits for its lock hears of close(), and finds nothing freed under it."""
    with_crash_points.run(closing_scenario, name)
