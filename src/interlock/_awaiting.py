"""Awaiting a bell under asyncio and Trio, without a helper thread (P10)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TypeVar

from interlock.errors import MissingDependency

try:
    import anyio
    import anyio.lowlevel
except ModuleNotFoundError as error:
    raise MissingDependency(
        "Awaiting queues, pipes and locks needs anyio, which is not installed. "
        "Install it with `pip install 'interlock[aio]'`."
    ) from error

__all__ = ["until"]

RECHECK_S = 0.1  # as in wait.py
CROWDED_S = 0.002  # how long to let others go first when what is there is not for us

T = TypeVar("T")


async def until(
    attempt: Callable[[], T],
    refusal: type[Exception],
    bell_fd: Callable[[], int],
    arm: Callable[[], bool],
    timeout_s: float | None = None,
) -> T:
    """Try until it works, sleeping on a bell in between.

    Nothing is awaited between the attempt that works and the return, so a cancellation comes
    before the attempt or after the return: it never takes a message with it.

    Args:
        attempt: Does it, or raises ``refusal`` without having done anything.
        refusal: Says that it would have to wait.
        bell_fd: What is readable when it is worth another try.
        arm: Asks to be rung; True if it is worth another try at once.
        timeout_s: How long to try, in seconds; None for as long as it takes.

    Raises:
        Exception: ``refusal`` when the time is over; whatever else the attempt raises.

    If a process dies: one that was about to ring is noticed within RECHECK_S.
    """
    deadline = math.inf if timeout_s is None else anyio.current_time() + timeout_s
    await anyio.lowlevel.checkpoint()
    while True:
        try:
            return attempt()
        except refusal:
            rest_s = deadline - anyio.current_time()
            if rest_s <= 0:
                raise
        if arm():
            await anyio.sleep(min(CROWDED_S, rest_s))
        else:
            await _rung(bell_fd(), min(RECHECK_S, rest_s))


async def _rung(bell_fd: int, timeout_s: float) -> None:
    """Return when the bell rings, or after that time."""
    # A copy: an event loop lets one task wait for a descriptor, and we may be several.
    own = os.dup(bell_fd)
    try:
        with anyio.move_on_after(timeout_s):
            await anyio.wait_readable(own)
    finally:
        os.close(own)
