"""A process is killed at any step of a lock: the others have it promptly, and are told (P3).

How: two threads of the parent and one child want the same lock again and again. The child is
killed at a named point. What the lock guards, two words that are equal whenever nobody has it,
is sound in each turn, or that turn was told that it is not.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

import interlock
from interlock.testing import kill_at
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S
from tests.faults.turns.others import PATIENCE_S, Others, Told, let_others_run, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
COMMON = "lock.taken roster.lined_up roster.left lock.recovered".split()
PLAIN = [*COMMON, "lock.flagged", "lock.released"]
FAIR = [*COMMON, "lock.freed", "lock.handing_over", "lock.handed_over", "lock.granted"]
CASES = [*((False, name) for name in PLAIN), *((True, name) for name in FAIR)]
TURNS_AFTER = 50
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_127


class Guarded:
    """A lock, and what it guards; for processes of a context."""

    def __init__(self, context: Any, fair: bool) -> None:
        self.lock = context.Lock(fair=fair)
        self.words = context.RawArray("q", 2)

    def owner(self) -> object:
        return self.lock.owner

    def turn(self) -> bool:
        """Make a turn; whether it was told that an owner died.

        Raises:
            AssertionError: It took too long, or somebody else was in it, or it was not told.
        """
        begun = time.monotonic()
        with Told() as told:
            self.lock.acquire()
        took_s = time.monotonic() - begun
        abandoned = told.of_a_death
        try:
            assert took_s < STALL_S, f"acquire() took {took_s:.3f} s: {self.lock.abandoned}"
            if abandoned:
                self.words[1] = self.words[0]
            assert self.words[0] == self.words[1], f"not sound, and not told: {list(self.words)}"
            self.words[0] += 1
            let_others_run()
            self.words[1] += 1
        finally:
            self.lock.release()
        return abandoned


def want(guarded: Guarded, point: str, passes: int) -> None:
    """The child's work; it is killed at the point."""
    if point:
        kill_at(point, passes)
    while True:
        guarded.turn()


def die_with(guarded: Guarded) -> None:
    guarded.lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def check_free(guarded: Guarded) -> None:
    """Nobody has it, nobody waits, and it can be had.

    Raises:
        AssertionError: Something of a dead process is left.
    """
    assert guarded.turn() in (True, False)
    assert guarded.lock.owner is None
    assert guarded.lock.waiters == ()
    assert guarded.words[0] == guarded.words[1]


def point_scenario(method: str, fair: bool, point: str, passes: int) -> tuple[bool, int]:
    """Whether the child died at the point, and how often the others were told."""
    context = interlock.get_context(method)
    guarded = Guarded(context, fair)
    child = context.Process(target=want, args=(guarded, point, passes))
    # These two it has to come to alone: what others want is handed over by them, or had by them.
    if point == "lock.recovered" or (fair and point == "lock.taken"):
        child.start()
        if point == "lock.recovered":  # which takes an owner that is dead already
            _kill_owners(context, guarded, child)
        wait_for_end(child)
    with Others([guarded.turn] * 2, guarded.owner) as others:
        if child.pid is None:
            child.start()
        wait_for_end(child)
        others.wait_for_turns(TURNS_AFTER)
    check_free(guarded)
    return child.exitcode == -signal.SIGKILL, others.told


def _kill_owners(context: Any, guarded: Guarded, child: Any) -> None:
    """Until the child, which takes over from each, has come to the point."""
    bound = time.monotonic() + PATIENCE_S
    while child.is_alive() and time.monotonic() < bound:
        owner = context.Process(target=die_with, args=(guarded,))
        owner.start()
        owner.join()


@pytest.mark.parametrize(("fair", "point"), CASES)
@pytest.mark.parametrize("method", METHODS)
def test_a_lock_is_had_after_a_kill_at_any_step(
    method: str, fair: bool, point: str, with_crash_points: Stage
) -> None:
    """P3, I2: promptly, by threads of another process, and nobody else is in it."""
    passes = random.Random(f"{SEED} {method} {fair} {point}").randrange(3)
    died, told = with_crash_points.run(point_scenario, method, fair, point, passes)
    assert died, f"the child did not come to {point}"
    if point == "lock.taken":
        assert told == 1, f"a death with the lock was told {told} times"


def chance_scenario(seed: int, kills: int) -> tuple[int, int]:
    """Kills at random moments; how many, and how often somebody was told."""
    chance = random.Random(seed)
    told = 0
    for number in range(kills):
        context = interlock.get_context("fork")
        guarded = Guarded(context, fair=bool(number % 2))
        child = context.Process(target=want, args=(guarded, "", 0))
        with Others([guarded.turn] * 2, guarded.owner) as others:
            child.start()
            others.wait_for_turns(chance.randrange(1, 60))
            child.kill()
            child.join()
            others.wait_for_turns(5)
        check_free(guarded)
        told += others.told
    return kills, told


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_of_who_wants_a_lock(kills: int, as_shipped: Stage) -> None:
    """P3: at no particular step, of the build that users have."""
    print(f"seed {SEED}")
    done, told = as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills)
    assert done == kills
    assert told > 0, "no kill came while the lock was held: it shows nothing"
