"""Pools of threads: the standard library's, with lazy inputs and awaiting.

Threads cannot be ended from outside, so the options of tasks are those of processes only.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing.pool as standard
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.pool.calls import LazyCalls, LazyResults
from interlock.pool.faults import PoolTerminated
from interlock.pool.limits import cpu_count
from interlock.pool.windows import mapped

if TYPE_CHECKING:
    from interlock.pool.aio import AsyncExecutor, AsyncThreadPool

__all__ = ["ThreadPool", "ThreadPoolExecutor"]

T = TypeVar("T")


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """`concurrent.futures.ThreadPoolExecutor` as of Python 3.14, with `.aio`.

    Args:
        max_workers: How many threads; by default four more than there are usable CPUs, 32 at most.
        thread_name_prefix: How the threads are named.
        initializer: Called in each first.
        initargs: Its arguments.

    Raises:
        ValueError: max_workers is not positive.
        TypeError: initializer cannot be called.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        size = min(32, cpu_count() + 4) if max_workers is None else max_workers
        super().__init__(size, thread_name_prefix, initializer, initargs)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """``map(fn, *iterables)``, across the threads; results in order.

        Args:
            fn: What is called.
            iterables: Its arguments, one iterable for each.
            timeout: Seconds from now within which each result must come.
            chunksize: Of no effect with threads.
            buffersize: How many calls may be begun beyond the results that were taken, so that
                the iterables may be endless; None to begin all at once.

        Raises:
            ValueError: buffersize is less than 1.
            TypeError: buffersize is no integer.
            TimeoutError: By the iterator: a result did not come in time.
            RuntimeError: The executor was shut down.

        If a process dies: this one's threads are gone with it.
        """
        if buffersize is None:
            return super().map(fn, *iterables, timeout=timeout, chunksize=chunksize)
        return mapped(self, fn, iterables, timeout, buffersize)

    @property
    def aio(self) -> AsyncExecutor:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncExecutor

        return AsyncExecutor(self)


class ThreadPool(standard.ThreadPool):
    """`multiprocessing.pool.ThreadPool`, whose `imap` reads its input as far as threads need it.

    Args:
        processes: How many threads; by default one for each usable CPU.
        initializer: Called in each first.
        initargs: Its arguments.

    Raises:
        ValueError: processes is less than 1.

    If a process dies: its threads are gone with it.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        self._lazy: weakref.WeakSet[LazyCalls] = weakref.WeakSet()
        super().__init__(cpu_count() if processes is None else processes, initializer, initargs)

    @staticmethod
    def Process(ctx: Any, *args: Any, **kwds: Any) -> Any:
        """A thread, as the standard library's pool asks for one."""
        kwds["target"] = _serve
        return standard.ThreadPool.Process(ctx, *args, **kwds)

    def imap(  # type: ignore[override]
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> LazyResults:
        """An iterator over ``func(item)`` in the order of the items, which may be endless."""
        return self._imap(func, iterable, chunksize, True)

    def imap_unordered(  # type: ignore[override]
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> LazyResults:
        """The same in the order in which they end."""
        return self._imap(func, iterable, chunksize, False)

    def _imap(self, func: Any, iterable: Any, chunksize: int | None, ordered: bool) -> LazyResults:
        self._check_running()  # type: ignore[attr-defined]
        if chunksize is not None and chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        calls = LazyCalls(self, func, iterable, chunksize or 1, ordered)
        self._lazy.add(calls)
        calls.start()
        return LazyResults(calls, self)

    def close(self) -> None:
        """Take no more tasks; the threads end when all are done."""
        if self._state == standard.RUN:  # type: ignore[attr-defined]
            for calls in list(self._lazy):
                calls.input_closes()
        super().close()

    def terminate(self) -> None:
        """End the threads when they have done the call they run; no other is begun."""
        super().terminate()
        for calls in list(self._lazy):
            calls.abandon(PoolTerminated("The pool was terminated before this call was done."))

    @property
    def aio(self) -> AsyncThreadPool:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncThreadPool

        return AsyncThreadPool(self)


def _serve(
    tasks: Any,
    results: Any,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
    *_: object,
) -> None:
    """What a thread does: as the standard library's, but sys.exit() ends only the call."""
    if initializer is not None:
        initializer(*initargs)
    while (task := tasks.get()) is not None:
        number, place, function, args, keywords = task
        try:
            answer: tuple[bool, Any] = True, function(*args, **keywords)
        except BaseException as error:
            answer = False, error
        results.put((number, place, answer))
        task = function = args = keywords = answer = None  # type: ignore[assignment]
