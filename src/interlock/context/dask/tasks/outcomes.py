"""An outcome of a call, as a worker packed it, as a value or an exception."""

from __future__ import annotations

from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

from interlock.context.dask.link import Link
from interlock.context.dask.packing import unpack
from interlock.context.dask.tasks.batch import Batch, Outcomes
from interlock.context.dask.work.run import FAILED, NOT_SENT, TIMED_OUT, VALUE
from interlock.pool.faults import ResultNotSent, TaskCancelled, TaskTimeout, WorkerDied
from interlock.serialize.exceptions import unpack_exception

__all__ = ["results_of"]

Result = tuple[bool, Any]


def results_of(batch: Batch, outcomes: Outcomes | BaseException, link: Link) -> list[Result]:
    """For each call of the batch, whether it is a value, and the value or the exception."""
    if isinstance(outcomes, BaseException):
        return [(False, _of_one(batch, place, outcomes)) for place in range(batch.size)]
    results = [_result(batch, place, *each, link) for place, each in enumerate(outcomes)]
    # The last ended the batch, if it is short: cancelled, or the worker could not begin.
    return results + results[-1:] * (batch.size - len(results))


def _of_one(batch: Batch, place: int, error: BaseException) -> BaseException:
    """An error of all as that of one: a death names its task, by whose number others find it."""
    if batch.size == 1 or not isinstance(error, WorkerDied):
        return error
    task = f"{batch.first + place} `{batch.function.name}`"
    return WorkerDied(str(error), task=task, attempt=error.attempt)


def _result(batch: Batch, place: int, kind: str, value: Any, link: Link) -> Result:
    task = f"{batch.first + place} `{batch.function.name}`"
    if kind == VALUE:
        try:
            return True, unpack(value, link)
        except BaseException as error:  # of the result's own code
            return False, error
    if kind == NOT_SENT:
        return False, ResultNotSent(*value)
    if kind == TIMED_OUT:
        return False, TaskTimeout(
            f"Task {task} took longer than its timeout of {batch.options.timeout:g} s, and was "
            "ended by an exception. Give it more time, or find where it waits.",
            task=task,
            attempt=1 + batch.options.retries,
        )
    if value is None:
        return False, TaskCancelled(f"Task {task} was cancelled while it ran.")
    raised = unpack_exception(value, RemoteTraceback)
    if kind != FAILED:
        raised.add_note(f"Task {task} was not begun.")
    return False, raised
