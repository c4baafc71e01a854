"""ThreadContext: everything in one process, objects by reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from interlock.context.base import BaseContext
from interlock.context.substrate import SubstrateContext
from interlock.context.threads import process as threads

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.context.threads.manager import ThreadManager
    from interlock.context.threads.pipe import ThreadConnection
    from interlock.context.threads.pool import ThreadTaskPool, ThreadTaskPoolExecutor
    from interlock.context.threads.queues import (
        ThreadJoinableQueue,
        ThreadQueue,
        ThreadSimpleQueue,
    )
    from interlock.context.threads.shared_dict import ThreadSharedDict
    from interlock.pool.jobs import TaskOptions
    from interlock.serialize.limits import Limits
    from interlock.serialize.trust import Trust

__all__ = ["ThreadContext"]


class ThreadContext(SubstrateContext):
    """Work runs in threads of this process; nothing is serialized.

    Locks, semaphores, conditions, events, barriers, ctypes values and arrays are those of
    processes, which threads use as they are. Queues, pipes, pools, managers and dicts have the
    same methods, and pass the very objects.
    """

    _name = "thread"
    runs_in = "threads of this process"
    copies = False
    kills = False

    Process = threads.ThreadProcess  # type: ignore[assignment]
    current_process = staticmethod(threads.current_process)
    parent_process = staticmethod(threads.parent_process)  # type: ignore[assignment]
    active_children = staticmethod(threads.active_children)  # type: ignore[assignment]

    # Of shared memory, and used by threads as they are: nothing in them is serialized.
    Lock = BaseContext.Lock  # type: ignore[assignment]
    RLock = BaseContext.RLock  # type: ignore[assignment]
    Semaphore = BaseContext.Semaphore  # type: ignore[assignment]
    BoundedSemaphore = BaseContext.BoundedSemaphore  # type: ignore[assignment]
    Condition = BaseContext.Condition  # type: ignore[assignment]
    Event = BaseContext.Event  # type: ignore[assignment]
    Barrier = BaseContext.Barrier  # type: ignore[assignment]
    RWLock = BaseContext.RWLock
    Value = BaseContext.Value
    Array = BaseContext.Array
    RawValue = BaseContext.RawValue
    RawArray = BaseContext.RawArray
    SharedArray = BaseContext.SharedArray

    def Pipe(  # type: ignore[override]
        self,
        duplex: bool = True,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> tuple[ThreadConnection, ThreadConnection]:
        """Two connected ends; what is about bytes has no effect, and `send` never waits."""
        from interlock.context.threads.pipe import Pipe

        return Pipe(duplex)

    def Queue(  # type: ignore[override]
        self,
        maxsize: int = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> ThreadQueue[Any]:
        """A queue between threads; see `interlock.context.threads.queues.ThreadQueue`."""
        from interlock.context.threads.queues import ThreadQueue

        return ThreadQueue(
            maxsize, max_bytes=max_bytes, max_deliveries=max_deliveries, trust=trust,
            limits=limits, writable=writable,
        )  # fmt: skip

    def JoinableQueue(  # type: ignore[override]
        self,
        maxsize: int = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> ThreadJoinableQueue[Any]:
        """The same, which knows when its work is done."""
        from interlock.context.threads.queues import ThreadJoinableQueue

        return ThreadJoinableQueue(
            maxsize, max_bytes=max_bytes, max_deliveries=max_deliveries, trust=trust,
            limits=limits, writable=writable,
        )  # fmt: skip

    def SimpleQueue(  # type: ignore[override]
        self,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> ThreadSimpleQueue[Any]:
        """A queue with no timeouts and no sizes."""
        from interlock.context.threads.queues import ThreadSimpleQueue

        return ThreadSimpleQueue(max_bytes=max_bytes, trust=trust, limits=limits, writable=writable)

    def SharedDict(  # type: ignore[override]
        self,
        initial: Any = (),
        /,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
    ) -> ThreadSharedDict[Any]:
        """A dict whose changes are atomic."""
        from interlock.context.threads.shared_dict import ThreadSharedDict

        return ThreadSharedDict(initial, max_bytes=max_bytes, trust=trust, limits=limits)

    def Manager(self) -> ThreadManager:  # type: ignore[override]
        """What a manager makes, as plain objects.

        If a process dies: this one's threads are gone with it.
        """
        from interlock.context.threads.manager import ThreadManager

        return ThreadManager(self)

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
    ) -> ThreadTaskPool:
        """A pool of threads; see `interlock.context.threads.pool.ThreadTaskPool`.

        Raises:
            ValueError: A number is out of its range.
            NoSuchOption: threads or memory_limit was given, which are of processes.

        If a process dies: this one's threads are gone with it.
        """
        from interlock.context.threads.pool import ThreadTaskPool

        return ThreadTaskPool(
            processes, initializer, initargs, maxtasksperchild, self, idle_timeout=idle_timeout,
            threads=threads, progress=progress, **options,
        )  # fmt: skip

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
    ) -> ThreadTaskPoolExecutor:
        """An executor on threads, under the name that it has in other contexts.

        Raises:
            ValueError: A number is out of its range.
            NoSuchOption: threads or memory_limit was given, which are of processes.

        If a process dies: this one's threads are gone with it.
        """
        from interlock.context.threads.pool import ThreadTaskPoolExecutor

        return ThreadTaskPoolExecutor(
            max_workers, self, initializer, initargs, max_tasks_per_child=max_tasks_per_child,
            idle_timeout=idle_timeout, threads=threads, **options,
        )  # fmt: skip
