"""InterpreterContext: sub-interpreters, each with a lock of its own (Python 3.14)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.context.substrate import SubstrateContext
from interlock.context.threads.process import ThreadProcess
from interlock.errors import UnsupportedPlatform

if TYPE_CHECKING:
    from interlock.context.interpreters.lane import Lane

__all__ = ["InterpreterContext"]

_THREADS = 'get_context("thread"), or a context of processes'


def _found() -> Any:
    """`concurrent.interpreters`.

    Python 3.13 has the same by a private module, which changed with 3.14: we do not stand on it.
    """
    try:
        return import_module("concurrent.interpreters")
    except ModuleNotFoundError:
        raise UnsupportedPlatform(
            "The context 'interpreter' needs the sub-interpreters of Python 3.14, and this is "
            f"Python {sys.version_info.major}.{sys.version_info.minor}: use {_THREADS}."
        ) from None


class InterpreterContext(SubstrateContext):
    """Work runs in sub-interpreters of this process, side by side; all goes there as pickles.

    Functions must be found there by an import, or cloudpickle be installed. Our core, and so the
    package itself, cannot be imported there. What runs there cannot be stopped: a timeout, a
    cancellation and `kill` are as for a thread in a call outside of Python.

    Raises:
        UnsupportedPlatform: This Python has no sub-interpreters.
    """

    _name = "interpreter"
    runs_in = "sub-interpreters of this process"
    kills = False
    absent: ClassVar[Mapping[str, str]] = {
        "Pipe": "two Queues",
        "SimpleQueue": "a Queue",
        "JoinableQueue": "a Queue, and another for what is done",
        "RLock": "a Lock",
        "BoundedSemaphore": "a Semaphore",
        "Event": "a Queue, to which a message is put",
        "Manager": "a Queue",
        "SharedDict": "a Queue, to the one that has the dict",
    }

    def __init__(self) -> None:
        self._interpreters = _found()

    def Process(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """A thread whose target runs in an interpreter of its own; see `ThreadProcess`.

        Raises:
            ValueError: As there.
        """
        from interlock.context.interpreters import lane

        return InterpreterProcess(lane.Lane, self._interpreters, *args, **kwargs)

    def Queue(self, maxsize: int = 0) -> Any:  # type: ignore[override]
        """A queue of `concurrent.interpreters`: put, get, sizes; no leases."""
        from interlock.context.interpreters.ending import known

        return known(self._interpreters.create_queue(max(0, maxsize)))

    def Lock(self) -> Any:  # type: ignore[override]
        """One at a time, of any interpreter."""
        return self._tokens("Lock", 1, 1)

    def Semaphore(self, value: int = 1) -> Any:  # type: ignore[override]
        """So many at a time.

        Raises:
            ValueError: value is negative.
        """
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        return self._tokens("Semaphore", value, 0)

    def _tokens(self, kind: str, number: int, most: int) -> Any:
        from interlock.context.interpreters.lane import module_apart

        tokens = self._interpreters.create_queue(most)
        for _ in range(number):
            tokens.put(None)
        return getattr(module_apart(), kind)(tokens)

    def Pool(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        **options: Any,
    ) -> Any:
        """A pool of threads, each with an interpreter; see `ThreadTaskPool`.

        Raises:
            ValueError: As there.

        If a process dies: this one's interpreters are gone with it.
        """
        from interlock.context.interpreters.pool import pool_of

        kind = pool_of(self._interpreters)
        return kind(processes, initializer, initargs, maxtasksperchild, self, **options)

    def ProcessPoolExecutor(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        **options: Any,
    ) -> Any:
        """The same with the other interface; see `ThreadTaskPoolExecutor`.

        Raises:
            ValueError: As there.

        If a process dies: this one's interpreters are gone with it.
        """
        from interlock.context.interpreters.pool import executor_of

        kind = executor_of(self._interpreters)
        return kind(max_workers, self, initializer, initargs, **options)


class InterpreterProcess(ThreadProcess):
    """A thread whose target runs in an interpreter that is made for it."""

    def __init__(self, lane: type[Lane], interpreters: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane = lane  # imported by now: what runs at the program's end can import little
        self._interpreters = interpreters

    def run(self) -> None:
        """Have the target run there."""
        mine: Any = self
        if mine._target is None:
            return
        lane = self._lane(self._interpreters)
        try:
            lane.call(mine._target, *mine._args, **mine._kwargs)
        finally:
            lane.close()
