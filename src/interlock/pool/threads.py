"""Pools of threads: the standard library's, with lazy inputs and awaiting.

Threads cannot be ended from outside, so the options of tasks are those of processes only.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing.pool as standard
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.pool.faults import PoolClosed
from interlock.pool.limits import cpu_count
from interlock.pool.results import NotYet
from interlock.pool.windows import mapped

if TYPE_CHECKING:
    from interlock.pool.aio import AsyncExecutor, AsyncThreadPool

__all__ = ["ThreadPool", "ThreadPoolExecutor"]

T = TypeVar("T")

AHEAD = 4  # items of an imap that are begun for each thread, beyond those that were asked for


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
        self._lazy: weakref.WeakSet[LazyResults] = weakref.WeakSet()
        super().__init__(cpu_count() if processes is None else processes, initializer, initargs)

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
        results = LazyResults(self, func, iterable, chunksize or 1, ordered)
        self._lazy.add(results)
        results._fill()
        return results

    def close(self) -> None:
        """Take no more tasks; the threads end when all are done."""
        if self._state == standard.RUN:  # type: ignore[attr-defined]
            for results in list(self._lazy):
                results._close_input()
        super().close()

    @property
    def aio(self) -> AsyncThreadPool:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncThreadPool

        return AsyncThreadPool(self)


class LazyResults(Iterator[Any]):
    """Results of a function over an input that is read as far as threads need it."""

    def __init__(
        self, pool: Any, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int,
        ordered: bool,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._chunksize = chunksize
        self._func = func
        self._is_sized = hasattr(iterable, "__len__")
        self._input = iter(iterable)
        self._window = AHEAD * pool._processes
        self._ordered = ordered
        self._changed = threading.Condition(threading.RLock())
        self._open = 0  # begun and not taken
        self._slots: deque[list[Any]] = deque()  # of these: in order, [] is not done; or the done
        self._end: BaseException | None = None
        self._taken = 0
        self._awaiting: list[Callable[[], None]] = []

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            StopIteration: There are no more.
            multiprocessing.TimeoutError: It has not come; it may be asked for again.
            Exception: What its call raised, or the input.

        If a process dies: this one's threads are gone with it.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._fill()
            while not self._is_ready():
                rest = None if deadline is None else deadline - time.monotonic()
                if rest is not None and rest <= 0:
                    raise NotYet(f"No result came within {timeout} s; its call goes on.")
                self._changed.wait(rest)
            if not self._open:
                end, self._end = self._end, StopIteration()
                raise end or StopIteration()
            success, value = self._slots.popleft()
            self._open -= 1
            self._taken += 1
            self._fill()
        if success:
            return value
        raise value

    def close(self) -> None:
        """Take no more from the input."""
        with self._changed:
            self._end = self._end or StopIteration()

    def _is_ready(self) -> bool:
        if not self._open:
            return self._end is not None
        return bool(self._slots and self._slots[0])

    def _fill(self) -> None:
        with self._changed:
            while self._end is None and self._open < self._window:
                for item in self._chunk():
                    self._begin(item)

    def _chunk(self) -> list[Any]:
        """The next items; of a chunk in which the input raises none, as the standard library."""
        items: list[Any] = []
        try:
            while len(items) < self._chunksize:
                items.append(next(self._input))
        except StopIteration as end:
            self._end = end
        except BaseException as error:  # raised where its result is asked for
            self._end = error
            items.clear()
        return items

    def _begin(self, item: Any) -> None:
        slot: list[Any] = []
        try:
            self._pool.apply_async(
                self._func, (item,),
                callback=lambda value: self._put(slot, True, value),
                error_callback=lambda error: self._put(slot, False, error),
            )  # fmt: skip
        except ValueError as error:  # the pool was closed meanwhile
            self._end = error
            return
        self._open += 1
        if self._ordered:
            self._slots.append(slot)

    def _put(self, slot: list[Any], success: bool, value: Any) -> None:
        with self._changed:
            slot += success, value
            if not self._ordered:
                self._slots.append(slot)
            self._changed.notify_all()
            if self._is_ready():
                while self._awaiting:
                    self._awaiting.pop()()

    def _when_ready(self, call: Callable[[], None]) -> None:
        with self._changed:
            self._fill()
            if not self._is_ready():
                self._awaiting.append(call)
                return
        call()

    def _close_input(self) -> None:
        """Read to the end, as the standard library does, unless that may be endless."""
        with self._changed:
            if self._is_sized or not self._taken:
                self._window = 1 << 62
                self._fill()
            self._end = self._end or PoolClosed(
                "The pool was closed before the input of this iterator was read to its end. Take "
                "all results before the pool is closed."
            )
