"""Many futures: concurrent.futures' as_completed() and wait() take them."""

from __future__ import annotations

import functools
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, as_completed, wait

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

SHORT_S = 0.05


@contract()
def as_completed_gives_what_is_done(trial: Trial) -> None:
    """Those that are done while another runs, each once; that one at the end."""
    subject, board = begin(trial)
    hold = functools.partial(tasks.hold_first, board.post)
    futures = [subject.inner.submit(hold, number) for number in range(10)]
    done = as_completed(futures)
    first = [next(done) for _ in range(9)]
    must(set(first) == set(futures[1:]), "The one that runs was given, or another twice.")
    with raising(TimeoutError, "as_completed() with a timeout while a call runs"):
        list(as_completed(futures, SHORT_S))
    board.open_gate()
    must(list(done) == futures[:1], "The last one is another.")


@contract()
def a_wait_ends_as_it_is_told(trial: Trial) -> None:
    """For the first, for the first exception, or for all."""
    subject, board = begin(trial)
    held = subject.inner.submit(tasks.held, board.post)
    quick = subject.inner.submit(tasks.square, 3)
    done, left = wait([held, quick], return_when=FIRST_COMPLETED)
    must((done, left) == ({quick}, {held}), "FIRST_COMPLETED gave others.")
    failing = subject.inner.submit(tasks.refuse, "why", 7)
    done, left = wait([held, failing], return_when=FIRST_EXCEPTION)
    must((done, left) == ({failing}, {held}), "FIRST_EXCEPTION gave others.")
    done, left = wait([held, quick, failing], timeout=SHORT_S, return_when=ALL_COMPLETED)
    must((done, left) == ({quick, failing}, {held}), "With a timeout, it gave others.")
    board.open_gate()
    done, left = wait([held, quick, failing])
    must((done, left) == ({held, quick, failing}, set()), "Not all are done.")


CONTRACTS = (as_completed_gives_what_is_done, a_wait_ends_as_it_is_told)
