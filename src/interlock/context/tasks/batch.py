"""A batch of tasks that is one task of a cluster, and what a cluster does with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from interlock.context.tasks.options import FarOptions
from interlock.context.tasks.work import Order, Report
from interlock.pool.jobs import Job

__all__ = ["FarBatch", "Launcher"]


class Launcher(Protocol):
    """What a cluster does for an engine."""

    def launch(self, batch: FarBatch, tell: Callable[[Report | BaseException], None]) -> Any:
        """Begin a batch; tell, from any thread, what became of it; what `stop` takes."""

    def stop(self, begun: Any, now: bool) -> None:
        """Let it not begin, or end; now: by ending its process."""

    def explain(self, batch: FarBatch, place: int, error: BaseException) -> BaseException:
        """What a task ends with whose batch ended so."""

    def unpack(self, payload: Any) -> Any:
        """A result."""

    def lost(self) -> BaseException | None:
        """Why nothing will be told any more; None while that is not so."""


class FarBatch:
    """Tasks that are one task of the cluster."""

    done = 0
    member = None

    def __init__(self, job: Job, first: int, items: Sequence[Any], number: int) -> None:
        self.job = job
        self.first = first
        self.items = items
        self.number = number
        self.size = len(items)
        self.begun: Any = None
        self.is_cancelled = False

    def order(self, pool: str, prepared: str) -> Order:
        """What its process is told."""
        job = self.job
        function, options = job.function, job.options
        assert isinstance(options, FarOptions), "the pool makes them"
        kinds: Any = options.retry_on
        return Order(
            pool, function.number, function.name, job.kind, prepared, options.timeout, kinds,
            options.retries, options.keep_remote,
        )  # fmt: skip
