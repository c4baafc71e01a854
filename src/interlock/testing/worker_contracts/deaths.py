"""A worker that dies takes the call it ran, and nothing more."""

from __future__ import annotations

import functools
import os
import signal
from itertools import pairwise

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.board import Board
from interlock.testing.worker_contracts.errors import error_of, must_go_on
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

ROUNDS = 3
OTHERS = 50


@contract("killed")
def the_kill_of_a_busy_worker_costs_one_call(trial: Trial) -> None:
    """SIGKILL from outside: that call raises, and all others have their results."""
    subject, board = begin(trial)
    for _ in range(ROUNDS):
        before = [subject.call(tasks.square, number) for number in range(OTHERS)]
        doomed = subject.call(tasks.held, board.post)
        after = [subject.call(tasks.square, number) for number in range(OTHERS)]
        os.kill(int(board.next_word()), signal.SIGKILL)
        error_of(doomed, Exception)
        must_go_on(subject, before)
        must_go_on(subject, after)
        must(not board.words_left(), "The call that was killed was made again.")


@contract("killed")
def a_call_that_dies_costs_itself(trial: Trial) -> None:
    """By SIGKILL or os._exit(), one after the other, among others."""
    subject, _ = begin(trial)
    for dying in (tasks.killed, tasks.leaves):
        before = [subject.call(tasks.square, number) for number in range(OTHERS)]
        doomed = subject.call(dying)
        after = [subject.call(tasks.square, number) for number in range(OTHERS)]
        error_of(doomed, Exception)
        must_go_on(subject, before)
        must_go_on(subject, after)


@contract("killed")
def the_kill_of_idle_workers_costs_nothing(trial: Trial) -> None:
    """All of them, again and again: what is called then has its result."""
    subject, _ = begin(trial)
    for _ in range(ROUNDS):
        board = Board(trial)
        calls = [subject.call(tasks.held, board.post) for _ in range(2)]
        pids = {int(word) for word in board.next_words(2)}
        board.open_gate()
        for call in calls:
            call.value()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        must_go_on(subject, [subject.call(tasks.square, number) for number in range(OTHERS)])


@contract("killed")
def a_death_costs_its_place_among_many(trial: Trial) -> None:
    """A map with an item that kills its worker raises, and no other is called twice."""
    subject, board = begin(trial)
    with raising(Exception, "A map of which one call dies"):
        subject.each(functools.partial(tasks.said_or_dies, board.post, 7), range(OTHERS))
    said = sorted(map(int, board.words_left()))
    twice = [one for one, next_one in pairwise(said) if one == next_one]
    must(not twice, f"{len(twice)} calls were made twice, among them {twice[:3]}.")
    must_go_on(subject, [])


@contract("killed")
def it_can_end_after_a_death(trial: Trial) -> None:
    """It finishes, and its calls have ended, although workers died in the midst of it."""
    subject, _ = begin(trial)
    doomed = [subject.call(tasks.killed) for _ in range(3)]
    others = [subject.call(tasks.square, number) for number in range(OTHERS)]
    subject.finish()
    for each in doomed:
        error_of(each, Exception)
    for number, other in enumerate(others):
        must(other.value() == number * number, "Another call has another result.")


CONTRACTS = (
    the_kill_of_a_busy_worker_costs_one_call,
    a_call_that_dies_costs_itself,
    the_kill_of_idle_workers_costs_nothing,
    a_death_costs_its_place_among_many,
    it_can_end_after_a_death,
)
