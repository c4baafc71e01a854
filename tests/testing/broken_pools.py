"""Pools and executors that each break one promise, and nothing else. What a suite must find out."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import interlock
from interlock.pool import Pool, ProcessPoolExecutor

LATE_S = 30.0  # long after the time that a test gives a contract


class SoundPool(Pool):
    """One of ours; those below differ from it in one respect."""

    def __init__(self, processes: int, **options: Any) -> None:
        super().__init__(processes, context=interlock.get_context("fork"), **options)


class LosesAResult(SoundPool):
    """Of many, the last but one."""

    def map(self, func: Any, iterable: Any, *args: Any, **options: Any) -> list[Any]:
        results = super().map(func, iterable, *args, **options)
        return results[:-2] + results[-1:]


class SwapsTwoResults(SoundPool):
    def map(self, func: Any, iterable: Any, *args: Any, **options: Any) -> list[Any]:
        results = super().map(func, iterable, *args, **options)
        results[:2] = results[1::-1]
        return results


class SwallowsExceptions(SoundPool):
    """A call that raised has None for its result."""

    def apply_async(self, *args: Any, **options: Any) -> Any:
        result = super().apply_async(*args, **options)
        get = result.get

        def swallowing(timeout: float | None = None) -> Any:
            try:
                return get(timeout)
            except ValueError:
                raise
            except Exception:
                return None

        result.get = swallowing  # type: ignore[method-assign]
        return result


class RunsTwice(SoundPool):
    """As one would that tries again what it has not heard of."""

    def imap(self, func: Any, iterable: Any, *args: Any, **options: Any) -> Any:
        items = list(iterable)
        super().map(func, items[:1])
        return super().imap(func, items, *args, **options)


class ReadsAll(SoundPool):
    """Of an input, before it begins; but no more than any input of a test has."""

    def imap(self, func: Any, iterable: Any, *args: Any, **options: Any) -> Any:
        return super().imap(func, _read(iterable), *args, **options)


def _read(iterable: Iterable[Any]) -> Iterator[Any]:
    """The same, read already, until it ends or raises."""
    items: list[Any] = []
    end: list[Exception] = []
    try:
        items.extend(itertools.islice(iterable, 1_000_000))
    except Exception as error:
        end.append(error)

    def again() -> Iterator[Any]:
        yield from items
        for error in end:
            raise error

    return again()


class StaysInJoin(SoundPool):
    """Long after all is done."""

    def join(self) -> None:
        super().join()
        threading.Event().wait(LATE_S)


class JoinsAtOnce(SoundPool):
    """While there is work."""

    def join(self) -> None:
        """Does nothing."""


class LosesWhatTheDeadHad(SoundPool):
    """A call whose worker dies has no end; waiting for it is waiting for ever."""

    def apply_async(self, *args: Any, **options: Any) -> Any:
        result = super().apply_async(*args, **options)
        get = result.get

        def forgetful(timeout: float | None = None) -> Any:
            try:
                return get(timeout)
            except interlock.pool.WorkerDied:
                threading.Event().wait(LATE_S)
                raise

        result.get = forgetful  # type: ignore[method-assign]
        return result


class CallsBackNever(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        options.pop("callback", None)
        return super().apply_async(*args[:3], **options)


class ForgetsItsInitializer(SoundPool):
    def __init__(self, processes: int, initializer: Any = None, **options: Any) -> None:
        options.pop("initargs", None)
        super().__init__(processes, **options)


class HasOneWorker(SoundPool):
    def __init__(self, processes: int, **options: Any) -> None:
        super().__init__(1, **options)


class TriesOnceOnly(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        if options.get("retries", 0) > 0:
            options["retries"] = 0
        return super().apply_async(*args, **options)


class StaysOpen(SoundPool):
    """close() is too polite to refuse what comes later."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True

    def join(self) -> None:
        if self.is_closed:
            super().close()
        super().join()


class SoundExecutor(ProcessPoolExecutor):
    """One of ours; those below differ from it in one respect."""

    def __init__(self, max_workers: int, **options: Any) -> None:
        super().__init__(max_workers, interlock.get_context("fork"), **options)


class CancelsNothing(SoundExecutor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(fn, *args, **kwargs)
        future.cancel = lambda running=False: False  # type: ignore[method-assign]
        return future


class MapsInTheOrderOfTheEnd(SoundExecutor):
    """As as_completed() would; of the first two."""

    def map(self, fn: Any, *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        results = super().map(fn, *iterables, **options)
        first = list(itertools.islice(results, 2))
        return itertools.chain(reversed(first), results)


class ShutsDownAtOnce(SoundExecutor):
    """Without waiting for its calls."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(False, cancel_futures=cancel_futures)


# What is broken; the contract that tells, the part it is of; what else the message must say.
BROKEN_POOLS: tuple[tuple[Callable[..., Any], str, str, str], ...] = (
    (LosesAResult, "results_are_in_the_order_of_the_items", "", "Of 300 items there are 299"),
    (SwapsTwoResults, "results_are_in_the_order_of_the_items", "", r"They came as \.\.\., 1, 0, 2"),
    (SwallowsExceptions, "apply_is_a_call", "", "did not raise Refused"),
    (RunsTwice, "every_call_is_made_once", "", r"1 calls .*\[200\] was made \[2\] times"),
    (ReadsAll, "an_input_may_be_endless", "endless", "30000 items were read ahead"),
    (JoinsAtOnce, "it_finishes_what_it_has", "", ""),
    (CallsBackNever, "callbacks_are_called_once", "", r"Of 20 results, it got \[\]"),
    (ForgetsItsInitializer, "each_worker_is_prepared_first", "", ""),
    (TriesOnceOnly, "a_call_that_raised_is_made_again", "retries", "Refused"),
    (StaysOpen, "a_closed_pool_refuses", "", "did not raise ValueError"),
)
# Those on which somebody waits: the suite's own bound must end it.
STUCK_POOLS: tuple[tuple[Callable[..., Any], str, str, str], ...] = (
    (StaysInJoin, "it_finishes_what_it_has", "", "finish"),
    (LosesWhatTheDeadHad, "the_kill_of_a_busy_worker_costs_one_call", "killed", "forgetful"),
    (HasOneWorker, "all_workers_work", "", "No task began where one had to"),
)
BROKEN_EXECUTORS: tuple[tuple[Callable[..., Any], str, str, str], ...] = (
    (CancelsNothing, "a_call_that_waits_is_cancelled", "", "cannot be cancelled"),
    (MapsInTheOrderOfTheEnd, "results_are_in_the_order_of_the_items", "", r"\.\.\., 1, 0, 2"),
    (ShutsDownAtOnce, "it_finishes_what_it_has", "", ""),
)
