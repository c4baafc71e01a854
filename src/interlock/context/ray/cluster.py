"""The cluster that a context uses: one that is there, or one started here, and its end."""

# Of what it calls, Ray types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import GetTimeoutError
from ray.util import get_node_ip_address

from interlock.errors import NoSuchOption, ServerGone

__all__ = ["LOOK_S", "at_home", "check_connected", "connect", "is_in_worker", "value_of"]

JOB = "RAY_ADDRESS"  # where Ray says to a job's program which cluster it was given to
LOOK_S = 1.0  # how often who waits looks for signals within a task, and whether Ray is there
REACH_S = 10.0  # for a cluster's head to take a connection
QUIET = {"logging_level": "WARNING"}  # it would tell of each connection on standard error


_home: int | None = None  # the process that is connected; a forked one only looks so


def at_home() -> None:
    """It is this process that is connected."""
    global _home
    _home = os.getpid()


def check_connected() -> None:
    """Raise ServerGone if Ray was shut down here; Ray itself would start another cluster."""
    if _home not in (None, os.getpid()):
        raise ServerGone(
            f"Process {_home}, from which this one ({os.getpid()}) was forked, is connected to "
            "Ray, and this one is not: Ray is not made for fork. Start it by the context spawn."
        )
    if not ray.is_initialized():
        raise ServerGone(
            "This process is not connected to Ray any more: the context was closed, or Ray was "
            "shut down. Make a new context."
        )


def is_in_worker() -> bool:
    """Whether this process is a worker of Ray, whose task gives its CPU up while it waits by Ray.

    Others do not wait within Ray: it would not let their threads go when it is shut down.
    """
    return bool(ray.get_runtime_context().worker.mode == ray.WORKER_MODE)


def value_of(ref: Any, timeout: float | None = None) -> Any:
    """What a ref of Ray stands for.

    Args:
        ref: It.
        timeout: Seconds to wait for it; None for as long as it takes.

    Raises:
        GetTimeoutError: It did not come in time.
        ServerGone: Ray was shut down here meanwhile.
        Exception: What Ray has in its place.

    If a process dies: Ray raises.
    """
    ends = math.inf if timeout is None else time.monotonic() + timeout
    future = None if is_in_worker() else ref.future()
    while True:
        rest = ends - time.monotonic()
        wait_s = max(0.0, min(rest, LOOK_S))
        try:
            return ray.get(ref, timeout=wait_s) if future is None else future.result(wait_s)
        except (GetTimeoutError, TimeoutError):
            check_connected()
            if rest <= LOOK_S:
                raise GetTimeoutError(f"it did not come within {timeout} s") from None
        except SystemError as error:
            # Within a task Ray notes what a handler of a signal raised, such as the end of the
            # task's time, and waits on all the same: so it is asked to wait for a moment only.
            if error.__cause__ is not None:
                raise error.__cause__ from None
            raise


def connect(
    address: str | None,
    num_cpus: float | None,
    num_gpus: float | None,
    runtime_env: Any,
    init: dict[str, Any],
) -> bool:
    """Be connected to Ray; whether that was done here, so that it is ended here, too.

    Raises:
        NoSuchOption: Something is to be set that only a Ray that is started here can have, or
            only a new connection.
        ServerGone: There is no cluster at the address.
    """
    local = {"num_cpus": num_cpus, "num_gpus": num_gpus}
    said: dict[str, Any] = {name: value for name, value in local.items() if value is not None}
    is_there = ray.is_initialized()
    if is_there:
        check_connected()
        _check_same(address, runtime_env)
    at_home()
    address = address or os.environ.get(JOB)
    if said and (is_there or address is not None):
        raise NoSuchOption(
            f"{' and '.join(said)}: the cluster is there already, and has what its machines have. "
            "Give it to a pool or a process, for its tasks, or leave the address out to start one."
        )
    if is_there:
        return False
    if address is not None:
        _check_reached(address)
    # Nobody is told of a program's use of Ray unless it says so itself.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:
        address = "local"  # None would be any that runs on this machine
        said["include_dashboard"] = False
    try:
        with _handler_kept():
            ray.init(address=address, runtime_env=runtime_env, **{**QUIET, **said, **init})
    except ConnectionError as error:
        raise _not_reached(address, error) from error
    return True


def _check_same(address: str | None, runtime_env: Any) -> None:
    """What only a new connection could have is not asked for."""
    if runtime_env is not None:
        raise NoSuchOption(
            "runtime_env: this program is connected to Ray already, and its environment is made. "
            "Give it to a pool or a process, for its workers."
        )
    here = ray.get_runtime_context().gcs_address
    if address and ":" in address and _place(address) != _place(here):
        raise NoSuchOption(
            f"address: this program is connected to the cluster at {here} already, and not to the "
            f"one at {address}. Close the context that did it first, or call ray.shutdown()."
        )


def _place(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    try:
        found = socket.gethostbyname(host)
    except OSError:
        found = host
    # Ray has the machine's own address for any name of it.
    return (get_node_ip_address() if found.startswith("127.") else found), port


def _check_reached(address: str) -> None:
    """Somebody listens there; Ray itself would try for minutes."""
    if address.startswith("ray://"):
        raise NoSuchOption(
            f"address: {address} is of Ray's client, which has no part in the cluster. Give the "
            "head's host:port, or hand the program in by `ray job submit`."
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return  # a word such as "auto", or what Ray says is wrong
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except (OSError, OverflowError) as error:
        raise _not_reached(address, error) from error


def _not_reached(address: str, error: Exception) -> ServerGone:
    where = "on this machine" if address == "auto" else f"at {address}"
    return ServerGone(
        f"No Ray cluster can be reached {where}: {str(error).rstrip('.')}. Start one by `ray start "
        "--head`, or leave the address out to have one for this program."
    )


@contextmanager
def _handler_kept() -> Iterator[None]:
    """A program's own handler of SIGTERM stays; Ray would put its own in its place."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and before not in (signal.SIG_DFL, None):
        signal.signal(signal.SIGTERM, before)
