"""Dask's scheduler for many machines, on this one alone, without its dashboard."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from typing import Any

from . import tasks
from .contender import WORKERS, Contender


class Dask(Contender):
    """A `Client` of a `LocalCluster` whose workers have one thread each."""

    NAME = "Dask"
    MODULE = "distributed"

    def start(self) -> None:
        """Start the scheduler and the workers."""
        folder = self.open.enter_context(TemporaryDirectory(prefix="interlock-dask-"))
        config = importlib.import_module("dask.config")
        self.open.enter_context(config.set({"temporary-directory": folder}))
        cluster = self.library.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        )
        self.open.enter_context(cluster)
        self.pool = self.open.enter_context(self.library.Client(cluster))

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `map`, which makes a task of each item."""
        # Not pure: an equal task would not be run again.
        return self._results(self.pool.map(function, items, pure=False))

    batched = one_by_one  # it has no batches by default

    def arrays(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `scatter`: it warns of large objects among the arguments."""
        placed = self.pool.scatter(list(items), hash=False)
        return self._results(self.pool.map(function, placed, pure=False))

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By `scatter` to every worker."""
        (placed,) = self.pool.scatter([value], broadcast=True, hash=False)
        submit = self.pool.submit
        return self._results([submit(tasks.look, placed, n, pure=False) for n in numbers])

    def _results(self, futures: list[Any]) -> list[Any]:
        results: list[Any] = self.pool.gather(futures)
        return results
