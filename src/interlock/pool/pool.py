"""Pool: `multiprocessing.Pool`, of which a killed worker takes one task and nothing more (P6)."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable
from multiprocessing import util
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.pool import limits
from interlock.pool.crew import Crew, Functions
from interlock.pool.eager import CallJob, MapJob
from interlock.pool.engine import CLOSED, RUNNING, TERMINATED
from interlock.pool.jobs import Options, TaskOptions
from interlock.pool.lazy import IMapJob
from interlock.pool.messages import MAP, STARMAP
from interlock.pool.progress import Progress, shown
from interlock.pool.results import ApplyResult, IMapIterator, IMapUnorderedIterator, MapResult
from interlock.pool.shared import Shared, share

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.pool.aio import AsyncPool

__all__ = ["Pool"]

T = TypeVar("T")


class Pool:
    """Processes that run tasks.

    Every method is `multiprocessing.pool.Pool`'s, and each takes the options of `Options` as
    keywords: ``timeout``, ``retries``, ``retry_on``, ``backoff``, ``memory_limit``, ``priority``.

    Args:
        processes: How many workers; by default one for each usable CPU.
        initializer: Called in each worker first; what it returns is `worker_state()` there.
        initargs: Its arguments.
        maxtasksperchild: Messages after which a worker is replaced; None for no bound.
        context: Makes the processes; by default the default context.
        idle_timeout: Seconds after which a worker without work ends; None to keep it.
        threads: How many threads BLAS and OpenMP may use in a worker; None to leave it to them.
        progress: Whether `map`, `imap` and the like show how far they are, on standard error.
        options: Defaults for every task, as in `Options`.

    Raises:
        TypeError: A number of workers or threads is not whole, or initializer cannot be called.
        ValueError: A number is out of its range.
        OSError: The system starts no process.

    If a process dies: The task that the worker ran fails with `WorkerDied`, all others are run,
        and the worker is replaced. When this process dies, however it does, its workers are
        killed by the kernel.

    Example:
        >>> import interlock
        >>> with interlock.Pool(2) as pool:
        ...     pool.map(abs, [-1, 2, -3])
        [1, 2, 3]
    """

    # What a pool of something else than processes has of its own.
    _crew_kind: type[Crew] = Crew
    _functions_kind: type[Functions] = Functions
    _options_kind: type[Options] = Options

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        idle_timeout: float | None = None,
        threads: int | None = None,
        progress: bool = False,
        **options: Unpack[TaskOptions],
    ) -> None:
        self._state = CLOSED  # until it is made: __del__ looks
        size = limits.default_workers()
        if processes is not None:
            size = limits.whole_number("processes", processes)
        if maxtasksperchild is not None and (
            type(maxtasksperchild) is not int or maxtasksperchild < 1
        ):
            raise ValueError(
                f"maxtasksperchild must be a positive int or None; it is {maxtasksperchild!r}"
            )
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._options = self._options_kind(**options)
        self._progress = progress
        self._functions = self._functions_kind()
        self._processes = size
        self._crew = self._crew_kind(
            context,
            size,
            initializer=initializer,
            initargs=initargs,
            quota=maxtasksperchild,
            memory_limit=self._options.memory_limit,
            threads=threads,
            idle_timeout=idle_timeout,
            functions=self._functions,
        )
        self._ctx = self._crew.context
        self._engine = self._crew.engine
        with self._crew.started():
            self._abandoned = util.Finalize(self, self._crew.abandon, (True,), exitpriority=15)
        self._state = RUNNING

    @property
    def _pool(self) -> list[Any]:
        with self._engine.lock:
            return [m.process for m in self._engine.members.values()]

    def _repopulate_pool(self) -> None:
        """The supervisor does it; wait until it has."""
        deadline = time.monotonic() + 5
        while len(self._pool) < self._processes and time.monotonic() < deadline:
            self._engine.supervisor.wake()
            threading.Event().wait(0.01)

    # ---- one call ----------------------------------------------------------------

    def apply(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        **options: Unpack[TaskOptions],
    ) -> Any:
        """``func(*args, **kwds)`` in a worker; its value."""
        return self.apply_async(func, args, kwds, **options).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[TaskOptions],
    ) -> ApplyResult:
        """The same, not waited for.

        Raises:
            SerializationError: The function cannot be sent.
            ValueError: The pool takes no more tasks.
        """
        self._check_running()
        function = self._functions.known(func)
        result = ApplyResult(self, callback, error_callback)
        call = (tuple(args), dict(kwds or {}))
        chosen = self._options.with_(**options)
        job = CallJob(self._engine, function, chosen, call, result)
        job.seal()
        self._engine.submit(job)
        return result

    # ---- many --------------------------------------------------------------------

    def map(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        *, progress: bool | None = None, **options: Unpack[TaskOptions],
    ) -> list[Any]:  # fmt: skip
        """``[func(item) for item in iterable]``, across the workers.

        Args:
            func: What is called.
            iterable: Items; all are read first.
            chunksize: Items that go to a worker together, or a multiple where they take a moment;
                None to have it chosen by the time that tasks take.
            progress: Whether to show how far it is; None as the pool has it.
            options: As in `Options`.
        """
        value: list[Any] = self._map_async(func, iterable, MAP, chunksize, progress, options).get()
        return value

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        progress: bool | None = None,
        **options: Unpack[TaskOptions],
    ) -> MapResult:
        """The same, not waited for."""
        return self._map_async(
            func, iterable, MAP, chunksize, progress, options, callback, error_callback
        )

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None, *, progress: bool | None = None,
        **options: Unpack[TaskOptions],
    ) -> list[Any]:  # fmt: skip
        """``[func(*item) for item in iterable]``, across the workers."""
        value: list[Any] = self._map_async(
            func, iterable, STARMAP, chunksize, progress, options
        ).get()
        return value

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        progress: bool | None = None,
        **options: Unpack[TaskOptions],
    ) -> MapResult:
        """The same, not waited for."""
        return self._map_async(
            func, iterable, STARMAP, chunksize, progress, options, callback, error_callback
        )

    def _map_async(
        self, func: Any, iterable: Any, kind: int, chunksize: int | None, progress: bool | None,
        options: TaskOptions, callback: Any = None, error_callback: Any = None,
    ) -> MapResult:  # fmt: skip
        self._check_running()
        _check_chunksize(chunksize)
        function = self._functions.known(func)
        chosen = self._options.with_(**options)
        items = list(iterable)
        result = MapResult(self, callback, error_callback)
        job = MapJob(self._engine, function, chosen, kind, items, chunksize, result)
        job.progress = self._shown(progress, function.name, len(items))
        if items:
            self._engine.submit(job)
        else:
            result._set(True, [])
        return result

    def imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        *, progress: bool | None = None, **options: Unpack[TaskOptions],
    ) -> IMapIterator:  # fmt: skip
        """An iterator over ``func(item)``, in the order of the items.

        Args:
            func: What is called.
            iterable: Items; it may be endless, and is read no further ahead than the workers need.
            chunksize: As in `map`.
            progress: As in `map`.
            options: As in `Options`.
        """
        return IMapIterator(
            self._imap_job(func, iterable, chunksize, True, progress, options), self
        )

    def imap_unordered(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        *, progress: bool | None = None, **options: Unpack[TaskOptions],
    ) -> IMapUnorderedIterator:  # fmt: skip
        """The same in the order in which the tasks end."""
        job = self._imap_job(func, iterable, chunksize, False, progress, options)
        return IMapUnorderedIterator(job, self)

    def _imap_job(
        self, func: Any, iterable: Any, chunksize: int | None, ordered: bool,
        progress: bool | None, options: TaskOptions,
    ) -> IMapJob:  # fmt: skip
        self._check_running()
        _check_chunksize(chunksize)
        function = self._functions.known(func)
        chosen = self._options.with_(**options)
        job = IMapJob(
            self._engine, function, chosen, iterable, batch=chunksize, ordered=ordered,
            is_sized=hasattr(iterable, "__len__"),
        )  # fmt: skip
        total = len(iterable) if hasattr(iterable, "__len__") else None
        job.progress = self._shown(progress, function.name, total)
        self._crew.feed(job)
        return job

    def _shown(self, wanted: bool | None, name: str, total: int | None) -> Progress | None:
        if total == 0 or not (self._progress if wanted is None else wanted):
            return None
        return shown(name, total)

    # ---- its end -----------------------------------------------------------------

    def share(self, obj: T) -> Shared[T]:
        """As `interlock.pool.share`: an object in shared memory once, for any number of tasks."""
        return share(obj)

    def resize(self, processes: int) -> None:
        """Have so many workers from now on; those too many end when they have no task.

        Raises:
            TypeError: It is no whole number.
            ValueError: It is less than 1.
        """
        self._processes = limits.whole_number("processes", processes)
        self._engine.supervisor.size = self._processes
        self._engine.supervisor.wake()

    def close(self) -> None:
        """Take no more tasks; the workers end when all are done."""
        if self._state == RUNNING:
            self._state = CLOSED
            self._crew.close()

    def terminate(self) -> None:
        """End the workers now; tasks that are not done fail with PoolTerminated."""
        self._state = TERMINATED
        self._abandoned.cancel()
        self._crew.terminate()

    def join(self) -> None:
        """Wait for the end of the workers, after `close` or `terminate`.

        Raises:
            ValueError: The pool is still running.

        If a process dies: it is replaced while there are tasks, and they are done.
        """
        if self._state == RUNNING:
            raise ValueError("Pool is still running; call close() or terminate() first")
        self._crew.join()

    def __enter__(self) -> Pool:
        self._check_running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.terminate()

    def __del__(self) -> None:
        if self._state == RUNNING:
            warnings.warn(
                f"unclosed running multiprocessing pool {self!r}",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )
            self._engine.supervisor.wake()

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def __repr__(self) -> str:
        return (
            f"<{type(self).__module__}.{type(self).__qualname__} state={self._state} "
            f"pool_size={self._processes}>"
        )

    def _check_running(self) -> None:
        if self._state != RUNNING:
            raise ValueError("Pool not running")
        self._crew.check_open()

    @property
    def aio(self) -> AsyncPool:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncPool

        return AsyncPool(self)


def _check_chunksize(chunksize: int | None) -> None:
    if chunksize is not None and chunksize < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize}")
