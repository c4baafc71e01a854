"""Who waits for something in the server's loop, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Turns", "seconds"]


class Turns:
    """Calls that wait; each `wake` lets go on the one that came first."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, *, first: bool = False) -> asyncio.Future[None]:
        """Stand at the end of the row, or at its head."""
        waiter = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if first else self._waiting.append)(waiter)
        return waiter

    async def wait(self, waiter: asyncio.Future[None], timeout_s: float | None) -> bool:
        """Whether it was woken in time.

        Raises:
            asyncio.CancelledError: The client is gone, or waits no more; `was_woken` tells
                whether somebody else must be woken in its place.

        If a process dies: the client: as above, when the grace has ended.
        """
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            self.leave(waiter)
        return not waiter.cancelled()

    def leave(self, waiter: asyncio.Future[None]) -> None:
        """Wait no more."""
        if not waiter.done():
            self._waiting.remove(waiter)
            waiter.cancel()

    def is_first(self, waiter: asyncio.Future[None]) -> bool:
        """Whether nobody was there before."""
        return bool(self._waiting) and self._waiting[0] is waiter

    @staticmethod
    def was_woken(waiter: asyncio.Future[None]) -> bool:
        """Whether it was its turn."""
        return waiter.done() and not waiter.cancelled()

    def wake(self, count: int = 1) -> int:
        """Let the first so many go on; how many there were."""
        woken = 0
        while woken < count and self._waiting:
            self._waiting.popleft().set_result(None)
            woken += 1
        return woken


def seconds(blocking: bool, timeout: float | None) -> float | None:
    """How long to wait: `threading.Lock.acquire`'s two arguments as one; None for ever.

    Raises:
        ValueError: They contradict each other.

    If a process dies: nothing waits here.
    """
    if not blocking:
        if timeout is not None and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return 0.0
    if timeout is None or timeout == -1:
        return None
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    return timeout
