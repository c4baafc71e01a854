"""Many calls whose results are wanted together: map(), starmap(), and their async forms."""

from __future__ import annotations

import multiprocessing
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

EACH = 100
SHORT_S = 0.05
CHUNKS = (None, 1, 7, EACH, 10 * EACH)
SQUARES = [n * n for n in range(EACH)]
SUMS = [n + 1 for n in range(EACH)]


@contract()
def the_chunksize_changes_no_result(trial: Trial) -> None:
    """Of map(), starmap() and their async forms, whatever it is; below 1 it is none."""
    subject, _ = begin(trial)
    pool = subject.inner
    pairs = [(n, 1) for n in range(EACH)]
    for size in CHUNKS:
        for got, wanted in (
            (pool.map(tasks.square, range(EACH), size), SQUARES),
            (pool.map_async(tasks.square, range(EACH), size).get(), SQUARES),
            (pool.starmap(tasks.add, pairs, size), SUMS),
            (pool.starmap_async(tasks.add, iter(pairs), chunksize=size).get(), SUMS),
        ):
            must(got == wanted, f"With chunksize={size} results are lost, or out of order.")


@contract()
def a_map_is_ready_when_all_is_done(trial: Trial) -> None:
    """Not while one of its calls runs."""
    subject, board = begin(trial)
    _, held = tasks.at(board.post)
    result = subject.inner.map_async(held, range(4), 1)
    board.next_words(2)
    must(not result.ready(), "It is ready while two calls run.")
    with raising(multiprocessing.TimeoutError, "get() with a timeout while calls run"):
        result.get(SHORT_S)
    board.open_gate()
    must(result.get() == list(range(4)), "The results are others.")
    must(result.ready() and result.successful(), "It is not told that all is done.")


@contract()
def a_map_has_one_callback(trial: Trial) -> None:
    """With the list of all results; or the other one, with the first exception."""
    subject, _ = begin(trial)
    pool = subject.inner
    results: list[Any] = []
    errors: list[Any] = []
    both = {"callback": results.append, "error_callback": errors.append}
    pool.map_async(tasks.square, range(EACH), **both).get()
    pool.starmap_async(tasks.add, [(1, 2)], **both).wait()
    must(results == [SQUARES, [3]], "It was not called once with each list of results.")
    must(not errors, f"The one for exceptions got {errors}.")
    failing = pool.map_async(tasks.refuse_seven, range(EACH), 1, **both)
    failing.wait()
    must(not failing.successful(), "A map of which one call failed is successful.")
    must(len(errors) == 1 and type(errors[0]) is tasks.Refused, f"It got {errors}.")


@contract()
def a_map_reads_its_input_first(trial: Trial) -> None:
    """What the input raises is raised by map(), and the pool goes on."""
    subject, _ = begin(trial)
    for size in (None, 3):
        with raising(tasks.Refused, "map() of an input that raises"):
            subject.inner.map(tasks.square, map(tasks.refuse_seven, range(10)), size)
    must(subject.inner.map(tasks.square, range(EACH)) == SQUARES, "The next results are others.")


CONTRACTS = (
    the_chunksize_changes_no_result,
    a_map_is_ready_when_all_is_done,
    a_map_has_one_callback,
    a_map_reads_its_input_first,
)
