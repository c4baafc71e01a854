"""joblib, by its default backend: loky, with memory-mapped arrays of 1 MB and more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import tasks
from .contender import WORKERS, Contender


class Joblib(Contender):
    """Its workers stay from one call of `Parallel` to the next."""

    NAME = "joblib"
    MODULE = "joblib"

    def start(self) -> None:
        """The first call starts the workers; see that they end."""
        self.open.callback(self._end_workers)

    def _end_workers(self) -> None:
        self.library.externals.loky.get_reusable_executor().shutdown(wait=True)

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By batches of one."""
        return self._run(function, [(item,) for item in items], batch_size=1)

    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By batches that grow with what they save."""
        return self._run(function, [(item,) for item in items])

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """As an argument of each task: joblib notices, and maps it from a file."""
        return self._run(tasks.look, [(value, number) for number in numbers])

    def _run(self, function: Callable[..., Any], calls: Sequence[Any], **how: Any) -> list[Any]:
        delayed = self.library.delayed(function)
        parallel = self.library.Parallel(n_jobs=WORKERS, **how)
        results: list[Any] = parallel(delayed(*arguments) for arguments in calls)
        return results
