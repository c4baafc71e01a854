"""What goes beyond the standard interfaces: turns, sizes, shared objects, pauses, progress."""

from __future__ import annotations

import contextlib
import io
import os
from itertools import pairwise
from multiprocessing.connection import wait

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.board import Board
from interlock.testing.worker_contracts.errors import error_of
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

PAUSE_S = 0.15
MANY, FEW = 3, 1
EACH = 37  # a number that nothing else would say


@contract("priority")
def what_is_urgent_goes_first(trial: Trial) -> None:
    """Of calls that wait, those of a higher priority; of equal ones the earlier."""
    subject, board = begin(trial, 1)
    held = subject.call(tasks.held, board.post)
    board.next_word()
    calls = [
        subject.call(tasks.said, board.post, f"{priority}.{number}", priority=priority)
        for priority in (-1, 0, 5)
        for number in range(2)
    ]
    board.open_gate()
    for call in calls:
        call.value()
    held.value()
    words = board.words_left()
    must(words == "5.0 5.1 0.0 0.1 -1.0 -1.1".split(), f"They were made in the order {words}.")


@contract("resize")
def there_can_be_more_workers(trial: Trial) -> None:
    """After resize() so many calls run at once; a number below 1 is a ValueError."""
    subject, board = begin(trial, FEW)
    must(subject.call(tasks.square, 3).value() == 9, "The result is another.")
    with raising(ValueError, "resize(0)"):
        subject.inner.resize(0)
    subject.inner.resize(MANY)
    calls = [subject.call(tasks.held, board.post) for _ in range(MANY)]
    board.next_words(MANY)
    board.open_gate()
    for call in calls:
        call.value()


@contract("resize", "processes")
def there_can_be_fewer_workers(trial: Trial) -> None:
    """Those too many end when they have done what they run, and no call is lost."""
    subject, board = begin(trial, MANY)
    calls = [subject.call(tasks.held, board.post, number) for number in range(MANY)]
    ends = [os.pidfd_open(int(pid)) for pid in board.next_words(MANY)]
    try:
        subject.inner.resize(FEW)
        waiting = [subject.call(tasks.square, number) for number in range(20)]
        board.open_gate()
        must([call.value() for call in calls] == list(range(MANY)), "What ran has other results.")
        must([call.value() for call in waiting] == [n * n for n in range(20)], "Squares differ.")
        for left in range(MANY, FEW, -1):
            ended = wait(ends, trial.rest_s())
            must(ended, f"{left} workers stay, where {FEW} had to.")
            for end in ended[:1]:
                ends.remove(end)  # type: ignore[arg-type]
                os.close(end)  # type: ignore[arg-type]
    finally:
        for end in ends:
            os.close(end)
    later = Board(trial)
    two = [subject.call(tasks.held, later.post) for _ in range(FEW + 1)]
    later.next_words(FEW)
    must(later.is_silent(), f"More than {FEW} work.")
    later.open_gate()
    for call in two:
        call.value()


@contract("share")
def what_is_shared_is_read_once(trial: Trial) -> None:
    """In each worker, however many calls are given what share() returned; .value is the object."""
    subject, board = begin(trial, 1)
    shared = subject.inner.share(tasks.Told(board.post, "word"))
    said = [subject.call(tasks.told, shared).value() for _ in range(5)]
    must(said == ["word"] * 5, f"It arrived as {said}.")
    words = board.words_left()
    must(words == ["read"], f"For 5 calls of a worker it was read {len(words)} times.")


@contract("share")
def what_cannot_be_shared_is_told_at_once(trial: Trial) -> None:
    """By share(), not by the call that would get it."""
    subject, _ = begin(trial, 1)
    with raising(Exception, "share() of what cannot be sent"):
        subject.inner.share([tasks.Sealed()])


@contract("retries", "backoff")
def a_pause_before_another_attempt_doubles(trial: Trial) -> None:
    """It is the backoff at first, and then twice as long each time."""
    subject, board = begin(trial, 1)
    failing = subject.call(
        tasks.refuse_at, board.post, retries=2, retry_on=tasks.Refused, backoff=PAUSE_S
    )
    error_of(failing, tasks.Refused)
    times = [float(word) for word in board.words_left()]
    must(len(times) == 3, f"It was made {len(times)} times, not 3.")
    for (before, after), wanted in zip(pairwise(times), (PAUSE_S, 2 * PAUSE_S), strict=True):
        must(
            after - before >= wanted,
            f"An attempt came {after - before:.3f} s after the one before; {wanted} s had to pass.",
        )


@contract("progress")
def it_shows_how_far_a_map_is(trial: Trial) -> None:
    """With progress=True, on standard error: how many calls are done at its end; else nothing."""
    subject, _ = begin(trial)
    for progress in (True, False):
        shown = io.StringIO()
        with contextlib.redirect_stderr(shown):
            subject.each(tasks.square, range(EACH), progress=progress)
        text = shown.getvalue()
        must((str(EACH) in text) == progress, f"With progress={progress} it wrote {text!r}.")
        must(progress or not text, f"Without progress it wrote {text!r}.")


CONTRACTS = (
    what_is_urgent_goes_first,
    there_can_be_more_workers,
    there_can_be_fewer_workers,
    what_is_shared_is_read_once,
    what_cannot_be_shared_is_told_at_once,
    a_pause_before_another_attempt_doubles,
    it_shows_how_far_a_map_is,
)
