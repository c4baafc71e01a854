"""Inputs that are read while their results are taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

from interlock.testing.contract import contract, must
from interlock.testing.samples import first_fault
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS", "Numbers"]

EACH = 300
# Read ahead by no pool that stops somewhere; a second's work for one that does not.
FAR = 30_000
STILL_S = 0.5  # an input of which nothing was read for so long is read no further


class Numbers:
    """0, 1, 2 ... as an input that has no length, and that notices when it is read too far.

    Attributes:
        read: How many were read.
        is_read_far: Set when FAR of them were, which is the end of it.
    """

    def __init__(self) -> None:
        self.read = 0
        self.is_read_far = threading.Event()

    def __iter__(self) -> Iterator[int]:
        while self.read < FAR:
            self.read += 1
            yield self.read - 1
        self.is_read_far.set()

    def must_not_be_read_far(self) -> None:
        """Raise if it is, now or before nothing more of it is read.

        Raises:
            AssertionError: It is.
        """
        before = -1
        while before < self.read and not self.is_read_far.is_set():
            before = self.read
            self.is_read_far.wait(STILL_S)
        must(not self.is_read_far.is_set(), f"Of an endless input {FAR} items were read ahead.")


@contract("endless")
def an_input_may_be_endless(trial: Trial) -> None:
    """It is read no further ahead than the workers need, as many results as are taken."""
    subject, _ = begin(trial)
    numbers = Numbers()
    results = subject.lazily(tasks.square, numbers)
    got = list(islice(results, EACH))
    must(got == [n * n for n in range(EACH)], f"They came as {first_fault(got)}.")
    numbers.must_not_be_read_far()
    more = list(islice(results, EACH))
    must(more == [n * n for n in range(EACH, 2 * EACH)], f"They went on as {first_fault(more)}.")


@contract("endless")
def nobody_need_ask_for_results(trial: Trial) -> None:
    """An endless input is begun, and read no further, when no result is taken."""
    subject, board = begin(trial)
    said, _ = tasks.at(board.post)
    numbers = Numbers()
    results = subject.lazily(tasks.square, numbers)
    numbers.must_not_be_read_far()
    must(numbers.read > 0, "Nothing was begun.")
    must(subject.call(said, 7).value() == 7, "Another call, meanwhile, has another result.")
    must(next(results) == 0, "The first result is another.")


@contract("endless")
def an_endless_input_does_not_keep_it_from_ending(trial: Trial) -> None:
    """It can be told to finish while somebody has some results of it, and not the others."""
    subject, _ = begin(trial)
    numbers = Numbers()
    results = subject.lazily(tasks.square, numbers)
    must(next(results) == 0, "The first result is another.")
    subject.finish()
    must(not numbers.is_read_far.is_set(), "It was read to its end, which it might not have.")


CONTRACTS = (
    an_input_may_be_endless,
    nobody_need_ask_for_results,
    an_endless_input_does_not_keep_it_from_ending,
)
