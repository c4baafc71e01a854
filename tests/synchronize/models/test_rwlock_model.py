"""An RWLock among several processes, some of which are killed, does what a model says (P3, P5)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import interlock
from tests.synchronize.models.crew import SETTINGS, Crew, nobody_answers, until

HANDS = 4
PICKS = st.integers(0, 11)  # of those that may do it, in turn


def acquire(lock: Any, write: bool) -> bool:
    return bool((lock.writer if write else lock.reader).acquire())


def try_acquire(lock: Any, write: bool) -> bool:
    return bool((lock.writer if write else lock.reader).acquire(False))


def release(lock: Any, write: bool) -> None:
    (lock.writer if write else lock.reader).release()


class RWLockModel(RuleBasedStateMachine):
    """Who has it, and who waits for what, in the order they came."""

    crew: Crew

    @initialize()
    def begin(self) -> None:
        self.lock = interlock.RWLock()
        self.has: dict[int, bool] = {}  # and whether to write
        self.line: list[tuple[int, bool]] = []
        self.crew = Crew(self.lock, HANDS)

    def may_enter(self, write: bool) -> bool:
        return not self.has if write else not any(self.has.values())

    @property
    def idle(self) -> list[int]:
        busy = {*self.has, *(number for number, _ in self.line)}
        return [number for number in range(HANDS) if number not in busy]

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS, write=st.booleans())
    def acquire(self, pick: int, write: bool) -> None:
        """It is let in at once, or waits behind the others."""
        number = self.idle[pick % len(self.idle)]
        self.crew.hands[number].begin(acquire, write)
        self.line.append((number, write))
        self.settle()

    @precondition(lambda self: self.idle)
    @rule(pick=PICKS, write=st.booleans())
    def try_to_acquire(self, pick: int, write: bool) -> None:
        number = self.idle[pick % len(self.idle)]
        expected = not self.line and self.may_enter(write)
        assert self.crew.hands[number].do(try_acquire, write) is expected
        if expected:
            self.has[number] = write

    @precondition(lambda self: self.has)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        number = list(self.has)[pick % len(self.has)]
        self.crew.hands[number].do(release, self.has.pop(number))
        self.settle()

    @rule(pick=PICKS)
    def kill(self, pick: int) -> None:
        """While it has it, while it waits, or doing nothing."""
        number = pick % HANDS
        was_in = self.has.pop(number, None) is not None
        self.crew.replace(number)
        self.line = [each for each in self.line if each[0] != number]
        if was_in and not self.line:
            # Nobody waits, so nobody has looked for it yet; who tries next does.
            (other, *_) = (hand for hand in self.crew.hands if hand.number not in self.has)
            if not self.has:
                other.do(acquire, True)
                other.do(release, True)
        self.settle()

    def settle(self) -> None:
        """Those in front are let in, and nobody else."""
        while self.line and self.may_enter(self.line[0][1]):
            number, write = self.line.pop(0)
            assert self.crew.hands[number].answer() is True
            self.has[number] = write
        until(
            lambda: len(self.lock.waiters) == len(self.line),
            lambda: (self.lock.waiters, self.line),
        )
        assert nobody_answers(self.crew.hands[number] for number, _ in self.line)

    @invariant()
    def it_shows_who_has_it(self) -> None:
        if not hasattr(self, "crew"):
            return
        pids = [hand.process.pid for hand in self.crew.hands]
        living = {reader.pid for reader in self.lock.readers} & set(pids)
        assert living == {pids[number] for number, write in self.has.items() if not write}
        writer = self.lock.owner
        writing = [pids[number] for number, write in self.has.items() if write]
        assert ([writer.pid] if writer is not None and writer.pid in pids else []) == writing

    def teardown(self) -> None:
        if hasattr(self, "crew"):
            self.crew.end()


class TestRWLock(RWLockModel.TestCase):  # type: ignore[misc, valid-type]
    """A few, the same each time."""

    settings = settings(SETTINGS, max_examples=15, stateful_step_count=25)


@pytest.mark.campaign
class TestMuchOfRWLock(RWLockModel.TestCase):  # type: ignore[misc, valid-type]
    """Many, in `make faults`."""

    settings = settings(SETTINGS, max_examples=200, stateful_step_count=25)
