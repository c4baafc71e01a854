"""wait: until one of several things is ready, queues and pipes of ours among them.

What is not ours is polled as the standard library polls it. Ours are asked first, then
armed (whoever makes one ready rings its bell), and polled beside the others. A bell
that somebody else silenced, or whose ringer died, is why no sleep is longer than RECHECK_S.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterable
from typing import Any

from interlock._types import Pollable

__all__ = ["RECHECK_S", "wait"]

RECHECK_S = 0.1


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Wait until at least one of several objects is ready.

    Args:
        object_list: Queues, connections, sockets, sentinels of processes, and anything else with
            a `fileno` or that is a descriptor itself.
        timeout: How long to wait, in seconds; None for as long as it takes.

    Returns:
        Those that are ready, in the order given: a queue or connection from which taking a
        message would not wait (it gives one, or says that none will come), a process that has
        ended, a descriptor that is readable.

    Raises:
        OSError: One of them is closed.
        QueueClosed: The same, of a queue.

    If a process dies: its sentinel is ready; so is the other end of a pipe that it had last,
    and a queue to which what it had leased has come back.

    Source: `multiprocessing.connection.wait`.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    objects = list(object_list)
    ours = [thing for thing in objects if isinstance(thing, Pollable) and thing._is_readable]
    with selectors.PollSelector() as selector:
        for thing in objects:
            if not any(thing is mine for mine in ours):
                selector.register(thing, selectors.EVENT_READ, thing)
        for bell in {thing._bell_fd() for thing in ours}:
            selector.register(bell, selectors.EVENT_READ)
        while True:
            rest_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            found = _ready(selector, ours)
            if found or rest_s == 0.0:
                return [thing for thing in objects if any(thing is ready for ready in found)]
            armed = [thing._arm("readable") for thing in ours]  # each of them
            if any(armed):
                continue
            if ours:
                rest_s = RECHECK_S if rest_s is None else min(rest_s, RECHECK_S)
            selector.select(rest_s)


def _ready(selector: selectors.BaseSelector, ours: list[Pollable]) -> list[Any]:
    polled = [key.data for key, _ in selector.select(0) if key.data is not None]
    return polled + [thing for thing in ours if thing._ready()]
