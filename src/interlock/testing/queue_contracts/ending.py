"""The end of a handle (close), of a process, and of the queue itself (shutdown)."""

from __future__ import annotations

import queue as standard
from typing import Any

from interlock.errors import ShutDown
from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Task, Trial

__all__ = ["CONTRACTS"]

# The standard library's since Python 3.13; before it, ours.
SHUT_DOWN: type[Exception] = getattr(standard, "ShutDown", ShutDown)
CLOSED = (ValueError, OSError)
UNDRAINED = 4 << 20


@contract()
def a_closed_queue_refuses(trial: Trial) -> None:
    """After close(), put() and get() raise ValueError or OSError; close() may be repeated."""
    queue = trial.make()
    queue.put("before")
    queue.get()
    queue.close()
    with raising(CLOSED, "put() after close()"):
        queue.put("after")
    with raising(CLOSED, "get() after close()"):
        queue.get()
    queue.close()


@contract("threads_to_join")
def there_is_something_to_join(trial: Trial) -> None:
    """join_thread() and cancel_join_thread() are there, and return after close()."""
    queue = trial.make()
    queue.put("message")
    queue.get()
    queue.cancel_join_thread()
    queue.close()
    queue.join_thread()


@contract()
def what_was_put_before_the_end_arrives(trial: Trial) -> None:
    """What a child put before it closed its handle and ended is got, and others go on."""
    queue = trial.make()
    child = trial.child(_put_and_close, queue)
    must([queue.get(), queue.get()] == [1, 2], "Something else came.")
    child.result()
    queue.put(3)
    must(queue.get() == 3, "The child's close() closed this process's handle.")


@contract("close_wakes")
def close_wakes_those_who_wait(trial: Trial) -> None:
    """A thread that waits in get() raises when another thread closes the handle."""
    queue = trial.make()
    consumer = trial.thread(queue.get)
    consumer.wait_asleep()
    queue.close()
    with raising(CLOSED, "get() of a handle that was closed meanwhile"):
        consumer.result()
    trial.forget(consumer)


@contract("undrained")
def no_exit_waits_for_a_reader(trial: Trial) -> None:
    """A process that has put a large message ends, although nobody has got it yet."""
    queue = trial.make()
    trial.child(_put_much, queue).result()
    must(len(queue.get()) == UNDRAINED, "The message is not whole.")


@contract("shutdown")
def shutdown_leaves_what_is_there(trial: Trial) -> None:
    """After shutdown(), put() raises ShutDown; get() gives what is left, then ShutDown."""
    queue = trial.make()
    queue.put("left")
    trial.child(_shut_down, queue).result()
    with raising(SHUT_DOWN, "put() after another process's shutdown()"):
        queue.put("more")
    must(queue.get() == "left", "What was there is gone.")
    with raising(SHUT_DOWN, "get() after the last message"):
        queue.get()
    with raising(SHUT_DOWN, "get_nowait() after the last message"):
        queue.get_nowait()
    queue.shutdown()


@contract("shutdown")
def shutdown_at_once_drops_what_is_there(trial: Trial) -> None:
    """After shutdown(immediate=True), get() raises ShutDown although there was something."""
    queue = trial.make()
    queue.put("dropped")
    queue.shutdown(immediate=True)
    with raising(SHUT_DOWN, "get() after shutdown(immediate=True)"):
        queue.get()
    must(queue.qsize() == 0, "qsize() still counts what was dropped.")


@contract("shutdown")
def shutdown_wakes_who_waits_to_get(trial: Trial) -> None:
    """Threads and processes that wait in get() raise ShutDown when the queue is shut down."""
    queue = trial.make()
    child = trial.child(_get_till_shut_down, queue)
    threads = [trial.thread(_get_till_shut_down, queue) for _ in range(2)]
    child.wait_asleep()
    for thread in threads:
        thread.wait_asleep()
    queue.shutdown()
    consumers: list[Task] = [child, *threads]
    for consumer in consumers:
        must(consumer.result() == "shut down", "One of them got something.")


@contract("shutdown", "maxsize")
def shutdown_wakes_who_waits_to_put(trial: Trial) -> None:
    """A thread that waits for room in put() raises ShutDown when the queue is shut down."""
    queue = trial.make(maxsize=1)
    queue.put("in")
    producer = trial.thread(queue.put, "out")
    producer.wait_asleep()
    queue.shutdown()
    with raising(SHUT_DOWN, "put() that waited for room"):
        producer.result()
    trial.forget(producer)
    must(queue.get() == "in", "What was there is gone.")


def _put_and_close(queue: Any) -> None:
    queue.put(1)
    queue.put(2)
    queue.close()


def _put_much(queue: Any) -> None:
    queue.put(bytes(UNDRAINED))


def _shut_down(queue: Any) -> None:
    queue.shutdown()


def _get_till_shut_down(queue: Any) -> str:
    try:
        return f"got {queue.get()!r}"
    except SHUT_DOWN:
        return "shut down"


CONTRACTS = (
    a_closed_queue_refuses,
    there_is_something_to_join,
    what_was_put_before_the_end_arrives,
    close_wakes_those_who_wait,
    no_exit_waits_for_a_reader,
    shutdown_leaves_what_is_there,
    shutdown_at_once_drops_what_is_there,
    shutdown_wakes_who_waits_to_get,
    shutdown_wakes_who_waits_to_put,
)
