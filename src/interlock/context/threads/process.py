"""Process: a thread with a process's interface."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import dummy
from typing import Any, Protocol, runtime_checkable

from interlock.context.threads.stopping import Ended, Work
from interlock.errors import NotInContext

__all__ = ["ThreadProcess", "active_children", "current_process", "parent_process"]


@runtime_checkable
class _Handle(Protocol):
    """What a process has a handle of its own of: an end of a pipe, a queue."""

    def _duplicate(self) -> Any:
        """Another handle of the same."""

    def _give_back(self) -> None:
        """As the end of a process gives back a handle."""


class ThreadProcess(dummy.DummyProcess):
    """A thread of this process that is started, waited for and looked at like a process.

    The target is called with the very objects that it is given; but of a pipe's end or a queue
    among the arguments, or in a tuple there, it has a handle of its own, as a process has: closing
    one does not close the other, and what is left open is closed when the thread ends.

    Args:
        group: Always None.
        target: What `run` calls in the thread; nothing by default.
        name: For people.
        args: Positional arguments of the target.
        kwargs: Keyword arguments of the target.
        daemon: Whether the program's end does not wait for it; by default as the current thread.

    Raises:
        RuntimeError: It was started twice.
        ValueError: It was closed, or `sentinel` is asked before `start`.

    If a process dies: this one's threads are gone with it. The end of the thread makes `sentinel`
        ready; `exitcode` is 1 after an exception, and minus the signal's number where `terminate`
        or `kill` stopped it.
    """

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
        super().__init__(group, target, name, tuple(args), dict(kwargs or {}))
        if daemon is not None:
            self.daemon = daemon
        self._exitcode: int | None = None
        self._work = Work(is_life=True)
        self._bell = -1
        self._ringing = threading.Lock()
        self._is_closed = False
        self.authkey = _authkey()
        # The thread that started this one: what it starts is its child.
        self._children: weakref.WeakKeyDictionary[Any, Any]

    # ---- its life ----------------------------------------------------------------

    def start(self) -> None:
        """Start it.

        Raises:
            RuntimeError: It was started before.
        """
        self._check_open()
        if self._started.is_set():  # type: ignore[attr-defined]
            raise RuntimeError("threads can only be started once")
        self._parent = parent = current_process()  # the base wants the one that made it
        if not hasattr(parent, "_children"):
            parent._children = weakref.WeakKeyDictionary()
        handles: list[_Handle] = []
        mine: Any = self
        run, args, kwargs = self.run, mine._args, mine._kwargs
        try:
            mine._args = _own(args, handles)
            mine._kwargs = {name: _own(each, handles) for name, each in kwargs.items()}
            self.run = lambda: self._lived(run, handles)  # type: ignore[method-assign]
            super().start()
        except BaseException:  # the system starts no thread: it may be tried again
            self.run, mine._args, mine._kwargs = run, args, kwargs  # type: ignore[method-assign]
            for handle in handles:
                handle._give_back()
            raise

    def _lived(self, run: Callable[[], object], handles: list[_Handle]) -> None:
        """In the thread: its whole life, for which `exitcode` is to say how it ended."""
        code = 1
        try:
            self._work.run(run)
            code = 0
        except Ended:
            code = -int(self._work.reason or signal.SIGTERM)
        except SystemExit as error:
            code = _status(error)
        finally:
            del self.run, run
            while handles:
                handles.pop()._give_back()
            with self._ringing:
                self._exitcode = code
                if self._bell >= 0:
                    os.eventfd_write(self._bell, 1)

    def is_alive(self) -> bool:
        """Whether it runs."""
        self._check_open()
        return self._has_life()

    def _has_life(self) -> bool:
        return self._exitcode is None and super().is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            RuntimeError: It was not started, or is this very thread.

        If a process dies: this one's threads are gone with it.
        """
        self._check_open()
        super().join(timeout)

    @property
    def exitcode(self) -> int | None:  # type: ignore[override]
        """How it ended: 0, what it gave to `sys.exit`, 1 after an exception; None before."""
        self._check_open()
        return self._exitcode

    # ---- its end -----------------------------------------------------------------

    def terminate(self) -> None:
        """Raise an exception in its Python code, so that it ends as soon as it runs any.

        What it holds by ``with`` is given back. What waits in a call that does not come back to
        Python goes on until it does, and code that catches BaseException may go on altogether:
        `is_alive` says whether it has ended. What must end at once needs a process.
        """
        self._end_by(signal.SIGTERM)

    def kill(self) -> None:
        """As `terminate`: a thread cannot be ended otherwise. The exit code is SIGKILL's."""
        self._end_by(signal.SIGKILL)

    def interrupt(self) -> None:
        """As `terminate`, with the exit code of SIGINT."""
        self._end_by(signal.SIGINT)

    def _end_by(self, number: signal.Signals) -> None:
        self._check_open()
        self._work.stop(number)

    def close(self) -> None:
        """Give back what it has; most methods raise ValueError from then on.

        Raises:
            ValueError: It is still running.
        """
        if self._is_closed:
            return
        if self._has_life():
            raise ValueError(
                "Cannot close a process while it is still running. You should first call join() "
                "or terminate()."
            )
        if hasattr(self._parent, "_children"):
            self._parent._children.pop(self, None)
        self._is_closed = True
        self._close_bell()

    # ---- what it is --------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The number of its thread, which is its `ident`; None before it is started."""
        return self.ident

    @property
    def sentinel(self) -> int:
        """A descriptor that becomes readable when it has ended, for `interlock.connection.wait`.

        Raises:
            ValueError: It was not started, or was closed.
        """
        self._check_open()
        if not self._started.is_set():  # type: ignore[attr-defined]
            raise ValueError("process not started")
        with self._ringing:
            if self._bell < 0:
                ended = int(self._exitcode is not None)
                self._bell = os.eventfd(ended, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            return self._bell

    def __repr__(self) -> str:
        if self._is_closed:
            return f"<{type(self).__name__}({self.name}, closed)>"
        return super().__repr__()

    def __reduce__(self) -> Any:
        raise NotInContext(
            "The context 'thread' has no processes that can be sent: they are threads of this "
            "one. Send its name.",
            "thread", "Process.__reduce__", "its name",
        )  # fmt: skip

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("process object is closed")

    def _close_bell(self) -> None:
        with self._ringing:
            if self._bell >= 0:
                os.close(self._bell)
                self._bell = -1

    def __del__(self) -> None:
        if getattr(self, "_bell", -1) >= 0:
            os.close(self._bell)


def _own(argument: Any, handles: list[_Handle]) -> Any:
    """A handle of its own, where it is one, or a tuple that has some."""
    if type(argument) is tuple:
        return tuple(_own(each, handles) for each in argument)
    if not isinstance(argument, _Handle):
        return argument
    handle = argument._duplicate()
    handles.append(handle)
    return handle


def _status(error: SystemExit) -> int:
    """As the standard library's processes have it."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    print(error.code, file=sys.stderr, flush=True)
    return 1


def _authkey() -> bytes:
    return bytes(multiprocessing.current_process().authkey)


def current_process() -> Any:
    """The thread that calls this: a `ThreadProcess`, unless it was started otherwise.

    One that is none has what a process has of its own: ``pid``, ``exitcode`` and ``authkey``.
    """
    thread: Any = threading.current_thread()
    if not hasattr(thread, "authkey"):
        mine = {"pid": thread.ident, "exitcode": None, "authkey": _authkey()}
        for name, value in mine.items():
            if not hasattr(thread, name):
                setattr(thread, name, value)
    return thread


def parent_process() -> threading.Thread | None:
    """The thread that made this one; None in one that is no `ThreadProcess`."""
    parent: threading.Thread | None = getattr(threading.current_thread(), "_parent", None)
    return parent


def active_children() -> list[threading.Thread]:
    """The threads that were started by this one as processes, and run."""
    children: Any = getattr(threading.current_thread(), "_children", None)
    if children is None:
        return []
    # Another thread may close one meanwhile. Those of `multiprocessing.dummy` are there too.
    started = [child() for child in children.keyrefs()]
    mine = [child for child in started if isinstance(child, ThreadProcess)]
    living: list[threading.Thread] = []
    for child in mine:
        if child._has_life() and not child._is_closed:
            living.append(child)
        else:
            children.pop(child, None)
    return living
