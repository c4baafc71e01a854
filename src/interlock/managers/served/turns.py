"""Calls that wait for something, first come, first served; none of them needs a thread.

The first of the row looks whether it may go on, whenever it is woken. When it goes, for whatever
reason, the next is woken, which looks after the first has done what it waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Turns"]


class _Waiter:
    __slots__ = ("woken",)

    def __init__(self, woken: asyncio.Future[None]) -> None:
        self.woken = woken


class Turns:
    """A row of calls that wait for the same thing."""

    def __init__(self) -> None:
        self._row: deque[_Waiter] = deque()

    def __len__(self) -> int:
        return len(self._row)

    async def until(self, may_go: Callable[[], object], timeout_s: float | None) -> bool:
        """Whether it holds, and nobody came before, in time.

        Whoever calls this does what it waited for before it awaits anything else.

        Args:
            may_go: Whether it holds; asked again whenever `wake` was called.
            timeout_s: None for as long as it takes.

        Raises:
            asyncio.CancelledError: The client is gone, or waits no more; nothing was taken.

        If a process dies: the client: as above, when its grace has ended.
        """
        if not self._row and may_go():
            return True
        if timeout_s is not None and not timeout_s > 0:  # nor is there a time that is no number
            return False
        loop = asyncio.get_running_loop()
        end_s = None if timeout_s is None else loop.time() + timeout_s
        waiter = _Waiter(loop.create_future())
        self._row.append(waiter)
        try:
            while True:
                left_s = None if end_s is None else end_s - loop.time()
                if left_s is not None and left_s <= 0:
                    return False
                await asyncio.wait([waiter.woken], timeout=left_s)
                if waiter.woken.done():
                    if self._row[0] is waiter and may_go():
                        return True
                    waiter.woken = loop.create_future()
        finally:
            self._row.remove(waiter)
            self.wake()

    def wake(self) -> None:
        """Let the first one look again."""
        if self._row and not self._row[0].woken.done():
            self._row[0].woken.set_result(None)
