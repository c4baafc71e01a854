"""More than one message at a time: batches, iteration, tasks to be joined."""

from __future__ import annotations

import queue as standard
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]


@contract("many")
def batches_keep_the_order(trial: Trial) -> None:
    """put_many() puts all in their order; get_many() takes what is there, up to its limit."""
    queue = trial.make()
    queue.put_many(iter(range(10)))
    must(queue.get_many(4, timeout=trial.rest_s()) == [0, 1, 2, 3], "The first four differ.")
    must(queue.get_many(100) == [4, 5, 6, 7, 8, 9], "The rest differs.")
    with raising(standard.Empty, "get_many() of an empty queue"):
        queue.get_many(1, timeout=0.01)


@contract("many", "maxsize")
def a_batch_tells_how_much_was_put(trial: Trial) -> None:
    """put_many() that runs out of room raises Full, and `accepted` of them are in the queue."""
    queue = trial.make(maxsize=3)
    try:
        queue.put_many(range(5), timeout=0.01)
    except standard.Full as full:
        accepted = getattr(full, "accepted", None)
        must(accepted == 3, f"Full.accepted is {accepted}, with room for 3.")
    else:
        raise AssertionError("Five messages went into room for three.")
    must(queue.get_many(5) == [0, 1, 2], "Others than the first three are in it.")


@contract("iteration", "shutdown")
def iteration_ends_with_the_queue(trial: Trial) -> None:
    """Iterating takes message by message, and ends when the queue is shut down and empty."""
    queue = trial.make()
    consumer = trial.child(_all_of, queue)
    for number in range(20):
        queue.put(number)
    queue.shutdown()
    must(consumer.result() == list(range(20)), "It got something else.")


@contract("tasks")
def join_waits_until_all_work_is_done(trial: Trial) -> None:
    """join() returns when task_done() was called for each message, wherever."""
    queue = trial.make()
    queue.join()
    for number in range(4):
        queue.put(number)
    joiner = trial.thread(queue.join)
    trial.child(_work, queue, 3).result()
    joiner.wait_asleep()
    must(not joiner.is_over(), "join() returned while a task was left.")
    queue.get()
    queue.task_done()
    joiner.result()


@contract("tasks")
def no_more_work_is_done_than_there_was(trial: Trial) -> None:
    """task_done() without a task raises ValueError."""
    queue = trial.make()
    queue.put("task")
    queue.get()
    queue.task_done()
    with raising(ValueError, "task_done() once more than there were messages"):
        queue.task_done()
    queue.join()


def _all_of(queue: Any) -> list[Any]:
    return list(queue)


def _work(queue: Any, count: int) -> None:
    for _ in range(count):
        queue.get()
        queue.task_done()


CONTRACTS = (
    batches_keep_the_order,
    a_batch_tells_how_much_was_put,
    iteration_ends_with_the_queue,
    join_waits_until_all_work_is_done,
    no_more_work_is_done_than_there_was,
)
