"""Processes that are ended at any moment, in whatever they do: nothing is lost or stays held."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from interlock.context.dask import DaskContext
from tests.context.dask import work

BOUND_S = 20.0
MESSAGES = 10
ENDS = 30


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.campaign)])
@pytest.mark.filterwarnings("ignore::interlock.errors.AbandonedLockWarning")
def test_processes_that_are_ended_at_random(local: DaskContext, seed: int) -> None:
    """P2, P3: locks that are in no ``with`` block are free again, and each message is delivered."""
    chance = random.Random(seed)
    queue, done, lock, places = local.Queue(), local.Queue(), local.Lock(), local.Semaphore(2)
    queue.put_many(range(MESSAGES))
    running: list[Any] = []
    for _ in range(ENDS):
        while len(running) < 4:
            process = local.Process(target=work.take_and_pass, args=(queue, done, lock, places))
            process.start()
            running.append(process)
        threading.Event().wait(chance.random() * 0.05)
        process = running.pop(chance.randrange(len(running)))
        if chance.random() < 0.5:
            process.terminate()
            process.join(1.0)
        process.kill()  # a destructor may have swallowed the one exception of terminate()
        process.join(BOUND_S)
        assert process.exitcode in (-15, -9), f"seed {seed}"
    queue.shutdown()
    for process in running:
        process.join(BOUND_S)
        assert process.exitcode == 0, f"seed {seed}"
    assert lock.acquire(False), f"seed {seed}"
    assert places.get_value() == 2, f"seed {seed}"
    assert {*done.get_many(1000, BOUND_S)} == {*range(MESSAGES)}, f"seed {seed}"
