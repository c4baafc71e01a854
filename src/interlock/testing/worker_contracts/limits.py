"""Bounds of a call: time, memory, attempts; and calls that are ended while they run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import CancelledError
from multiprocessing import TimeoutError as LateError
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.board import Board
from interlock.testing.worker_contracts.errors import error_of, must_go_on
from interlock.testing.worker_contracts.subject import Answer, Subject, begin

__all__ = ["CONTRACTS"]

SHORT_S = 0.2
LONG_S = 1000.0
STEP = 1 << 20  # bytes
MORE = 200 * STEP  # than a worker has that has done nothing; a forked one has its parent's memory


@contract("timeout")
def a_call_that_is_too_long_is_ended(trial: Trial) -> None:
    """By TimeoutError, even where it heeds no exception; others, and those in time, go on."""
    subject, board = begin(trial)
    for too_long in (tasks.held, tasks.stubborn):
        late = subject.call(too_long, board.post, timeout=SHORT_S)
        others = [subject.call(tasks.square, number, timeout=LONG_S) for number in range(20)]
        error_of(late, (LateError, TimeoutError))
        must_go_on(subject, others)


@contract("retries", "killed")
def a_call_that_died_is_made_again(trial: Trial) -> None:
    """As often as retries says, and no more."""
    subject, board = begin(trial)
    must(_tried(subject, board, 2, tasks.killed, retries=2).value() == 3, "It returned otherwise.")
    must(board.words_left() == ["1", "2", "3"], "It was not made three times.")
    error_of(_tried(subject, board, 2, tasks.killed, retries=1), Exception)
    must(board.words_left() == ["1", "2"], "It was not made twice.")


@contract("retries")
def a_call_that_raised_is_made_again(trial: Trial) -> None:
    """Where retry_on names the exception; with another, and at the last attempt, it is raised."""
    subject, board = begin(trial)
    options: dict[str, Any] = {"retries": 2, "retry_on": tasks.Refused}
    must(_tried(subject, board, 2, tasks.refuse_plainly, **options).value() == 3, "It was not.")
    must(board.words_left() == ["1", "2", "3"], "It was not made three times.")
    error_of(_tried(subject, board, 3, tasks.refuse_plainly, **options), tasks.Refused)
    must(board.words_left() == ["1", "2", "3"], "It was not made three times.")
    options["retry_on"] = KeyError
    error_of(_tried(subject, board, 1, tasks.refuse_plainly, **options), tasks.Refused)
    must(board.words_left() == ["1"], "It was made again after an exception that was not named.")


@contract("retries", "timeout")
def a_call_that_was_too_long_is_made_again(trial: Trial) -> None:
    """Each attempt has the whole time."""
    subject, board = begin(trial)
    late = subject.call(tasks.held, board.post, timeout=SHORT_S, retries=1)
    error_of(late, (LateError, TimeoutError))
    must(len(board.words_left()) == 2, "It was not made twice.")


def _tried(
    subject: Subject, board: Board, times: int, how: Callable[[], None], **options: Any
) -> Answer:
    folder = tempfile.mkdtemp(dir=board.post.folder)
    return subject.call(tasks.fails_until, board.post, folder, times, how, **options)


@contract("cancel")
def a_call_that_runs_is_cancelled(trial: Trial) -> None:
    """By cancel(running=True): it ends with CancelledError, even where it heeds no exception."""
    subject, board = begin(trial)
    for runs in (tasks.held, tasks.stubborn):
        unwanted = subject.call(runs, board.post)
        others = [subject.call(tasks.square, number) for number in range(20)]
        board.next_word()
        must(unwanted.cancel(), "cancel(running=True) says that there is nothing to cancel.")
        error_of(unwanted, CancelledError)
        must_go_on(subject, others)


@contract("cancel")
def what_is_done_is_not_cancelled(trial: Trial) -> None:
    """cancel(running=True) of a call that has returned is False, and its result stays."""
    subject, _ = begin(trial)
    done = subject.call(tasks.square, 3)
    must(done.value() == 9 and not done.cancel() and done.value() == 9, "It was cancelled.")


@contract("memory_limit")
def a_call_that_has_too_much_memory_is_ended(trial: Trial) -> None:
    """By MemoryError; one that needs less has its result, and others go on."""
    subject, _ = begin(trial)
    limit = subject.call(tasks.resident).value() + MORE
    greedy = subject.call(tasks.eat, STEP, 4096, memory_limit=limit)
    others = [subject.call(tasks.square, number) for number in range(20)]
    error_of(greedy, MemoryError)
    must_go_on(subject, others)
    modest = subject.call(tasks.eat, STEP, 20, memory_limit=limit)
    must(modest.value() == 20, "One that needs less has another result.")


@contract("retries")
def a_bad_bound_is_refused(trial: Trial) -> None:
    """By ValueError at the call, not later."""
    subject, _ = begin(trial)
    with raising(ValueError, "A call with retries=-1"):
        subject.call(tasks.square, 1, retries=-1)
    must_go_on(subject, [])


CONTRACTS = (
    a_call_that_is_too_long_is_ended,
    a_call_that_died_is_made_again,
    a_call_that_raised_is_made_again,
    a_call_that_was_too_long_is_made_again,
    a_call_that_runs_is_cancelled,
    what_is_done_is_not_cancelled,
    a_call_that_has_too_much_memory_is_ended,
    a_bad_bound_is_refused,
)
