"""check_event: what holds of every event with multiprocessing's interface and ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite, contract, must
from interlock.testing.kill import die
from interlock.testing.trial import Starter, Task, Trial

__all__ = ["check_event"]

TIMEOUT_S = 60.0


def check_event(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of an event on new ones, with threads and processes.

    Args:
        factory: Makes an event for processes of the context.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the event does not offer; the contracts about them are left out.
            They are: ``killed`` (no death stops it), ``moment`` (who waits when it is set and
            cleared at once has seen it).
        timeout: How long one contract may take, in seconds.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_event(context.Event, context=context)
    """
    _suite.run(factory, context, without, timeout)


@contract()
def it_is_set_until_it_is_cleared(trial: Trial) -> None:
    """is_set() and wait() tell, in any process."""
    event = trial.make()
    must(event.is_set() is False, "A new one is set.")
    changes = [event.set, event.set, event.clear, event.clear, event.set]
    for change, expected in zip(changes, [True, True, False, False, True], strict=True):
        change()
        must(event.is_set() is expected, f"is_set() is not {expected}.")
        must(event.wait(0) is expected, f"wait(0) is not {expected}.")
        must(trial.child(_is_set, event).result() is expected, f"A child has not seen {expected}.")


def _is_set(event: Any) -> bool:
    return bool(event.is_set())


@contract()
def all_that_wait_return(trial: Trial) -> None:
    """set() wakes every thread and process that waits."""
    event = trial.make()
    waiting: list[Task] = [
        *(trial.thread(event.wait) for _ in range(2)),
        *(trial.child(_wait, event) for _ in range(2)),
    ]
    for each in waiting:
        each.wait_asleep()
    trial.child(_set, event).result()
    must(all(each.result() is True for each in waiting), "wait() was not True.")


def _wait(event: Any) -> bool:
    return bool(event.wait())


def _set(event: Any) -> None:
    event.set()


@contract()
def it_gives_up_in_time(trial: Trial) -> None:
    """wait(timeout) is False after that time, and not before."""
    event = trial.make()
    for timeout_s in (0.0, 0.05, -1):
        begun = time.monotonic()
        must(event.wait(timeout_s) is False, "It was not set.")
        must(time.monotonic() - begun >= timeout_s - 0.002, "It gave up too early.")


@contract("moment")
def a_moment_is_enough(trial: Trial) -> None:
    """Who waits while it is set and cleared at once returns True."""
    event = trial.make()
    for _ in range(20):
        waiting = [trial.thread(event.wait), trial.thread(event.wait, trial.rest_s())]
        for each in waiting:
            each.wait_asleep()
        event.set()
        event.clear()
        must(all(each.result() is True for each in waiting), "wait() has not seen it.")


@contract("killed")
def no_death_stops_it(trial: Trial) -> None:
    """Those that die while they wait, or right after they have set it, hinder nobody."""
    event = trial.make()
    for _ in range(3):
        doomed, other = trial.child(_wait, event), trial.child(_wait, event)
        doomed.wait_asleep()
        other.wait_asleep()
        doomed.kill()
        setter = trial.doomed(_set_and_die, event)
        must(other.result() is True, "It was not seen.")
        setter.wait_dead()
        event.clear()
        must(event.is_set() is False, "It is set.")


def _set_and_die(event: Any) -> None:
    event.set()
    die()


_suite = Suite(
    "event",
    (
        it_is_set_until_it_is_cleared,
        all_that_wait_return,
        it_gives_up_in_time,
        a_moment_is_enough,
        no_death_stops_it,
    ),
)
