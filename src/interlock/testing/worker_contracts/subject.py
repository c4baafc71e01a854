"""What a contract may ask of a pool and of an executor alike."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.testing.trial import Trial
from interlock.testing.worker_contracts.board import Board

__all__ = ["Answer", "Executors", "Pools", "Subject", "begin"]

END_S = 5.0  # for a subject to end after its trial, before its processes are killed


class Answer(Protocol):
    """Of one call."""

    def value(self) -> Any:
        """What it returned, waited for; or it raises what the call ended with."""

    def cancel(self) -> bool:
        """End it even while it runs."""


class Subject(Protocol):
    """A pool or an executor under trial.

    Attributes:
        inner: It itself, for contracts of its own interface.
    """

    inner: Any

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Answer:
        """Have a function called by a worker."""

    def each(self, function: Callable[..., Any], items: Iterable[Any], **options: Any) -> list[Any]:
        """It for each of the items; the results in their order."""

    def lazily(self, function: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        """The same as they come."""

    async def awaited(self, function: Callable[..., Any], *args: Any) -> Any:
        """As `call`, awaited."""

    def awaited_lazily(
        self, function: Callable[..., Any], items: Iterable[Any]
    ) -> AsyncIterator[Any]:
        """As `lazily`, for ``async for``."""

    def finish(self) -> None:
        """Let it do all it has, and end."""

    def close(self) -> None:
        """End it, whatever it does."""


def begin(trial: Trial, workers: int = 2, **options: Any) -> tuple[Subject, Board]:
    """A new subject with so many workers, and a board for its tasks."""
    subject: Subject = trial.make(workers=workers, **options)
    return subject, Board(trial)  # made later, closed earlier: tasks that wait there end first


@dataclass(frozen=True)
class Pools:
    """Makes pools to be tried.

    Attributes:
        factory: As check_pool is given it.
    """

    factory: Callable[..., Any]

    def __call__(self, workers: int, quota: int | None = None, **options: Any) -> Subject:
        if quota is not None:
            options["maxtasksperchild"] = quota
        return _Pool(self.factory(workers, **options))


@dataclass(frozen=True)
class Executors:
    """Makes executors to be tried.

    Attributes:
        factory: As check_executor is given it.
    """

    factory: Callable[..., Any]

    def __call__(self, workers: int, quota: int | None = None, **options: Any) -> Subject:
        if quota is not None:
            options["max_tasks_per_child"] = quota
        return _Executor(self.factory(workers, **options))


@dataclass(frozen=True)
class _Result:
    inner: Any

    def value(self) -> Any:
        return self.inner.get()

    def cancel(self) -> bool:
        return bool(self.inner.cancel(running=True))


class _Pool:
    def __init__(self, pool: Any) -> None:
        self.inner = pool

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> _Result:
        return _Result(self.inner.apply_async(function, args, **options))

    def each(self, function: Callable[..., Any], items: Iterable[Any], **options: Any) -> list[Any]:
        results: list[Any] = self.inner.map(function, items, **options)
        return results

    def lazily(self, function: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        results: Iterator[Any] = self.inner.imap(function, items)
        return results

    async def awaited(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.inner.aio.apply(function, args)

    def awaited_lazily(
        self, function: Callable[..., Any], items: Iterable[Any]
    ) -> AsyncIterator[Any]:
        results: AsyncIterator[Any] = self.inner.aio.imap(function, items)
        return results

    def finish(self) -> None:
        self.inner.close()
        self.inner.join()

    def close(self) -> None:
        _end_within(self._end, lambda: self.inner._pool)

    def _end(self) -> None:
        self.inner.terminate()


@dataclass(frozen=True)
class _Future:
    inner: Any

    def value(self) -> Any:
        return self.inner.result()

    def cancel(self) -> bool:
        return bool(self.inner.cancel(running=True))


class _Executor:
    def __init__(self, executor: Any) -> None:
        self.inner = executor

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> _Future:
        executor = self.inner.with_options(**options) if options else self.inner
        return _Future(executor.submit(function, *args))

    def each(self, function: Callable[..., Any], items: Iterable[Any], **options: Any) -> list[Any]:
        return list(self.inner.map(function, items, **options))

    def lazily(self, function: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        results: Iterator[Any] = self.inner.map(function, items)
        return results

    async def awaited(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.inner.aio.submit(function, *args)

    def awaited_lazily(
        self, function: Callable[..., Any], items: Iterable[Any]
    ) -> AsyncIterator[Any]:
        results: AsyncIterator[Any] = self.inner.aio.map(function, items)
        return results

    def finish(self) -> None:
        self.inner.shutdown()

    def close(self) -> None:
        _end_within(self._end, lambda: (self.inner._processes or {}).values())

    def _end(self) -> None:
        self.inner.shutdown(cancel_futures=True)


def _end_within(end: Callable[[], None], workers: Callable[[], Iterable[Any]]) -> None:
    """End a subject; one that does not by itself loses its processes, where it tells of them."""
    thread = threading.Thread(target=_quietly, args=(end,), daemon=True)
    with contextlib.suppress(AttributeError):  # threads, or of an interface of its own
        known = list(workers())
    thread.start()
    thread.join(END_S)
    if thread.is_alive():
        with contextlib.suppress(AttributeError, NameError):
            for process in known:
                process.kill()
            thread.join(END_S)


def _quietly(end: Callable[[], None]) -> None:
    # What is wrong with its end is for the contracts about that.
    with contextlib.suppress(Exception):
        end()
