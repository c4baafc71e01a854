"""Pools with the interface of `concurrent.futures`: its own, Interlock's, and loky."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import tasks
from .contender import WORKERS, Contender


class StandardExecutor(Contender):
    """`concurrent.futures.ProcessPoolExecutor`, whose workers are forked."""

    NAME = "concurrent.futures"
    MODULE = "concurrent.futures.process"

    def _made(self, **initializer: Any) -> Any:
        import multiprocessing

        return self.open.enter_context(
            self.library.ProcessPoolExecutor(
                WORKERS, mp_context=multiprocessing.get_context("fork"), **initializer
            )
        )

    def start(self) -> None:
        """Make the executor; its workers start with its first tasks."""
        self.pool = self._made()

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `submit`."""
        return [future.result() for future in [self.pool.submit(function, i) for i in items]]

    submitted = one_by_one

    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `map`."""
        return list(self.pool.map(function, items))

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By an initializer of new workers."""
        pool = self._made(initializer=tasks.keep, initargs=(value,))
        return list(pool.map(tasks.look_at_kept, numbers))


class InterlockExecutor(StandardExecutor):
    """Interlock's, whose workers are forked."""

    NAME = "interlock, executor"
    MODULE = "interlock.pool"


class Loky(StandardExecutor):
    """loky's, which starts its workers in its own way and sends them what they are to keep."""

    NAME = "loky"
    MODULE = "loky"

    def _made(self, **initializer: Any) -> Any:
        return self.open.enter_context(self.library.ProcessPoolExecutor(WORKERS, **initializer))
