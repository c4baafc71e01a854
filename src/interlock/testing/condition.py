"""check_condition: what holds of every condition with multiprocessing's interface and ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite, contract, must, raising
from interlock.testing.trial import Starter, Trial

__all__ = ["check_condition"]

TIMEOUT_S = 60.0
WAITERS = 3
THINGS = 100


def check_condition(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a condition on new ones, with threads and processes.

    Args:
        factory: Makes a condition for processes of the context, with an RLock.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the condition does not offer; the contracts about them are left out.
            They are: ``killed`` (the dead take no notification), ``order`` (those that
            came first are notified first).
        timeout: How long one contract may take, in seconds.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_condition(context.Condition, context=context)
    """
    _suite.run(factory, context, without, timeout)


def _wait(condition: Any, within_s: float | None = None) -> bool:
    with condition:
        return bool(condition.wait(within_s))


def _all_wait(condition: Any, tasks: list[Any]) -> None:
    """Until they have given the lock up."""
    for task in tasks:
        task.wait_asleep()
    with condition:
        pass


@contract()
def it_wakes_as_many_as_it_says(trial: Trial) -> None:
    """notify(n) wakes n of those that wait, and notify_all() all of them."""
    condition, (reading, writing) = trial.make(), trial.pipe()
    start = (trial.child, trial.thread, trial.child)
    tasks = [make(_wait_and_tell, condition, writing) for make in start]
    _all_wait(condition, tasks)
    with condition:
        condition.notify(2)
    for _ in range(2):
        must(reading.poll(trial.rest_s()), "A notification was lost.")
        reading.recv()
    must(not reading.poll(0.1), "One more than was notified has woken.")
    with condition:
        condition.notify_all()
    must(reading.poll(trial.rest_s()), "A notification was lost.")
    for task in tasks:
        must(task.result() is True, "wait() was not True.")
    with condition:
        condition.notify()
        must(condition.wait(0.05) is False, "A notification waited for somebody to come.")


def _wait_and_tell(condition: Any, writing: Any) -> bool:
    told = _wait(condition)
    writing.send(None)
    return told


@contract()
def it_gives_the_lock_up_while_it_waits(trial: Trial) -> None:
    """However often the thread has it; wait() returns with it, as often."""
    condition = trial.make()
    with condition, condition:
        thread = trial.thread(_notify, condition)
        must(condition.wait(trial.rest_s()) is True, "Nobody could notify.")
        thread.result()
        must(trial.thread(condition.acquire, False).result() is False, "It has not got the lock.")
    must(trial.thread(_wait, condition, 0.0).result() is False, "The lock was not given up.")


def _notify(condition: Any) -> None:
    with condition:
        condition.notify()


@contract()
def the_lock_is_needed(trial: Trial) -> None:
    """wait() and notify() without it are an AssertionError or a RuntimeError."""
    condition = trial.make()
    for operation in (condition.wait, condition.notify, condition.notify_all):
        with raising((AssertionError, RuntimeError), f"{operation.__name__}() without the lock"):
            operation()


@contract()
def it_waits_for_what_becomes_true(trial: Trial) -> None:
    """Of a predicate, looked at whenever notified; at the timeout, what it is then."""
    condition, (reading, writing) = trial.make(), trial.pipe()
    thread = trial.thread(_wait_for, condition, reading)
    thread.wait_asleep()
    for _ in range(3):
        _notify(condition)
    with condition:
        writing.send("changed")
        condition.notify()
    must(thread.result() is True, "It was not seen.")
    begun = time.monotonic()
    with condition:
        must(condition.wait_for(lambda: 0, 0.05) == 0, "It returned something else.")
    must(time.monotonic() - begun >= 0.048, "It gave up too early.")


def _wait_for(condition: Any, reading: Any) -> bool:
    with condition:
        return bool(condition.wait_for(reading.poll))


@contract()
def no_change_is_missed(trial: Trial) -> None:
    """Makers and takers, in threads and processes: each thing is taken once."""
    condition, (reading, writing) = trial.make(), trial.pipe()
    tasks = [
        start(target, condition, end)
        for start in (trial.thread, trial.child)
        for target, end in ((_take, reading), (_make, writing))
    ]
    for task in tasks:
        task.result()
    must(not reading.poll(), "Some are left.")


def _make(condition: Any, writing: Any) -> None:
    for number in range(THINGS):
        with condition:
            writing.send(number)
            condition.notify()


def _take(condition: Any, reading: Any) -> None:
    for _ in range(THINGS):
        with condition:
            while not reading.poll():
                condition.wait()
            reading.recv()


@contract("order")
def those_that_came_first_are_first(trial: Trial) -> None:
    """notify() wakes the one that has waited longest."""
    condition, (reading, writing) = trial.make(), trial.pipe()
    tasks = []
    for number in range(WAITERS):
        start = trial.child if number % 2 else trial.thread
        tasks.append(start(_wait_and_number, condition, writing, number))
        _all_wait(condition, tasks[-1:])
    for number in range(WAITERS):
        _notify(condition)
        must(reading.poll(trial.rest_s()), "A notification was lost.")
        woken = reading.recv()
        must(woken == number, f"Number {woken} was woken instead of {number}.")


def _wait_and_number(condition: Any, writing: Any, number: int) -> None:
    _wait(condition)
    writing.send(number)


@contract("killed")
def the_dead_take_no_notification(trial: Trial) -> None:
    """One that died while it waited is passed over."""
    condition = trial.make()
    for _ in range(3):
        doomed = trial.child(_wait, condition)
        _all_wait(condition, [doomed])
        other = trial.child(_wait, condition)
        _all_wait(condition, [other])
        doomed.kill()
        _notify(condition)
        must(other.result() is True, "The notification went to the dead.")
        with condition:
            must(condition.wait(0.0) is False, "A notification is left.")


@contract("killed")
def who_notifies_waits_for_nobody(trial: Trial) -> None:
    """Not for the dead, and not for those that are stopped."""
    condition = trial.make()
    doomed = [trial.child(_wait, condition) for _ in range(WAITERS)]
    _all_wait(condition, doomed)
    for each in doomed:
        each.kill()
    begun = time.monotonic()
    with condition:
        condition.notify_all()
    must(time.monotonic() - begun < 1.0, "It waited for the dead.")


_suite = Suite(
    "condition",
    (
        it_wakes_as_many_as_it_says,
        it_gives_the_lock_up_while_it_waits,
        the_lock_is_needed,
        it_waits_for_what_becomes_true,
        no_change_is_missed,
        those_that_came_first_are_first,
        the_dead_take_no_notification,
        who_notifies_waits_for_nobody,
    ),
)
