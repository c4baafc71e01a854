"""Processes that do what a model says, one thing at a time, and may be killed meanwhile."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import Phase, settings

import interlock
from interlock.errors import AbandonedLockWarning

SETTLED_S = 10.0  # what has to happen happens long before
# And what must not has not happened by then: a recheck comes after 50 ms. What comes later is
# found at a later step; a campaign has the time to wait three times as long.
QUIET_S = 0.15 if "INTERLOCK_KILLS" in os.environ else 0.06

# The steps that failed are told as they were: to look for fewer would start thousands of processes.
SETTINGS = settings(
    deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate), print_blob=True
)


class Hand:
    """A process that is asked for one thing, and then for the next when it has answered."""

    def __init__(self, number: int, subject: Any) -> None:
        context = interlock.get_context("fork")
        self.number = number
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, subject), daemon=True)
        self.process.start()
        theirs.close()
        self.busy = False

    def begin(self, work: Callable[..., Any], *args: Any) -> None:
        """Ask for something that may take a while."""
        self.line.send((work, args))
        self.busy = True

    def has_answered(self) -> bool:
        """Whether the answer is there."""
        return self.line.poll()

    def answer(self) -> Any:
        """What came of it."""
        assert self.line.poll(SETTLED_S), f"hand {self.number} is still at it"
        self.busy = False
        answer = self.line.recv()
        assert not isinstance(answer, Exception), answer
        return answer

    def do(self, work: Callable[..., Any], *args: Any) -> Any:
        """Ask for something, and wait for the answer."""
        self.begin(work, *args)
        return self.answer()

    def kill(self) -> None:
        """End it by SIGKILL, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.line.close()


def _serve(line: Any, subject: Any) -> None:
    warnings.simplefilter("ignore", AbandonedLockWarning)  # hands are killed all the time
    while True:
        try:
            work, args = line.recv()
        except (EOFError, OSError):
            return
        try:
            answer = work(subject, *args)
        except Exception as error:
            answer = error
        line.send(answer)


class Crew:
    """Some hands on one subject; a killed one is replaced."""

    def __init__(self, subject: Any, count: int) -> None:
        self.subject = subject
        self.hands = [Hand(number, subject) for number in range(count)]

    def replace(self, number: int) -> Hand:
        """Kill a hand, and put a new one in its place."""
        self.hands[number].kill()
        self.hands[number] = Hand(number, self.subject)
        return self.hands[number]

    def end(self) -> None:
        """Kill them all."""
        for hand in self.hands:
            hand.kill()


def until(holds: Callable[[], bool], otherwise: Callable[[], object]) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: It did not in time.
    """
    bound = time.monotonic() + SETTLED_S
    while not holds():
        assert time.monotonic() < bound, otherwise()
        os.sched_yield()


def nobody_answers(hands: Iterable[Hand]) -> bool:
    """Whether none of them comes back in a while in which they would, if they could."""
    lines = [hand.line for hand in hands]
    return not lines or not interlock.connection.wait(lines, QUIET_S)
