"""The cluster that a context uses: one that is there, or one started here, and its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from interlock.errors import NoSuchOption, ServerGone

__all__ = ["check_connected", "connect"]

JOB = "RAY_ADDRESS"  # where Ray says to a job's program which cluster it was given to
QUIET = {"logging_level": "WARNING"}  # it would tell of each connection on standard error


def check_connected() -> None:
    """Raise ServerGone if Ray was shut down here; Ray itself would start another cluster."""
    if not ray.is_initialized():
        raise ServerGone(
            "This process is not connected to Ray any more: the context was closed, or Ray was "
            "shut down. Make a new context."
        )


def connect(
    address: str | None,
    num_cpus: float | None,
    num_gpus: float | None,
    runtime_env: Any,
    init: dict[str, Any],
) -> bool:
    """Be connected to Ray; whether that was done here, so that it is ended here, too.

    Raises:
        NoSuchOption: Something is to be set that only a Ray that is started here can have.
        ServerGone: There is no cluster at the address.
    """
    local = {"num_cpus": num_cpus, "num_gpus": num_gpus}
    said: dict[str, Any] = {name: value for name, value in local.items() if value is not None}
    is_there = ray.is_initialized()
    address = address or os.environ.get(JOB)
    if said and (is_there or address is not None):
        raise NoSuchOption(
            f"{' and '.join(said)}: the cluster is there already, and has what its machines have. "
            "Give it to a pool or a process, for its tasks, or leave the address out to start one."
        )
    if is_there:
        return False
    # Nobody is told of a program's use of Ray unless it says so itself.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:
        address = "local"  # None would be any that runs on this machine
        said["include_dashboard"] = False
    try:
        with _handler_kept():
            ray.init(address=address, runtime_env=runtime_env, **{**QUIET, **said, **init})
    except ConnectionError as error:
        where = "on this machine" if address == "auto" else f"at {address}"
        raise ServerGone(
            f"No Ray cluster can be reached {where}: {error} Start one by `ray start --head`, or "
            "leave the address out to have one for this program."
        ) from error
    return True


@contextmanager
def _handler_kept() -> Iterator[None]:
    """A program's own handler of SIGTERM stays; Ray would put its own in its place."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and before not in (signal.SIG_DFL, None):
        signal.signal(signal.SIGTERM, before)
