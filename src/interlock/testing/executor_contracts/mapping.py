"""map(): results in order, as they come."""

from __future__ import annotations

import time
from itertools import count, islice

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.lazy import Numbers
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

EACH = 100
SHORT_S = 0.05
LATE_S = 5.0
SQUARES = [n * n for n in range(EACH)]


@contract()
def map_takes_one_argument_of_each_input(trial: Trial) -> None:
    """As many calls as the shortest input has items, with any chunksize; below 1 it is none."""
    subject, _ = begin(trial)
    executor = subject.inner
    for size in (1, 7, 10 * EACH):
        must(list(executor.map(tasks.square, range(EACH), chunksize=size)) == SQUARES, "Differ.")
        sums = list(executor.map(tasks.add, range(EACH), count(10), chunksize=size))
        must(sums == [2 * n + 10 for n in range(EACH)], f"With chunksize={size} sums differ.")
    must(list(executor.map(tasks.square, [])) == [], "There are results of nothing.")


@contract("processes")
def a_chunk_has_an_item(trial: Trial) -> None:
    """chunksize=0 is a ValueError at the call."""
    subject, _ = begin(trial)
    with raising(ValueError, "map() with chunksize=0"):
        subject.inner.map(tasks.square, [1], chunksize=0)


@contract()
def map_begins_at_once(trial: Trial) -> None:
    """Its calls are made whether or not anybody asks for their results."""
    subject, board = begin(trial)
    said, _ = tasks.at(board.post)
    results = subject.inner.map(said, range(2))
    must(sorted(board.next_words(2)) == ["0", "1"], "Other calls were made.")
    must(list(results) == [0, 1], "The results are others.")


@contract()
def map_has_a_timeout(trial: Trial) -> None:
    """From the call of map() on; TimeoutError comes where a result does not, not before."""
    subject, board = begin(trial)
    in_time = subject.inner.map(tasks.square, range(4), timeout=trial.rest_s())
    must(list(in_time) == [0, 1, 4, 9], "Results that came in time differ.")
    begun = time.monotonic()
    late = subject.inner.map(tasks.held, [board.post], timeout=SHORT_S)
    with raising(TimeoutError, "The result of a call that does not end"):
        next(late)
    took_s = time.monotonic() - begun
    must(took_s < SHORT_S + LATE_S, f"It took {took_s:.3f} s instead of {SHORT_S} s.")


@contract()
def map_raises_in_its_place(trial: Trial) -> None:
    """After the results before it, what a call raised; then there are no more."""
    subject, _ = begin(trial)
    results = subject.inner.map(tasks.refuse_seven, range(20))
    must(list(islice(results, 7)) == list(range(7)), "The results before it differ.")
    with raising(tasks.Refused, "The result of the call that failed"):
        next(results)
    with raising(StopIteration, "A result after the one that failed"):
        next(results)
    must(list(subject.inner.map(tasks.square, range(EACH))) == SQUARES, "The next ones differ.")


@contract("buffersize")
def a_buffersize_bounds_what_is_read(trial: Trial) -> None:
    """map() has read as many items as were taken, and buffersize more at the most."""
    subject, _ = begin(trial)
    numbers = Numbers()
    results = subject.inner.map(tasks.square, numbers, buffersize=5)
    for taken in range(50):
        must(numbers.read <= taken + 5, f"With {taken} taken, {numbers.read} were read.")
        must(next(results) == taken * taken, "A result differs.")
    for none, error in ((0, ValueError), (-1, ValueError), ("5", TypeError)):
        with raising(error, f"map() with buffersize={none!r}"):
            subject.inner.map(tasks.square, [1], buffersize=none)


CONTRACTS = (
    map_takes_one_argument_of_each_input,
    a_chunk_has_an_item,
    map_begins_at_once,
    map_has_a_timeout,
    map_raises_in_its_place,
    a_buffersize_bounds_what_is_read,
)
