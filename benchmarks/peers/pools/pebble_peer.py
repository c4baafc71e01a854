"""Pebble, whose workers are forked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

from . import tasks
from .contender import WORKERS, Contender


class Pebble(Contender):
    """`ProcessPool`."""

    NAME = "pebble"
    MODULE = "pebble"

    def _made(self, **initializer: Any) -> Any:
        context = multiprocessing.get_context("fork")
        pool = self.library.ProcessPool(WORKERS, context=context, **initializer)
        return self.open.enter_context(pool)

    def start(self) -> None:
        """Make the pool; its workers start with its first tasks."""
        self.pool = self._made()

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `schedule`."""
        schedule = self.pool.schedule
        return [future.result() for future in [schedule(function, args=[i]) for i in items]]

    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `map`."""
        return list(self.pool.map(function, items).result())

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By an initializer of new workers."""
        pool = self._made(initializer=tasks.keep, initargs=(value,))
        return list(pool.map(tasks.look_at_kept, numbers).result())
