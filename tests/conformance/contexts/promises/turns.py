"""Semaphore, BoundedSemaphore, Condition, Event, Barrier."""

from __future__ import annotations

import queue as standard
import threading
import time

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Semaphore", "Process", "Queue")
def so_many_have_a_semaphore(bench: Bench) -> None:
    """As many as its value, of any process; the next one waits."""
    semaphore = bench.context.Semaphore(2)
    said, go = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.hold, semaphore, said, go)
    said.get(timeout=bench.long_s)
    must(semaphore.acquire(True, bench.long_s), "There is no second place.")
    must(not semaphore.acquire(True, bench.moment_s), "There is a third place.")
    semaphore.release()
    go.put("go")
    bench.join(process)


@promise("BoundedSemaphore")
def a_bounded_semaphore_has_no_more(bench: Bench) -> None:
    """release() beyond its first value raises ValueError."""
    semaphore = bench.context.BoundedSemaphore(1)
    with semaphore:
        pass
    with raising(ValueError):
        semaphore.release()


@promise("Event", "Process", "Queue")
def an_event_wakes_who_waits(bench: Bench) -> None:
    """wait() returns True when another sets it, False after its timeout."""
    event, said = bench.context.Event(), bench.context.Queue()
    must(not event.wait(bench.moment_s) and not event.is_set(), "A new event is set.")
    process = bench.start(work.wait_for_event, event, said)
    said.get(timeout=bench.long_s)
    event.set()
    must(said.get(timeout=bench.long_s) is True, "It waited in vain.")
    must(event.is_set(), "It is not set.")
    event.clear()
    must(not event.is_set(), "It is set still.")
    bench.join(process)


@promise("Condition", "Process", "Queue")
def a_condition_wakes_who_waits(bench: Bench) -> None:
    """notify() wakes a waiter in another process; wait(timeout) is False after that time."""
    condition, said = bench.context.Condition(), bench.context.Queue()
    with condition:
        must(not condition.wait(bench.moment_s), "Somebody gave notice.")
    process = bench.start(work.wait_for_notice, condition, said)
    said.get(timeout=bench.long_s)
    with condition:
        condition.notify()
    must(said.get(timeout=bench.long_s) is True, "It waited in vain.")
    bench.join(process)


@promise("Condition")
def notice_needs_the_lock(bench: Bench) -> None:
    """notify() without the condition's lock is an error."""
    with raising(AssertionError, RuntimeError):
        bench.context.Condition().notify()


@promise("Barrier", "Process", "Queue")
def all_meet_at_a_barrier(bench: Bench) -> None:
    """wait() returns a number to each when all have come."""
    barrier, said = bench.context.Barrier(3), bench.context.Queue()
    processes = [bench.start(work.meet, barrier, said) for _ in range(2)]
    for _ in processes:
        must(said.get(timeout=bench.long_s) == "begun", "It passes before all have come.")
    with raising(standard.Empty):
        said.get(timeout=bench.moment_s)
    mine = barrier.wait(bench.long_s)
    numbers = {mine, *(said.get(timeout=bench.long_s) for _ in range(2))}
    must(numbers == {0, 1, 2}, f"They got {numbers}.")
    bench.join(*processes)


@promise("Barrier")
def a_barrier_breaks_after_its_time(bench: Bench) -> None:
    """wait(timeout) raises BrokenBarrierError when not all have come."""
    barrier = bench.context.Barrier(2)
    began = time.monotonic()
    with raising(threading.BrokenBarrierError):
        barrier.wait(bench.moment_s)
    must(time.monotonic() - began >= bench.moment_s * 0.9, "It did not wait.")
    must(barrier.broken, "It is not broken.")


PROMISES = (
    so_many_have_a_semaphore,
    a_bounded_semaphore_has_no_more,
    an_event_wakes_who_waits,
    a_condition_wakes_who_waits,
    notice_needs_the_lock,
    all_meet_at_a_barrier,
    a_barrier_breaks_after_its_time,
)
