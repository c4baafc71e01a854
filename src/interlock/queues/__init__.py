"""Queues: how messages travel between processes."""

from __future__ import annotations

from interlock.errors import Empty, Full, QueueClosed, ShutDown
from interlock.queues.dead_letters import DeadLetters
from interlock.queues.joinable import JoinableQueue
from interlock.queues.queue import Queue
from interlock.queues.simple import SimpleQueue
from interlock.queues.statistics import QueueStatistics

__all__ = [
    "DeadLetters",
    "Empty",
    "Full",
    "JoinableQueue",
    "Queue",
    "QueueClosed",
    "QueueStatistics",
    "ShutDown",
    "SimpleQueue",
]
