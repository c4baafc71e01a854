"""What Dask raises, in our words."""

from __future__ import annotations

import asyncio
import concurrent.futures
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

from distributed import KilledWorker
from distributed.client import FutureCancelledError

from interlock.context.dask.work.run import KeptFailed
from interlock.errors import InterlockError, ServerGone
from interlock.pool.faults import ResultNotSent, TaskCancelled, WorkerDied
from interlock.serialize.exceptions import unpack_exception

__all__ = ["lost_scheduler", "no_workers", "translated"]

_NOT_SENT = "Could not serialize object of type "  # as Dask says it, with a traceback


def translated(error: BaseException, task: str, is_lost: bool = False) -> BaseException:
    """The error of ours that says what an error of Dask means; others as they are.

    Args:
        error: What a future of Dask raised.
        task: What it was of, in words.
        is_lost: Whether there is no connection to the scheduler: then a cancellation is by that.
    """
    if isinstance(error, KeptFailed):
        return unpack_exception(error.packed, RemoteTraceback)
    if isinstance(error, TypeError) and str(error).startswith(_NOT_SENT):
        kind, *_, reason = str(error).removeprefix(_NOT_SENT).splitlines()
        return ResultNotSent(reason, f"a {kind}")
    if isinstance(error, KilledWorker):
        return _killed(error, task)
    if isinstance(error, FutureCancelledError):
        return lost_scheduler(error) if is_lost else _cancelled(error, task)
    if isinstance(error, (asyncio.CancelledError, concurrent.futures.CancelledError)):
        return TaskCancelled(f"Task {task} was cancelled.")
    return error


def _killed(error: KilledWorker, task: str) -> WorkerDied:
    worker: Any = error.last_worker
    deaths = error.allowed_failures + 1
    return WorkerDied(
        f"The worker {worker.address} (name {worker.name}) ended while it had task {task}. In all "
        f"{deaths} workers did so, and Dask tries no more (distributed.scheduler.allowed-failures "
        "is the setting). The other tasks and workers go on. Out of memory? See the worker's log, "
        "and give the workers more by memory_limit.",
        task=task,
        attempt=deaths,
    )


def _cancelled(error: FutureCancelledError, task: str) -> InterlockError:
    reason = str(error.reason)
    if "lost dependencies" in reason:
        return WorkerDied(
            f"Task {task} was not run: a worker that had an argument of it died, and the argument "
            "was put on the cluster by the program, so that Dask cannot compute it again. Put it "
            "there once more.",
            task=task,
        )
    if "scheduler" in reason:
        return lost_scheduler(reason)
    return TaskCancelled(f"Task {task} was cancelled ({reason}).")


def lost_scheduler(reason: object) -> ServerGone:
    """The scheduler is gone, and what it knew of."""
    return ServerGone(
        f"Dask's scheduler is lost: {reason}. Whether tasks that were under way were run is not "
        "known. Start a scheduler and make a new context."
    )


def no_workers(task: str, patience_s: float, resources: object = None) -> WorkerDied:
    """There is nobody to run a task."""
    able = f" with {resources}" if resources else ""
    return WorkerDied(
        f"Task {task} cannot be run: for {patience_s:g} s the cluster has had no worker{able}. "
        "Start workers, or wait longer for them by get_context('dask', patience=...).",
        task=task,
    )
