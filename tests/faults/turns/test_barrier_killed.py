"""A process is killed at any step of a barrier: the round ends, for all in the same way (P3).

How: two threads of the parent and one child pass a barrier of three again and again. The child
is killed at a named point, or at a random moment. The threads pass as many rounds as each other,
and are then told who is missing.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import Any

import pytest

import interlock
from interlock.errors import BrokenBarrier
from interlock.testing import kill_at
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S
from tests.faults.turns.others import PATIENCE_S, let_others_run, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = "barrier.arrived barrier.decided barrier.turned barrier.told".split()
PARTIES = 3
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_130


class Parties:
    """Two threads of this process that pass a barrier until it breaks."""

    def __init__(self, barrier: Any) -> None:
        self._barrier = barrier
        self.rounds = [0, 0]
        self.told: list[tuple[float, BrokenBarrier]] = []
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._pass, args=(number,), daemon=True) for number in range(2)
        ]
        for thread in self._threads:
            thread.start()

    def _pass(self, number: int) -> None:
        try:
            while True:
                self._barrier.wait()
                self.rounds[number] += 1
        except BrokenBarrier as error:
            self.told.append((time.monotonic(), error))
        except BaseException as error:
            self._failures.append(error)

    def wait_for_rounds(self, count: int) -> None:
        """Until they have passed so many."""
        bound = time.monotonic() + PATIENCE_S
        while self.rounds[0] < count and not self._failures and not self.told:
            assert time.monotonic() < bound, f"stuck: {self._barrier}"
            let_others_run()

    def check_told(self, since: float, pid: int) -> None:
        """Both were, soon after a moment; of the one that died; and as many rounds were passed.

        Raises:
            AssertionError: One was not, or late, or of another one, or passed alone.
        """
        for thread in self._threads:
            thread.join(10 * STALL_S)
            assert not thread.is_alive(), f"stuck: {self._barrier}, {self._barrier.waiters}"
        assert not self._failures, self._failures
        assert self.rounds[0] == self.rounds[1]
        for moment, error in self.told:
            assert moment - since < STALL_S
            assert error.missing is not None, error
            assert error.missing.pid == pid


def check_as_new(barrier: Any) -> None:
    """After a reset all pass.

    Raises:
        AssertionError: Something of the dead is left.
    """
    assert barrier.broken
    barrier.reset()
    assert (barrier.n_waiting, barrier.broken, barrier.waiters) == (0, False, ())
    parties = Parties(barrier)
    barrier.wait(PATIENCE_S)
    parties.wait_for_rounds(1)
    barrier.abort()


def take_part(barrier: Any, point: str, passes: int) -> None:
    """The child's work; it is killed at the point."""
    if point:
        kill_at(point, passes)
    while True:
        barrier.wait()


def point_scenario(method: str, point: str, passes: int) -> bool:
    """Whether the child died at the point."""
    context: Any = interlock.get_context(method)
    barrier = context.Barrier(PARTIES)
    child = context.Process(target=take_part, args=(barrier, point, passes))
    parties = Parties(barrier)  # they wait for the child, which is the last in the first round
    child.start()
    wait_for_end(child)
    parties.check_told(time.monotonic(), child.pid)
    check_as_new(barrier)
    return bool(child.exitcode == -signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_round_ends_for_all_after_a_kill_at_any_step(
    method: str, point: str, with_crash_points: Stage
) -> None:
    """P3: promptly; and who is missing is named."""
    passes = random.Random(f"{SEED} {method} {point}").randrange(4)
    assert with_crash_points.run(point_scenario, method, point, passes), f"not come to {point}"


def chance_scenario(seed: int, kills: int) -> int:
    """Kills at random moments; how many rounds were passed."""
    chance = random.Random(seed)
    context: Any = interlock.get_context("fork")
    rounds = 0
    for _ in range(kills):
        barrier = context.Barrier(PARTIES)
        child = context.Process(target=take_part, args=(barrier, "", 0))
        parties = Parties(barrier)
        child.start()
        parties.wait_for_rounds(chance.randrange(1, 20))
        child.kill()
        child.join()
        parties.check_told(time.monotonic(), child.pid)
        check_as_new(barrier)
        rounds += parties.rounds[0]
    return rounds


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_of_one_that_takes_part(kills: int, as_shipped: Stage) -> None:
    """P3: at no particular step, of the build that users have."""
    print(f"seed {SEED}")
    rounds = as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills)
    assert rounds >= kills
