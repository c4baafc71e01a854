"""Pool: `multiprocessing.Pool`'s interface on the tasks of a cluster."""

from __future__ import annotations

from multiprocessing import util
from typing import Any, TypeVar

from interlock.context.tasks.crew import FarCrew, FarFunctions
from interlock.context.tasks.options import FarOptions
from interlock.pool.engine import CLOSED, RUNNING
from interlock.pool.pool import Pool

__all__ = ["FarPool"]

T = TypeVar("T")


class FarPool(Pool):
    """Tasks on a cluster.

    Every method is `interlock.pool.Pool`'s, and takes the options of the context's tasks: those
    that the cluster has a word for, and ``num_cpus``, ``num_gpus``, ``resources`` and
    ``keep_remote``.

    Args:
        crew: What runs them.
        functions: What it was given to run.
        options: Defaults for every task.
        progress: Whether `map`, `imap` and the like show how far they are.

    If a process dies: the cluster runs its tasks again, ``retries`` times at the most; then they
        fail with `WorkerDied`. Those of one batch (`chunksize`) share that fate.
    """

    def __init__(
        self, crew: FarCrew, functions: FarFunctions, options: FarOptions, progress: bool = False
    ) -> None:
        self._state = CLOSED  # until it is made: __del__ looks
        self._options = options
        self._progress = progress
        self._functions: Any = functions
        self._crew: Any = crew
        self._ctx = crew.context
        self._engine: Any = crew.engine
        self._processes = crew.engine.supervisor.size
        with crew.started():
            self._abandoned = util.Finalize(self, crew.abandon, (True,), exitpriority=15)
        self._state = RUNNING

    @property
    def _pool(self) -> list[Any]:
        return []  # the cluster's

    def _repopulate_pool(self) -> None:
        """The cluster does it."""

    def share(self, obj: T) -> Any:
        """Put an object where all tasks find it, once: a handle for them, with ``.get()``."""
        return self._crew.launcher.share(obj)

    def resize(self, processes: int) -> None:
        """Have so many batches with the cluster at once from now on.

        Raises:
            ValueError: It is less than 1.
        """
        if processes < 1:
            raise ValueError(f"processes is {processes}; give at least 1")
        self._processes = self._engine.supervisor.size = processes
        self._engine.room = processes
        self._engine.kick()
