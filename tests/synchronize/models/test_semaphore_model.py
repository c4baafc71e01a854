"""A semaphore among several processes, some of which are killed, does what a model says (P3)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import interlock
from tests.synchronize.models.crew import SETTINGS, Crew, nobody_answers, until

HANDS = 3
PICKS = st.integers(0, 11)  # of those that may do it, in turn


def try_acquire(semaphore: Any) -> bool:
    return bool(semaphore.acquire(False))


def acquire(semaphore: Any) -> bool:
    return bool(semaphore.acquire())


def release(semaphore: Any) -> bool:
    try:
        semaphore.release()
    except ValueError:
        return False
    return True


class SemaphoreModel(RuleBasedStateMachine):
    """How many places are free, who has the others, who died with some, and who waits."""

    crew: Crew

    @initialize(places=st.integers(0, 3), bounded=st.booleans())
    def begin(self, places: int, bounded: bool) -> None:
        make = interlock.BoundedSemaphore if bounded else interlock.Semaphore
        self.semaphore = make(places)
        self.places, self.bounded = places, bounded
        self.free = places
        self.held = [0] * HANDS
        self.lost: list[int] = []
        self.waiting: set[int] = set()
        self.crew = Crew(self.semaphore, HANDS)

    def sweep(self) -> None:
        """What the dead had is free again, as far as it is missing."""
        for had in self.lost:
            there = self.free + sum(self.held) + sum(self.lost)
            self.free += had - min(had, max(0, there - self.places))
            self.lost = self.lost[1:]

    @property
    def idle(self) -> list[int]:
        return [number for number in range(HANDS) if number not in self.waiting]

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS)
    def try_to_acquire(self, pick: int) -> None:
        number = self.idle[pick % len(self.idle)]
        if self.free == 0:
            self.sweep()
        expected = self.free > 0
        assert self.crew.hands[number].do(try_acquire) is expected
        self.free -= expected
        self.held[number] += expected

    # With those of the dead it need not.
    @precondition(lambda self: self.free == 0 and self.idle and not self.lost)
    @rule(pick=PICKS)
    def wait(self, pick: int) -> None:
        """One that has to: until another one releases."""
        number = self.idle[pick % len(self.idle)]
        self.crew.hands[number].begin(acquire)
        self.waiting.add(number)
        until(self.all_wait, lambda: self.semaphore.waiters)

    def all_wait(self) -> bool:
        return len(self.semaphore.waiters) == len(self.waiting)

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        """Its own place, or one that it makes."""
        number = self.idle[pick % len(self.idle)]
        refused = self.bounded and self.free >= self.places
        assert self.crew.hands[number].do(release) is not refused
        if refused:
            return
        if self.held[number] > 0:
            self.held[number] -= 1
        self.free += 1
        self.settle()

    @rule(pick=PICKS)
    def kill(self, pick: int) -> None:
        """With what it has, or while it waits."""
        number = pick % HANDS
        self.crew.replace(number)
        self.waiting.discard(number)
        if self.held[number] > 0:
            self.lost.append(self.held[number])
        self.held[number] = 0
        if self.waiting:  # they look for it
            self.sweep()
        self.settle()

    def settle(self) -> None:
        """As many of those that wait as there are free places have one; no more."""
        while self.waiting and self.free > 0:
            hands = [self.crew.hands[number] for number in self.waiting]
            until(lambda: any(hand.has_answered() for hand in hands), lambda: self.semaphore)  # noqa: B023
            (lucky, *_) = (hand for hand in hands if hand.has_answered())
            assert lucky.answer() is True
            self.waiting.remove(lucky.number)
            self.held[lucky.number] += 1
            self.free -= 1
        assert nobody_answers(self.crew.hands[number] for number in self.waiting)

    @invariant()
    def the_places_are_what_they_should_be(self) -> None:
        if not hasattr(self, "crew"):
            return
        until(lambda: self.semaphore.get_value() == self.free, lambda: (self.semaphore, self.free))
        held = {holder.pid: holder.places for holder in self.semaphore.holders}
        for number, hand in enumerate(self.crew.hands):
            assert held.get(hand.process.pid or 0, 0) == self.held[number]

    def teardown(self) -> None:
        if hasattr(self, "crew"):
            self.crew.end()


class TestSemaphore(SemaphoreModel.TestCase):  # type: ignore[misc, valid-type]
    """A few, the same each time."""

    settings = settings(SETTINGS, max_examples=12, stateful_step_count=25)


@pytest.mark.campaign
class TestMuchOfSemaphore(SemaphoreModel.TestCase):  # type: ignore[misc, valid-type]
    """Many, in `make faults`."""

    settings = settings(SETTINGS, max_examples=200, stateful_step_count=25)
