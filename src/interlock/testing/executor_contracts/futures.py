"""One call: submit(), and the future that it returns."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

SHORT_S = 0.05


@contract()
def submit_is_a_call(trial: Trial) -> None:
    """submit() passes arguments and keywords, also those that are named as its own are."""
    subject, _ = begin(trial)
    submit = subject.inner.submit
    future = submit(tasks.given, 1, "two", fn=3, self=4)
    must(isinstance(future, Future), f"It returned a {type(future).__name__}.")
    got = future.result()
    must(got == ((1, "two"), {"fn": 3, "self": 4}), f"The function was called with {got}.")
    must(submit(tasks.given).result() == ((), {}), "Without arguments, there were some.")


@contract()
def a_future_tells_how_far_it_is(trial: Trial) -> None:
    """running(), done(), cancelled(), result() and exception() with a timeout, before and after."""
    subject, board = begin(trial)
    future = subject.inner.submit(tasks.held, board.post, "value")
    board.next_word()
    must(future.running() and not future.done(), "It is not told that the call runs.")
    with raising(TimeoutError, "result() with a timeout while the call runs"):
        future.result(SHORT_S)
    with raising(TimeoutError, "exception() with a timeout while the call runs"):
        future.exception(timeout=SHORT_S)
    must(not future.cancel(), "cancel() of a call that runs said that it is cancelled.")
    board.open_gate()
    must(future.result() == "value" and future.result(0) == "value", "The result is another.")
    must(future.exception() is None, "It has an exception as well.")
    told = future.done(), future.running(), future.cancelled(), future.cancel()
    must(told == (True, False, False, False), f"(done, running, cancelled, cancel) is {told}.")


@contract()
def a_failed_future_has_its_exception(trial: Trial) -> None:
    """exception() returns what result() raises."""
    subject, _ = begin(trial)
    future = subject.inner.submit(tasks.refuse, "why", 7)
    error = future.exception()
    must(type(error) is tasks.Refused, f"exception() is {error!r}.")
    must(future.done() and not future.cancelled(), "It is not told that the call is done.")
    for _ in range(2):
        with raising(tasks.Refused, "result() of what raised"):
            future.result()


@contract()
def a_call_that_waits_is_cancelled(trial: Trial) -> None:
    """It is never made, its result raises CancelledError, and the calls around it are made."""
    subject, board = begin(trial, 1)
    said, held = tasks.at(board.post)
    running = subject.inner.submit(held)
    board.next_word()
    waiting = [subject.inner.submit(said, number) for number in range(10)]
    cancelled = waiting[4:]  # an executor may have a few of them under way
    accepted = [future for future in cancelled if future.cancel()]
    must(cancelled[-1] in accepted, "The last of ten that wait cannot be cancelled.")
    board.open_gate()
    running.result()
    for future in waiting:
        if future in accepted:
            must(future.cancelled() and future.done(), "It is not told that it was cancelled.")
            with raising(CancelledError, "result() of what was cancelled"):
                future.result()
        else:
            future.result()
    made = sorted(map(int, board.words_left()))
    wanted = [n for n, future in enumerate(waiting) if future not in accepted]
    must(made == wanted, f"Of 10 calls {wanted} were not cancelled, and {made} were made.")


@contract()
def callbacks_are_told_of_the_end(trial: Trial) -> None:
    """Each once with the future: of a result, of an exception; at once if it is done already."""
    subject, board = begin(trial)
    told: list[Future[Any]] = []
    is_told = threading.Event()

    def tell(future: Future[Any]) -> None:
        told.append(future)
        if len(told) == 3:
            is_told.set()

    held = subject.inner.submit(tasks.held, board.post)
    failing = subject.inner.submit(tasks.refuse, "why", 7)
    held.add_done_callback(tell)
    held.add_done_callback(tell)
    failing.add_done_callback(tell)
    must(held not in told, "One was told before the call was done.")
    board.open_gate()
    must(is_told.wait(trial.rest_s()), f"Of three callbacks, {len(told)} were called.")
    must(told.count(held) == 2 and told.count(failing) == 1, "Others were told.")
    held.add_done_callback(tell)
    must(told[3:] == [held], "A callback of what is done was not called at once.")


CONTRACTS = (
    submit_is_a_call,
    a_future_tells_how_far_it_is,
    a_failed_future_has_its_exception,
    a_call_that_waits_is_cancelled,
    callbacks_are_told_of_the_end,
)
