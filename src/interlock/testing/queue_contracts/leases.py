"""Messages under a lease: taken, not yet done, and delivered again if need be."""

from __future__ import annotations

import queue as standard
import threading
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]


class _WorkFailed(Exception):
    pass


@contract("lease")
def a_lease_that_ends_well_is_done(trial: Trial) -> None:
    """A message whose lease ended without an exception is not delivered again."""
    queue = trial.make()
    queue.put("work")
    with queue.lease(timeout=trial.rest_s()) as delivery:
        must(delivery.message == "work", f"The message is {delivery.message!r}.")
        must(delivery.attempt == 1, f"The first attempt is counted as {delivery.attempt}.")
        _must_be_empty(queue, "while it is leased")
    _must_be_empty(queue, "after the lease")


@contract("lease")
def a_lease_that_fails_gives_back(trial: Trial) -> None:
    """An exception in the block gives the message back, before those that came later."""
    queue = trial.make()
    for message in ("first", "second"):
        queue.put(message)
    for attempt in (1, 2, 3):
        try:
            with queue.lease(timeout=trial.rest_s()) as delivery:
                seen = delivery.message, delivery.attempt
                must(seen == ("first", attempt), f"Attempt {attempt} was {seen}.")
                raise _WorkFailed
        except _WorkFailed:
            continue
    must([queue.get(), queue.get()] == ["first", "second"], "The order is lost.")


@contract("lease")
def a_lease_can_be_ended_early(trial: Trial) -> None:
    """acknowledge() and give_back() end a lease within its block; its end changes nothing."""
    queue = trial.make()
    queue.put("done")
    try:
        with queue.lease(timeout=trial.rest_s()) as delivery:
            delivery.acknowledge()
            raise _WorkFailed
    except _WorkFailed:
        _must_be_empty(queue, "after acknowledge(), though an exception came")
    queue.put("again")
    with queue.lease(timeout=trial.rest_s()) as delivery:
        delivery.give_back()
        must(queue.get(timeout=trial.rest_s()) == "again", "give_back() gave something else.")
    _must_be_empty(queue, "after it was given back and got by another")


@contract("lease")
def leases_stand_side_by_side(trial: Trial) -> None:
    """One process may hold several leases, and end them in any order."""
    queue = trial.make()
    for number in range(3):
        queue.put(number)
    held = [queue.lease(timeout=trial.rest_s()).__enter__() for _ in range(3)]
    must([each.message for each in held] == [0, 1, 2], "They are not in order.")
    held[1].acknowledge()
    held[2].give_back()
    held[0].give_back()
    must([queue.get(), queue.get()] == [0, 2], "Given back, they are not in order.")


@contract("lease", "killed")
def the_lease_of_a_killed_process_is_given_back(trial: Trial) -> None:
    """A message whose consumer was killed is delivered again, with the next attempt."""
    queue = trial.make()
    queue.put("work")
    for attempt in (1, 2):
        reading, writing = trial.pipe()
        child = trial.child(_hold, queue, writing)
        writing.close()
        seen = reading.recv()
        must(seen == ("work", attempt), f"Attempt {attempt} was {seen}.")
        child.kill()
    with queue.lease(timeout=trial.rest_s()) as delivery:
        must(delivery.attempt == 3, f"After two deaths the attempt is {delivery.attempt}.")


@contract("lease", "dead_letters")
def what_fails_too_often_is_a_dead_letter(trial: Trial) -> None:
    """After max_deliveries attempts a message goes to dead_letters, and the next one comes."""
    queue = trial.make(max_deliveries=2)
    for message in ("cursed", "next"):
        queue.put(message)
    for _ in range(2):
        with queue.lease(timeout=trial.rest_s()) as delivery:
            must(delivery.message == "cursed", f"{delivery.message!r} came instead.")
            delivery.give_back()
    must(queue.get(timeout=trial.rest_s()) == "next", "It was delivered once more.")
    letters = queue.dead_letters
    must(letters.qsize() == 1, f"There are {letters.qsize()} dead letters instead of one.")
    must(letters.get(timeout=trial.rest_s()) == "cursed", "The dead letter is another message.")
    with raising(standard.Empty, "dead_letters.get_nowait() without any"):
        letters.get_nowait()


def _must_be_empty(queue: Any, when: str) -> None:
    with raising(standard.Empty, f"get_nowait() {when}"):
        queue.get_nowait()


def _hold(queue: Any, seen: Any) -> None:
    with queue.lease(timeout=30) as delivery:
        seen.send((delivery.message, delivery.attempt))
        threading.Event().wait()  # to be killed


CONTRACTS = (
    a_lease_that_ends_well_is_done,
    a_lease_that_fails_gives_back,
    a_lease_can_be_ended_early,
    leases_stand_side_by_side,
    the_lease_of_a_killed_process_is_given_back,
    what_fails_too_often_is_a_dead_letter,
)
