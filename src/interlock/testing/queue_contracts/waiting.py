"""Waiting for a message or for room, and giving up in time."""

from __future__ import annotations

import queue as standard
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.queue_contracts.messages import queue_get
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]

EARLY_S = 0.002  # clocks differ by so much
LATE_S = 2.0  # on a machine that is busy with something else
TIMEOUTS_S = (0.0, 0.05, 0.3)


@contract()
def get_waits_for_a_message(trial: Trial) -> None:
    """get() of an empty queue waits until another thread or process puts something."""
    queue = trial.make()
    thread = trial.thread(queue.get)
    thread.wait_asleep()
    queue.put("for the thread")
    must(thread.result() == "for the thread", "A waiting thread got something else.")
    child = trial.child(queue_get, queue)
    child.wait_asleep()
    queue.put("for the child")
    must(child.result() == "for the child", "A waiting child got something else.")


@contract("timeouts")
def get_gives_up_in_time(trial: Trial) -> None:
    """get() of an empty queue raises queue.Empty when its timeout is over, not before."""
    queue = trial.make()
    for timeout_s in TIMEOUTS_S:
        _must_give_up(partial(queue.get, timeout=timeout_s), standard.Empty, timeout_s)
        _must_give_up(partial(queue.get, True, timeout_s), standard.Empty, timeout_s)
    _must_give_up(lambda: queue.get(False), standard.Empty, 0.0)
    _must_give_up(lambda: queue.get(block=False, timeout=30.0), standard.Empty, 0.0)
    _must_give_up(queue.get_nowait, standard.Empty, 0.0)


@contract("timeouts")
def giving_up_takes_nothing(trial: Trial) -> None:
    """A get() that raised queue.Empty has taken no message."""
    queue = trial.make()
    for number in range(50):
        consumer = trial.thread(_get_or_give_up, queue, number * 0.0001)
        queue.put(number)
        got = consumer.result()
        rest = queue.get(timeout=trial.rest_s()) if got is None else got
        must(rest == number, f"Message {number} was taken by a get() that raised Empty.")


@contract("maxsize", "timeouts")
def put_gives_up_in_time(trial: Trial) -> None:
    """put() into a full queue raises queue.Full when its timeout is over, not before."""
    queue = trial.make(maxsize=1)
    queue.put("in")
    for timeout_s in TIMEOUTS_S:
        _must_give_up(partial(queue.put, "out", timeout=timeout_s), standard.Full, timeout_s)
        _must_give_up(partial(queue.put, "out", True, timeout_s), standard.Full, timeout_s)
    _must_give_up(lambda: queue.put("out", False), standard.Full, 0.0)
    _must_give_up(lambda: queue.put_nowait("out"), standard.Full, 0.0)
    must(queue.get() == "in", "The message that was in it is lost.")
    queue.put("next", timeout=trial.rest_s())
    must(queue.get() == "next", "A message that was refused with Full is in it all the same.")


@contract("maxsize")
def put_waits_for_room(trial: Trial) -> None:
    """put() into a full queue waits until a message is got."""
    queue = trial.make(maxsize=2)
    for number in range(2):
        queue.put(number)
    producer = trial.thread(queue.put, 2)
    producer.wait_asleep()
    must(not producer.is_over(), "put() returned although the queue was full.")
    must(queue.get() == 0, "The first message is not the first to come.")
    producer.result()
    must([queue.get(), queue.get()] == [1, 2], "The order is lost.")


@contract("maxsize")
def a_full_queue_passes_everything_on(trial: Trial) -> None:
    """A queue that is full all the time gives each message once and in order."""
    queue = trial.make(maxsize=3)
    producer = trial.child(_put_numbers, queue, 500)
    got = [queue.get() for _ in range(500)]
    must(got == list(range(500)), "Messages are lost, doubled or out of order.")
    producer.result()


@contract("sizes", "maxsize", "timeouts")
def sizes_are_exact(trial: Trial) -> None:
    """qsize(), empty() and full() tell what is in the queue at that moment."""
    queue = trial.make(maxsize=2)
    for ready in (0, 1, 2):
        _must_tell(queue, ready, 2)
        if ready < 2:
            queue.put(ready)
    for ready in (1, 0):
        queue.get_nowait()
        _must_tell(queue, ready, 2)


@contract("sizes", "timeouts")
def what_a_child_put_is_there_when_it_has_ended(trial: Trial) -> None:
    """When a producer has ended, all it put is counted and can be got at once."""
    queue = trial.make()
    trial.child(_put_numbers, queue, 100).result()
    must(queue.qsize() == 100, f"qsize() is {queue.qsize()} after 100 messages were put.")
    got = [queue.get_nowait() for _ in range(100)]
    must(got == list(range(100)), "get_nowait() gave something else.")


def _must_tell(queue: Any, ready: int, maxsize: int) -> None:
    told = queue.qsize(), queue.empty(), queue.full()
    truth = ready, ready == 0, ready == maxsize
    must(told == truth, f"With {ready} of {maxsize} in it, (qsize, empty, full) is {told}.")


def _must_give_up(attempt: Callable[[], Any], refusal: type[Exception], timeout_s: float) -> None:
    begun = time.monotonic()
    with raising(refusal, f"An attempt with {timeout_s:g} s"):
        attempt()
    took_s = time.monotonic() - begun
    must(took_s >= timeout_s - EARLY_S, f"It gave up after {took_s:.3f} s of {timeout_s:g} s.")
    must(took_s <= timeout_s + LATE_S, f"It took {took_s:.3f} s instead of {timeout_s:g} s.")


def _get_or_give_up(queue: Any, timeout_s: float) -> Any:
    try:
        return queue.get(timeout=timeout_s)
    except standard.Empty:
        return None


def _put_numbers(queue: Any, count: int) -> None:
    for number in range(count):
        queue.put(number)


CONTRACTS = (
    get_waits_for_a_message,
    get_gives_up_in_time,
    giving_up_takes_nothing,
    put_gives_up_in_time,
    put_waits_for_room,
    a_full_queue_passes_everything_on,
    sizes_are_exact,
    what_a_child_put_is_there_when_it_has_ended,
)
