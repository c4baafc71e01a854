"""DaskExecutor: `concurrent.futures`' interface on the tasks of Dask."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import _RemoteTraceback
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.context.dask.handles import Handle
from interlock.context.dask.link import Link
from interlock.context.dask.tasks.batch import Function
from interlock.context.dask.tasks.crew import Crew
from interlock.context.dask.tasks.jobs import CallJob, StreamJob
from interlock.context.dask.tasks.kept import keep
from interlock.context.dask.tasks.options import DaskOptions, DaskTaskOptions
from interlock.context.dask.work.run import CALL, STARMAP
from interlock.errors import NoSuchOption
from interlock.pool.executor import _Mapped, _parted
from interlock.pool.faults import PoolClosed, TaskCancelled
from interlock.pool.futures import Future
from interlock.pool.limits import whole_number
from interlock.pool.windows import check_buffersize

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.pool.aio import AsyncExecutor

__all__ = ["DaskExecutor", "DaskFuture"]

T = TypeVar("T")


class DaskFuture(Future[T]):
    """As `interlock.pool.Future`; what a call returns, once it has."""

    def cancel(self, running: bool = False) -> bool:
        """Let the call not begin; if it has begun, its result is dropped.

        Args:
            running: And interrupt it while it runs, by an exception in its code.

        Returns:
            Whether it is cancelled.
        """
        job: Any = self._job
        if not concurrent.futures.Future.cancel(self):
            return False
        if job is not None:
            job.cancel(running)
        return True


class DaskExecutor(concurrent.futures.Executor):
    """Calls on the workers of a cluster.

    Every method is `concurrent.futures.ProcessPoolExecutor`'s, and takes the options of
    `DaskOptions` as keywords. The futures are `concurrent.futures.Future`s.

    Args:
        link: To the cluster.
        max_workers: Calls at once; None for as many as the cluster has room for.
        initializer: Called in each worker first, once for this executor; what it returns is
            `worker_state()` there.
        initargs: Its arguments.
        max_tasks_per_child: Must be None: the workers are the cluster's.
        patience: Seconds after which calls fail if there is no worker to run them.
        options: Defaults for every call, as in `DaskOptions`.

    Raises:
        TypeError: max_workers is not whole, or initializer cannot be called.
        ValueError: An option is out of its range.
        NoSuchOption: Dask has no such option.

    If a process dies: As `DaskPool`.
    """

    def __init__(
        self,
        link: Link,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        max_tasks_per_child: int | None = None,
        patience: float,
        options: DaskTaskOptions,
    ) -> None:
        if max_tasks_per_child is not None:
            raise NoSuchOption(
                "The context 'dask' has no option 'max_tasks_per_child': the workers are the "
                "cluster's. `dask worker --lifetime 1h` replaces them now and then."
            )
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        size = None if max_workers is None else whole_number("max_workers", max_workers)
        self._options = DaskOptions.of(options)
        self._crew = Crew(link, size, initializer, tuple(initargs), patience)
        self._max_workers = size or self._crew.workers

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> DaskFuture[T]:
        """Have ``fn(*args, **kwargs)`` run; its future.

        The options of `DaskOptions` may be among the keywords. One that the function itself takes
        is the function's; `with_options` says it without doubt.

        Raises:
            RuntimeError: The executor was shut down.
            SerializationError: The function or an argument cannot be sent.
        """
        names = frozenset(DaskTaskOptions.__annotations__)
        options = self._options
        if not names.isdisjoint(kwargs):
            kwargs, given = _parted(fn, kwargs, names)
            options = options.with_(**given)
        return self._submit(fn, args, kwargs, options)

    def _submit(self, fn: Any, args: Any, kwargs: Any, options: DaskOptions) -> DaskFuture[Any]:
        self._check_open()
        future: DaskFuture[Any] = DaskFuture()
        job: Any = CallJob(
            self._crew, Function.of(fn), CALL, options, (args, kwargs), _Settling(future)
        )
        future._job = job
        job.start()
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
        keep_remote: bool = False,
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
            chunksize: Calls that go to a worker together.
            buffersize: How far to read ahead; None to have it chosen.
            keep_remote: Give handles, and read the iterables to their end first; the results stay
                where they are computed.
            options: As in `DaskOptions`, but for timeout.

        Raises:
            ValueError: chunksize or buffersize is less than 1.
            TimeoutError: By the iterator: a result did not come in time.
            RuntimeError: The executor was shut down.

        If a process dies: as of the class.
        """
        chosen = self._options.with_(**options)
        if keep_remote:
            kept: Any = self._kept(fn, iterables, chosen)
            return iter(kept)
        return self._map(fn, iterables, timeout, chunksize, buffersize, chosen)

    def _kept(self, fn: Any, iterables: Any, options: DaskOptions) -> list[Handle[Any]]:
        self._check_open()
        calls = list(zip(*iterables, strict=False))
        return keep(self._crew, Function.of(fn), STARMAP, calls, options)

    def _map(
        self, fn: Any, iterables: Any, timeout: float | None, chunksize: int,
        buffersize: int | None, options: DaskOptions,
    ) -> Iterator[Any]:  # fmt: skip
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        check_buffersize(buffersize)
        self._check_open()
        chunk = 1 if options.goes_alone else min(chunksize, buffersize or chunksize)
        calls = zip(*iterables, strict=False)
        is_sized = buffersize is None and all(hasattr(each, "__len__") for each in iterables)
        job = StreamJob(
            self._crew, Function.of(fn), STARMAP, options, calls, chunk, True, buffersize, is_sized
        )
        job.start()
        its: Any = job
        return _Mapped(its, timeout)

    def with_options(self, **options: Unpack[DaskTaskOptions]) -> _WithOptions:
        """This executor with other options for `submit` and `map`.

        Raises:
            ValueError: An option is out of its range.
        """
        return _WithOptions(self, self._options.with_(**options))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. The cluster goes on.

        Args:
            wait: Wait until all are done.
            cancel_futures: Cancel those that no worker has.
        """
        self._crew.close()
        if cancel_futures:
            self._crew.cancel_waiting()
        if wait:
            self._crew.join()

    @property
    def aio(self) -> AsyncExecutor:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncExecutor

        executor: Any = self
        return AsyncExecutor(executor)

    def _check_open(self) -> None:
        if self._crew.is_closed:
            raise PoolClosed("cannot schedule new futures after shutdown")


class _WithOptions:
    """An executor with other options."""

    def __init__(self, executor: DaskExecutor, options: DaskOptions) -> None:
        self._executor = executor
        self._options = options

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> DaskFuture[T]:
        """As `DaskExecutor.submit`; every keyword is the function's."""
        return self._executor._submit(fn, args, kwargs, self._options)

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None,
        chunksize: int = 1, buffersize: int | None = None,
    ) -> Iterator[T]:  # fmt: skip
        """As `DaskExecutor.map`."""
        executor, options = self._executor, self._options
        return executor._map(fn, iterables, timeout, chunksize, buffersize, options)


class _Settling:
    """Tells a future what became of its call."""

    def __init__(self, future: DaskFuture[Any]) -> None:
        self._future = future

    def __call__(self, success: bool, value: Any) -> None:
        future = self._future
        if isinstance(value, TaskCancelled) and value.__cause__ is None:  # by shutdown()
            concurrent.futures.Future.cancel(future)
        if not future.set_running_or_notify_cancel():
            return
        future._job = None
        if success:
            future.set_result(value)
            return
        cause = getattr(value, "__cause__", None)
        if type(cause).__name__ == "RemoteTraceback":  # as `concurrent.futures` calls it
            traceback: Any = str(cause)
            value.__cause__ = _RemoteTraceback(traceback)
        future.set_exception(value)
