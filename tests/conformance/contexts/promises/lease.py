"""Leases: messages that are taken and not yet done."""

from __future__ import annotations

import queue as standard

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Queue")
def a_lease_that_ends_well_is_done(bench: Bench) -> None:
    """Its message is not delivered again."""
    queue = bench.context.Queue()
    queue.put("work")
    with queue.lease(timeout=bench.long_s) as delivery:
        must((delivery.message, delivery.attempt) == ("work", 1), "It is another.")
    with raising(standard.Empty):
        queue.get(timeout=bench.moment_s)


@promise("Queue")
def a_lease_that_fails_gives_back(bench: Bench) -> None:
    """An exception in its block: the message is delivered again, as the second attempt."""
    queue = bench.context.Queue()
    queue.put("work")
    with raising(RuntimeError):
        with queue.lease(timeout=bench.long_s):
            raise RuntimeError
    with queue.lease(timeout=bench.long_s) as delivery:
        must((delivery.message, delivery.attempt) == ("work", 2), "It is another.")


@promise("Queue", "Process", asks="stops")
def the_lease_of_a_killed_process_is_given_back(bench: Bench) -> None:
    """What a killed consumer had not done is delivered again."""
    queue, said = bench.context.Queue(), bench.context.Queue()
    must(hasattr(queue, "lease"), "It has no leases.")
    queue.put("work")
    process = bench.start(work.lease_and_spin, queue, said)
    must(said.get(timeout=bench.long_s) == "work", "It has another.")
    process.kill()
    with queue.lease(timeout=bench.soon_s) as delivery:
        must((delivery.message, delivery.attempt) == ("work", 2), "It is another.")
    process.join(bench.long_s)


@promise("Queue")
def what_fails_too_often_is_a_dead_letter(bench: Bench) -> None:
    """After max_deliveries attempts a message is in dead_letters, and delivered no more."""
    queue = bench.context.Queue(max_deliveries=1)
    queue.put("cursed")
    with queue.lease(timeout=bench.long_s) as delivery:
        delivery.give_back()
    must(queue.dead_letters.get(timeout=bench.long_s) == "cursed", "It is another.")
    with raising(standard.Empty):
        queue.get(timeout=bench.moment_s)


PROMISES = (
    a_lease_that_ends_well_is_done,
    a_lease_that_fails_gives_back,
    the_lease_of_a_killed_process_is_given_back,
    what_fails_too_often_is_a_dead_letter,
)
