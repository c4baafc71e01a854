"""JoinableQueue: a queue that knows when the work on its messages is done."""

from __future__ import annotations

from interlock._types import Context
from interlock.queues.base import core_limits
from interlock.queues.queue import Queue, T
from interlock.serialize.limits import Limits
from interlock.serialize.trust import Terms, Trust

__all__ = ["JoinableQueue"]


class JoinableQueue(Queue[T]):
    """A Queue with `task_done` and `join`.

    A message taken by `get` is a task until `task_done` is called for it. One taken by
    `lease` is a task until it is acknowledged, which the end of the `with` block does.

    Args:
        maxsize: As in `Queue`.
        ctx: As in `Queue`.
        max_bytes: As in `Queue`.
        max_deliveries: As in `Queue`; a dead letter is no task any more.
        trust: As in `Queue`.
        limits: As in `Queue`.
        writable: As in `Queue`.

    If a process dies: A task that it had by a lease is delivered again. One that it had by
    `get` is never done.
    """

    def __init__(
        self,
        maxsize: int = 0,
        *,
        ctx: Context,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
        writable: bool = False,
    ) -> None:
        terms = Terms(trust, limits, writable)
        core = core_limits(maxsize, max_bytes, max_deliveries, joinable=True)
        super(Queue, self).__init__(*core)
        self._made(ctx, terms)

    def task_done(self) -> None:
        """Say that the work on a message that `get` gave is done.

        Raises:
            ValueError: Called more often than there were messages.
            QueueClosed: This handle was closed.
        """
        self._task_done()

    def join(self) -> None:
        """Wait until the work on every message that was put is done.

        Raises:
            QueueClosed: This handle was closed.

        If a process dies: a task it had taken by `get` is never done, and this waits for
        ever; take messages by `lease` where that may happen.
        """
        self._join()
