"""shutdown: the end of a queue in all processes."""

from __future__ import annotations

import queue as standard
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import InterlockError, ShutDown
from interlock.testing.trial import Trial


def test_the_error_is_the_standard_library_s_where_it_has_one() -> None:
    """Python 3.13 has queue.ShutDown; before it our own class stands alone."""
    queue = interlock.Queue()
    queue.shutdown()
    with pytest.raises(ShutDown) as caught:
        queue.put(1)
    assert isinstance(caught.value, InterlockError)
    assert isinstance(caught.value, getattr(standard, "ShutDown", ShutDown))


def test_every_way_in_and_out_says_so() -> None:
    """Those that put at once, those that take once nothing is left."""
    queue: Any = interlock.Queue()
    queue.put("left")
    queue.shutdown()
    puts: list[Callable[[], Any]] = [
        lambda: queue.put(1, timeout=3600),
        lambda: queue.put_nowait(1),
        lambda: queue.put_many([1, 2]),
    ]
    for put in puts:
        with pytest.raises(ShutDown):
            put()
    assert queue.get_many(5) == ["left"]
    for take in (
        queue.get,
        queue.get_nowait,
        lambda: queue.get_many(1),
        lambda: queue.lease().__enter__(),
        queue.dead_letters.get,
    ):
        with pytest.raises(ShutDown):
            take()
    assert list(queue) == []
    assert queue.statistics().is_shut_down


def test_a_batch_that_is_cut_off_says_how_much_was_put(trial: Trial) -> None:
    """put_many() that waits for room when the queue is shut down: ShutDown.accepted."""
    queue = trial.make(maxsize=2)
    producer = trial.thread(queue.put_many, range(5))
    producer.wait_asleep()
    queue.shutdown()
    with pytest.raises(ShutDown) as caught:
        producer.result()
    trial.forget(producer)
    assert getattr(caught.value, "accepted", None) == 2
    assert list(queue) == [0, 1]


def test_at_once_waits_for_nobody(trial: Trial) -> None:
    """shutdown(immediate=True): get() raises although a lease is out, which ends in nothing."""
    queue = trial.make()
    queue.put_many(["leased", "dropped"])
    waiting = trial.child(_get_till_shut_down, queue, 2)
    with queue.lease(timeout=10) as delivery:
        waiting.wait_begun()
        queue.shutdown(immediate=True)
        with pytest.raises(ShutDown):
            queue.get()
        delivery.give_back()
    assert waiting.result() in ([], ["dropped"])  # it may have got it before
    with pytest.raises(ShutDown):
        queue.get_nowait()
    assert queue.qsize() == 0
    assert queue.statistics().leased == 0


def test_at_once_ends_all_tasks(trial: Trial, context: BaseContext) -> None:
    """join() of a joinable queue returns: as `queue.Queue`'s does, what is dropped is done."""
    queue = context.JoinableQueue()
    queue.put_many(range(3))
    queue.get()
    joiner = trial.thread(queue.join)
    joiner.wait_asleep()
    queue.shutdown(immediate=True)
    queue.task_done()  # of the one that was taken
    joiner.result()
    queue.close()


def test_a_second_word_is_not_taken_back() -> None:
    """At once after gently drops what is left; gently after at once changes nothing."""
    queue = interlock.Queue()
    queue.put("left")
    queue.shutdown()
    queue.shutdown(immediate=True)
    queue.shutdown()
    with pytest.raises(ShutDown):
        queue.get()


def test_a_process_that_comes_later_finds_it_so(trial: Trial) -> None:
    """The end is the queue's, not a message to those who were there."""
    queue = trial.make()
    queue.put("left")
    queue.shutdown()
    assert trial.child(_get_till_shut_down, queue, 5).result() == ["left"]


def _get_till_shut_down(queue: Any, most: int) -> list[Any]:
    got: list[Any] = []
    try:
        while len(got) < most:
            got.append(queue.get())
    except ShutDown:
        return got
    return got
