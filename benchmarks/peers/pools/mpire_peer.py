"""mpire, whose workers are forked and kept alive from one map to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import tasks
from .contender import WORKERS, Contender


class Mpire(Contender):
    """`WorkerPool`."""

    NAME = "mpire"
    MODULE = "mpire"

    def _made(self, **shared: Any) -> Any:
        return self.open.enter_context(
            self.library.WorkerPool(WORKERS, start_method="fork", keep_alive=True, **shared)
        )

    def start(self) -> None:
        """Make the pool; its workers start with its first tasks."""
        self.pool = self._made()

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By chunks of one."""
        return self._run(self.pool, function, items, chunk_size=1)

    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By its own chunks: 64 for each worker."""
        return self._run(self.pool, function, items)

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By its shared objects, which every task is given first."""
        return self._run(self._made(shared_objects=value), tasks.look, numbers)

    def _run(self, pool: Any, function: Any, items: Sequence[Any], **how: Any) -> list[Any]:
        # Results that are arrays would become one array.
        results: list[Any] = pool.map(function, items, concatenate_numpy_output=False, **how)
        return results
