"""Queues and pipes of the thread context, where their contracts say nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import interlock
from interlock.connection import wait

LONG_S = 20.0
context: Any = interlock.get_context("thread")


def test_a_timeout_that_is_no_number_is_an_error() -> None:
    """P3: as a queue of processes has it; else it would be waited for, for ever."""
    for get in context.Queue().get, interlock.get_context("fork").Queue().get:
        with pytest.raises(ValueError, match="timeout is not a number"):
            get(timeout=float("nan"))
    with pytest.raises(ValueError, match="timeout is not a number"):
        context.Pipe()[0].poll(float("nan"))
    with pytest.raises(TypeError, match="must be real number"):
        context.Queue().put("there", timeout="soon")
    queue = context.Queue()
    threading.Timer(0.05, queue.put, ("there",)).start()
    assert queue.get(timeout=float("inf")) == "there"


@pytest.mark.parametrize("name", ["thread", "fork"])
def test_the_dead_letters_of_a_queue_that_was_shut_down_are_read_to_the_end(name: str) -> None:
    """P2: `for` takes those that are there, and ends."""
    queue: Any = interlock.get_context(name).Queue(max_deliveries=1)
    queue.put_many("ab")
    for _ in range(2):
        with pytest.raises(KeyError), queue.lease(LONG_S):
            raise KeyError
    queue.shutdown()
    assert [*queue.dead_letters] == ["a", "b"]


def test_a_thread_that_nobody_can_stop_sleeps_until_there_is_something() -> None:
    """Decision 0027: looking for a stop costs nothing where there can be none."""
    waits: list[float] = []
    for process_kind in threading.Thread, context.Process:
        queue = context.Queue()

        def note(rest_s: float, queue: Any = queue) -> None:
            waits.append(rest_s)
            queue.put("there")

        queue._store._changed.wait = note
        process = process_kind(target=queue.get)
        process.start()
        process.join(LONG_S)
    assert waits[0] > LONG_S > 1 > waits[1]


def test_a_forked_child_waits_for_no_thread_of_its_parent() -> None:
    """P3: the queue is not shared with it, and its copy works."""
    queue = context.Queue()
    assert queue.fileno() >= 0
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with queue._store.held():
            held.set()
            go.wait(LONG_S)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(LONG_S)
    child = interlock.get_context("fork").Process(target=queue.put, args=("there",))
    child.start()
    child.join(LONG_S)
    go.set()
    holder.join(LONG_S)
    assert child.exitcode == 0
    assert (queue.empty(), wait([queue], 0)) == (True, [])


def test_what_a_shutdown_drops_is_freed_without_the_lock() -> None:
    """P3: its end may wait for another queue, where somebody waits for this one."""
    queue = context.Queue()
    others: list[bool] = []

    class Message:
        def __del__(self) -> None:
            other = threading.Thread(target=queue.fileno)
            other.start()
            other.join(1.0)
            others.append(not other.is_alive())

    queue.put(Message())
    queue.shutdown(immediate=True)
    assert others == [True]
