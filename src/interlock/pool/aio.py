"""Pools awaited, under asyncio and Trio (P10). Who is cancelled while it waits cancels its work."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from interlock._awaiting import anyio  # type: ignore[attr-defined]
from interlock.pool.futures import Future
from interlock.pool.results import ApplyResult
from interlock.pool.windows import check_buffersize

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.pool.executor import ProcessPoolExecutor
    from interlock.pool.jobs import TaskOptions
    from interlock.pool.pool import Pool
    from interlock.pool.threads import ThreadPool, ThreadPoolExecutor

__all__ = ["AsyncExecutor", "AsyncPool", "AsyncResults", "AsyncThreadPool"]

T = TypeVar("T")


class _Bell:
    """A descriptor that another thread makes readable, once, unless it is closed already."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def ring(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.eventfd_write(self._fd, 1)

    async def heard(self, cancel: Callable[[], object]) -> None:
        """Wait for it; call ``cancel`` if the wait is cancelled."""
        try:
            await anyio.wait_readable(self._fd)
        except BaseException:
            cancel()
            raise
        finally:
            with self._lock:
                os.close(self._fd)
                self._fd = -1


class AsyncResults(AsyncIterator[Any]):
    """The results of an `imap`, awaited one by one."""

    def __init__(self, results: Any) -> None:
        self._results = results

    async def __anext__(self) -> Any:
        bell = _Bell()
        self._results._when_ready(bell.ring)
        await bell.heard(self._results._cancel)
        try:
            return self._results.next(0)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Begin no more tasks."""
        self._results.close()


class AsyncPool:
    """`Pool`'s methods, awaited."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def apply(
        self, func: Callable[..., T], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None,
        **options: Unpack[TaskOptions],
    ) -> T:  # fmt: skip
        """As `Pool.apply`."""
        value: T = await _result(self._pool.apply_async(func, args, kwds, **options))
        return value

    async def map(
        self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> list[T]:  # fmt: skip
        """As `Pool.map`."""
        value: list[T] = await _result(self._pool.map_async(func, iterable, chunksize, **options))
        return value

    async def starmap(
        self, func: Callable[..., T], iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None, **options: Unpack[TaskOptions],
    ) -> list[T]:  # fmt: skip
        """As `Pool.starmap`."""
        waited = self._pool.starmap_async(func, iterable, chunksize, **options)
        value: list[T] = await _result(waited)
        return value

    def imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> AsyncResults:  # fmt: skip
        """As `Pool.imap`, for ``async for``."""
        return AsyncResults(self._pool.imap(func, iterable, chunksize, **options))

    def imap_unordered(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> AsyncResults:  # fmt: skip
        """As `Pool.imap_unordered`, for ``async for``."""
        return AsyncResults(self._pool.imap_unordered(func, iterable, chunksize, **options))


class AsyncThreadPool:
    """`ThreadPool`'s methods, awaited. A call that runs in a thread goes on if it is cancelled."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool

    async def apply(
        self, func: Callable[..., T], args: Iterable[Any] = (), kwds: dict[str, Any] | None = None
    ) -> T:
        """As `ThreadPool.apply`."""
        value: T = await _called(self._pool.apply_async, func, args, kwds or {})
        return value

    async def map(
        self, func: Callable[[Any], T], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[T]:
        """As `ThreadPool.map`."""
        value: list[T] = await _called(self._pool.map_async, func, iterable, chunksize)
        return value

    async def starmap(
        self, func: Callable[..., T], iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
    ) -> list[T]:  # fmt: skip
        """As `ThreadPool.starmap`."""
        value: list[T] = await _called(self._pool.starmap_async, func, iterable, chunksize)
        return value

    def imap(self, func: Callable[[Any], Any], iterable: Iterable[Any]) -> AsyncResults:
        """As `ThreadPool.imap`, for ``async for``."""
        return AsyncResults(self._pool.imap(func, iterable))

    def imap_unordered(self, func: Callable[[Any], Any], iterable: Iterable[Any]) -> AsyncResults:
        """As `ThreadPool.imap_unordered`, for ``async for``."""
        return AsyncResults(self._pool.imap_unordered(func, iterable))


class AsyncExecutor:
    """The methods of `ProcessPoolExecutor` and `ThreadPoolExecutor`, awaited."""

    def __init__(self, executor: ProcessPoolExecutor | ThreadPoolExecutor) -> None:
        self._executor = executor

    async def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run ``fn(*args, **kwargs)``; its value."""
        return await _value_of(self._executor.submit(fn, *args, **kwargs))

    async def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], buffersize: int | None = None
    ) -> AsyncGenerator[T]:
        """``map(fn, *iterables)``, for ``async for``; results in order.

        Args:
            fn: What is called.
            iterables: Its arguments, one iterable for each; they may be endless.
            buffersize: How many calls may be begun beyond the results that were taken; None for
                four for each worker.
        """
        check_buffersize(buffersize)
        begun: deque[concurrent.futures.Future[T]] = deque()
        calls = zip(*iterables, strict=False)
        ahead = buffersize or 4 * self._executor._max_workers
        try:
            while True:
                for _, args in zip(range(ahead - len(begun)), calls, strict=False):
                    begun.append(self._executor.submit(fn, *args))
                if not begun:
                    return
                value = await _value_of(begun[0])
                begun.popleft()
                yield value
        finally:
            for future in begun:
                _cancel(future)


async def _value_of(future: concurrent.futures.Future[T]) -> T:
    bell = _Bell()
    future.add_done_callback(lambda _: bell.ring())
    await bell.heard(lambda: _cancel(future))
    return future.result(0)


def _cancel(future: concurrent.futures.Future[Any]) -> None:
    if isinstance(future, Future):
        future.cancel(running=True)
    else:
        future.cancel()


async def _called(method: Callable[..., object], *args: Any) -> Any:
    """What a method of the standard library's pool calls back with."""
    bell = _Bell()
    answers: list[tuple[bool, Any]] = []

    def answered(success: bool, value: Any) -> None:
        answers.append((success, value))
        bell.ring()

    method(
        *args,
        callback=lambda value: answered(True, value),
        error_callback=lambda error: answered(False, error),
    )
    await bell.heard(lambda: None)
    success, value = answers[0]
    if success:
        return value
    raise value


async def _result(result: ApplyResult) -> Any:
    bell = _Bell()
    result._when_ready(bell.ring)
    await bell.heard(lambda: result.cancel(running=True))
    return result.get(0)
