"""Tasks whose results stay on the cluster."""

from __future__ import annotations

from typing import Any

from interlock.context.dask.handles import Handle
from interlock.context.dask.packing import pack_call
from interlock.context.dask.tasks.batch import Function
from interlock.context.dask.tasks.crew import Crew
from interlock.context.dask.tasks.options import DaskOptions
from interlock.context.dask.work.run import Calls, run_kept

__all__ = ["keep"]


def keep(
    crew: Crew, function: Function, kind: str, items: list[Any], options: DaskOptions
) -> list[Handle[Any]]:
    """Have a task run for each item; handles of their results, at once.

    Dask tries them again after any exception, as often as ``retries`` says: the results, which
    others use as they are, have no room for what came of an attempt.

    Raises:
        SerializationError: An item cannot be sent.
        ServerGone: The scheduler is lost.
    """
    client = crew.link.client
    handles: list[Handle[Any]] = []
    for place, item in enumerate(items):
        data, futures = pack_call([item])
        key = crew.key_for(function.name)
        calls = Calls(key, function.data, kind, data, crew.initializer, options.timeout)
        future = client.submit(
            run_kept, calls, *futures, key=key, pure=False, retries=options.retries,
            priority=options.priority, resources=options.resources,
        )  # fmt: skip
        handles.append(Handle(future, crew.link, f"{place} `{function.name}`", crew.patience))
    return handles
