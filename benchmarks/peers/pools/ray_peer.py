"""Ray on this machine alone, without its dashboard."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from typing import Any

from . import tasks
from .contender import WORKERS, Contender

STORE_BYTES = 2 << 30


class Ray(Contender):
    """Remote functions, and objects in Ray's store."""

    NAME = "Ray"
    MODULE = "ray"

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        super().__init__()

    def start(self) -> None:
        """Start Ray's servers and workers."""
        folder = self.open.enter_context(
            TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)  # its servers end later
        )
        self.library.init(
            _temp_dir=folder,
            num_cpus=WORKERS,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        self.open.callback(self.library.shutdown)

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By a remote call for each."""
        remote = self.library.remote(function)
        return self._results([remote.remote(item) for item in items])

    batched = one_by_one  # it has no batches

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By one object in the store."""
        remote, placed = self.library.remote(tasks.look), self.library.put(value)
        return self._results([remote.remote(placed, number) for number in numbers])

    def _results(self, references: list[Any]) -> list[Any]:
        results: list[Any] = self.library.get(references)
        return results
