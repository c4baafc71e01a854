"""Pools that each break one promise about bounds, turns, sizes, sharing or awaiting."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

from interlock.testing.contract import Contract
from interlock.testing.worker_contracts import awaited, extras, limits
from tests.testing.broken_pools import SoundPool, TriesOnceOnly


class Forgets(SoundPool):
    """An option of the call."""

    forgotten: ClassVar[str]

    def apply_async(self, *args: Any, **options: Any) -> Any:
        options.pop(self.forgotten, None)
        return super().apply_async(*args, **options)


class ForgetsTheTimeout(Forgets):
    forgotten = "timeout"


class ForgetsThePriority(Forgets):
    forgotten = "priority"


class ForgetsTheBackoff(Forgets):
    forgotten = "backoff"


class TriesOnceMore(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        if options.get("retries", 0) > 0:
            options["retries"] += 1
        return super().apply_async(*args, **options)


class TriesAfterAnything(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        if "retry_on" in options:
            options["retry_on"] = Exception
        return super().apply_async(*args, **options)


class TakesAnyNumberOfRetries(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        if "retries" in options:
            options["retries"] = abs(options["retries"])
        return super().apply_async(*args, **options)


class CancelsNothingThatRuns(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        result = super().apply_async(*args, **options)
        result.cancel = lambda running=False: False  # type: ignore[method-assign]
        return result


class CancelsWhatIsDone(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        result = super().apply_async(*args, **options)
        result.cancel = lambda running=False: True  # type: ignore[method-assign]
        return result


class HasAnotherErrorForMemory(SoundPool):
    def apply_async(self, *args: Any, **options: Any) -> Any:
        result = super().apply_async(*args, **options)
        get = result.get

        def telling_otherwise(timeout: float | None = None) -> Any:
            try:
                return get(timeout)
            except MemoryError as error:
                raise LookupError(error) from None

        result.get = telling_otherwise  # type: ignore[method-assign]
        return result


class NeverGrows(SoundPool):
    def resize(self, processes: int) -> None:
        super().resize(min(processes, self._processes))


class NeverShrinks(SoundPool):
    def resize(self, processes: int) -> None:
        super().resize(max(processes, self._processes))


class TakesAnySize(SoundPool):
    def resize(self, processes: int) -> None:
        super().resize(max(processes, 1))


class ByValue:
    """What is called shared, and is sent with each call."""

    def __init__(self, value: Any) -> None:
        self.value = value


class SharesNothing(SoundPool):
    def share(self, obj: Any) -> Any:
        return ByValue(obj)


class ShowsNothing(SoundPool):
    def map(self, func: Any, iterable: Any, *args: Any, **options: Any) -> list[Any]:
        options["progress"] = False
        return super().map(func, iterable, *args, **options)


class ShowsAlways(SoundPool):
    def map(self, func: Any, iterable: Any, *args: Any, **options: Any) -> list[Any]:
        options["progress"] = True
        return super().map(func, iterable, *args, **options)


class Awaits:
    """The `.aio` of the pools below; sound but for what a subclass has."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def apply(self, func: Any, args: Any = ()) -> Any:
        return await self.pool.sound_aio.apply(func, args)

    def imap(self, func: Any, iterable: Any) -> AsyncIterator[Any]:
        results: AsyncIterator[Any] = self.pool.sound_aio.imap(func, iterable)
        return results


class Blocks(Awaits):
    async def apply(self, func: Any, args: Any = ()) -> Any:
        return self.pool.apply(func, args)


class CancelsNoCall(Awaits):
    async def apply(self, func: Any, args: Any = ()) -> Any:
        return await asyncio.shield(asyncio.ensure_future(super().apply(func, args)))


class ReadsAll(Awaits):
    def imap(self, func: Any, iterable: Any) -> AsyncIterator[Any]:
        return super().imap(func, list(itertools.islice(iterable, 1_000_000)))


class AwaitsBy(SoundPool):
    """A pool with one of those."""

    def __init__(self, awaits: type[Awaits], processes: int, **options: Any) -> None:
        super().__init__(processes, **options)
        self._awaits = awaits

    @property
    def sound_aio(self) -> Any:
        return super().aio

    @property
    def aio(self) -> Any:
        return self._awaits(self)


# What is broken; the contract that tells; what else the message must say.
BROKEN: tuple[tuple[Callable[..., Any], Contract, str], ...] = (
    (TriesOnceOnly, limits.a_call_that_died_is_made_again, "WorkerDied"),
    (TriesOnceMore, limits.a_call_that_died_is_made_again, "did not raise Exception"),
    (TriesOnceOnly, limits.a_call_that_raised_is_made_again, "Refused"),
    (TriesAfterAnything, limits.a_call_that_raised_is_made_again, "did not raise Refused"),
    (TriesOnceOnly, limits.a_call_that_was_too_long_is_made_again, "not made twice"),
    (TakesAnyNumberOfRetries, limits.a_bad_bound_is_refused, "did not raise ValueError"),
    (CancelsNothingThatRuns, limits.a_call_that_runs_is_cancelled, "nothing to cancel"),
    (CancelsWhatIsDone, limits.what_is_done_is_not_cancelled, "It was cancelled"),
    (HasAnotherErrorForMemory, limits.a_call_that_has_too_much_memory_is_ended, "LookupError"),
    (ForgetsThePriority, extras.what_is_urgent_goes_first, "in the order"),
    (TakesAnySize, extras.there_can_be_more_workers, "did not raise ValueError"),
    (SharesNothing, extras.what_is_shared_is_read_once, "read 5 times"),
    (SharesNothing, extras.what_cannot_be_shared_is_told_at_once, "did not raise"),
    (ForgetsTheBackoff, extras.a_pause_before_another_attempt_doubles, "had to pass"),
    (ShowsNothing, extras.it_shows_how_far_a_map_is, "With progress=True it wrote ''"),
    (ShowsAlways, extras.it_shows_how_far_a_map_is, "With progress=False it wrote"),
    (functools.partial(AwaitsBy, ReadsAll), awaited.results_are_awaited_one_by_one, "were read"),
)
# Those on which somebody waits until the suite ends it.
STUCK: tuple[tuple[Callable[..., Any], Contract, str], ...] = (
    (ForgetsTheTimeout, limits.a_call_that_is_too_long_is_ended, "error_of"),
    (NeverGrows, extras.there_can_be_more_workers, "No task began where one had to"),
    (NeverShrinks, extras.there_can_be_fewer_workers, "3 workers stay, where 1 had to"),
    (functools.partial(AwaitsBy, Blocks), awaited.a_call_is_awaited, "apply"),
    (functools.partial(AwaitsBy, CancelsNoCall), awaited.a_cancelled_wait_ends_its_call, ""),
)
