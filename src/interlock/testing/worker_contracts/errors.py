"""What fails: the call that did, with what it raised, and no other."""

from __future__ import annotations

import traceback
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import Answer, Subject, begin

__all__ = ["CONTRACTS", "error_of", "must_go_on"]

ANYTHING = (Exception, SystemExit)


def error_of(call: Answer, expected: type[BaseException] | tuple[type[BaseException], ...]) -> Any:
    """What a call raises, which must be one of those.

    Raises:
        AssertionError: It returned, or raised something else.
    """
    raised: list[BaseException] = []
    with raising(expected, "A call that failed"):
        try:
            call.value()
        except BaseException as error:
            raised.append(error)
            raise
    return raised[0]


def must_go_on(subject: Subject, others: list[Answer], first: int = 0) -> None:
    """Raise unless these calls of `square`, from a number on, and a new one have their results.

    Raises:
        AssertionError: One has another, or fails.
    """
    for number, other in enumerate(others, first):
        must(other.value() == number * number, "Another call has another result.")
    must(subject.call(tasks.square, 12).value() == 144, "A later call has another result.")


@contract()
def what_a_call_raises_is_raised(trial: Trial) -> None:
    """Its class and arguments, where its result is asked for; other calls have their results."""
    subject, _ = begin(trial)
    failing = subject.call(tasks.refuse, "why", 7)
    others = [subject.call(tasks.square, number) for number in range(50)]
    error = error_of(failing, tasks.Refused)
    must(error.args == ("why", 7), f"Its arguments are {error.args}.")
    must_go_on(subject, others)


@contract()
def what_one_of_many_raises_is_raised(trial: Trial) -> None:
    """A map with an item that fails raises that; what comes as it comes has the results before."""
    subject, _ = begin(trial)
    with raising(tasks.Refused, "A map of which one call fails"):
        subject.each(tasks.refuse_seven, range(10))
    results = subject.lazily(tasks.refuse_seven, range(10))
    got = [next(results) for _ in range(7)]
    must(got == list(range(7)), f"Before the one that fails came {got}.")
    with raising(tasks.Refused, "The result of the call that failed"):
        next(results)
    must_go_on(subject, [])


@contract()
def an_exception_tells_where_it_was_raised(trial: Trial) -> None:
    """Printed, it has the line of the worker's code, however deep."""
    subject, _ = begin(trial)
    error = error_of(subject.call(tasks.fail_deep), tasks.Refused)
    printed = "".join(traceback.format_exception(error))
    must('raise Refused("inside")' in printed, f"It is printed as:\n{printed}")


@contract()
def notes_of_an_exception_arrive(trial: Trial) -> None:
    """What was added by add_note()."""
    subject, _ = begin(trial)
    error = error_of(subject.call(tasks.fail_from), tasks.Refused)
    notes = getattr(error, "__notes__", None)
    must(notes == ["a note"], f"Its notes are {notes}.")


@contract("causes")
def causes_of_an_exception_arrive(trial: Trial) -> None:
    """What it was raised from, as an exception of its class."""
    subject, _ = begin(trial)
    error = error_of(subject.call(tasks.fail_from), tasks.Refused)
    cause = error.__cause__
    must(isinstance(cause, KeyError), f"Its cause is {cause!r}.")
    must(cause.args == ("inner",), f"Its cause has the arguments {cause.args}.")


@contract("odd_errors")
def an_exception_with_an_odd_constructor_arrives(trial: Trial) -> None:
    """One that takes other arguments than it passes on, with its attributes."""
    subject, _ = begin(trial)
    others = [subject.call(tasks.square, number) for number in range(50)]
    error = error_of(subject.call(tasks.fail_odd), tasks.OddError)
    must(str(error) == "one-2" and error.second == 2, f"It arrived as {error!r}.")
    must_go_on(subject, others)


@contract("processes")
def an_argument_that_cannot_be_sent_fails_alone(trial: Trial) -> None:
    """By the call, or where its result is asked for; other calls have their results."""
    subject, _ = begin(trial)
    others = [subject.call(tasks.square, number) for number in range(20)]
    with raising(Exception, "A call with an argument that cannot be sent"):
        subject.call(tasks.echo, tasks.Sealed()).value()
    must_go_on(subject, others)


@contract("processes")
def a_result_that_cannot_be_sent_fails_alone(trial: Trial) -> None:
    """Where it is asked for; its worker and the other calls go on."""
    subject, _ = begin(trial)
    others = [subject.call(tasks.square, number) for number in range(20)]
    error_of(subject.call(tasks.sealed), Exception)
    must_go_on(subject, others)


@contract("exits")
def a_call_that_exits_costs_itself(trial: Trial) -> None:
    """sys.exit() within a call ends that call, by whatever exception; others go on."""
    subject, _ = begin(trial)
    others = [subject.call(tasks.square, number) for number in range(20)]
    error_of(subject.call(tasks.exits), ANYTHING)
    must_go_on(subject, others)


CONTRACTS = (
    what_a_call_raises_is_raised,
    what_one_of_many_raises_is_raised,
    an_exception_tells_where_it_was_raised,
    notes_of_an_exception_arrive,
    causes_of_an_exception_arrive,
    an_exception_with_an_odd_constructor_arrives,
    an_argument_that_cannot_be_sent_fails_alone,
    a_result_that_cannot_be_sent_fails_alone,
    a_call_that_exits_costs_itself,
)
