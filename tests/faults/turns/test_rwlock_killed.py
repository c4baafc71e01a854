"""A process is killed at any step of a lock for readers and writers: the others have it (P3).

How: two threads of the parent and one child want the lock again and again, to read or to write.
The child is killed at a named point, or at a random moment. What the lock guards is sound
whenever one of the threads looks, or a writer's death was told.
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
from tests.faults.turns.others import Others, Told, let_others_run, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = ["rwlock.admitted", "rwlock.released", "rwlock.noted"]
TURNS_AFTER = 50
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_131


class Guarded:
    """A lock for readers and writers, and what it guards; for processes of a context."""

    def __init__(self, context: Any) -> None:
        self.lock = context.RWLock()
        self.words = context.RawArray("q", 3)  # two that are equal, and who writes

    def state(self) -> object:
        """What a failure shows."""
        return self.lock, self.lock.owner, self.lock.readers, self.lock.waiters

    def read(self) -> bool:
        """Look; whether it was told that a writer died."""
        with Told() as told:
            self._acquire(self.lock.reader)
        try:
            one, other, writer = self.words
            if one != other:  # by one that died, until the next writer mends it
                dead = self.lock.abandoned
                assert dead is not None and dead.pid == writer, list(self.words)
            let_others_run()
        finally:
            self.lock.reader.release()
        return told.of_a_death

    def write(self) -> bool:
        """Change both words; whether it was told that a writer died."""
        with Told() as told:
            self._acquire(self.lock.writer)
        try:
            self.words[1] = self.words[0]  # mended, whoever was told of a death
            self.words[2] = os.getpid()
            self.words[0] += 1
            let_others_run()
            self.words[1] += 1
            assert self.words[0] == self.words[1], list(self.words)
        finally:
            self.lock.writer.release()
        return told.of_a_death

    def _acquire(self, side: Any) -> None:
        begun = time.monotonic()
        side.acquire()
        took_s = time.monotonic() - begun
        assert took_s < STALL_S, f"acquire() took {took_s:.3f} s: {self.state()}"

    def check_free(self) -> None:
        """Nobody has it, nobody waits, and it can be had.

        Raises:
            AssertionError: Something of a dead process is left.
        """
        self.write()
        assert (self.lock.owner, self.lock.readers, self.lock.waiters) == (None, (), ())


def want(guarded: Guarded, seed: int, point: str, passes: int) -> None:
    """The child's work; it is killed at the point."""
    chance = random.Random(seed)
    if point:
        kill_at(point, passes)
    while True:
        chance.choice([guarded.read, guarded.write])()


def die_writing(guarded: Guarded) -> None:
    guarded.lock.writer.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def point_scenario(method: str, point: str, passes: int, seed: int) -> bool:
    """Whether the child died at the point."""
    context: Any = interlock.get_context(method)
    guarded = Guarded(context)
    child = context.Process(target=want, args=(guarded, seed, point, passes))
    if point == "rwlock.noted":  # it has to find a dead writer, and be the only one
        dead = context.Process(target=die_writing, args=(guarded,))
        dead.start()
        dead.join()
        child.start()
        wait_for_end(child)
    with Others([guarded.read, guarded.write], guarded.state) as others:
        if child.pid is None:
            child.start()
        wait_for_end(child)
        others.wait_for_turns(TURNS_AFTER)
    guarded.check_free()
    return bool(child.exitcode == -signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_it_is_had_after_a_kill_at_any_step(
    method: str, point: str, with_crash_points: Stage
) -> None:
    """P3: promptly, by readers and by writers."""
    chance = random.Random(f"{SEED} {method} {point}")
    passes = 0 if point == "rwlock.noted" else chance.randrange(5)
    assert with_crash_points.run(point_scenario, method, point, passes, chance.random()), (
        f"the child did not come to {point}"
    )


def chance_scenario(seed: int, kills: int) -> int:
    """Kills at random moments; how many came while the child was writing."""
    chance = random.Random(seed)
    context: Any = interlock.get_context("fork")
    writing = 0
    for _ in range(kills):
        guarded = Guarded(context)
        child = context.Process(target=want, args=(guarded, chance.random(), "", 0))
        with Others([guarded.read, guarded.write], guarded.state) as others:
            child.start()
            others.wait_for_turns(chance.randrange(1, 60))
            child.kill()
            child.join()
            others.wait_for_turns(5)
        guarded.check_free()
        assert others.told <= 1
        writing += others.told
    return writing


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_of_readers_and_writers(kills: int, as_shipped: Stage) -> None:
    """P3: at no particular step, of the build that users have."""
    print(f"seed {SEED}")
    writing = as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills)
    assert writing > 0, "no kill came while it was held to write: it shows nothing"
