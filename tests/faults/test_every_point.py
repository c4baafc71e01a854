"""The tests of this folder come by every probe point that there is."""

from __future__ import annotations

from interlock.testing import probe_names
from tests.faults import (
    test_atomic_killed,
    test_dict_killed,
    test_pipe_killed,
    test_queue_consumer_killed,
    test_queue_producer_killed,
    test_repair_killed,
    test_sleeper_left,
    test_sweep_killed,
)
from tests.faults.stage import Stage
from tests.faults.turns import (
    test_barrier_killed,
    test_condition_killed,
    test_lock_killed,
    test_rwlock_killed,
    test_semaphore_killed,
)


def test_somebody_is_killed_at_every_probe_point(with_crash_points: Stage) -> None:
    """I2: the cases below are each held to be reached, by the tests they are of."""
    killed_at = {
        *(name for _, name in test_queue_producer_killed.CASES),
        *(name for _, name in test_queue_consumer_killed.CASES),
        *(name for _, name in test_pipe_killed.SENDERS),
        *(name for _, name in test_pipe_killed.RECEIVERS),
        *(name for _, name in test_sweep_killed.CASES),
        *test_repair_killed.REPAIRING_P,
        *test_repair_killed.REPAIRING_C,
        *test_sleeper_left.PUTTING,
        *(name for _, name in test_lock_killed.CASES),
        *test_semaphore_killed.POINTS,
        *test_semaphore_killed.EVENT_POINTS,
        *test_condition_killed.POINTS,
        *test_barrier_killed.POINTS,
        *test_rwlock_killed.POINTS,
        *test_dict_killed.POINTS,
        *test_atomic_killed.POINTS,
    }
    assert set(with_crash_points.run(probe_names)) == killed_at
