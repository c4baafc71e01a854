"""Pools of a server: their functions are named, and clients run none but those.

A function would be code, so none travels. `BaseManager.task` enters one in the server's table, and
a client's proxy sends its name. Who waits for a result has no thread of the server's; who waits for
the next of an iterator has one.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from interlock.errors import LimitReached, NotExposed
from interlock.managers.faults import allow_error
from interlock.pool import Pool, faults
from interlock.pool.results import NotYet

__all__ = ["METHODS", "RETURNS", "Result", "ServedPool", "Tasks", "name_of"]

# Server and client have this module both: what a pool raises arrives as itself.
for _error in (
    faults.WorkerDied,
    faults.MemoryLimitExceeded,
    faults.TaskTimeout,
    faults.InitializerFailed,
    faults.PoolClosed,
    faults.PoolTerminated,
    NotYet,
):
    allow_error(_error)

Tasks = Mapping[str, Callable[..., Any]]
RETURNS = {
    **dict.fromkeys(("apply_async", "map_async", "starmap_async"), "AsyncResult"),
    **dict.fromkeys(("imap", "imap_unordered"), "Iterator"),
}


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called in messages, in the program's main module as in a child's."""
    module = "__main__" if function.__module__ == "__mp_main__" else function.__module__
    return f"{module}.{function.__qualname__}"


class Result:
    """What a task will have returned.

    If a process dies: the worker: as in `interlock.Pool`.
    """

    def __init__(self, begin: Callable[..., Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Any] = self._loop.create_future()
        self._error: BaseException | None = None
        self._begun = begin(
            callback=partial(self._soon, None), error_callback=lambda error: self._soon(error, None)
        )

    def _soon(self, error: BaseException | None, value: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, error, value)

    def _settle(self, error: BaseException | None, value: Any) -> None:
        self._error = error
        if not self._done.done():
            self._done.set_result(value)

    async def get(self, timeout: float | None = None) -> Any:
        """What it returned.

        Raises:
            NotYet: It has not, in that time.
            Exception: What it raised.

        If a process dies: as of the class.
        """
        await self.wait(timeout)
        if not self.ready():
            raise NotYet("The task is not done, and goes on. Ask again, or wait for longer.")
        if self._error is not None:
            raise self._error
        return self._done.result()

    async def wait(self, timeout: float | None = None) -> None:
        """Until it is done, or for so long.

        Raises:
            asyncio.CancelledError: The client is gone, or waits no more.

        If a process dies: as of the class.
        """
        await asyncio.wait([self._done], timeout=timeout)

    def ready(self) -> bool:
        """Whether it is done."""
        return self._done.done()

    def successful(self) -> bool:
        """Whether it has returned.

        Raises:
            ValueError: It is not done.
        """
        if not self.ready():
            raise ValueError("the task is not done")
        return self._error is None


class _Places:
    """For the workers of all pools of a server: a client's number is not believed."""

    def __init__(self, most: int) -> None:
        self.most, self._taken = most, 0
        self._lock = threading.Lock()

    def take(self, wanted: int) -> None:
        with self._lock:
            if self._taken + wanted > self.most:
                raise LimitReached(
                    f"The server's pools have {self._taken} workers and may have {self.most}, and "
                    f"{wanted} more were asked for; no pool was made."
                )
            self._taken += wanted

    def leave(self, count: int) -> None:
        with self._lock:
            self._taken -= count


_places = _Places(max(256, 4 * (os.cpu_count() or 1)))


class ServedPool:
    """A pool of the server's.

    Args:
        tasks: The functions that clients may name.
        processes, initializer, initargs, maxtasksperchild: As of `interlock.Pool`; the initializer
            is named, too.
    """

    def __init__(
        self,
        tasks: Tasks,
        processes: int | None = None,
        initializer: str | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
    ) -> None:
        self._tasks = tasks
        first = None if initializer is None else self._task(initializer)
        count = (os.cpu_count() or 1) if processes is None else max(0, int(processes))
        _places.take(count)
        self._let_go = weakref.finalize(self, _places.leave, count)
        try:
            self._pool = Pool(processes, first, initargs, maxtasksperchild)
        except BaseException:
            self._let_go()
            raise

    def _task(self, name: Any) -> Callable[..., Any]:
        task = self._tasks.get(name) if isinstance(name, str) else None
        if task is None:
            raise NotExposed(
                f"The server's pools run no {name!r:.100} for clients; nothing was run. They run "
                f"{', '.join(sorted(self._tasks)) or 'nothing'}. Decorate the function with the "
                "manager's task()."
            )
        return task

    async def apply_async(self, task: Any, args: Any = (), kwds: Any = None) -> Result:
        """One call."""
        return Result(partial(self._pool.apply_async, self._task(task), args, kwds))

    async def map_async(self, task: Any, items: Any, chunksize: int | None = None) -> Result:
        """A call for each item."""
        return Result(partial(self._pool.map_async, self._task(task), items, chunksize))

    async def starmap_async(self, task: Any, items: Any, chunksize: int | None = None) -> Result:
        """A call for each tuple of arguments."""
        return Result(partial(self._pool.starmap_async, self._task(task), items, chunksize))

    async def apply(self, task: Any, args: Any = (), kwds: Any = None) -> Any:
        """One call; its value."""
        return await (await self.apply_async(task, args, kwds)).get()

    async def map(self, task: Any, items: Any, chunksize: int | None = None) -> Any:
        """A call for each item; their values."""
        return await (await self.map_async(task, items, chunksize)).get()

    async def starmap(self, task: Any, items: Any, chunksize: int | None = None) -> Any:
        """A call for each tuple of arguments; their values."""
        return await (await self.starmap_async(task, items, chunksize)).get()

    def imap(self, task: Any, items: Any, chunksize: int = 1) -> Any:
        """An iterator over the values, in order."""
        return self._pool.imap(self._task(task), items, chunksize)

    def imap_unordered(self, task: Any, items: Any, chunksize: int = 1) -> Any:
        """An iterator over the values, as they come."""
        return self._pool.imap_unordered(self._task(task), items, chunksize)

    def __del__(self) -> None:
        # Nobody has it any more; ending it takes a moment, in which the loop goes on.
        pool: Any = getattr(self, "_pool", None)
        if pool is not None:
            threading.Thread(target=pool.terminate, daemon=True).start()

    def close(self) -> None:
        """Take no more tasks."""
        self._pool.close()

    def terminate(self) -> None:
        """End the workers, whatever they do."""
        self._pool.terminate()
        self._let_go()

    def join(self) -> None:
        """Until the workers have ended.

        Raises:
            ValueError: The pool was not closed.

        If a process dies: a worker: it has ended.
        """
        self._pool.join()


METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(ServedPool, name)
    for name in (
        "apply apply_async close imap imap_unordered join map map_async starmap starmap_async "
        "terminate"
    ).split()
}
