"""What both faces of a pool of a cluster are made of: an engine, and what it was given to run."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType
from typing import Any

from interlock.context.tasks.batch import Launcher
from interlock.context.tasks.engine import FarEngine
from interlock.pool.crew import feed
from interlock.pool.engine import CLOSED, RUNNING, TERMINATED
from interlock.pool.faults import PoolClosed
from interlock.pool.jobs import Function

__all__ = ["FarCrew", "FarFunctions", "Preparation"]

_NAMED = (FunctionType, BuiltinFunctionType, type)


class Preparation:
    """What each process does before it runs anything of a pool.

    Args:
        initializer: What is called; None for nothing.
        initargs: Its arguments.
    """

    def __init__(
        self, initializer: Callable[..., object] | None, initargs: Iterable[Any] = ()
    ) -> None:
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self.pool = secrets.token_hex(8)
        self.initializer = initializer
        self.initargs = tuple(initargs)

    def key(self, function: Function) -> str:
        """What a process that was prepared notes; one by value is run with each function's
        globals."""
        by_name = self.initializer is None or _goes_by_name(self.initializer)
        return self.pool if by_name else f"{self.pool} {function.number}"


class FarFunctions:
    """The functions that a pool was given, packed each with what prepares a process for it."""

    def __init__(self, preparation: Preparation, pack: Callable[[Any], Any]) -> None:
        self._preparation = preparation
        self._pack = pack
        self._lock = threading.Lock()
        self._known: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()
        self._bundles: weakref.WeakKeyDictionary[Function, Any] = weakref.WeakKeyDictionary()

    def known(self, call: Callable[..., Any]) -> Function:
        """The function as processes get to know it.

        Raises:
            SerializationError: It cannot be sent.
            TypeError: It cannot be called.
        """
        if not callable(call):
            raise TypeError(f"{call!r} is no function; give something that can be called")
        has_name = isinstance(call, _NAMED) and _goes_by_name(call)
        if has_name:
            with self._lock:
                found = self._known.get(call)
            if found is not None:
                return found
        preparation = self._preparation
        bundle = self._pack((preparation.initializer, preparation.initargs, call))
        found = Function(call, b"")
        with self._lock:
            self._bundles[found] = bundle
            if has_name:
                self._known[call] = found
        return found

    def bundle(self, function: Function) -> Any:
        """What `work.run` is given of it."""
        with self._lock:
            return self._bundles[function]

    def keep(self, function: Function, bundle: Any) -> None:
        """The same in another form: where the cluster has it already."""
        with self._lock:
            self._bundles[function] = bundle


def _goes_by_name(call: Any) -> bool:
    """Whether another process finds it by its name, and it is the same there."""
    module_name = getattr(call, "__module__", None) or ""
    place: Any = sys.modules.get(module_name)
    if place is None or module_name == "__main__":
        return False
    for part in getattr(call, "__qualname__", "<none>").split("."):
        place = getattr(place, part, None)
    return place is call


class FarCrew:
    """An engine, with the face that `interlock.pool.Pool` knows of a crew of processes.

    Args:
        context: Whose it is.
        launcher: The cluster.
        size: How many CPUs or workers there are.
        room: How many batches may be with the cluster at once.
    """

    def __init__(self, context: Any, launcher: Launcher, size: int, room: int) -> None:
        self.context = context
        self._owner = os.getpid()
        self.launcher: Any = launcher
        self.engine: Any = FarEngine(launcher, size, room)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start gathering; the block says how it is ended.

        If a process dies: of the cluster: that is told by it.
        """
        self.engine.thread.start()
        yield

    def is_here(self) -> bool:
        """Whether this process has it; a forked one has a copy without threads."""
        return os.getpid() == self._owner

    def check_open(self) -> None:
        """As `FarEngine.check_open`.

        Raises:
            PoolClosed: It takes no more, or belongs to the process that this one was forked from.
        """
        if not self.is_here():
            raise PoolClosed(
                f"This pool belongs to process {self._owner}, from which this one "
                f"({os.getpid()}) was forked."
            )
        self.engine.check_open()

    def feed(self, job: Any) -> None:
        """As `interlock.pool.crew.feed`."""
        feed(self.engine, job)

    def close(self) -> None:
        """Take no more tasks."""
        if not self.is_here():
            return
        with self.engine.lock:
            if self.engine.state == RUNNING:
                self.engine.state = CLOSED
            feeders = list(self.engine.feeders)
        for job in feeders:
            job.input_closes()
        self.engine.wake()

    def abandon(self, at_once: bool = False) -> None:
        """Nobody has the pool any more; called by the garbage collector, in any thread."""
        if self.is_here():
            self.engine.ask(self._end_now if at_once else self.close)

    def _end_now(self) -> None:
        with self.engine.lock:
            self.engine.state = TERMINATED
        self.engine.drop(self.engine.terminated())

    def terminate(self) -> None:
        """End the tasks now."""
        if not self.is_here():
            return
        self._end_now()
        if threading.current_thread() is not self.engine.thread:
            self.join()

    def join(self) -> None:
        """Wait until all is done.

        Raises:
            RuntimeError: It is called by a callback of the pool.

        If a process dies: of the cluster: its task is tried again, or has failed.
        """
        if threading.current_thread() is self.engine.thread:
            raise RuntimeError(
                "A pool's own thread cannot wait for the pool's end: do not join in a callback."
            )
        if self.is_here():
            self.engine.thread.join()
