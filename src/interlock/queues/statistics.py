"""What is in a queue at one moment (P9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock._native import MessageQueue

__all__ = ["QueueStatistics"]


@dataclass(frozen=True)
class QueueStatistics:
    """Counts of one queue, all of the same moment.

    Attributes:
        ready: Messages that can be taken.
        leased: Messages that are somebody's under a lease.
        dead: Dead letters.
        put: Messages put since the queue was made.
        maxsize: How many messages it holds at the most; 0 for no bound.
        max_bytes: How many bytes it holds at the most.
        max_deliveries: How often a message is delivered at the most; 0 for no bound.
        processes: The pids of the processes that have used it and live.
        is_shut_down: Whether nothing more can be put.
    """

    ready: int
    leased: int
    dead: int
    put: int
    maxsize: int
    max_bytes: int
    max_deliveries: int
    processes: tuple[int, ...]
    is_shut_down: bool

    @classmethod
    def of(cls, queue: MessageQueue[Any]) -> QueueStatistics:
        """The statistics of a queue."""
        ready, leased, dead, _, put = queue._counts()
        maxsize, _, max_bytes, max_deliveries, _ = queue._limits()
        return cls(
            ready,
            leased,
            dead,
            put,
            maxsize,
            max_bytes,
            max_deliveries,
            tuple(sorted(queue._users())),
            bool(queue._is_shut_down()),
        )
