"""A condition among several processes, some of which are killed, does what a model says (P3)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import interlock
from interlock.testing import die
from tests.synchronize.models.crew import SETTINGS, Crew, nobody_answers, until

HANDS = 4
PICKS = st.integers(0, 11)  # of those that may do it, in turn


def wait(condition: Any, timeout: float | None) -> bool:
    with condition:
        return bool(condition.wait(timeout))


def notify(condition: Any, count: int | None) -> None:
    with condition:
        condition.notify_all() if count is None else condition.notify(count)


def die_with_the_lock(condition: Any) -> None:
    condition.acquire()
    die()


class ConditionModel(RuleBasedStateMachine):
    """Who waits, in the order they came."""

    crew: Crew

    @initialize(recursive=st.booleans())
    def begin(self, recursive: bool) -> None:
        lock: Any = interlock.RLock() if recursive else interlock.Lock()
        self.condition = interlock.Condition(lock)
        self.line: list[int] = []
        self.crew = Crew(self.condition, HANDS)

    @property
    def idle(self) -> list[int]:
        return [number for number in range(HANDS) if number not in self.line]

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS)
    def wait(self, pick: int) -> None:
        number = self.idle[pick % len(self.idle)]
        self.crew.hands[number].begin(wait, None)
        self.line.append(number)
        self.settle()

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS, timeout=st.sampled_from([0, 0.01]))
    def wait_in_vain(self, pick: int, timeout: float) -> None:
        """Its time is over, and it takes no notification later."""
        number = self.idle[pick % len(self.idle)]
        assert self.crew.hands[number].do(wait, timeout) is False

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS, count=st.one_of(st.none(), st.integers(0, HANDS)))
    def notify(self, pick: int, count: int | None) -> None:
        """Those that came first, and no more than there are."""
        number = self.idle[pick % len(self.idle)]
        self.crew.hands[number].do(notify, count)
        count = len(self.line) if count is None else count
        told, self.line = self.line[:count], self.line[count:]
        self.settle(told)

    @rule(pick=PICKS)
    def kill(self, pick: int) -> None:
        """While it waits, or doing nothing: nobody is notified for that."""
        number = pick % HANDS
        self.crew.replace(number)
        if number in self.line:
            self.line.remove(number)
        self.settle()

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS)
    def kill_with_the_lock(self, pick: int) -> None:
        """It may have been about to notify: all that wait return, once the first has the lock."""
        number = self.idle[pick % len(self.idle)]
        self.crew.hands[number].begin(die_with_the_lock)
        self.crew.hands[number].process.join()
        self.crew.replace(number)
        told, self.line = self.line, []
        if not told:  # then the next one to have the lock is told
            (other, *_) = self.crew.hands
            other.do(notify, 0)
        self.settle(told)

    def settle(self, told: list[int] | None = None) -> None:
        for number in told or []:
            assert self.crew.hands[number].answer() is True
        until(
            lambda: len(self.condition.waiters) == len(self.line),
            lambda: (self.condition.waiters, self.line),
        )
        assert nobody_answers(self.crew.hands[number] for number in self.line)

    @invariant()
    def it_shows_who_waits(self) -> None:
        if hasattr(self, "crew"):
            pids = {self.crew.hands[number].process.pid for number in self.line}
            assert {waiter.pid for waiter in self.condition.waiters} == pids

    def teardown(self) -> None:
        if hasattr(self, "crew"):
            self.crew.end()


class TestCondition(ConditionModel.TestCase):  # type: ignore[misc, valid-type]
    """A few, the same each time."""

    settings = settings(SETTINGS, max_examples=10, stateful_step_count=20)


@pytest.mark.campaign
class TestMuchOfCondition(ConditionModel.TestCase):  # type: ignore[misc, valid-type]
    """Many, in `make faults`."""

    settings = settings(SETTINGS, max_examples=100, stateful_step_count=20)
