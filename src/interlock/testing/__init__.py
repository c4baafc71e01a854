"""For tests: conformance suites, and ways to bring about what happens only now and then.

from interlock.testing import check_queue

def test_my_queue_keeps_every_contract():
    check_queue(lambda **limits: MyQueue(**limits), without={"lease"})
"""

from __future__ import annotations

from interlock.testing.abandon import Abandoned, abandon
from interlock.testing.kill import (
    die,
    disarm,
    has_probes,
    kill_at,
    pause_at,
    probe_names,
    resume,
)
from interlock.testing.processes import wait_asleep, wait_ended, wait_stopped
from interlock.testing.sequencer import Sequencer

__all__ = [
    "Abandoned",
    "Sequencer",
    "abandon",
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
