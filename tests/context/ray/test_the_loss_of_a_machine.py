"""A machine of the cluster is killed; last, for Ray takes a while to be as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from interlock.pool import WorkerDied

BOUND_S = 50.0


def test_a_map_outlives_a_machine(on_ray: Any, tmp_path: Path) -> None:
    """P6: a node killed in the middle is Ray's retry, on another."""
    from tests.context.ray import driver

    node = driver.add_node("doomed")
    queue, event = on_ray.Queue(), on_ray.Event()
    with on_ray.Pool(2, num_cpus=0) as pool:
        lost = pool.apply_async(_says_and_waits_for, (queue, event), resources={"doomed": 1})
        assert queue.get(timeout=BOUND_S)
        going = pool.map_async(_says_and_waits_for, [(queue, event)] * 2, 1)
        driver.remove_node(node)
        with pytest.raises(WorkerDied, match="machine"):
            lost.get(BOUND_S)
        event.set()
        assert len(going.get(BOUND_S)) == 2


def _says_and_waits_for(queue: Any, event: Any = None) -> int:
    if event is None:
        queue, event = queue
    queue.put(os.getpid())
    event.wait(BOUND_S)
    return os.getpid()
