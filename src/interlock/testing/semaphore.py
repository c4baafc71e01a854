"""check_semaphore: what holds of every semaphore with multiprocessing's interface and ours."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite, contract, must, raising
from interlock.testing.kill import die
from interlock.testing.lock_contracts.turns import had
from interlock.testing.trial import ChildTask, Starter, Task, Trial

__all__ = ["check_semaphore"]

TIMEOUT_S = 60.0
PLACES = 3
THINGS = 200
LATE_S = 2.0


def check_semaphore(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a semaphore on new ones, with threads and processes.

    Args:
        factory: Makes a semaphore for processes of the context, of ``value=`` places.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the semaphore does not offer; the contracts about them are left out.
            They are: ``bounded`` (it refuses more places than it was made with), ``killed``
            (places of the dead come back), ``seen`` (holders), ``unbounded`` (it counts things).
        timeout: How long one contract may take, in seconds.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_semaphore(context.Semaphore, context=context, without={"bounded"})
    """
    _suite.run(factory, context, without, timeout)


@contract()
def there_are_so_many_places(trial: Trial) -> None:
    """As many acquire() as it has places are True at once; one more is not."""
    semaphore = trial.make(value=PLACES)
    for taken in range(PLACES):
        must(semaphore.get_value() == PLACES - taken, "It miscounts.")
        must(semaphore.acquire(False) is True, "A free place was refused.")
    must(semaphore.acquire(False) is False, "There is one too many.")
    begun = time.monotonic()
    must(trial.thread(semaphore.acquire, True, 0.05).result() is False, "There is one too many.")
    must(time.monotonic() - begun >= 0.048, "It gave up too early.")
    for _ in range(PLACES):
        trial.child(_release, semaphore).result()
    must(semaphore.get_value() == PLACES, "It miscounts.")
    must(trial.make(value=0).acquire(False) is False, "One without places has one.")


def _release(semaphore: Any) -> None:
    semaphore.release()


@contract()
def who_waits_gets_a_place(trial: Trial) -> None:
    """acquire() waits until somebody releases; each release lets in one."""
    semaphore = trial.make(value=1)
    with semaphore:
        waiting: list[Task] = [trial.thread(had, semaphore), trial.child(had, semaphore)]
        for each in waiting:
            each.wait_asleep()
    must(all(each.result() for each in waiting), "A place was not had.")
    must(semaphore.get_value() == 1, "A place is lost.")


@contract("unbounded")
def it_counts_things(trial: Trial) -> None:
    """One side releases, the other acquires: each thing once."""
    semaphore = trial.make(value=0)
    makers: list[Task] = [trial.child(_make, semaphore, THINGS) for _ in range(2)]
    takers: list[Task] = [trial.thread(_take_all, semaphore, THINGS) for _ in range(2)]
    for task in (*makers, *takers):
        task.result()
    must(semaphore.get_value() == 0, "Some are left.")


def _make(semaphore: Any, count: int) -> None:
    for _ in range(count):
        semaphore.release()


def _take_all(semaphore: Any, count: int) -> None:
    for _ in range(count):
        semaphore.acquire()


@contract("bounded")
def it_refuses_more_places_than_it_had(trial: Trial) -> None:
    """release() beyond its value is a ValueError, and adds none."""
    semaphore = trial.make(value=1)
    for _ in range(2):
        with raising(ValueError, "release() beyond the value"):
            semaphore.release()
    must(semaphore.acquire(False) and not semaphore.acquire(False), "It has more than one place.")
    semaphore.release()


@contract("killed")
def places_of_the_dead_come_back(trial: Trial) -> None:
    """Who waits has them soon after the kill; all of them, and no more."""
    semaphore = trial.make(value=PLACES)
    for places in (1, PLACES):
        owner = _holder(trial, semaphore, places)
        for _ in range(PLACES - places):
            semaphore.acquire()
        waiting = trial.thread(_take_the_last, semaphore, places)
        waiting.wait_asleep()
        killed = time.monotonic()
        owner.kill()
        waiting.result()
        must(time.monotonic() - killed < LATE_S, "They came back late.")
        for _ in range(PLACES - places):
            semaphore.release()
        must(semaphore.get_value() == PLACES, "It miscounts.")


def _take_the_last(semaphore: Any, count: int) -> None:
    _take_all(semaphore, count)
    must(semaphore.acquire(False) is False, "There is one too many.")
    for _ in range(count):
        semaphore.release()


@contract("killed")
def places_of_an_ended_thread_come_back(trial: Trial) -> None:
    """A thread that ended with a place, of a process that goes on, is dead as well."""
    semaphore = trial.make(value=1)
    trial.thread(semaphore.acquire).result()
    must(semaphore.acquire(True, trial.rest_s()) is True, "It is lost.")
    semaphore.release()


@contract("killed", "unbounded")
def things_the_dead_took_stay_taken(trial: Trial) -> None:
    """Of a semaphore that counts things, nothing comes back that was used up."""
    semaphore = trial.make(value=0)
    for _ in range(PLACES):
        semaphore.release()
    _holder(trial, semaphore, PLACES).kill()
    must(semaphore.acquire(True, 0.2) is False, "What was used up came back.")


@contract("killed")
def who_dies_waiting_takes_none(trial: Trial) -> None:
    """A release is for those that live."""
    semaphore = trial.make(value=1)
    semaphore.acquire()
    doomed, other = trial.child(had, semaphore), trial.child(had, semaphore)
    doomed.wait_asleep()
    other.wait_asleep()
    doomed.kill()
    semaphore.release()
    must(other.result() is True, "It was not had.")
    must(semaphore.get_value() == 1, "It miscounts.")


@contract("seen")
def holders_says_who_has_places(trial: Trial) -> None:
    """semaphore.holders names process, thread and how many; waiters those that wait."""
    semaphore = trial.make(value=PLACES)
    must(semaphore.holders == (), "A new one has holders.")
    child = _holder(trial, semaphore, PLACES - 1)
    semaphore.acquire()
    seen = {each.pid: (each.process, each.places) for each in semaphore.holders}
    must(seen.keys() == {os.getpid(), child.pid}, f"It names {seen}.")
    must(seen[child.pid] == (child.name, PLACES - 1), f"It names {seen}.")
    waiting = trial.thread(had, semaphore)
    waiting.wait_asleep()
    must([each.pid for each in semaphore.waiters] == [os.getpid()], "It names other waiters.")
    semaphore.release()
    waiting.result()
    child.kill()


def _holder(trial: Trial, semaphore: Any, places: int) -> ChildTask:
    """A child that has so many places, until it is killed."""
    reading, writing = trial.pipe()
    child = trial.child(_acquire_and_stay, semaphore, places, writing)
    must(reading.poll(trial.rest_s()), "A child could not have free places.")
    return child


def _acquire_and_stay(semaphore: Any, places: int, taken: Any) -> None:
    for _ in range(places):
        semaphore.acquire()
    taken.send(None)
    signal.pause()
    die()


_suite = Suite(
    "semaphore",
    (
        there_are_so_many_places,
        who_waits_gets_a_place,
        it_counts_things,
        it_refuses_more_places_than_it_had,
        places_of_the_dead_come_back,
        places_of_an_ended_thread_come_back,
        things_the_dead_took_stay_taken,
        who_dies_waiting_takes_none,
        holders_says_who_has_places,
    ),
)
