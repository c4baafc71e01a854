"""Pool and ProcessPoolExecutor of the thread context: the same classes, on threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from interlock.context.threads.engine import Engine
from interlock.context.threads.supervision import GRACE_S
from interlock.errors import NoSuchOption
from interlock.pool import Pool, ProcessPoolExecutor
from interlock.pool.crew import Crew, Functions
from interlock.pool.jobs import Function, Options

__all__ = ["ThreadTaskPool", "ThreadTaskPoolExecutor"]

T = TypeVar("T")


@dataclass(frozen=True)
class ThreadOptions(Options):
    """How a task is to be run in a thread."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_limit is not None:
            raise NoSuchOption(
                "The context 'thread' has no option 'memory_limit' for tasks: threads share the "
                "memory of their process. Use a context of processes."
            )


class ThreadFunctions(Functions):
    """The functions that a pool was given, as they are; of each it knows how long it takes.

    They are told apart by identity, as two that are equal may do different things.
    """

    def known(self, call: Callable[..., Any]) -> Function:
        """As the pool gets to know it.

        Raises:
            TypeError: It cannot be called.
        """
        if not callable(call):
            raise TypeError(f"{call!r} is no function; give something that can be called")
        with self._lock:
            refers, found = self._kept.get(id(call), (None, None))
            if refers is None or found is None or refers() is not call:
                found = Function(call, b"")
                self._keep(call, found)
            return found


class ThreadCrew(Crew):
    """An engine with threads."""

    engine_kind: type[Engine] = Engine

    def __init__(
        self,
        context: Any,
        size: int,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        quota: int | None = None,
        memory_limit: int | None = None,
        threads: int | None = None,
        lazy: bool = False,
        idle_timeout: float | None = None,
        name: str = "PoolWorker",
        functions: Functions,
    ) -> None:
        if threads is not None:
            raise NoSuchOption(
                "The context 'thread' has no option 'threads' for pools: BLAS and OpenMP have one "
                "setting for the whole process. Use threadpoolctl, or a context of processes."
            )
        if idle_timeout is not None and not idle_timeout > 0:
            raise ValueError(f"idle_timeout is {idle_timeout!r}; give seconds above 0, or None")
        self.context = context
        self._owner = os.getpid()
        self._functions = functions
        self.engine = self.engine_kind(  # type: ignore[assignment]
            size, initializer=initializer, initargs=initargs, quota=quota, lazy=lazy,
            idle_timeout=idle_timeout, name=f"Thread{name}",
        )  # fmt: skip
        self.supervisor = self.engine.supervisor

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start the threads; the block says how they are ended."""
        try:
            self.engine.start()
            yield
        except BaseException:
            self.terminate()
            raise

    def terminate(self) -> None:
        """End the threads now; one that cannot be stopped is waited for no longer."""
        if not self.is_here():
            return
        self._end_now()
        me = threading.current_thread()
        engine: Any = self.engine
        if me not in (engine.clock.thread, engine.teller.thread, *engine._threads):
            engine.join(GRACE_S)

    def join(self) -> None:
        """As `Crew.join`."""
        if self.is_here():
            self.engine.join()


class _ByReference:
    """What is shared by threads is shared already."""

    def __init__(self, value: Any) -> None:
        self.value = value


class ThreadTaskPool(Pool):
    """`interlock.pool.Pool`, whose tasks run in threads of this process.

    Functions, arguments and results are the very objects. A task that is over its ``timeout`` or
    cancelled while it runs gets an exception in its Python code; one that cannot be stopped so
    fails after a moment all the same, its error says that it goes on, and another thread takes
    its place. There is no ``memory_limit`` and no ``threads``.
    """

    _crew_kind = ThreadCrew
    _functions_kind = ThreadFunctions
    _options_kind = ThreadOptions

    def share(self, obj: T) -> Any:
        """The object itself, as ``.value``: threads share it already."""
        return _ByReference(obj)


class ThreadTaskPoolExecutor(ProcessPoolExecutor):
    """`interlock.pool.ProcessPoolExecutor` on threads; see `ThreadTaskPool`."""

    _crew_kind = ThreadCrew
    _functions_kind = ThreadFunctions
    _options_kind = ThreadOptions

    def share(self, obj: T) -> Any:
        """As `ThreadTaskPool.share`."""
        return _ByReference(obj)
