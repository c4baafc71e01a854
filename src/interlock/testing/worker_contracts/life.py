"""How workers begin and end: initializers, quotas, and processes that have a pool and end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.processes import wait_ended
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.board import Board, Post
from interlock.testing.worker_contracts.subject import Subject, begin

__all__ = ["CONTRACTS"]

WORKERS = 2


@contract()
def each_worker_is_prepared_first(trial: Trial) -> None:
    """The initializer is called with its arguments, once in each worker, before any call."""
    board = Board(trial)
    subject: Subject = trial.make(
        workers=WORKERS, initializer=tasks.prepare, initargs=(board.post, 1, "two")
    )
    calls = [subject.call(tasks.prepared_at, board.post) for _ in range(WORKERS)]
    said: list[str] = []
    while said.count("asked") < WORKERS:
        said.append(board.next_word())
    board.open_gate()
    for call in calls:
        must(call.value() == (1, "two"), "A worker was not prepared, or with other arguments.")
    must(said.count("prepared") == WORKERS, f"Of {WORKERS} workers they said {said}.")
    must(said[0] == "prepared", "A call began before.")


@contract("broken_initializer")
def nobody_waits_for_workers_that_cannot_begin(trial: Trial) -> None:
    """When the initializer raises, so do the calls, earlier or later ones; and it can end."""
    subject, _ = begin(trial, WORKERS, initializer=tasks.refuse_plainly)
    for _ in range(2):
        with raising(Exception, "A call to workers whose initializer fails"):
            subject.call(tasks.square, 1).value()
    subject.finish()


@contract("quota", "processes")
def a_worker_has_a_quota(trial: Trial) -> None:
    """After so many calls another takes its place, and no call is lost."""
    subject, _ = begin(trial, WORKERS, quota=2)
    calls = [subject.call(tasks.who) for _ in range(12)]
    pids = [call.value() for call in calls]
    most = max(pids.count(pid) for pid in pids)
    must(most <= 2, f"A worker with a quota of 2 calls had {most}.")
    must(subject.each(tasks.square, range(20)) == [n * n for n in range(20)], "Squares differ.")


@contract()
def it_finishes_what_it_has(trial: Trial) -> None:
    """Told to end, it ends when all calls are made, and their results are there."""
    subject, board = begin(trial, WORKERS)
    _, held = tasks.at(board.post)
    calls = [subject.call(held, number) for number in range(6)]
    results = subject.lazily(tasks.square, range(20))
    board.next_words(WORKERS)
    finishing = trial.thread(subject.finish)
    finishing.wait_asleep()
    must(not finishing.is_over(), "It ended while a call ran.")
    board.open_gate()
    finishing.result()
    must([call.value() for call in calls] == list(range(6)), "The results are others.")
    must(list(results) == [n * n for n in range(20)], "Those that come as they come are others.")


@contract()
def who_has_ended_takes_no_more(trial: Trial) -> None:
    """A call after the end raises ValueError or RuntimeError; ending again does nothing."""
    subject, _ = begin(trial, WORKERS)
    must(subject.call(tasks.square, 3).value() == 9, "The result is another.")
    subject.finish()
    ways: tuple[Callable[[], Any], ...] = (
        lambda: subject.call(tasks.square, 3),
        lambda: subject.each(tasks.square, [3]),
        lambda: subject.lazily(tasks.square, [3]),
    )
    for way in ways:
        with raising((ValueError, RuntimeError), "A call after the end"):
            way()
    subject.finish()


@contract()
def one_that_never_worked_ends(trial: Trial) -> None:
    """At once, as one that did."""
    for _ in range(2):
        subject, _ = begin(trial, WORKERS)
        subject.finish()


@contract("left_open")
def a_process_that_has_one_ends(trial: Trial) -> None:
    """It need not end its pool or executor first, and workers do not outlive it."""
    board = Board(trial)
    child = trial.child(_use_and_leave, trial.factory, board.post)
    pids = {int(word) for word in board.next_words(WORKERS)} - {child.pid}
    board.open_gate()
    with _gone_at_last(pids):
        child.result()
        for pid in pids:
            wait_ended(pid, trial.rest_s())


@contract("orphans", "processes")
def workers_do_not_outlive_a_killed_process(trial: Trial) -> None:
    """Those that are in the midst of a call end too when their pool's process is killed."""
    board = Board(trial)
    child = trial.doomed(_use_and_leave, trial.factory, board.post)
    pids = {int(word) for word in board.next_words(WORKERS)}
    with _gone_at_last(pids):
        os.kill(child.pid, signal.SIGKILL)
        child.wait_dead()
        for pid in pids:
            wait_ended(pid, trial.rest_s())


@contextmanager
def _gone_at_last(pids: set[int]) -> Iterator[None]:
    """Where the contract is broken, nothing stays for it."""
    try:
        yield
    except BaseException:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise


def _use_and_leave(factory: Callable[..., Any], post: Post) -> None:
    subject: Subject = factory(workers=WORKERS)
    _kept.append(subject)
    for call in [subject.call(tasks.held, post, n) for n in range(WORKERS)]:
        call.value()


_kept: list[Subject] = []  # a program's global, which nobody ends


CONTRACTS = (
    each_worker_is_prepared_first,
    nobody_waits_for_workers_that_cannot_begin,
    a_worker_has_a_quota,
    it_finishes_what_it_has,
    who_has_ended_takes_no_more,
    one_that_never_worked_ends,
    a_process_that_has_one_ends,
    workers_do_not_outlive_a_killed_process,
)
