"""Who waits at the desk, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.context.dask.desk.answers import GONE, Answer

__all__ = ["Caller", "Turns"]


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        client: The client of Dask by which it came; its end is the caller's end.
        host: The machine.
        pid: The process.
        thread: The thread, as `threading.get_native_id` gives it.
        task: Of an event loop in this thread; 0 if it is none.
    """

    client: str
    host: str
    pid: int
    thread: int
    task: int = 0


@dataclass(eq=False)
class _Waiting:
    caller: Caller
    ticket: str
    attempt: Callable[[], Answer | None]
    answer: asyncio.Future[Answer]


class Turns:
    """Those that wait for one thing, in order.

    Everything here runs in the scheduler's event loop, one step at a time: no step of a thing has
    to be guarded from another.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    async def take(
        self,
        caller: Caller,
        ticket: str,
        attempt: Callable[[], Answer | None],
        wait_s: float | None,
    ) -> Answer | None:
        """What the attempt gives, when it is this caller's turn; None when the time is over.

        Args:
            caller: Who waits.
            ticket: The number of its call.
            attempt: Does it, or gives None without having done anything.
            wait_s: In seconds; None for as long as it takes.

        Raises:
            Exception: What the attempt raised.

        If a process dies: one that waits here is left out as soon as Dask has noticed.
        """
        if not self._waiting:
            answer = attempt()
            if answer is not None:
                return answer
        if wait_s is not None and wait_s <= 0:
            return None
        waiting = _Waiting(caller, ticket, attempt, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        # Not wait_for(), which may lose an answer that comes with the end of the time.
        await asyncio.wait([waiting.answer], timeout=wait_s)
        if waiting.answer.done():
            return waiting.answer.result()
        self._waiting.remove(waiting)
        self.look()  # who was behind may not need what this one waited for
        return None

    def look(self) -> None:
        """Something has changed: give those what they wait for whose turn it is."""
        while self._waiting:
            answer = self._waiting[0].attempt()
            if answer is None:
                return
            self._waiting.popleft().answer.set_result(answer)

    def forget(self, is_gone: Callable[[Caller, str], bool]) -> bool:
        """Leave some out, by caller and ticket; whether there were any."""
        gone = [each for each in self._waiting if is_gone(each.caller, each.ticket)]
        for each in gone:
            self._waiting.remove(each)
            each.answer.set_result((GONE, None))
        if gone:
            self.look()
        return bool(gone)

    def end(self, answer: Answer) -> None:
        """Give all the same answer."""
        waiting: Any = self._waiting
        while waiting:
            waiting.popleft().answer.set_result(answer)
