"""Workers of each context, started for a moment: how long that takes, what they cost, and a run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any, Protocol

from interlock.advice.facts import ASYNCIO, INTERPRETER, THREAD, Home
from interlock.advice.measure.clocks import private_bytes, scheduled
from interlock.context import get_context
from interlock.pool import Pool, ThreadPool

__all__ = ["Awaited", "Idle", "Place", "home_of", "opened", "unfit_main"]

Function = Callable[[Any], Any]

START_MAX_S = 10.0
LOOK_EVERY_S = 0.0005
MANY, FEW = 1000, 200  # tasks that do nothing, to see what a pool does for each


class Idle:
    """Goes where the function goes, and does nothing there."""

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self.function = function

    def __call__(self, given: object) -> None:
        """Nothing."""


class Awaited:
    """A coroutine function as a plain one, with a loop of its own for each call."""

    def __init__(self, function: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        self.function = function

    def __call__(self, given: Any) -> Any:
        """Await it."""
        import asyncio

        return asyncio.run(self.function(given))


class Place(Protocol):
    """Workers that are ready.

    Attributes:
        first_s: When the first was ready, from the start; 0 where that was not seen.
    """

    first_s: float

    def map(
        self,
        function: Callable[[Any], Any],
        inputs: Sequence[Any],
        batch: int | None,
        most_s: float,
    ) -> None:
        """Do it for all inputs.

        Raises:
            TimeoutError: It took longer than most_s.
            Exception: What went wrong.
        """

    def scheduled(self) -> tuple[float, float]:
        """For how long all workers were on the CPU, and ready to run without one, up to now."""

    def memory_bytes(self) -> int:
        """Of each worker, its own."""


@contextmanager
def opened(
    context: str, workers: int, function: Callable[..., Any] | None = None
) -> Iterator[Place]:
    """Workers of a context, ready to work; ended behind the block.

    Args:
        context: Its name.
        workers: How many.
        function: What they are to have; None for nothing.

    Raises:
        TimeoutError: They were not ready in time.
        Exception: They cannot be started, or not with the function.

    If a process dies: what it did fails with `WorkerDied`.
    """
    started = time.perf_counter()
    if context == THREAD:
        with ThreadPool(workers) as threads:
            yield _Threads(threads)
            threads.close()
            threads.join()  # a fork comes next, perhaps
    elif context == ASYNCIO:
        yield _Tasks(workers)
    elif context == INTERPRETER:
        with _interpreters()(workers) as interpreters:
            place = _Interpreters(interpreters)
            place.map(Idle(function), range(workers), None, START_MAX_S)
            yield place
    else:
        with get_context(context).Pool(workers) as pool:
            processes = _Processes(pool)
            processes.wait_ready(1)
            processes.map(Idle(function), [None], 1, START_MAX_S)
            processes.first_s = time.perf_counter() - started
            processes.wait_ready(workers)
            yield processes


def home_of(context: str, function: Callable[..., Any], like: Home | None = None) -> Home:
    """What it costs to be there.

    Args:
        context: Its name.
        function: What is to run there.
        like: One whose cost of a task and of a message is the same; None to measure it.
    """
    if context == ASYNCIO:
        return Home(ASYNCIO)
    reason = _missing(context)
    if reason:
        return Home(context, refused=reason)
    try:
        started = time.perf_counter()
        with opened(context, 2, function) as place:
            both_s = time.perf_counter() - started
            first_s = place.first_s or both_s
            item_s, message_s = (like.item_s, like.message_s) if like else _costs(place)
            memory = place.memory_bytes()
    except Exception as error:
        return Home(context, refused=f"no worker can begin: {_said(error)}")
    return Home(context, first_s, max(0.0, both_s - first_s), item_s, message_s, memory)


def _costs(place: Place) -> tuple[float, float]:
    """Of a task and of a message, in seconds."""
    idle = Idle()
    place.map(idle, range(FEW), None, START_MAX_S)

    def best(number: int, batch: int | None) -> float:
        took = []
        for _ in range(2):
            started = time.perf_counter()
            place.map(idle, range(number), batch, START_MAX_S)
            took.append(time.perf_counter() - started)
        return min(took) / number

    item_s = best(MANY, MANY // 8)
    return item_s, max(0.0, best(FEW, 1) - item_s)


def unfit_main() -> str:
    """Why a process that imports the main module would be no worker; empty if it would be one."""
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if path is None:
        return ""  # nothing is imported
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return f"it would import the main module, and {path} cannot be read"
    if "__name__" in text:
        return ""
    return 'it would run the program again: the main module has no if __name__ == "__main__":'


def _missing(context: str) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if context == INTERPRETER and _interpreters() is None:
        return f"Python {version} has none that can be used; 3.14 has"
    return unfit_main() if context in ("spawn", "forkserver") else ""


def _interpreters() -> Any:
    """The standard library's executor of sub-interpreters, of Python 3.14; None before."""
    import concurrent.futures

    return getattr(concurrent.futures, "InterpreterPoolExecutor", None)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _sum(tasks: Iterable[str]) -> tuple[float, float]:
    each = [scheduled(task) for task in tasks]
    return sum(on_cpu for on_cpu, _ in each), sum(without for _, without in each)


class _Threads:
    first_s = 0.0

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        workers: Any = pool
        self._workers = [thread.native_id for thread in workers._pool]

    def map(
        self,
        function: Callable[[Any], Any],
        inputs: Sequence[Any],
        batch: int | None,
        most_s: float,
    ) -> None:
        self._pool.map_async(function, inputs, batch or 1).get(most_s)

    def scheduled(self) -> tuple[float, float]:
        return _sum(f"self/task/{number}" for number in self._workers)

    def memory_bytes(self) -> int:
        return 0


class _Tasks:
    first_s = 0.0

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(
        self,
        function: Callable[[Any], Any],
        inputs: Sequence[Any],
        batch: int | None,
        most_s: float,
    ) -> None:
        import asyncio

        asyncio.run(asyncio.wait_for(self._all(function, inputs), most_s))

    async def _all(self, function: Callable[[Any], Any], inputs: Sequence[Any]) -> None:
        import asyncio

        left = iter(inputs)

        async def work() -> None:
            for each in left:
                await function(each)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(work())

    def scheduled(self) -> tuple[float, float]:
        return scheduled()

    def memory_bytes(self) -> int:
        return 0


class _Interpreters:
    first_s = 0.0

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    def map(
        self,
        function: Callable[[Any], Any],
        inputs: Sequence[Any],
        batch: int | None,
        most_s: float,
    ) -> None:
        for _ in self._executor.map(function, inputs, timeout=most_s):
            pass

    def scheduled(self) -> tuple[float, float]:
        return _sum(f"self/task/{thread.native_id}" for thread in self._executor._threads)

    def memory_bytes(self) -> int:
        return 0  # theirs is not told apart from the program's


class _Processes:
    first_s = 0.0

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def wait_ready(self, workers: int) -> None:
        """Until all can work.

        Raises:
            TimeoutError: They cannot in START_MAX_S.
            Exception: What keeps them from it.

        If a process dies: it is replaced, and waited for.
        """
        deadline, tick = time.monotonic() + START_MAX_S, threading.Event()
        engine = self._pool._engine
        while sum(each.is_ready for each in list(engine.members.values())) < workers:
            engine.check_open()
            if time.monotonic() > deadline:
                raise TimeoutError(f"no worker was ready within {START_MAX_S:.0f} s")
            tick.wait(LOOK_EVERY_S)

    def map(
        self,
        function: Callable[[Any], Any],
        inputs: Sequence[Any],
        batch: int | None,
        most_s: float,
    ) -> None:
        self._pool.map_async(function, inputs, batch).get(most_s)

    def _pids(self) -> list[int]:
        return [process.pid for process in self._pool._pool if process.pid is not None]

    def scheduled(self) -> tuple[float, float]:
        return _sum(str(pid) for pid in self._pids())

    def memory_bytes(self) -> int:
        return round(fmean([private_bytes(pid) for pid in self._pids()] or [0]))
