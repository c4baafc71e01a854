"""ProcessPoolExecutor: `concurrent.futures`' interface, which one dead worker does not break (P6).

After `concurrent.futures` as of Python 3.14. Its futures are `concurrent.futures.Future`s, so that
`as_completed`, `wait` and `asyncio.wrap_future` take them.
"""

from __future__ import annotations

import concurrent.futures
import inspect
import multiprocessing
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import _RemoteTraceback
from contextlib import suppress
from multiprocessing import util
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.pool import limits
from interlock.pool.crew import Crew, Functions
from interlock.pool.engine import RUNNING
from interlock.pool.faults import PoolClosed
from interlock.pool.futures import Future, FutureJob
from interlock.pool.jobs import Options, TaskOptions
from interlock.pool.lazy import IMapJob
from interlock.pool.messages import STARMAP
from interlock.pool.progress import shown
from interlock.pool.shared import Shared, share
from interlock.pool.windows import check_buffersize

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.pool.aio import AsyncExecutor

__all__ = ["ProcessPoolExecutor"]

T = TypeVar("T")

_OPTIONS = frozenset(TaskOptions.__annotations__)

# Those whose work is finished before the interpreter ends.
_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def _finish_all() -> None:
    for crew in list(_crews):
        crew.close()
    for crew in list(_crews):
        crew.join()


threading._register_atexit(_finish_all)  # type: ignore[attr-defined]

_finisher: util.Finalize | None = None


def _finish_before_the_children() -> None:
    """A process of multiprocessing joins its children at its end, before what is registered above.

    The registry that this is entered in is emptied in each new process.
    """
    global _finisher
    if _finisher is None or not _finisher.still_active():
        _finisher = util.Finalize(None, _finish_all, exitpriority=20)


class ProcessPoolExecutor(concurrent.futures.Executor):
    """Processes that run calls.

    Args:
        max_workers: How many; by default one for each usable CPU. They start when there is work.
        mp_context: Makes the processes; by default the default context.
        initializer: Called in each first; what it returns is `worker_state()` there.
        initargs: Its arguments.
        max_tasks_per_child: Calls after which a worker is replaced; None for no bound. As the
            standard library has it, not with fork, and with spawn if no context is given.
        idle_timeout: Seconds after which a worker without work ends; None to keep it.
        threads: How many threads BLAS and OpenMP may use in a worker; None to leave it to them.
        options: Defaults for every call, as in `Options`.

    Raises:
        ValueError: A number is out of its range.
        TypeError: initializer cannot be called, or max_workers, threads or max_tasks_per_child is
            no integer.

    If a process dies: The call that the worker ran fails with `WorkerDied`, all others are run,
        and the worker is replaced. When this process dies, its workers are killed by the kernel.

    Example:
        >>> from interlock.pool import ProcessPoolExecutor
        >>> with ProcessPoolExecutor(2) as executor:
        ...     executor.submit(pow, 2, 5).result()
        32
    """

    _crew_kind: type[Crew] = Crew  # as `Pool` has it
    _functions_kind: type[Functions] = Functions
    _options_kind: type[Options] = Options

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
        idle_timeout: float | None = None,
        threads: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        size = limits.default_workers()
        if max_workers is not None:
            size = limits.whole_number("max_workers", max_workers)
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        context = mp_context
        if max_tasks_per_child is not None:
            context = _checked(max_tasks_per_child, context)
        self._max_workers = size
        self._options = self._options_kind(**options)
        self._functions = self._functions_kind()
        self._crew = self._crew_kind(
            context,
            size,
            initializer=initializer,
            initargs=initargs,
            quota=max_tasks_per_child,
            memory_limit=self._options.memory_limit,
            threads=threads,
            lazy=True,
            idle_timeout=idle_timeout,
            functions=self._functions,
            name="Process",
        )
        self._mp_context = self._crew.context
        self._engine = self._crew.engine
        self._engine.remote_traceback = _RemoteTraceback
        self._engine.unsent = None
        with self._crew.started():
            _crews.add(self._crew)
            _finish_before_the_children()
            weakref.finalize(self, self._crew.abandon).atexit = False

    # What programs look for in the standard library's, though it is not public.

    @property
    def _broken(self) -> BaseException | bool:
        return self._engine.broken or False

    @property
    def _processes(self) -> dict[int, Any]:
        with suppress(Exception):  # who waits for a result is told
            self._engine.supervisor.start_missing()
        with self._engine.lock:
            return {m.process.pid: m.process for m in self._engine.members.values()}

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have ``fn(*args, **kwargs)`` run; its future.

        The options of `Options` may be among the keywords. One that the function itself takes is
        the function's; `with_options` says it without doubt.

        Raises:
            RuntimeError: The executor was shut down.
            SerializationError: The function cannot be sent.
        """
        return self._submit(fn, args, kwargs, self._options)

    def _submit(self, fn: Any, args: Any, kwargs: Any, options: Options) -> Future[Any]:
        self._check_open()
        if not _OPTIONS.isdisjoint(kwargs):
            kwargs, given = _parted(fn, kwargs)
            options = options.with_(**given)
        future: Future[Any] = Future()
        job = FutureJob(self._engine, self._functions.known(fn), options, (args, kwargs), future)
        job.seal()
        self._engine.submit(job)
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Iterator[T]:
        """``map(fn, *iterables)``, across the workers; results in order.

        The iterables may be endless: they are read ahead of the results by what the workers need,
        or by buffersize.

        Args:
            fn: What is called.
            iterables: Its arguments, one iterable for each.
            timeout: Seconds from now within which each result must come. (The time of a task is
                bounded by ``with_options(timeout=...)``.)
            chunksize: Calls in a message at the most; 1 lets it be chosen by the time they take.
            buffersize: How far to read ahead; None to have it chosen.
            progress: Whether to show on standard error how far it is.
            options: As in `Options`, but for timeout.

        Raises:
            ValueError: chunksize or buffersize is less than 1.
            TimeoutError: By the iterator: a result did not come in time.
            RuntimeError: The executor was shut down.

        If a process dies: its call raises `WorkerDied` in its place.
        """
        chosen = self._options.with_(**options)
        return self._map(fn, iterables, timeout, chunksize, buffersize, progress, chosen)

    def _map(
        self, fn: Any, iterables: Any, timeout: float | None, chunksize: int,
        buffersize: int | None, progress: bool, options: Options,
    ) -> Iterator[Any]:  # fmt: skip
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        check_buffersize(buffersize)
        self._check_open()
        is_sized = all(hasattr(each, "__len__") for each in iterables)
        job = IMapJob(
            self._engine,
            self._functions.known(fn),
            options,
            zip(*iterables, strict=False),
            kind=STARMAP,
            batch=None if chunksize == 1 else chunksize,
            buffersize=buffersize,
            is_sized=is_sized,
        )
        if progress:
            total = min(map(len, iterables)) if is_sized else None
            job.progress = shown(job.function.name, total)
        job.keeps_partial = True
        self._crew.feed(job)
        return _Mapped(job, timeout)

    def with_options(self, **options: Unpack[TaskOptions]) -> _WithOptions:
        """This executor with other options for `submit` and `map`.

        Raises:
            ValueError: An option is out of its range.
        """
        return _WithOptions(self, self._options.with_(**options))

    def share(self, obj: T) -> Shared[T]:
        """As `interlock.pool.share`: an object in shared memory once, for any number of tasks."""
        return share(obj)

    def resize(self, max_workers: int) -> None:
        """Have so many workers from now on; those too many end when they have no task.

        Raises:
            TypeError: It is no whole number.
            ValueError: It is less than 1.
        """
        self._max_workers = limits.whole_number("max_workers", max_workers)
        self._engine.supervisor.size = self._max_workers
        self._engine.supervisor.wake()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls.

        Args:
            wait: Wait until all are done and the workers have ended.
            cancel_futures: Cancel those that are not begun.
        """
        self._crew.close()
        if cancel_futures:
            self._engine.cancel_waiting()
        if wait:
            self._crew.join()

    def terminate_workers(self) -> None:
        """End the workers now, by SIGTERM; calls that are not done fail."""
        self._crew.terminate()

    def kill_workers(self) -> None:
        """End the workers now, by SIGKILL; calls that are not done fail."""
        with self._engine.lock:
            for member in self._engine.members.values():
                member.signal(signal.SIGKILL)
        self._crew.terminate()

    @property
    def aio(self) -> AsyncExecutor:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncExecutor

        return AsyncExecutor(self)

    def _check_open(self) -> None:
        if self._engine.broken is None and self._engine.state != RUNNING:
            raise PoolClosed("cannot schedule new futures after shutdown")
        self._crew.check_open()


class _WithOptions:
    """An executor with other options."""

    def __init__(self, executor: ProcessPoolExecutor, options: Options) -> None:
        self._executor = executor
        self._options = options

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As `ProcessPoolExecutor.submit`; every keyword is the function's."""
        executor = self._executor
        executor._check_open()
        future: Future[T] = Future()
        function = executor._functions.known(fn)
        engine = executor._engine
        job = FutureJob(engine, function, self._options, (args, kwargs), future)
        job.seal()
        engine.submit(job)
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
        progress: bool = False,
    ) -> Iterator[T]:
        """As `ProcessPoolExecutor.map`."""
        executor, options = self._executor, self._options
        return executor._map(fn, iterables, timeout, chunksize, buffersize, progress, options)


class _Mapped(Iterator[Any]):
    """The results of a map; after the first error there are no more."""

    def __init__(self, job: IMapJob, timeout: float | None) -> None:
        self._job = job
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def __next__(self) -> Any:
        rest = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        success, value = self._job.next_result(rest)
        if success:
            return value
        try:
            self._job.close()
            raise value
        finally:
            del value

    def close(self) -> None:
        """Begin no more calls, and read no further."""
        self._job.close()

    def __del__(self) -> None:
        self._job.close()


def _checked(max_tasks_per_child: Any, context: Any) -> Any:
    if not isinstance(max_tasks_per_child, int):
        raise TypeError("max_tasks_per_child must be an integer")
    if max_tasks_per_child <= 0:
        raise ValueError("max_tasks_per_child must be >= 1")
    if context is None:
        context = multiprocessing.get_context("spawn")
    if context.get_start_method(allow_none=False) == "fork":
        raise ValueError(
            "max_tasks_per_child is incompatible with the 'fork' multiprocessing start method; "
            "supply a different mp_context, or use Pool(maxtasksperchild=...)."
        )
    return context


def _parted(
    fn: Any, kwargs: dict[str, Any], options: frozenset[str] = _OPTIONS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The function's keywords, and the options among them."""
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        own = set()  # a function in C that does not tell
    else:
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return kwargs, {}
        own = set(parameters)
    given = {name: kwargs[name] for name in options - own if name in kwargs}
    return {name: value for name, value in kwargs.items() if name not in given}, given
