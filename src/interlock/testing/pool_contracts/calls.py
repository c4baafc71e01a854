"""One call: apply() and apply_async(), and what the latter returns."""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

SHORT_S = 0.05


@contract()
def apply_is_a_call(trial: Trial) -> None:
    """apply() passes arguments and keywords, and returns or raises what the function does."""
    subject, _ = begin(trial)
    pool = subject.inner
    must(pool.apply(tasks.square, (3,)) == 9, "The result is another.")
    got = pool.apply(tasks.given, (1, "two"), {"timeout_": 3, "other": None})
    must(got == ((1, "two"), {"timeout_": 3, "other": None}), f"It was called with {got}.")
    must(pool.apply(tasks.given) == ((), {}), "Without arguments, there were some.")
    with raising(tasks.Refused, "apply() of what raises"):
        pool.apply(tasks.refuse, ("why", 7))


@contract()
def a_result_tells_whether_it_is_there(trial: Trial) -> None:
    """ready(), successful(), wait() and get() with a timeout, before and after."""
    subject, board = begin(trial)
    result = subject.inner.apply_async(tasks.held, (board.post, "value"))
    board.next_word()
    must(not result.ready(), "It is ready while the call runs.")
    with raising(ValueError, "successful() while the call runs"):
        result.successful()
    with raising(multiprocessing.TimeoutError, "get() with a timeout while the call runs"):
        result.get(SHORT_S)
    result.wait(SHORT_S)
    must(not result.ready(), "It is ready while the call runs.")
    board.open_gate()
    result.wait()
    must(result.ready() and result.successful(), "It is not ready after wait().")
    must([result.get(), result.get(0)] == ["value", "value"], "get() gives something else.")


@contract()
def a_failed_result_tells_it(trial: Trial) -> None:
    """It is ready, not successful(), and get() raises as often as it is called."""
    subject, _ = begin(trial)
    result = subject.inner.apply_async(tasks.refuse, ("why", 7))
    result.wait()
    must(result.ready() and not result.successful(), "It is not told that the call failed.")
    for _ in range(2):
        with raising(tasks.Refused, "get() of what raised"):
            result.get()


@contract()
def callbacks_are_called_once(trial: Trial) -> None:
    """The one for a result with it, or the one for an exception, before get() returns."""
    subject, _ = begin(trial)
    results: list[Any] = []
    errors: list[Any] = []
    calls = [
        subject.inner.apply_async(tasks.square, (n,), {}, results.append, errors.append)
        for n in range(20)
    ]
    for call in calls:
        call.get()
    must(sorted(results) == [n * n for n in range(20)], f"Of 20 results, it got {results}.")
    must(not errors, f"The one for exceptions got {errors}.")
    failing = subject.inner.apply_async(
        tasks.refuse, ("why", 7), callback=results.append, error_callback=errors.append
    )
    failing.wait()
    must(len(errors) == 1 and type(errors[0]) is tasks.Refused, f"It got {errors}.")
    must(len(results) == 20, "The one for results was called after an exception.")


@contract()
def a_callback_may_call(trial: Trial) -> None:
    """apply_async() within a callback works, as its result is there before it is waited for."""
    subject, _ = begin(trial)
    later: list[Any] = []
    is_called = threading.Event()

    def go_on(value: int) -> None:
        later.append(subject.inner.apply_async(tasks.square, (value,)))
        is_called.set()

    subject.inner.apply_async(tasks.square, (2,), callback=go_on).get()
    must(is_called.is_set(), "The callback was not called before get() returned.")
    must(later[0].get() == 16, "The result is another.")


CONTRACTS = (
    apply_is_a_call,
    a_result_tells_whether_it_is_there,
    a_failed_result_tells_it,
    callbacks_are_called_once,
    a_callback_may_call,
)
