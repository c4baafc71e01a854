"""What comes back: the results of the calls, each once and in its place."""

from __future__ import annotations

import functools
import os
from collections import Counter
from typing import Any

from interlock.testing.contract import contract, must
from interlock.testing.samples import SIZES, assorted, first_fault, must_be_pattern, pattern
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import Subject, begin

__all__ = ["CONTRACTS"]

EACH = 300  # calls in a row
CALLERS = 3


@contract()
def what_is_returned_arrives(trial: Trial) -> None:
    """Arguments and results of any type and size arrive as they were."""
    subject, _ = begin(trial)
    for sent in assorted():
        got = subject.call(tasks.echo, sent).value()
        must(
            type(got) is type(sent) and repr(got) == repr(sent),
            f"{sent!r} came back as {got!r}.",
        )
    for size in SIZES:
        must_be_pattern(subject.call(tasks.echo, pattern(size)).value(), size)


@contract()
def results_are_in_the_order_of_the_items(trial: Trial) -> None:
    """Of a map, and of one that is taken as it comes."""
    subject, _ = begin(trial)
    for results in (
        subject.each(tasks.echo, range(EACH)),
        list(subject.lazily(tasks.echo, range(EACH))),
    ):
        must(len(results) == EACH, f"Of {EACH} items there are {len(results)} results.")
        must(results == list(range(EACH)), f"They came as {first_fault(results)}.")


@contract()
def an_input_may_be_empty(trial: Trial) -> None:
    """So is the result then; and an input may be a generator."""
    subject, _ = begin(trial)
    must(subject.each(tasks.square, []) == [], "There are results of nothing.")
    must(list(subject.lazily(tasks.square, iter(()))) == [], "There are results of nothing.")
    squares = subject.each(tasks.square, (n for n in range(5)))
    must(squares == [0, 1, 4, 9, 16], f"The squares are {squares}.")


@contract()
def every_call_is_made_once(trial: Trial) -> None:
    """Whatever way it was asked for: not twice, and not left out."""
    subject, board = begin(trial)
    said, _ = tasks.at(board.post)
    calls = [subject.call(said, number) for number in range(100)]
    got = [call.value() for call in calls]
    got += subject.each(said, range(100, 200))
    got += subject.lazily(said, range(200, 300))
    must(got == list(range(300)), "The results are not those of the calls.")
    times = Counter(map(int, board.words_left()))
    wrong = [number for number in range(300) if times[number] != 1]
    must(
        not wrong,
        f"{len(wrong)} calls were not made once; {wrong[:1]} was made "
        f"{[times[number] for number in wrong[:1]]} times.",
    )


@contract()
def all_workers_work(trial: Trial) -> None:
    """As many calls run at the same time as there are workers."""
    subject, board = begin(trial, 3)
    _, held = tasks.at(board.post)
    calls = [subject.call(held, number) for number in range(3)]
    board.next_words(3)
    board.open_gate()
    must([call.value() for call in calls] == [0, 1, 2], "The results are others.")


@contract()
def no_more_run_than_there_are_workers(trial: Trial) -> None:
    """A call that is one too many begins when another is done."""
    subject, board = begin(trial, 2)
    said, held = tasks.at(board.post)
    waiting = [subject.call(held), subject.call(held)]
    board.next_words(2)
    late = subject.call(said, "late")
    must(board.is_silent(), "Three calls ran on two workers.")
    board.open_gate()
    for each in (*waiting, late):
        each.value()


@contract("processes")
def workers_are_processes(trial: Trial) -> None:
    """Calls run in processes other than this one, and no two at once in the same."""
    subject, board = begin(trial, 2)
    calls = [subject.call(tasks.held, board.post) for _ in range(2)]
    pids = set(board.next_words(2))
    board.open_gate()
    must(len(pids) == 2 and str(os.getpid()) not in pids, f"They ran in processes {pids}.")
    for call in calls:
        call.value()


@contract()
def many_threads_may_call(trial: Trial) -> None:
    """At once, and each gets its own results."""
    subject, _ = begin(trial)
    callers = [trial.thread(_squares_from, subject, n * EACH) for n in range(CALLERS)]
    for number, caller in enumerate(callers):
        wanted = [n * n for n in range(number * EACH, (number + 1) * EACH)]
        must(caller.result() == wanted, "One of them got others' results.")


def _squares_from(subject: Subject, first: int) -> list[Any]:
    half = EACH // 2
    calls = [subject.call(tasks.square, n) for n in range(first, first + half)]
    rest = subject.each(tasks.square, range(first + half, first + EACH))
    return [call.value() for call in calls] + rest


@contract("lambdas")
def functions_without_a_name_are_called(trial: Trial) -> None:
    """A lambda, and a closure with what it closes over; `cloudpickle` may be needed for that."""
    subject, _ = begin(trial)
    offset = 40

    def closure(number: int) -> int:
        return number + offset

    must(subject.each(lambda n: n + 1, range(5)) == [1, 2, 3, 4, 5], "A lambda's results differ.")
    must(subject.call(closure, 2).value() == 42, "A closure's result differs.")


@contract()
def callables_of_all_kinds_are_called(trial: Trial) -> None:
    """Built-in functions, classes, bound methods, partial objects."""
    subject, _ = begin(trial)
    got = [
        subject.call(pow, 2, 10).value(),
        subject.call(complex, 1, 2).value(),
        subject.call("a-b".split, "-").value(),
        subject.call(functools.partial(tasks.add, right=5), 1).value(),
    ]
    must(got == [1024, 1 + 2j, ["a", "b"], 6], f"The results are {got}.")


CONTRACTS = (
    what_is_returned_arrives,
    results_are_in_the_order_of_the_items,
    an_input_may_be_empty,
    every_call_is_made_once,
    all_workers_work,
    no_more_run_than_there_are_workers,
    workers_are_processes,
    many_threads_may_call,
    functions_without_a_name_are_called,
    callables_of_all_kinds_are_called,
)
