"""ProcessPoolExecutor: `concurrent.futures`' interface on the tasks of a cluster."""

from __future__ import annotations

import inspect
import weakref
from dataclasses import fields
from typing import Any, TypeVar

from interlock.context.tasks.crew import FarCrew, FarFunctions
from interlock.context.tasks.options import FarOptions
from interlock.pool import executor as house
from interlock.pool.executor import ProcessPoolExecutor

__all__ = ["FarExecutor"]

T = TypeVar("T")


class FarExecutor(ProcessPoolExecutor):
    """Calls on a cluster.

    Every method is `interlock.pool.ProcessPoolExecutor`'s, and takes the options of the context's
    tasks: those that the cluster has a word for, and ``num_cpus``, ``num_gpus``, ``resources`` and
    ``keep_remote``.

    Args:
        crew: What runs them.
        functions: What it was given to run.
        options: Defaults for every call.

    If a process dies: the cluster runs its call again, ``retries`` times at the most; then it
        fails with `WorkerDied`.
    """

    def __init__(self, crew: FarCrew, functions: FarFunctions, options: FarOptions) -> None:
        of_the_house: Any = crew
        self._options = options
        self._functions: Any = functions
        self._crew = of_the_house
        self._mp_context = crew.context
        self._engine: Any = crew.engine
        self._max_workers = crew.engine.supervisor.size
        with crew.started():
            house._crews.add(of_the_house)
            house._finish_before_the_children()
            weakref.finalize(self, crew.abandon).atexit = False

    def _submit(self, fn: Any, args: Any, kwargs: Any, options: Any) -> Any:
        """As the house's, with the keywords that are options of a cluster's tasks alone."""
        names = {each.name for each in fields(options)} - house._OPTIONS
        if not names.isdisjoint(kwargs):
            given = names.intersection(kwargs) - _keywords_of(fn, names)
            options = options.with_(**{name: kwargs[name] for name in given})
            kwargs = {name: value for name, value in kwargs.items() if name not in given}
        return super()._submit(fn, args, kwargs, options)

    def share(self, obj: T) -> Any:
        """Put an object where all tasks find it, once: a handle for them, with ``.get()``."""
        return self._engine.launcher.share(obj)

    def resize(self, max_workers: int) -> None:
        """Have so many batches with the cluster at once from now on.

        Raises:
            ValueError: It is less than 1.
        """
        if max_workers < 1:
            raise ValueError(f"max_workers is {max_workers}; give at least 1")
        self._max_workers = self._engine.supervisor.size = max_workers
        self._engine.room = max_workers
        self._engine.kick()


def _keywords_of(fn: Any, names: set[str]) -> set[str]:
    """Those of the names that are the function's own keywords."""
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return set()  # a function in C that does not tell
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return names
    return names & {*parameters}
