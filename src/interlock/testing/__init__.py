"""For tests: conformance suites, and ways to bring about what happens only now and then.

from interlock.testing import check_queue

def test_my_queue_keeps_every_contract():
    context = multiprocessing.get_context("spawn")
    check_queue(MyQueue, context=context, without={"lease", "dead_letters"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock._late import late

if TYPE_CHECKING:
    from interlock.testing.abandoned import Abandoned, abandon
    from interlock.testing.barrier import check_barrier
    from interlock.testing.condition import check_condition
    from interlock.testing.connection import check_connection
    from interlock.testing.event import check_event
    from interlock.testing.executor import check_executor
    from interlock.testing.kill import (
        die,
        disarm,
        has_probes,
        kill_at,
        pause_at,
        probe_names,
        resume,
    )
    from interlock.testing.lock import check_lock
    from interlock.testing.pool import check_pool
    from interlock.testing.processes import wait_asleep, wait_ended, wait_stopped
    from interlock.testing.queue import check_queue
    from interlock.testing.registered import check_registered_type
    from interlock.testing.semaphore import check_semaphore
    from interlock.testing.sequencer import Sequencer

__all__ = [
    "Abandoned",
    "Sequencer",
    "abandon",
    "check_barrier",
    "check_condition",
    "check_connection",
    "check_event",
    "check_executor",
    "check_lock",
    "check_pool",
    "check_queue",
    "check_registered_type",
    "check_semaphore",
    "die",
    "disarm",
    "has_probes",
    "kill_at",
    "pause_at",
    "probe_names",
    "resume",
    "wait_asleep",
    "wait_ended",
    "wait_stopped",
]

if not TYPE_CHECKING:  # where names that are not there would be found
    __getattr__, __dir__ = late(
        __name__,
        {
            "abandoned": "Abandoned abandon",
            "barrier": "check_barrier",
            "condition": "check_condition",
            "connection": "check_connection",
            "event": "check_event",
            "executor": "check_executor",
            "kill": "die disarm has_probes kill_at pause_at probe_names resume",
            "lock": "check_lock",
            "pool": "check_pool",
            "processes": "wait_asleep wait_ended wait_stopped",
            "queue": "check_queue",
            "registered": "check_registered_type",
            "semaphore": "check_semaphore",
            "sequencer": "Sequencer",
        },
    )
