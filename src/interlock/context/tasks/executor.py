"""ProcessPoolExecutor: `concurrent.futures`' interface on the tasks of a cluster."""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

from interlock.context.tasks.crew import FarCrew, FarFunctions
from interlock.context.tasks.options import FarOptions
from interlock.pool import executor as house
from interlock.pool.executor import ProcessPoolExecutor

__all__ = ["FarExecutor"]

T = TypeVar("T")


class FarExecutor(ProcessPoolExecutor):
    """Calls on a cluster.

    Every method is `interlock.pool.ProcessPoolExecutor`'s; `with_options` takes the options of the
    context's tasks: those that the cluster has a word for, and ``num_cpus``, ``num_gpus``,
    ``resources`` and ``keep_remote``.

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
