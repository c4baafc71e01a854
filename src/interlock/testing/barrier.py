"""check_barrier: what holds of every barrier with multiprocessing's interface and ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite, contract, must, raising
from interlock.testing.kill import die
from interlock.testing.trial import Starter, Task, Trial

__all__ = ["check_barrier"]

TIMEOUT_S = 60.0
PARTIES = 3
ROUNDS = 5
LATE_S = 2.0


def check_barrier(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a barrier on new ones, with threads and processes.

    Args:
        factory: Makes a barrier for processes of the context, of ``parties=``, ``action=`` and
            ``timeout=``.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the barrier does not offer; the contracts about them are left out.
            There is one: ``killed`` (the dead are missing, and named).
        timeout: How long one contract may take, in seconds.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_barrier(context.Barrier, context=context)
    """
    _suite.run(factory, context, without, timeout)


@contract()
def all_pass_together(trial: Trial) -> None:
    """In each round every party gets a number of its own, and nobody is a round ahead."""
    barrier = trial.make(parties=PARTIES)
    tasks: list[Task] = [trial.thread(_rounds, barrier), trial.child(_rounds, barrier)]
    numbers = [_rounds(barrier), *(task.result() for task in tasks)]
    for each in zip(*numbers, strict=True):
        must(sorted(each) == list(range(PARTIES)), f"The numbers of a round are {each}.")
    must(barrier.n_waiting == 0, "Somebody is left.")
    must((barrier.parties, barrier.broken) == (PARTIES, False), "It is not what it was.")


def _rounds(barrier: Any) -> list[int]:
    return [barrier.wait() for _ in range(ROUNDS)]


def _wait(barrier: Any, timeout: float | None = None) -> bool:
    """Whether it passed."""
    try:
        barrier.wait(timeout)
    except threading.BrokenBarrierError:
        return False
    return True


@contract()
def the_action_is_done_once_before_they_pass(trial: Trial) -> None:
    """By one of them, in each round."""
    done: list[int] = []
    barrier = trial.make(parties=2, action=lambda: done.append(len(done)))
    other = trial.thread(_actions_seen, barrier, done)
    seen = _actions_seen(barrier, done)
    must(seen == other.result() == list(range(1, ROUNDS + 1)), f"They saw {seen} actions.")


def _actions_seen(barrier: Any, done: list[int]) -> list[int]:
    seen = []
    for _ in range(ROUNDS):
        barrier.wait()
        seen.append(len(done))  # the next action needs this one's next wait
    return seen


@contract()
def a_failed_action_breaks_it(trial: Trial) -> None:
    """Who did it gets its exception, the others the barrier's."""
    barrier = trial.make(parties=2, action=_fail)
    other = trial.thread(_wait, barrier)
    _until_waiting(trial, barrier, 1)
    with raising(ZeroDivisionError, "wait() of the last one"):
        barrier.wait()
    must(other.result() is False, "The other one passed.")
    must(barrier.broken is True, "It is not broken.")


def _fail() -> None:
    raise ZeroDivisionError


@contract()
def abort_breaks_it_and_reset_mends_it(trial: Trial) -> None:
    """Who waits and who comes gets the error; after a reset all pass."""
    barrier = trial.make(parties=PARTIES)
    for ended in (barrier.abort, barrier.reset):
        waiting: list[Task] = [trial.thread(_wait, barrier), trial.child(_wait, barrier)]
        _until_waiting(trial, barrier, len(waiting))
        ended()
        must([task.result() for task in waiting] == [False, False], "One passed.")
        must(barrier.broken is (ended == barrier.abort), "broken is wrong.")
        if barrier.broken:
            with raising(threading.BrokenBarrierError, "wait() at a broken one"):
                barrier.wait()
            barrier.reset()
    others = [trial.child(_wait, barrier) for _ in range(PARTIES - 1)]
    must(_wait(barrier) is True, "It is not mended.")
    must(all(other.result() for other in others), "It is not mended.")


@contract()
def whose_time_is_up_breaks_it(trial: Trial) -> None:
    """By its own timeout, or by the one it was made with."""
    impatient, patient = trial.make(parties=2, timeout=0.05), trial.make(parties=2)
    for barrier, timeout in ((impatient, None), (patient, 0.05)):
        begun = time.monotonic()
        must(_wait(barrier, timeout) is False, "It passed alone.")
        must(time.monotonic() - begun >= 0.048, "It gave up too early.")
        must(barrier.broken is True, "It is not broken.")


@contract("killed")
def who_dies_waiting_is_missing(trial: Trial) -> None:
    """It breaks soon, for all, and names who died."""
    barrier = trial.make(parties=PARTIES)
    doomed = trial.child(_wait, barrier)
    other = trial.child(_wait, barrier)
    _until_waiting(trial, barrier, 2)
    killed = time.monotonic()
    doomed.kill()
    must(other.result() is False, "It passed.")
    must(time.monotonic() - killed < LATE_S, "It was told late.")
    _must_name(barrier, doomed.pid)


@contract("killed")
def who_has_passed_and_died_is_missing(trial: Trial) -> None:
    """The others of its round are told when they wait for it again."""
    barrier = trial.make(parties=PARTIES)
    doomed = trial.doomed(_pass_and_die, barrier)
    other = trial.child(_two_rounds, barrier)
    must(_wait(barrier) is True, "It did not pass.")
    doomed.wait_dead()
    must(_wait(barrier) is False, "It passed without the dead one.")
    must(other.result() == (True, False), "The other one passed.")
    _must_name(barrier, doomed.pid)


def _pass_and_die(barrier: Any) -> None:
    barrier.wait()
    die()


def _two_rounds(barrier: Any) -> tuple[bool, bool]:
    return _wait(barrier), _wait(barrier)


def _must_name(barrier: Any, pid: int) -> None:
    try:
        barrier.wait()
    except threading.BrokenBarrierError as error:
        missing = getattr(error, "missing", None)
        must(missing is not None and missing.pid == pid, f"It names {missing}.")
        must(str(pid) in str(error), f"Its message is {error}")
    else:
        raise AssertionError("It is not broken.")


@contract()
def who_has_passed_and_ended_is_not_missing(trial: Trial) -> None:
    """Processes and threads that have ended as they should: others take their places."""
    barrier = trial.make(parties=PARTIES)
    for _ in range(2):
        tasks: list[Task] = [trial.child(_wait, barrier), trial.thread(_wait, barrier)]
        must(_wait(barrier) is True, "It did not pass.")
        must(all(task.result() for task in tasks), "One did not pass.")
    late = trial.thread(_wait, barrier)
    _until_waiting(trial, barrier, 1)
    must(_wait(barrier, 0.3) is False, "It passed with one too few.")
    must(late.result() is False, "It passed with one too few.")
    must(getattr(barrier, "abandoned", None) is None, "It misses one that has ended.")


def _until_waiting(trial: Trial, barrier: Any, count: int) -> None:
    while barrier.n_waiting < count:
        must(trial.rest_s() > 0, "n_waiting does not rise.")
        time.sleep(0.001)


_suite = Suite(
    "barrier",
    (
        all_pass_together,
        the_action_is_done_once_before_they_pass,
        a_failed_action_breaks_it,
        abort_breaks_it_and_reset_mends_it,
        whose_time_is_up_breaks_it,
        who_dies_waiting_is_missing,
        who_has_passed_and_died_is_missing,
        who_has_passed_and_ended_is_not_missing,
    ),
)
