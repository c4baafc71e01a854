"""DaskProcess: a function that runs in a worker of the cluster, which is chosen when it starts.

It is a task of Dask that is pinned to the worker, and has left its slot: processes run beside each
other and beside tasks, whatever number the worker has of slots. It is a thread of the worker's
process. So `terminate` and `kill` are an exception in its code, and code in C that does not come
back is not ended; what ends the whole process, such as `os._exit`, takes the worker along. A
worker's death is the process's: Dask does not run it again elsewhere.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.context.dask.faults import translated
from interlock.context.dask.link import Link
from interlock.context.dask.packing import pack_call
from interlock.context.dask.tasks.batch import group_for
from interlock.context.dask.tasks.jobs import PATIENCE_S
from interlock.context.dask.work.place import interrupt, leave_slot
from interlock.context.dask.work.process import Killed, Terminated, run_process
from interlock.errors import InterlockError, NotInContext, ServerGone

if TYPE_CHECKING:
    from interlock.context.dask.context import DaskContext

__all__ = ["DaskProcess", "contexts"]

KEPT_S = 0.1  # how often an end that was asked for is asked for again
# By number, so that a class of processes can be sent to a worker without its context.
contexts: weakref.WeakValueDictionary[int, DaskContext] = weakref.WeakValueDictionary()
_count = itertools.count(1)


class DaskProcess:
    """A function that runs in a worker of the cluster; see the head of this module.

    Args:
        group: None; there for `multiprocessing`'s sake.
        target: What runs; or a subclass has a `run`.
        name: By default with a number.
        args: Of target.
        kwargs: Of target.
        daemon: Whether it ends with the context; else the end of the context waits for it.

    Raises:
        SerializationError: By `start`: a part of it cannot be sent.

    If a process dies: its worker: `exitcode` is -9. The scheduler: `join` raises `ServerGone`. The
        program that started it: Dask cancels the task; what already runs goes on to its end.
    """

    _context_number: ClassVar[int] = 0

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        if group is not None:
            raise ValueError("group must be None")
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self.name = name or f"{type(self).__name__}-{next(_count)}"
        self.daemon = bool(daemon)
        self._end: _End | None = None
        self._is_closed = False

    def run(self) -> None:
        """What runs in the worker."""
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def start(self) -> None:
        """Have it run in a worker.

        Raises:
            ServerGone: The scheduler is lost, or there is no worker.
            SerializationError: A part of it cannot be sent.
        """
        self._check_open()
        if self._end is not None:
            raise AssertionError("cannot start a process twice")
        context = contexts.get(self._context_number)
        if context is None:
            raise ServerGone("The context of this process was closed.")
        link = context._link
        link.register()  # who watches over it
        packed, futures = pack_call(self)
        worker = context._place()
        key = group_for(self.name, uuid.uuid4().hex)
        future = link.client.submit(
            run_process, key, self.name, packed, *futures, key=key, pure=False, workers=[worker],
            allow_other_workers=False, priority=1,
        )  # fmt: skip
        self._end = _End(link, key, self.name, worker, future)
        context._started(self)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            ServerGone: The scheduler is lost.
            WorkerDied: It was not begun: its arguments were lost with a worker.

        If a process dies: its worker: it has ended.
        """
        self._check_open()
        if self._end is None:
            raise AssertionError("can only join a started process")
        self._end.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        self._check_open()
        return self.is_running

    @property
    def is_running(self) -> bool:
        """The same, also of one that was closed."""
        return self._end is not None and not self._end.done.is_set()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("process object is closed")

    @property
    def exitcode(self) -> int | None:
        """0 when it returned, 1 when it raised an exception, what it gave to `sys.exit`.

        -15 or -9 when it was ended by `terminate` or `kill`; -9 when its worker died. None while it
        runs.
        """
        self._check_open()
        return None if self._end is None else self._end.code

    @property
    def sentinel(self) -> int:
        """A descriptor that is readable when it has ended, until this object is closed or gone."""
        self._check_open()
        if self._end is None:
            raise ValueError("process not started")
        return self._end.sentinel

    @property
    def worker(self) -> str | None:
        """The address of the worker that runs it; None before it is started."""
        return None if self._end is None else self._end.worker

    def terminate(self) -> None:
        """End it by an exception in its code; see the head of this module."""
        if self._end is not None:
            self._end.ask(Terminated, -signal.SIGTERM)

    def kill(self) -> None:
        """The same, again and again until it has ended: its code may catch one."""
        if self._end is not None:
            self._end.ask(Killed, -signal.SIGKILL)

    def close(self) -> None:
        """Forget it: it cannot be asked any more.

        Raises:
            ValueError: It has not ended.
        """
        if self._is_closed:
            return
        if self.is_alive():
            raise ValueError(
                "Cannot close a process while it is still running. You should first call join() or "
                "terminate()."
            )
        self._is_closed = True
        self._end = None

    def _no_pid(self) -> Any:
        raise NotInContext(
            "A process of the context 'dask' has no pid: it is a thread of a worker, maybe on "
            "another machine. Use its name and its worker.",
            "dask",
            "pid",
            "its name and its worker",
        )

    pid = property(_no_pid)
    ident = property(_no_pid)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_end": None}

    def __repr__(self) -> str:
        if self._is_closed:
            state = "closed"
        elif self._end is None:
            state = "initial"
        else:
            state = "started" if self.exitcode is None else f"stopped exitcode={self.exitcode}"
        return f"<{type(self).__name__} name={self.name!r} {state}>"


class _End:
    """Watches over a process that was started."""

    def __init__(self, link: Link, key: str, name: str, worker: str, future: Any) -> None:
        self.done = threading.Event()
        self.sentinel = os.eventfd(0, os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self.sentinel).atexit = False
        self.code: int | None = None
        self.worker = worker
        self._error: BaseException | None = None
        self._link, self._key, self._name, self._future = link, key, name, future
        self._asked: int | None = None  # the exit code of an end that was asked for
        link.begin(self._watch())

    async def _watch(self) -> None:
        """Until it has ended, or its worker has gone."""
        ended = asyncio.ensure_future(self._future)
        gone = asyncio.ensure_future(self._link.asked("departed", self.worker))
        await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
        try:
            if ended.done():
                self.code = ended.result()
            else:
                gone.result()
                self.code = -signal.SIGKILL
                await self._future.cancel(force=True)  # nobody else is to run it
        except BaseException as error:
            self._error = (
                None
                if self._asked is not None
                else translated(error, self._name, self._link.is_lost)
            )
            self.code = self._asked or 1
        for each in (ended, gone):
            each.cancel()
        with suppress(BaseException):  # of what does not matter any more
            await asyncio.gather(ended, gone, return_exceptions=True)
        self._future = None  # else Dask runs it again if the worker dies that has its exit code
        self.done.set()
        os.eventfd_write(self.sentinel, 1)

    def wait(self, timeout: float | None) -> None:
        """Until it has ended.

        Raises:
            ServerGone: The scheduler is lost.

        If a process dies: as `DaskProcess.join`.
        """
        first = PATIENCE_S if timeout is None else min(timeout, PATIENCE_S)
        if not self.done.wait(first):
            leave_slot()
            self.done.wait(None if timeout is None else timeout - first)
        if self.done.is_set() and isinstance(self._error, InterlockError):
            raise self._error

    def ask(self, kind: type[BaseException], code: int) -> None:
        """End it, by an exception of that kind."""
        if not self.done.is_set():
            self._asked = code
            self._link.begin(self._ask(kind))

    async def _ask(self, kind: Any) -> None:
        client: Any = self._link.client
        again = True
        while again and not self.done.is_set():
            found = await client.run(
                interrupt, [self._key], kind, workers=[self.worker], on_error="ignore",
            )  # fmt: skip
            if not any(found.values()) and self._future is not None:  # it has not begun
                await self._future.cancel(force=True)
            again = kind is Killed
            await asyncio.sleep(KEPT_S)
