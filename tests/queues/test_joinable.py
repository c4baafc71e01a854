"""JoinableQueue: when the work is done, by whomever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing.trial import Trial


@pytest.fixture
def queue(context: BaseContext) -> Iterator[Any]:
    """One of the context under test."""
    made: Any = context.JoinableQueue(max_deliveries=2)
    yield made
    made.close()


def test_a_lease_that_ends_well_is_a_task_done(trial: Trial, queue: Any) -> None:
    """Nothing else is to be called for it; one that is given back is still a task."""
    queue.put_many(["a", "b"])
    joiner = trial.thread(queue.join)
    joiner.wait_asleep()
    with queue.lease(timeout=10):
        pass
    with queue.lease(timeout=10) as delivery:
        delivery.give_back()
    assert not joiner.is_over()
    with queue.lease(timeout=10):
        pass
    joiner.result()
    with pytest.raises(ValueError, match="task_done"):
        queue.task_done()


def test_a_dead_letter_is_no_task_any_more(trial: Trial, queue: Any) -> None:
    """What failed max_deliveries times is not waited for."""
    queue.put("cursed")
    joiner = trial.child(_join, queue)
    joiner.wait_asleep()
    for _ in range(2):
        with queue.lease(timeout=10) as delivery:
            delivery.give_back()
    joiner.result()


def test_a_killed_holder_s_task_is_another_s(trial: Trial, queue: Any) -> None:
    """join() goes on waiting, and ends when the one who gets it then has done it."""
    queue.put("work")
    reading, writing = trial.pipe()
    child = trial.child(_hold, queue, writing)
    writing.close()
    assert reading.recv() == "work"
    joiner = trial.thread(queue.join)
    joiner.wait_asleep()
    child.kill()
    with queue.lease(timeout=10) as delivery:
        assert delivery.attempt == 2
        assert not joiner.is_over()
    joiner.result()


def test_nothing_to_do_is_done() -> None:
    """join() of a queue that was never used returns at once."""
    interlock.JoinableQueue().join()


def test_work_of_many_is_counted_once(trial: Trial, queue: Any) -> None:
    """Four processes do 400 tasks; join() returns when the last is done, and counts none twice."""
    workers = [trial.child(_work_until_none, queue) for _ in range(4)]
    queue.put_many(range(400))
    queue.join()
    assert queue.empty()
    queue.put_many([None] * 4)
    queue.join()
    assert sum(worker.result() for worker in workers) == 400
    with pytest.raises(ValueError, match="task_done"):
        queue.task_done()


def _join(queue: Any) -> None:
    queue.join()


def _hold(queue: Any, seen: Any) -> None:
    with queue.lease(timeout=30) as delivery:
        seen.send(delivery.message)
        seen.recv()  # to be killed


def _work_until_none(queue: Any) -> int:
    done = 0
    while queue.get(timeout=30) is not None:
        done += 1
        queue.task_done()
    queue.task_done()
    return done
