"""`multiprocessing.Pool`, and Interlock's, which has the same interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import interlock_peer, stdlib
from . import tasks
from .contender import WORKERS, Contender


class StandardPool(Contender):
    """The pool of a context of `multiprocessing`."""

    NAME = stdlib.NAME
    MODULE = "multiprocessing.pool"

    def __init__(self, context: Any) -> None:
        super().__init__()
        self.context = context

    def start(self) -> None:
        """Make the pool."""
        self.pool = self.open.enter_context(self.context.Pool(WORKERS))

    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `map`, one task a message."""
        results: list[Any] = self.pool.map(function, items, chunksize=1)
        return results

    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By `map`."""
        results: list[Any] = self.pool.map(function, items)
        return results

    def submitted(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """By a call for each."""
        submit = self.pool.apply_async
        return [result.get() for result in [submit(function, (item,)) for item in items]]

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By an initializer of new workers; those that are forked have it without a copy."""
        pool = self.open.enter_context(self.context.Pool(WORKERS, tasks.keep, (value,)))
        results: list[int] = pool.map(tasks.look_at_kept, numbers)
        return results


class InterlockPool(StandardPool):
    """The pool of a context of Interlock."""

    NAME = interlock_peer.NAME
    MODULE = "interlock.pool"

    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """By `pool.share`; under fork new workers have the memory without a copy, as above."""
        if self.context.get_start_method() == "fork":
            return super().shared(value, numbers)
        look = partial(tasks.look_at, self.pool.share(value))
        results: list[int] = self.pool.map(look, numbers)
        return results


def of_context(context: Any) -> StandardPool:
    """The pool that this context makes."""
    own = type(context).__module__.partition(".")[0] == "interlock"
    return InterlockPool(context) if own else StandardPool(context)
