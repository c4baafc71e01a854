"""Leases: taken, not yet done; deaths and forks around them."""

from __future__ import annotations

import os
import pickle
import queue as standard
import threading
import time
from typing import Any

import numpy
import pytest

import interlock
from interlock.errors import QueueClosed, ShutDown
from interlock.testing import wait_ended
from interlock.testing.trial import Trial


def test_a_lease_survives_what_happens_to_others(trial: Trial) -> None:
    """Another consumer's death gives back its message only."""
    queue = trial.make()
    queue.put_many(["first", "second"])
    with queue.lease(timeout=10) as mine:
        assert mine.message == "first"
        reading, writing = trial.pipe()
        child = trial.child(_hold, queue, writing)
        writing.close()
        assert reading.recv() == ("second", 1)
        child.kill()
        with queue.lease(timeout=10) as again:
            assert (again.message, again.attempt) == ("second", 2)
        assert mine.is_held
    assert queue.empty()
    assert queue.statistics().leased == 0


def test_a_waiting_consumer_gets_what_a_dead_one_held(trial: Trial) -> None:
    """It need not be there before, nor look by itself: it sleeps in get()."""
    queue = trial.make()
    queue.put("work")
    reading, writing = trial.pipe()
    child = trial.child(_hold, queue, writing)
    writing.close()
    reading.recv()
    waiting = trial.child(_get, queue)
    waiting.wait_asleep()
    child.kill()
    assert waiting.result() == "work"


def test_what_a_dead_one_held_comes_back_to_a_busy_queue(trial: Trial) -> None:
    """Consumers that always find a message never wait, and yet look for the dead."""
    queue = trial.make()
    queue.put("held")
    reading, writing = trial.pipe()
    child = trial.child(_hold, queue, writing)
    writing.close()
    reading.recv()
    queue.put("other")
    assert queue.get() == "other"  # who has looked already looks again
    child.kill()
    queue.put("other")
    ends = time.monotonic() + 30
    while queue.get() != "held":
        assert time.monotonic() < ends, "it never came back"
        queue.put("other")


def test_a_forked_child_does_not_end_its_parent_s_lease() -> None:
    """What the parent holds is not the child's: it can neither acknowledge nor give back."""
    queue = interlock.get_context("fork").Queue()
    queue.put("parent's")
    with queue.lease(timeout=10) as delivery:
        child = interlock.get_context("fork").Process(target=_end_it, args=(delivery,))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        assert delivery.is_held
        assert queue.empty()
    assert queue.statistics().leased == 0


def test_a_thread_s_exception_gives_back_at_once(trial: Trial) -> None:
    """Every exception does, SystemExit and KeyboardInterrupt included."""
    queue = trial.make()
    queue.put("work")
    for number, kind in enumerate((ValueError, SystemExit, KeyboardInterrupt), 1):
        with pytest.raises(kind), queue.lease(timeout=10) as delivery:
            assert delivery.attempt == number
            raise kind
    assert queue.get(timeout=0) == "work"


def test_a_lease_that_is_dropped_is_given_back() -> None:
    """Garbage collection of a delivery nobody ended is no acknowledgement."""
    queue = interlock.Queue()
    queue.put("work")
    delivery = queue.lease(timeout=10).__enter__()
    assert queue.empty()
    del delivery
    assert queue.get(timeout=10) == "work"


def test_a_lease_outlives_its_process_s_handle(trial: Trial) -> None:
    """close() ends the handle; what was leased by it can still be acknowledged."""
    queue = trial.make()
    queue.put("work")
    assert trial.child(_close_and_acknowledge, queue).result() == "acknowledged"
    assert queue.statistics().leased == 0
    assert queue.empty()


def test_a_delivery_stays_where_it_is() -> None:
    """It is a hold on a message by this process, and cannot be sent to another."""
    queue = interlock.Queue()
    queue.put("work")
    with queue.lease(timeout=10) as delivery:
        with pytest.raises(TypeError):
            pickle.dumps(delivery)
        with pytest.raises(TypeError):
            queue.put(delivery)


def test_an_array_under_a_lease_is_read_only_and_outlives_it() -> None:
    """Another may get the same message: nobody may change it. A view keeps its memory."""
    queue = interlock.Queue()
    sent = numpy.arange(100_000)
    queue.put(sent)
    with queue.lease(timeout=10) as delivery:
        array = delivery.message
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        delivery.give_back()
    again = queue.get()
    for _ in range(20):
        queue.put(numpy.zeros(100_000, dtype=sent.dtype))
        queue.get()
    assert (array == sent).all()
    assert (again == sent).all()


def test_attempts_count_over_processes_until_it_is_dead(trial: Trial) -> None:
    """max_deliveries is the queue's, whoever failed; the letters can be read anywhere."""
    queue = trial.make(max_deliveries=3)
    queue.put("cursed")
    for attempt in (1, 2):
        reading, writing = trial.pipe()
        child = trial.child(_hold, queue, writing)
        writing.close()
        assert reading.recv() == ("cursed", attempt)
        child.kill()
    with pytest.raises(OSError), queue.lease(timeout=10) as delivery:
        assert (delivery.message, delivery.attempt) == ("cursed", 3)
        queue.put("fine")
        raise OSError
    assert queue.get() == "fine"
    assert queue.statistics().dead == 1
    assert trial.child(_dead_letters, queue).result() == ["cursed"]
    assert queue.dead_letters.empty()
    with pytest.raises(standard.Empty):
        queue.dead_letters.get(timeout=0.01)


@pytest.mark.parametrize("count", [0, -3, 4095])
def test_a_bound_on_deliveries_that_cannot_be_is_refused(count: int) -> None:
    """Where it is given."""
    with pytest.raises(ValueError, match="max_deliveries"):
        interlock.Queue(max_deliveries=count)


def test_a_queue_in_shut_down_waits_for_what_is_leased(trial: Trial) -> None:
    """get() raises ShutDown only when nothing can come back any more."""
    queue = trial.make()
    queue.put("work")
    with queue.lease(timeout=10) as delivery:
        queue.shutdown()
        with pytest.raises(standard.Empty):
            queue.get(timeout=0.02)
        waiting = trial.child(_get_till_the_end, queue)
        waiting.wait_asleep()
        delivery.give_back()
        assert waiting.result() == ["work"]
    with pytest.raises(ShutDown):
        queue.get()


def test_the_last_acknowledgement_ends_a_shut_down_queue(trial: Trial) -> None:
    """Those that wait for what is leased are told when it is done."""
    queue = trial.make()
    queue.put("work")
    with queue.lease(timeout=10):
        queue.shutdown()
        waiting = trial.child(_get_till_the_end, queue)
        waiting.wait_asleep()
    assert waiting.result() == []


def test_an_outcome_of_a_closed_handle_is_told() -> None:
    """lease() of a closed queue raises where it is entered."""
    queue = interlock.Queue()
    delivery = queue.lease(timeout=0)
    queue.close()
    with pytest.raises(QueueClosed):
        delivery.__enter__()


def test_who_leases_and_exits_without_a_word_gives_back(trial: Trial) -> None:
    """os._exit is a death like any other."""
    queue = trial.make()
    queue.put("work")
    process = trial.context.Process(target=_lease_and_exit, args=(queue,))
    process.start()
    wait_ended(process)
    process.join()
    with queue.lease(timeout=10) as delivery:
        assert delivery.attempt == 2


def _get(queue: Any) -> Any:
    return queue.get(timeout=30)


def _hold(queue: Any, seen: Any) -> None:
    with queue.lease(timeout=30) as delivery:
        seen.send((delivery.message, delivery.attempt))
        threading.Event().wait()  # to be killed


def _end_it(delivery: Any) -> None:
    assert not delivery.is_held
    delivery.acknowledge()
    delivery.give_back()


def _close_and_acknowledge(queue: Any) -> str:
    with queue.lease(timeout=30) as delivery:
        queue.close()
        assert delivery.is_held
    assert not delivery.is_held
    return "acknowledged"


def _dead_letters(queue: Any) -> list[Any]:
    return list(queue.dead_letters)


def _get_till_the_end(queue: Any) -> list[Any]:
    return list(queue)


def _lease_and_exit(queue: Any) -> None:
    queue.lease(timeout=30).__enter__()
    os._exit(0)
