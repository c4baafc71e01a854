"""`Executor.map` with a buffersize, as of Python 3.14, for any executor with `submit`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

__all__ = ["check_buffersize", "mapped"]


def check_buffersize(buffersize: Any) -> None:
    """Raise what Python 3.14 raises for one that is none."""
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")


def mapped(
    executor: Executor,
    fn: Callable[..., Any],
    iterables: tuple[Iterable[Any], ...],
    timeout: float | None,
    buffersize: int,
) -> Iterator[Any]:
    """Results in order, of which at most so many are begun and not taken.

    Raises:
        ValueError: buffersize is less than 1.
        TimeoutError: By the iterator: a result did not come in time.

    If a process dies: what the executor's futures have for that.
    """
    check_buffersize(buffersize)
    end = None if timeout is None else time.monotonic() + timeout
    calls = zip(*iterables, strict=False)
    begun: deque[Future[Any]] = deque()
    for _, args in zip(range(buffersize), calls, strict=False):
        begun.append(executor.submit(fn, *args))
    return _results(executor, fn, calls, begun, end)


def _results(
    executor: Executor, fn: Any, calls: Iterator[Any], begun: deque[Future[Any]], end: float | None
) -> Iterator[Any]:
    try:
        while begun:
            rest = None if end is None else end - time.monotonic()
            value = begun[0].result(rest)
            begun.popleft()
            for args in calls:
                begun.append(executor.submit(fn, *args))
                break
            yield value
    finally:
        for future in begun:
            future.cancel()
