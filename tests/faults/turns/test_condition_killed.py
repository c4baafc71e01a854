"""A process is killed at any step of a condition: no notification is lost with it (P3)."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.testing import kill_at
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S
from tests.faults.turns.others import Others, Told, let_others_run, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = ["condition.granted", "condition.done", "condition.passed_on"]
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_129


class Waiters:
    """Threads that wait once on a condition; who returned, how late, and who was told."""

    def __init__(self, condition: Any, count: int) -> None:
        self._condition = condition
        self.returned_after: list[float] = []
        self.told = 0
        self._threads = [threading.Thread(target=self._wait, daemon=True) for _ in range(count)]
        before = len(condition.waiters)
        for thread in self._threads:
            thread.start()
        wait_for_waiters(condition, before + count)

    def _wait(self) -> None:
        with Told() as told:
            self._condition.acquire()
            self._condition.wait()
            self.returned_after.append(time.monotonic())
            self._condition.release()
        self.told += told.of_a_death

    def check_returned(self, since: float) -> None:
        """All of them returned, soon after a moment.

        Raises:
            AssertionError: One did not, or late.
        """
        for thread in self._threads:
            thread.join(10 * STALL_S)
            assert not thread.is_alive(), f"stuck: {self._condition}"
        assert max(self.returned_after) - since < STALL_S


def wait_for_waiters(condition: Any, count: int) -> None:
    """Until so many wait."""
    bound = time.monotonic() + 10 * STALL_S
    while len(condition.waiters) != count:
        assert time.monotonic() < bound, condition.waiters
        let_others_run()


def check_sound(condition: Any) -> None:
    """Nobody is left, and a notification reaches who waits.

    Raises:
        AssertionError: Something of the dead is left.
    """
    assert condition.waiters == ()
    waiters = Waiters(condition, 1)
    begun = time.monotonic()
    with condition:
        condition.notify()
    waiters.check_returned(begun)
    assert condition.waiters == ()


def notify_and_die(condition: Any, point: str, passes: int) -> None:
    with condition:
        kill_at(point, passes)
        condition.notify_all()


def wait_and_die(condition: Any, point: str) -> None:
    with condition:
        if point:
            kill_at(point)
        condition.wait()


def killed_notifier(context: Any, condition: Any, passes: int) -> Any:
    """Both that wait return, though one or none was notified."""
    waiters = Waiters(condition, 2)
    child = context.Process(target=notify_and_die, args=(condition, "condition.granted", passes))
    child.start()
    wait_for_end(child)
    waiters.check_returned(time.monotonic())
    assert waiters.told == 1
    return child


def killed_with_the_lock(context: Any, condition: Any, passes: int) -> Any:
    """One that waits is notified, and dies when it has the lock again: the other is told."""
    child = context.Process(target=wait_and_die, args=(condition, "condition.done"))
    child.start()
    wait_for_waiters(condition, 1)
    waiters = Waiters(condition, 1 + passes)
    with condition:
        condition.notify()
    wait_for_end(child)
    waiters.check_returned(time.monotonic())
    assert waiters.told == 1
    return child


def killed_passing_on(context: Any, condition: Any, passes: int) -> Any:
    """One dies notified; the next dies giving the notification to itself; a third one has it."""
    first = context.Process(target=wait_and_die, args=(condition, ""))
    first.start()
    wait_for_waiters(condition, 1)
    os.kill(first.pid, signal.SIGSTOP)
    child = context.Process(target=wait_and_die, args=(condition, "condition.passed_on"))
    child.start()
    wait_for_waiters(condition, 2)
    with condition:
        condition.notify()
    first.kill()
    first.join()
    wait_for_end(child)
    # It may have it before anybody sees it wait.
    third = threading.Thread(target=wait_and_die, args=(condition, ""), daemon=True)
    third.start()
    third.join(10 * STALL_S)
    assert not third.is_alive(), f"stuck: {condition}"
    return child


SCENARIOS: dict[str, Callable[[Any, Any, int], Any]] = {
    "condition.granted": killed_notifier,
    "condition.done": killed_with_the_lock,
    "condition.passed_on": killed_passing_on,
}


def point_scenario(method: str, point: str, passes: int) -> bool:
    """Whether a child died at the point."""
    context = interlock.get_context(method)
    condition = context.Condition()
    child = SCENARIOS[point](context, condition, passes)
    check_sound(condition)
    return bool(child.exitcode == -signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_who_waits_is_notified_after_a_kill_at_any_step(
    method: str, point: str, with_crash_points: Stage
) -> None:
    """P3: promptly, by the dead one's notification or by its death."""
    passes = random.Random(f"{SEED} {method} {point}").randrange(2)
    assert with_crash_points.run(point_scenario, method, point, passes), f"not come to {point}"


class Letterbox:
    """Room for one letter: two conditions of one lock, as in every textbook."""

    def __init__(self, context: Any) -> None:
        self.lock = context.Lock()
        self.full, self.free = context.Condition(self.lock), context.Condition(self.lock)
        self.letters = context.RawValue("i", 0)

    def put(self) -> bool:
        """Wait for room, and put a letter in; whether it was told of a death."""
        return self._turn(self.free, 0, 1, self.full)

    def take(self) -> bool:
        """Wait for a letter, and take it out; whether it was told of a death."""
        return self._turn(self.full, 1, 0, self.free)

    def _turn(self, mine: Any, before: int, after: int, theirs: Any) -> bool:
        with Told() as told, self.lock:
            assert mine.wait_for(lambda: self.letters.value == before, STALL_S), self.state()
            let_others_run()
            self.letters.value = after
            theirs.notify()
        return told.of_a_death

    def state(self) -> object:
        """What a failure shows."""
        return self.letters.value, self.lock, self.full.waiters, self.free.waiters


def put_and_take(box: Letterbox, seed: int) -> None:
    """The child's work: either, at random."""
    chance = random.Random(seed)
    while True:
        chance.choice([box.put, box.take])()


def chance_scenario(seed: int, kills: int) -> int:
    """Kills at random moments; how often somebody was told."""
    chance = random.Random(seed)
    context: Any = interlock.get_context("fork")
    told = 0
    for _ in range(kills):
        box = Letterbox(context)
        child = context.Process(target=put_and_take, args=(box, chance.random()))
        with Others([box.put, box.take], box.state) as others:
            child.start()
            others.wait_for_turns(chance.randrange(1, 60))
            child.kill()
            child.join()
            others.wait_for_turns(6)
        told += others.told
    return told


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_between_who_waits_and_who_notifies(kills: int, as_shipped: Stage) -> None:
    """P3: who waits finds what it waits for, whoever died on the way to tell."""
    print(f"seed {SEED}")
    told = as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills)
    assert told > 0, "no kill came while the lock was held: it shows nothing"
