"""What becomes of a lock whose owner, or one that waits for it, dies."""

from __future__ import annotations

import signal
import time
import warnings
from typing import Any

from interlock.errors import AbandonedLockError, AbandonedLockWarning
from interlock.testing.contract import contract, must
from interlock.testing.kill import die
from interlock.testing.lock_contracts.turns import had
from interlock.testing.trial import ChildTask, Trial

__all__ = ["CONTRACTS"]

NOTICED_WITHIN_S = 0.2
BUSY_S = 2.0  # more on a machine that is busy with something else
ROUNDS = 3


@contract("killed")
def a_dead_owner_s_lock_is_had(trial: Trial) -> None:
    """Who waits when the owner is killed has the lock soon after, and is told once."""
    lock = trial.make()
    for _ in range(ROUNDS):
        owner = _owner(trial, lock)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            waiting = trial.thread(lambda: (lock.acquire(), time.monotonic()))
            waiting.wait_asleep()
            killed = time.monotonic()
            owner.kill()
            got, when = waiting.result()
        must(got is True, "It was not had.")
        late_s = when - killed
        must(late_s < NOTICED_WITHIN_S + BUSY_S, f"It was had {late_s:.3f} s after the death.")
        _must_be_told_once([each.category for each in told])
        _give_up_of(lock)
        must(had(lock), "It is not free.")


@contract("killed")
def a_lock_whose_owner_is_dead_already_is_had(trial: Trial) -> None:
    """acquire() after the death, waiting or not, has it too."""
    lock = trial.make()
    for block, timeout_s in ((True, None), (False, None), (True, 0.0), (True, 0.01)):
        _owner(trial, lock).kill()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            must(lock.acquire(block, timeout_s) is True, f"acquire({block}, {timeout_s}) failed.")
        _must_be_told_once([each.category for each in told])
        lock.release()


@contract("killed")
def an_owner_that_exits_leaves_it(trial: Trial) -> None:
    """A process that ends of itself with the lock is a dead owner as well."""
    lock = trial.make()
    trial.child(_acquire, lock).result()
    with _quietly():
        must(lock.acquire(True, trial.rest_s()), "It stayed held.")
    lock.release()


@contract("killed")
def a_thread_that_ends_leaves_it(trial: Trial) -> None:
    """So is a thread that ended, of a process that goes on."""
    lock = trial.make()
    trial.thread(lock.acquire).result()
    with _quietly():
        must(lock.acquire(True, trial.rest_s()), "It stayed held.")
    lock.release()


@contract("killed")
def who_dies_waiting_leaves_nothing(trial: Trial) -> None:
    """Those that wait beside it get the lock as if it had not been there."""
    lock = trial.make()
    for _ in range(ROUNDS):
        lock.acquire()
        first, doomed = trial.thread(had, lock), trial.child(had, lock)
        first.wait_asleep()
        doomed.wait_asleep()
        last = trial.child(had, lock)
        last.wait_asleep()
        doomed.kill()
        lock.release()
        must(first.result() and last.result(), "It was not had.")
        must(lock.acquire(False), "It is not free.")
        lock.release()


@contract("killed", "abandoned")
def abandoned_says_who_it_was(trial: Trial) -> None:
    """lock.abandoned names the last dead owner: pid, process name, when."""
    lock = trial.make()
    must(lock.abandoned is None, "It tells of a death, and nobody has died.")
    owner = _owner(trial, lock)
    before = time.time()
    owner.kill()
    with _quietly():
        had(lock)
    who = lock.abandoned
    must(who is not None, "It tells of no death.")
    must(who.pid == owner.pid, f"It names process {who.pid}, and {owner.pid} has died.")
    must(who.process == owner.name, f"It names {who.process!r} instead of {owner.name!r}.")
    must(abs(who.when.timestamp() - before) < BUSY_S, f"It says that this was at {who.when}.")
    must(who.since <= who.when, "It was noticed before it had the lock.")


@contract("killed", "abandoned")
def on_abandon_raise_is_an_error(trial: Trial) -> None:
    """With on_abandon="raise" who comes next gets AbandonedLockError, once, and not the lock."""
    lock = trial.make(on_abandon="raise")
    for waits in (True, False):
        owner = _owner(trial, lock)
        errors: list[AbandonedLockError] = []
        waiting = trial.thread(_error_of, lock, errors)
        if waits:
            waiting.wait_asleep()
        owner.kill()
        waiting.result()
        must(len(errors) == 1, "It was had without an error.")
        must(errors[0].abandoned.pid == owner.pid, "It names another process.")
        must(lock.acquire(False) is True, "It is held by who got the error.")
        lock.release()


def _error_of(lock: Any, errors: list[AbandonedLockError]) -> None:
    try:
        lock.acquire()
    except AbandonedLockError as error:
        errors.append(error)


def _owner(trial: Trial, lock: Any) -> ChildTask:
    """A child that has the lock, until it is killed."""
    reading, writing = trial.pipe()
    child = trial.child(_acquire_and_stay, lock, writing)
    must(reading.poll(trial.rest_s()), "A child could not have a free lock.")
    return child


def _acquire(lock: Any) -> None:
    lock.acquire()


def _acquire_and_stay(lock: Any, taken: Any) -> None:
    lock.acquire()
    taken.send(None)
    signal.pause()
    die()


def _give_up_of(lock: Any) -> None:
    """Release a lock that another thread has taken, which has ended since."""
    try:
        lock.release()
    except AssertionError:  # recursive: it is an ended thread's
        with _quietly():
            had(lock)


def _must_be_told_once(categories: list[type[Warning]]) -> None:
    count = sum(issubclass(each, AbandonedLockWarning) for each in categories)
    must(count == 1, f"AbandonedLockWarning was given {count} times.")


class _quietly(warnings.catch_warnings):
    """AbandonedLockWarning is expected here."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore", AbandonedLockWarning)


CONTRACTS = (
    a_dead_owner_s_lock_is_had,
    a_lock_whose_owner_is_dead_already_is_had,
    an_owner_that_exits_leaves_it,
    a_thread_that_ends_leaves_it,
    who_dies_waiting_leaves_nothing,
    abandoned_says_who_it_was,
    on_abandon_raise_is_an_error,
)
