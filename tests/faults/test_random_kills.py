"""Processes killed at random moments: every message arrives once and whole, and nobody waits.

P2, P3, P5, P8: every start method; queues and pipes; get and leases; threads and processes
mixed; messages of 10 bytes to 4 MiB. See chance/: campaign.py has the kills, crew.py what is
killed, ledger.py and audit.py how it is judged.

How: on the build that is shipped, which has no crash points. A message may be missing only where
a process was killed that took without a lease: one for each of its threads, as if it had been
killed just after get(). `make faults KILLS=5000` goes on for as long as you like.
"""

from __future__ import annotations

import itertools
import os
import random

import pytest

from tests.faults.chance.campaign import WAYS, Outcome, campaign
from tests.faults.stage import Stage

METHODS = ("fork", "spawn", "forkserver")
KILLS = {"fork": 24, "spawn": 15, "forkserver": 15}  # each way: over 150 in all
ROUND = 60
BOUND_S = 100.0

CASES = [(method, way) for method in METHODS for way in WAYS]


def first_seed() -> int:
    """INTERLOCK_SEED, or a new one."""
    return int(os.environ.get("INTERLOCK_SEED", random.SystemRandom().randrange(1 << 32)))


def fight(stage: Stage, method: str, way: str, kills: int, seed: int) -> Outcome:
    """One campaign. Its seed is the first line printed, and the last of a failure."""
    repeat = f"python -m tests.faults.chance.campaign {method} {way!r} {kills} {seed}"
    print(f"repeat: {repeat}")
    try:
        outcome = stage.run(campaign, method, way, kills, seed, bound_s=BOUND_S)
    except pytest.fail.Exception:
        print(f"repeat: {repeat}")
        raise
    print(outcome)
    return outcome


def test_at_least_150_processes_are_killed() -> None:
    """The promise of the cases below."""
    assert sum(KILLS[method] for method, _ in CASES) >= 150


@pytest.mark.parametrize(("method", "way"), CASES)
def test_random_kills_lose_and_double_nothing(method: str, way: str, as_shipped: Stage) -> None:
    """P2, P3, P5, P8."""
    outcome = fight(as_shipped, method, way, KILLS[method], first_seed())
    assert outcome.kills == KILLS[method]


@pytest.mark.campaign
def test_as_many_kills_as_were_asked_for(as_shipped: Stage) -> None:
    """P2, P3, P5, P8: INTERLOCK_KILLS of them, each method and each way in turn."""
    left = int(os.environ["INTERLOCK_KILLS"])
    seed, cases = first_seed(), itertools.cycle(CASES)
    while left > 0:
        method, way = next(cases)
        left -= fight(as_shipped, method, way, min(left, ROUND), seed).kills
        seed += 1
        print(f"{left} kills to go", flush=True)
