"""DaskPool: `multiprocessing.Pool`'s interface on the tasks of Dask."""

# Of what it calls, distributed types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.context.dask.handles import Handle, gathered
from interlock.context.dask.link import Link
from interlock.context.dask.packing import pack_message
from interlock.context.dask.tasks.batch import Function
from interlock.context.dask.tasks.crew import Crew
from interlock.context.dask.tasks.jobs import (
    CallJob,
    DaskMapResult,
    DaskResult,
    MapJob,
    StreamJob,
    chunk_for,
)
from interlock.context.dask.tasks.kept import keep
from interlock.context.dask.tasks.options import DaskOptions
from interlock.context.dask.work.run import CALL, MAP, STARMAP
from interlock.errors import NoSuchOption, SerializationError
from interlock.pool.limits import whole_number
from interlock.pool.results import ApplyResult, IMapIterator, IMapUnorderedIterator, MapResult

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.context.dask.tasks.options import DaskTaskOptions
    from interlock.pool.aio import AsyncPool

__all__ = ["DaskPool"]

T = TypeVar("T")


class DaskPool:
    """A function for many items, on the workers of a cluster.

    Every method is `multiprocessing.pool.Pool`'s, and each takes the options of `DaskOptions` as
    keywords. `map`, `starmap` and `apply` also take ``keep_remote=True``: then what they give are
    handles, at once, and the results stay where they are computed.

    Args:
        link: To the cluster.
        processes: Tasks at once; None for as many as the cluster has room for.
        initializer: Called in each worker first, once for this pool, when it gets its first task
            of it; what it returns is `worker_state()` there.
        initargs: Its arguments.
        maxtasksperchild: Must be None: the workers are the cluster's.
        patience: Seconds after which tasks fail if there is no worker to run them.
        options: Defaults for every task, as in `DaskOptions`.

    Raises:
        TypeError: processes is not whole, or initializer cannot be called.
        ValueError: An option is out of its range.
        NoSuchOption: Dask has no such option.

    If a process dies: Of a worker's death, Dask runs its tasks again on others, as often as its
        scheduler is told to (``distributed.scheduler.allowed-failures``, 3); after that, and for
        want of workers, a task fails with `WorkerDied`, and the others are run. If the scheduler
        is lost, all fail with `ServerGone`.
    """

    def __init__(
        self,
        link: Link,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        patience: float,
        options: DaskTaskOptions,
    ) -> None:
        if maxtasksperchild is not None:
            raise NoSuchOption(
                "The context 'dask' has no option 'maxtasksperchild': the workers are the "
                "cluster's. `dask worker --lifetime 1h` replaces them now and then."
            )
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        size = None if processes is None else whole_number("processes", processes)
        self._options = DaskOptions.of(options)
        self._crew = Crew(link, size, initializer, tuple(initargs), patience)
        self._processes = size or self._crew.workers
        self._functions: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()

    # ---- one call ----------------------------------------------------------------

    def apply(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        *,
        keep_remote: bool = False,
        **options: Unpack[DaskTaskOptions],
    ) -> Any:
        """``func(*args, **kwds)`` in a worker; its value, or with keep_remote a handle of it."""
        if keep_remote:
            return self._kept(func, CALL, [(tuple(args), dict(kwds or {}))], options)[0]
        return self.apply_async(func, args, kwds, **options).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: dict[str, Any] | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> ApplyResult:
        """The same, not waited for.

        Raises:
            SerializationError: The function or an argument cannot be sent.
            ValueError: The pool takes no more tasks.
        """
        self._check_running()
        result = DaskResult(self, callback, error_callback)
        item = tuple(args), dict(kwds or {})
        chosen = self._options.with_(**options)
        job = CallJob(self._crew, Function.of(func), CALL, chosen, item, result._set)
        result._job = job
        job.start()
        return result

    # ---- many --------------------------------------------------------------------

    def map(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        *, keep_remote: bool = False, **options: Unpack[DaskTaskOptions],
    ) -> list[Any]:  # fmt: skip
        """``[func(item) for item in iterable]``, across the workers.

        Args:
            func: What is called.
            iterable: Items; all are read first. Handles among them are the results themselves for
                the function.
            chunksize: Items that go to a worker together; None for about four parts for each
                worker. With timeout, retries or keep_remote each goes alone.
            keep_remote: Give handles, without waiting; the results stay where they are computed.
            options: As in `DaskOptions`.
        """
        if keep_remote:
            return self._kept(func, MAP, list(iterable), options)
        value: list[Any] = self._map_async(func, iterable, MAP, chunksize, options).get()
        return value

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> MapResult:
        """The same, not waited for."""
        return self._map_async(func, iterable, MAP, chunksize, options, callback, error_callback)

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None, *, keep_remote: bool = False,
        **options: Unpack[DaskTaskOptions],
    ) -> list[Any]:  # fmt: skip
        """``[func(*item) for item in iterable]``, across the workers."""
        if keep_remote:
            return self._kept(func, STARMAP, list(iterable), options)
        value: list[Any] = self._map_async(func, iterable, STARMAP, chunksize, options).get()
        return value

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> MapResult:
        """The same, not waited for."""
        return self._map_async(
            func, iterable, STARMAP, chunksize, options, callback, error_callback
        )

    def _map_async(
        self, func: Any, iterable: Any, kind: str, chunksize: int | None,
        options: DaskTaskOptions, callback: Any = None, error_callback: Any = None,
    ) -> MapResult:  # fmt: skip
        self._check_running()
        _check_chunksize(chunksize)
        chosen = self._options.with_(**options)
        items = list(iterable)
        chunk = 1 if chosen.goes_alone else chunksize or chunk_for(len(items), self._slots())
        result = DaskMapResult(self, callback, error_callback)
        job = MapJob(self._crew, Function.of(func), kind, chosen, items, chunk, result)
        result._job = job
        job.start()
        return result

    def imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> IMapIterator:  # fmt: skip
        """An iterator over ``func(item)``, in the order of the items.

        Args:
            func: What is called.
            iterable: Items; it may be endless, and is read no further ahead than the workers need.
            chunksize: Items that go to a worker together; None for one.
            options: As in `DaskOptions`.
        """
        job: Any = self._stream(func, iterable, chunksize, True, options)
        return IMapIterator(job, self)

    def imap_unordered(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> IMapUnorderedIterator:  # fmt: skip
        """The same in the order in which the tasks end."""
        job: Any = self._stream(func, iterable, chunksize, False, options)
        return IMapUnorderedIterator(job, self)

    def _stream(
        self,
        func: Any,
        iterable: Any,
        chunksize: int | None,
        ordered: bool,
        options: DaskTaskOptions,
    ) -> StreamJob:
        self._check_running()
        _check_chunksize(chunksize)
        chosen = self._options.with_(**options)
        chunk = 1 if chosen.goes_alone else chunksize or 1
        job = StreamJob(self._crew, Function.of(func), MAP, chosen, iterable, chunk, ordered)
        job.start()
        return job

    # ---- results that stay -------------------------------------------------------

    def _kept(
        self, func: Any, kind: str, items: list[Any], options: DaskTaskOptions
    ) -> list[Handle[Any]]:
        self._check_running()
        chosen = self._options.with_(**options)
        return keep(self._crew, Function.of(func), kind, items, chosen)

    def gather(self, handles: Iterable[Handle[T]], timeout: float | None = None) -> list[T]:
        """The values of many handles, brought here together.

        Raises:
            TimeoutError: One is not there in that time.
            Exception: As `Handle.get`, for the first that has one.

        If a process dies: as `Handle.get`.
        """
        return gathered(handles, timeout)

    def share(self, obj: T) -> Handle[T]:
        """Put an object on every worker, once, for any number of tasks; they get it as itself.

        Raises:
            ServerGone: The scheduler is lost.
            SerializationError: A part of it cannot be sent.
        """
        link = self._crew.link
        try:
            (future,) = link.client.scatter([obj], broadcast=True, hash=False)
        except TypeError as error:
            pack_message(obj)  # says which part
            raise SerializationError(str(error)) from error
        return Handle(future, link, f"a shared {type(obj).__name__}")

    # ---- its end -----------------------------------------------------------------

    def close(self) -> None:
        """Take no more tasks; those that there are go on."""
        self._crew.close()

    def terminate(self) -> None:
        """Cancel all tasks; those that run get an exception in their code."""
        self._crew.terminate()

    def join(self) -> None:
        """Wait until all tasks have ended, after `close` or `terminate`. The cluster goes on.

        Raises:
            ValueError: The pool is still running.

        If a process dies: as of the class.
        """
        if not self._crew.is_closed:
            raise ValueError("Pool is still running; call close() or terminate() first")
        self._crew.join()

    def __enter__(self) -> DaskPool:
        self._check_running()
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def __repr__(self) -> str:
        state = "CLOSE" if self._crew.is_closed else "RUN"
        return f"<{type(self).__qualname__} state={state} pool_size={self._slots()}>"

    def _slots(self) -> int:
        return self._crew.size or self._crew.workers

    def _check_running(self) -> None:
        if self._crew.is_closed:
            raise ValueError("Pool not running")

    @property
    def aio(self) -> AsyncPool:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.pool.aio import AsyncPool

        pool: Any = self
        return AsyncPool(pool)


def _check_chunksize(chunksize: int | None) -> None:
    if chunksize is not None and chunksize < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize}")
