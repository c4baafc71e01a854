"""Pools awaited, under asyncio and Trio (P10). Who is cancelled while it waits cancels its work."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from interlock._awaiting import anyio  # type: ignore[attr-defined]
from interlock.pool.results import ApplyResult, IMapIterator

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.pool.executor import ProcessPoolExecutor
    from interlock.pool.jobs import TaskOptions
    from interlock.pool.pool import Pool

__all__ = ["AsyncExecutor", "AsyncPool", "AsyncResults"]

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

    def __init__(self, results: IMapIterator) -> None:
        self._results = results

    async def __anext__(self) -> Any:
        bell = _Bell()
        self._results._job.when_ready(bell.ring)
        await bell.heard(self._results.close)
        success, value = self._results._job.next_result(0)
        if success:
            return value
        if isinstance(value, StopIteration):
            raise StopAsyncIteration
        raise value

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


class AsyncExecutor:
    """`ProcessPoolExecutor`'s methods, awaited."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    async def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run ``fn(*args, **kwargs)``; its value."""
        future = self._executor.submit(fn, *args, **kwargs)
        bell = _Bell()
        future.add_done_callback(lambda _: bell.ring())
        await bell.heard(lambda: future.cancel(running=True))
        return future.result(0)


async def _result(result: ApplyResult) -> Any:
    bell = _Bell()
    result._when_ready(bell.ring)
    await bell.heard(lambda: result.cancel(running=True))
    return result.get(0)
