"""A process is killed at any step of a semaphore or an event: the others go on (P3).

How: two threads of the parent and one child want one of two places again and again. The child is
killed at a named point, or at a random moment. Then the threads go on, and in the end there
are two places again: no more and no less.
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
from tests.faults.turns.others import Others, let_others_run, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = "semaphore.entered semaphore.decided semaphore.counted semaphore.swept".split()
EVENT_POINTS = ["event.set"]
PLACES = 2
TURNS_AFTER = 50
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_128


class Guarded:
    """A semaphore of two places, for processes of a context."""

    def __init__(self, context: Any, bounded: bool) -> None:
        make = context.BoundedSemaphore if bounded else context.Semaphore
        self.semaphore = make(PLACES)

    def turn(self) -> bool:
        """Make a turn.

        Raises:
            AssertionError: It took too long.
        """
        begun = time.monotonic()
        self.semaphore.acquire()
        took_s = time.monotonic() - begun
        try:
            assert took_s < STALL_S, f"acquire() took {took_s:.3f} s: {self.state()}"
            let_others_run()
        finally:
            self.semaphore.release()
        return False

    def state(self) -> object:
        """What a failure shows."""
        return self.semaphore.get_value(), self.semaphore.holders, self.semaphore.waiters

    def check_whole(self, glance_s: float = 0.1) -> None:
        """There are two places, and nobody has or wants one; a third does not turn up, either.

        Raises:
            AssertionError: It has more or fewer, or somebody is left behind.
        """
        for _ in range(PLACES):
            assert self.semaphore.acquire(timeout=STALL_S), self.state()
        assert not self.semaphore.acquire(timeout=glance_s), self.state()
        for _ in range(PLACES):
            self.semaphore.release()
        assert self.semaphore.get_value() == PLACES
        assert self.semaphore.holders == self.semaphore.waiters == ()


def want(guarded: Guarded, point: str, passes: int) -> None:
    """The child's work; it is killed at the point."""
    if point:
        kill_at(point, passes)
    while True:
        guarded.turn()


def die_with_all(guarded: Guarded) -> None:
    for _ in range(PLACES):
        guarded.semaphore.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def point_scenario(method: str, point: str, passes: int, bounded: bool) -> bool:
    """Whether the child died at the point."""
    context = interlock.get_context(method)
    guarded = Guarded(context, bounded)
    child = context.Process(target=want, args=(guarded, point, passes))
    if point == "semaphore.swept":  # it has to find what the dead have, and be the only one
        dead = context.Process(target=die_with_all, args=(guarded,))
        dead.start()
        dead.join()
        child.start()
        wait_for_end(child)
    with Others([guarded.turn] * 2, guarded.state) as others:
        if child.pid is None:
            child.start()
        wait_for_end(child)
        others.wait_for_turns(TURNS_AFTER)
    guarded.check_whole()
    return child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_places_come_back_after_a_kill_at_any_step(
    method: str, point: str, with_crash_points: Stage
) -> None:
    """P3: promptly; as many as there were."""
    chance = random.Random(f"{SEED} {method} {point}")
    passes = 0 if point == "semaphore.swept" else chance.randrange(4)
    bounded = chance.random() < 0.5
    assert with_crash_points.run(point_scenario, method, point, passes, bounded), (
        f"the child did not come to {point}"
    )


def event_scenario(method: str, point: str) -> bool:
    """Whether the child died at the point; whoever waits for the event has returned."""
    context = interlock.get_context(method)
    event = context.Event()
    child = context.Process(target=set_and_die, args=(event, point))

    def turn() -> bool:
        assert event.wait(10 * STALL_S)
        return False

    with Others([turn] * 2, lambda: (event, event.waiters)) as others:
        while len(event.waiters) < 2:
            let_others_run()
        child.start()
        wait_for_end(child)
        begun = time.monotonic()
        others.wait_for_turns(2)
        assert time.monotonic() - begun < STALL_S
    assert event.is_set()
    assert event.waiters == ()
    return child.exitcode == -signal.SIGKILL


def set_and_die(event: Any, point: str) -> None:
    kill_at(point)
    event.set()


@pytest.mark.parametrize("point", EVENT_POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_an_event_set_by_the_dead_has_happened(
    method: str, point: str, with_crash_points: Stage
) -> None:
    """P3: who waits is not told by the dead one, and finds it by itself."""
    assert with_crash_points.run(event_scenario, method, point), f"it did not come to {point}"


def chance_scenario(seed: int, kills: int) -> int:
    """Kills at random moments; how many of them with places in hand."""
    chance = random.Random(seed)
    with_places = 0
    for number in range(kills):
        context = interlock.get_context("fork")
        guarded = Guarded(context, bounded=bool(number % 2))
        child = context.Process(target=want, args=(guarded, "", 0))
        with Others([guarded.turn] * 2, guarded.state) as others:
            child.start()
            others.wait_for_turns(chance.randrange(1, 60))
            child.kill()
            child.join()
            others.wait_for_turns(5)
        guarded.check_whole(glance_s=0.0 if number % 10 else 0.1)
        with_places += guarded.semaphore.abandoned is not None
    return with_places


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_of_who_wants_a_place(kills: int, as_shipped: Stage) -> None:
    """P3: at no particular step, of the build that users have."""
    print(f"seed {SEED}")
    with_places = as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills)
    assert with_places > 0, "no kill came while a place was held: it shows nothing"
