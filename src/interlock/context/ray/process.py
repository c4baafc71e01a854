"""Process: an actor of Ray that runs one function and ends."""

from __future__ import annotations

import atexit
import itertools
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ray
from ray.exceptions import RayActorError

from interlock.context.ray.cluster import LOOK_S, check_connected, is_in_worker, value_of
from interlock.context.ray.payload import Payload, pack, unpack
from interlock.errors import ServerGone

__all__ = ["RayProcess", "active_children"]

# On a machine of whose death Ray does not know yet it does not start, and is started elsewhere.
# What it runs it runs once.
STARTS_MAX = 3
NOTICED_S = 10.0  # between Ray's answer and our noting it, which follows at once

# What does not travel with it, and what it has there in its place.
_STAYS: dict[str, Any] = {
    "_actor": None, "_end": None, "_pid": None, "_noted": None, "_noting": None, "_bell": -1,
    "_options": {}, "_parent": None,
}  # fmt: skip
_numbers = itertools.count(1)
_children: set[RayProcess] = set()
_registering = threading.Lock()
_is_registered = False


class Host:
    """What runs in the actor."""

    def pid(self) -> int:
        """Of the actor's process."""
        return os.getpid()

    def run(self, payload: Payload, name: str) -> int:
        """Run it; its exit status."""
        from interlock.context.ray.line import leave_all
        from interlock.context.ray.worker import begin

        begin(name)
        before = {*threading.enumerate()}
        try:
            made: RayProcess = unpack(payload)
            made._is_here = True
            made.run()
            return 0
        except SystemExit as ended:
            return _status(ended)
        except BaseException:
            print(f"Process {name}:", file=sys.stderr)
            traceback.print_exc()
            return 1
        finally:
            _finish()
            _join_threads(before)
            leave_all()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()


def _status(ended: SystemExit) -> int:
    if ended.code is None:
        return 0
    if isinstance(ended.code, int):
        return ended.code & 0xFF  # as the kernel has it
    print(ended.code, file=sys.stderr)
    return 1


def _join_threads(before: set[threading.Thread]) -> None:
    """As the standard library at a process's end: those that are no daemons are waited for.

    If a process dies: its threads do.
    """
    while threads := [
        each for each in threading.enumerate() if not each.daemon and each not in before
    ]:
        for each in threads:
            each.join()


class RayProcess:
    """`multiprocessing.Process`'s interface; it runs somewhere on the cluster.

    Args:
        group: Always None.
        target: What `run` calls there; nothing by default.
        name: For people; by default the class and a number.
        args: Positional arguments of the target.
        kwargs: Keyword arguments of the target.
        daemon: Whether it is terminated when this process exits.
        num_cpus: How many CPUs Ray sets aside for it; by default none, so that as many run at
            once as are started.
        num_gpus: How many GPUs.
        resources: Others, by name.
        runtime_env: Its environment; None for the context's.

    Raises:
        AssertionError: `start` was called twice, or something needs a started process.

    If a process dies: `join` returns, `exitcode` is its status, or minus the number of the signal
        that `terminate` or `kill` stands for. Of any other end, such as a signal or `os._exit`,
        Ray does not say more than that: minus SIGKILL's number. When this process dies, Ray ends
        it.
    """

    _is_here = False  # whether this is the process that it is

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
        num_cpus: float = 0,
        num_gpus: float | None = None,
        resources: Mapping[str, float] | None = None,
        runtime_env: Any = None,
    ) -> None:
        assert group is None, "group argument must be None for now"
        self.name = name or f"{type(self).__name__}-{next(_numbers)}"
        self.daemon = bool(daemon)
        self._target = target
        self._args, self._kwargs = tuple(args), dict(kwargs or {})
        self._options = {
            "num_cpus": num_cpus,
            **{
                key: value
                for key, value in (
                    ("num_gpus", num_gpus), ("resources", resources), ("runtime_env", runtime_env),
                )
                if value is not None
            },
        }  # fmt: skip
        self._actor: Any = None
        self._end: Any = None
        self._pid: Any = None
        self._noted = threading.Event()
        self._noting = threading.Lock()
        self._code: int | None = None
        self._signal: int | None = None
        self._bell = -1
        self._is_closed = False
        self._parent = os.getpid()

    def run(self) -> None:
        """What it does there: call the target."""
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def start(self) -> None:
        """Start it.

        Raises:
            AssertionError: It was started before.
            SerializationError: It, its target or its arguments cannot be sent.
            ServerGone: The context was closed.

        If a process dies: this one's death is its end.
        """
        self._check()
        assert self._end is None, "cannot start a process twice"
        check_connected()
        payload = pack(self)
        kind: Any = ray.remote(max_restarts=STARTS_MAX, max_task_retries=0)(Host)
        self._actor = kind.options(**self._options).remote()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._pid = self._actor.pid.remote()
        self._end = self._actor.run.remote(payload, self.name)
        _remember(self)
        self._end.future().add_done_callback(self._ended)

    def _ended(self, future: Any) -> None:
        """Called by Ray, in a thread of its own."""
        error = future.exception()
        if error is None:
            self._note(future.result())
        elif self._signal is not None or isinstance(error, RayActorError):
            self._note(-(self._signal or signal.SIGKILL))
        else:
            print(f"Process {self.name} could not be run: {error}", file=sys.stderr)
            self._note(1)

    def _note(self, code: int) -> None:
        with self._noting:
            self._code = code
            self._actor = None  # nobody needs the actor, and Ray ends it
            _children.discard(self)
            self._noted.set()
            os.eventfd_write(self._bell, 1)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended.

        Args:
            timeout: How long, in seconds; None for as long as it takes.

        Raises:
            AssertionError: It was not started.

        If a process dies: this returns.
        """
        self._check()
        assert self._end is not None, "can only join a started process"
        if self._noted.is_set():
            return
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while self.is_alive():
            rest = max(0.0, ends - time.monotonic())
            if is_in_worker():
                ready, _ = ray.wait([self._end], timeout=min(rest, LOOK_S), fetch_local=False)
                is_over = bool(ready) and self._noted.wait(NOTICED_S)
            else:
                is_over = self._noted.wait(min(rest, LOOK_S))
            if is_over or rest <= LOOK_S:
                return

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        self._check()
        if self._is_here:
            return True
        if self._end is None or self._noted.is_set():
            return False
        if not ray.is_initialized():  # shut down here, which is its end, and tells nobody
            self._note(-signal.SIGKILL)
            return False
        return True

    @property
    def exitcode(self) -> int | None:
        """Its exit status, or minus the number of a signal; None while it has none."""
        self._check()
        return self._code

    @property
    def pid(self) -> int | None:
        """Its process, on whatever machine it is; waits until it has begun. None before `start`."""
        self._check()
        if self._is_here:
            return os.getpid()
        if self._pid is None or not ray.is_initialized():
            return None
        try:
            found: int = value_of(self._pid)
        except (RayActorError, ServerGone):
            return None
        return found

    ident = pid

    @property
    def sentinel(self) -> int:
        """A descriptor that is readable when it has ended, for `interlock.connection.wait`.

        Raises:
            ValueError: It was not started.
        """
        self._check()
        if self._bell < 0:
            raise ValueError("process not started")
        return self._bell

    def terminate(self) -> None:
        """End it now: Ray ends the process that it runs in, which is not asked."""
        self._kill(signal.SIGTERM)

    def kill(self) -> None:
        """The same."""
        self._kill(signal.SIGKILL)

    def _kill(self, number: int) -> None:
        self._check()
        assert self._end is not None, "can only terminate a started process"
        actor = self._actor
        if actor is not None:
            self._signal = number
            ray.kill(actor)

    def close(self) -> None:
        """Let go of what belongs to it.

        Raises:
            ValueError: It has not ended.
        """
        if self._is_closed:
            return
        if self.is_alive():
            raise ValueError("Cannot close a process while it is still running.")
        self._is_closed = True
        with self._noting:
            self._ring_no_more()

    def _ring_no_more(self) -> None:
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1

    def _check(self) -> None:
        if self._is_closed:
            raise ValueError("process object is closed")
        assert self._is_here or self._parent == os.getpid(), (
            "can only ask a process that was started here"
        )

    def __del__(self) -> None:
        if hasattr(self, "_bell"):
            self._ring_no_more()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _STAYS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, **_STAYS)

    def __repr__(self) -> str:
        if self._is_closed:
            status = "closed"
        elif not self._is_here and self._end is None:
            status = "initial"
        elif self.is_alive():
            status = "started"
        else:
            status = f"stopped exitcode={self._code}"
        return f"<{type(self).__name__} name={self.name!r} {status}>"


def active_children() -> list[RayProcess]:
    """The processes that this one has started on Ray and that have not ended."""
    here = os.getpid()
    return [child for child in list(_children) if child._parent == here and child.is_alive()]


def _remember(child: RayProcess) -> None:
    global _is_registered
    _children.add(child)
    with _registering:
        if not _is_registered:
            _is_registered = True
            atexit.register(_finish)  # after Ray has entered its own, which then comes later


def _finish() -> None:
    """As the standard library at its exit: daemons are terminated, the others waited for.

    If a process dies: it is not waited for.
    """
    for child in active_children():
        if child.daemon and ray.is_initialized():
            child.terminate()
    for child in active_children():
        if ray.is_initialized():
            child.join()
