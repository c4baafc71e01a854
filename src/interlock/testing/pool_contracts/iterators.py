"""Results that are taken as they come: imap() and imap_unordered()."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
from collections.abc import Iterator
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

EACH = 100
SHORT_S = 0.05
SQUARES = [n * n for n in range(EACH)]


@contract()
def imap_keeps_the_order(trial: Trial) -> None:
    """With any chunksize, of a list or a generator; and imap_unordered() has the same results."""
    subject, _ = begin(trial)
    pool = subject.inner
    for size in (1, 7, 10 * EACH):
        must(list(pool.imap(tasks.square, range(EACH), size)) == SQUARES, "They differ.")
        numbers = (n for n in range(EACH))
        must(list(pool.imap(tasks.square, numbers, chunksize=size)) == SQUARES, "They differ.")
        unordered = pool.imap_unordered(tasks.square, range(EACH), size)
        must(sorted(unordered) == SQUARES, "Without order there are others.")
    for method in (pool.imap, pool.imap_unordered):
        with raising(ValueError, "chunksize=0"):
            method(tasks.square, range(EACH), 0)


@contract()
def what_is_slow_holds_up_only_the_order(trial: Trial) -> None:
    """imap_unordered() gives results that are there while another call runs; imap() does not."""
    subject, board = begin(trial)
    hold = functools.partial(tasks.hold_first, board.post)
    unordered = subject.inner.imap_unordered(hold, range(4), 1)
    must(sorted(next(unordered) for _ in range(3)) == [1, 2, 3], "The held one was given.")
    with raising(multiprocessing.TimeoutError, "next() with a timeout while the call runs"):
        unordered.next(SHORT_S)
    ordered = subject.inner.imap(hold, range(4), 1)
    with raising(multiprocessing.TimeoutError, "next() with a timeout while the first call runs"):
        ordered.next(timeout=SHORT_S)
    board.open_gate()
    must(unordered.next() == 0, "The held one has another result.")
    must(list(ordered) == [0, 1, 2, 3], "They are others, or out of order.")
    for results in (unordered, ordered):
        with raising(StopIteration, "next() after the last"):
            next(results)


@contract()
def iteration_goes_on_after_a_failure(trial: Trial) -> None:
    """A call that raised does so in its place, and the next results come after it."""
    subject, _ = begin(trial)
    results = subject.inner.imap(tasks.refuse_seven, range(10), 1)
    must([next(results) for _ in range(7)] == list(range(7)), "Before it, the results differ.")
    with raising(tasks.Refused, "The result of the call that failed"):
        next(results)
    must(list(results) == [8, 9], "After it, the results differ.")
    unordered = subject.inner.imap_unordered(tasks.refuse_seven, range(10), 1)
    got, failures = _taken(unordered, 10)
    must(failures == 1 and sorted(got) == [*range(7), 8, 9], f"It gave {got}.")


@contract()
def an_input_that_raises_does_so_in_its_place(trial: Trial) -> None:
    """After the results of what came before, and the pool goes on."""
    subject, _ = begin(trial)
    pool = subject.inner
    results = pool.imap(tasks.square, map(tasks.refuse_seven, range(10)), 1)
    must([next(results) for _ in range(7)] == SQUARES[:7], "The results before it differ.")
    with raising(tasks.Refused, "The result of an input that raised"):
        next(results)
    unordered = pool.imap_unordered(tasks.square, map(tasks.refuse_seven, range(10)), 1)
    got, failures = _taken(unordered, 8)
    must(failures == 1 and sorted(got) == SQUARES[:7], f"Without order it gave {got}.")
    must(list(pool.imap(tasks.square, range(EACH))) == SQUARES, "The next results are others.")


def _taken(results: Iterator[Any], number: int) -> tuple[list[Any], int]:
    """So many results, and how many of them were exceptions."""
    got = []
    for _ in range(number):
        with contextlib.suppress(tasks.Refused):
            got.append(next(results))
    return got, number - len(got)


CONTRACTS = (
    imap_keeps_the_order,
    what_is_slow_holds_up_only_the_order,
    iteration_goes_on_after_a_failure,
    an_input_that_raises_does_so_in_its_place,
)
