"""BaseContext: what every context makes; ours where we have it, else the standard library's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from multiprocessing import context as standard
from typing import TYPE_CHECKING, Any, ClassVar, Literal, SupportsIndex, overload

from interlock.context.capabilities import Offering
from interlock.context.elsewhere import ELSEWHERE, made_elsewhere, no_such_context, refuse_options
from interlock.process import Process

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.connection.pipe import PipeConnection
    from interlock.context.dask import DaskContext
    from interlock.context.interpreter import InterpreterContext
    from interlock.context.processes import ForkContext, ForkServerContext, SpawnContext
    from interlock.context.ray import RayContext
    from interlock.context.thread import ThreadContext
    from interlock.managers import SyncManager
    from interlock.pool import Pool, ProcessPoolExecutor
    from interlock.pool.jobs import TaskOptions
    from interlock.queues import JoinableQueue, Queue, SimpleQueue
    from interlock.serialize.limits import Limits
    from interlock.serialize.trust import Trust
    from interlock.shared_memory import SharedArray, SharedDict
    from interlock.synchronize import (
        Barrier,
        BoundedSemaphore,
        Condition,
        Event,
        Lock,
        RLock,
        RWLock,
        Semaphore,
    )
    from interlock.synchronize.condition import AnyLock
    from interlock.synchronize.lock_base import OnAbandon

__all__ = ["CONTEXTS", "BaseContext"]

# Our contexts by name; each module that has some enters them here.
CONTEXTS: dict[str, BaseContext] = {}


class BaseContext(Offering, standard.BaseContext):
    """Makes processes, queues, pipes, locks, pools, managers ... that fit together."""

    Process: ClassVar[type[Process]]

    @overload  # type: ignore[override]
    def get_context(self, method: None = None) -> BaseContext: ...
    @overload
    def get_context(self, method: Literal["fork"]) -> ForkContext: ...
    @overload
    def get_context(self, method: Literal["spawn"]) -> SpawnContext: ...
    @overload
    def get_context(self, method: Literal["forkserver"]) -> ForkServerContext: ...
    @overload
    def get_context(self, method: Literal["thread"]) -> ThreadContext: ...
    @overload
    def get_context(self, method: Literal["interpreter"]) -> InterpreterContext: ...
    @overload
    def get_context(self, method: Literal["dask"], **options: Any) -> DaskContext: ...
    @overload
    def get_context(self, method: Literal["ray"], **options: Any) -> RayContext: ...
    @overload
    def get_context(self, method: str, **options: Any) -> BaseContext: ...
    def get_context(self, method: str | None = None, **options: Any) -> standard.BaseContext:
        """The context of that name; without a name this one, or the default one's choice.

        Args:
            method: ``"fork"``, ``"spawn"`` or ``"forkserver"``; ``"thread"``, ``"interpreter"``,
                ``"dask"`` or ``"ray"``; or the name of a context that another library has
                entered in `multiprocessing`, which is given as it is.
            options: What the context takes, such as ``address=`` of a cluster.

        Returns:
            A context whose start method is fixed.

        Raises:
            NoSuchContext: There is no context of that name; a ValueError too.
            NoSuchOption: The context has no such option.
            MissingDependency: What the context stands on is not installed.
        """
        ours = None if method is None else CONTEXTS.get(method)
        if ours is None and method in ELSEWHERE:
            return made_elsewhere(method, options)
        refuse_options(method, options)
        if ours is not None:
            ours._check_available()
            return ours
        try:
            return super().get_context(method)
        except ValueError:
            raise no_such_context(method, (*CONTEXTS, *ELSEWHERE)) from None

    @property
    def reducer(self) -> Any:
        """What makes objects fit to travel: a module or class with a ``ForkingPickler``.

        Set it, in each process, before objects are sent: from then on its pickler writes all that
        processes of ``trust="process"`` exchange, with a ``persistent_id`` or ``reducer_override``
        of its own, and its ``loads`` reads it. Arrays are copied then as `multiprocessing` does it.
        """
        return standard.BaseContext.reducer.fget(self)  # type: ignore[attr-defined]

    @reducer.setter
    def reducer(self, reduction: Any) -> None:
        from interlock.serialize.codec import use_pickler

        standard.BaseContext.reducer.fset(self, reduction)  # type: ignore[attr-defined]
        use_pickler(reduction.ForkingPickler)

    def Pipe(
        self,
        duplex: bool = True,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> tuple[PipeConnection, PipeConnection]:
        """Two connected ends; see `interlock.connection.Pipe`."""
        from interlock.connection import Pipe

        return Pipe(duplex, max_bytes=max_bytes, trust=trust, limits=limits, writable=writable)

    def Queue(  # type: ignore[override]
        self,
        maxsize: int = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> Queue[Any]:
        """A queue between processes; see `interlock.queues.Queue`."""
        from interlock.queues import Queue

        return Queue(
            maxsize,
            ctx=self.get_context(),
            max_bytes=max_bytes,
            max_deliveries=max_deliveries,
            trust=trust,
            limits=limits,
            writable=writable,
        )

    def JoinableQueue(  # type: ignore[override]
        self,
        maxsize: int = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> JoinableQueue[Any]:
        """A queue that knows when its work is done; see `interlock.queues.JoinableQueue`."""
        from interlock.queues import JoinableQueue

        return JoinableQueue(
            maxsize,
            ctx=self.get_context(),
            max_bytes=max_bytes,
            max_deliveries=max_deliveries,
            trust=trust,
            limits=limits,
            writable=writable,
        )

    def SimpleQueue(  # type: ignore[override]
        self,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> SimpleQueue[Any]:
        """A queue with no timeouts and no sizes; see `interlock.queues.SimpleQueue`."""
        from interlock.queues import SimpleQueue

        return SimpleQueue(
            ctx=self.get_context(),
            max_bytes=max_bytes,
            trust=trust,
            limits=limits,
            writable=writable,
        )

    def Lock(self, *, fair: bool = False, on_abandon: OnAbandon = "warn") -> Lock:  # type: ignore[override]
        """A lock between processes; see `interlock.synchronize.Lock`."""
        from interlock.synchronize import Lock

        return Lock(ctx=self.get_context(), fair=fair, on_abandon=on_abandon)

    def RLock(self, *, fair: bool = False, on_abandon: OnAbandon = "warn") -> RLock:  # type: ignore[override]
        """A lock that its owner may take again; see `interlock.synchronize.RLock`."""
        from interlock.synchronize import RLock

        return RLock(ctx=self.get_context(), fair=fair, on_abandon=on_abandon)

    def Semaphore(self, value: SupportsIndex = 1) -> Semaphore:  # type: ignore[override]
        """So many at a time; see `interlock.synchronize.Semaphore`."""
        from interlock.synchronize import Semaphore

        return Semaphore(value, ctx=self.get_context())

    def BoundedSemaphore(self, value: SupportsIndex = 1) -> BoundedSemaphore:  # type: ignore[override]
        """The same, never more; see `interlock.synchronize.BoundedSemaphore`."""
        from interlock.synchronize import BoundedSemaphore

        return BoundedSemaphore(value, ctx=self.get_context())

    def Condition(self, lock: AnyLock | None = None) -> Condition:  # type: ignore[override]
        """To wait for a change; see `interlock.synchronize.Condition`."""
        from interlock.synchronize import Condition

        return Condition(lock, ctx=self.get_context())

    def Event(self) -> Event:  # type: ignore[override]
        """To wait until something has happened; see `interlock.synchronize.Event`."""
        from interlock.synchronize import Event

        return Event(ctx=self.get_context())

    def Barrier(  # type: ignore[override]
        self,
        parties: SupportsIndex,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> Barrier:
        """To wait for each other; see `interlock.synchronize.Barrier`.

        Raises:
            ValueError: As there.

        If a process dies: As there.
        """
        from interlock.synchronize import Barrier

        return Barrier(parties, action, timeout, ctx=self.get_context())

    def RWLock(self, *, on_abandon: OnAbandon = "warn") -> RWLock:
        """For many that read or one that writes; see `interlock.synchronize.RWLock`."""
        from interlock.synchronize import RWLock

        return RWLock(on_abandon=on_abandon, ctx=self.get_context())

    def RawValue(self, typecode_or_type: Any, *args: Any) -> Any:
        """A ctypes object in shared memory; see `interlock.sharedctypes.RawValue`."""
        from interlock.sharedctypes import RawValue

        return RawValue(typecode_or_type, *args)

    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        """A ctypes array in shared memory; see `interlock.sharedctypes.RawArray`."""
        from interlock.sharedctypes import RawArray

        return RawArray(typecode_or_type, size_or_initializer)

    def Value(self, typecode_or_type: Any, *args: Any, lock: Any = True) -> Any:
        """A ctypes object with a lock; see `interlock.sharedctypes.Value`."""
        from interlock.sharedctypes import Value

        return Value(typecode_or_type, *args, lock=lock, ctx=self.get_context())

    def Array(self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True) -> Any:
        """A ctypes array with a lock; see `interlock.sharedctypes.Array`."""
        from interlock.sharedctypes import Array

        return Array(typecode_or_type, size_or_initializer, lock=lock, ctx=self.get_context())

    def SharedArray(
        self, shape: int | tuple[int, ...], dtype: Any = "float64", *, max_bytes: int | None = None
    ) -> SharedArray:
        """A numpy array in shared memory; see `interlock.shared_memory.SharedArray`."""
        from interlock.shared_memory import SharedArray

        return SharedArray(shape, dtype, max_bytes=max_bytes)

    def SharedDict(
        self,
        initial: Any = (),
        /,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
    ) -> SharedDict[Any]:
        """A dict in shared memory; see `interlock.shared_memory.SharedDict`.

        Raises:
            ValueError: As there.
            OutOfSharedMemory: As there.

        If a process dies: As there.
        """
        from interlock.shared_memory import SharedDict

        return SharedDict(initial, max_bytes=max_bytes, trust=trust, limits=limits)

    def Manager(self) -> SyncManager:
        """A started manager; see `interlock.managers.SyncManager`.

        If a process dies: As there.
        """
        from interlock.managers import SyncManager

        manager = SyncManager(ctx=self.get_context())
        manager.start()
        return manager

    def Pool(  # type: ignore[override]
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        idle_timeout: float | None = None,
        threads: int | None = None,
        progress: bool = False,
        **options: Unpack[TaskOptions],
    ) -> Pool:
        """A pool of this context's processes; see `interlock.pool.Pool`.

        Raises:
            ValueError: As there.

        If a process dies: As there.
        """
        from interlock.pool import Pool

        return Pool(
            processes,
            initializer,
            initargs,
            maxtasksperchild,
            context=self.get_context(),
            idle_timeout=idle_timeout,
            threads=threads,
            progress=progress,
            **options,
        )

    def ProcessPoolExecutor(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        max_tasks_per_child: int | None = None,
        idle_timeout: float | None = None,
        threads: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> ProcessPoolExecutor:
        """An executor on this context's processes; see `interlock.pool.ProcessPoolExecutor`.

        Raises:
            ValueError: As there.
            TypeError: As there.

        If a process dies: As there.
        """
        from interlock.pool import ProcessPoolExecutor

        return ProcessPoolExecutor(
            max_workers,
            self.get_context(),
            initializer,
            initargs,
            max_tasks_per_child=max_tasks_per_child,
            idle_timeout=idle_timeout,
            threads=threads,
            **options,
        )
