"""A line to a board in a thread of this process, that interrupts its caller where a test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from interlock.context.board.board import Board
from interlock.context.board.seats import Seat
from interlock.context.far.line import Line

__all__ = ["ANSWERED", "BEFORE", "MOMENTS", "SENT", "WAITING", "NearLine", "near_line"]

BOUND_S = 20.0
BEFORE, SENT, WAITING, ANSWERED = MOMENTS = (
    "before it is sent", "as it is sent", "as it waits", "as it is answered"
)  # fmt: skip


class NearLine(Line):
    """A line to a board of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.board = Board(lambda value: value, lambda payload: payload)
        self._moments: list[tuple[str, str]] = []

    def interrupts(self, method: str, moment: str) -> None:
        """Raise KeyboardInterrupt once when this method, of a thing or the board, is called."""
        self._moments.append((method, moment))

    def _send(self, method: str, *args: Any) -> Any:
        name = args[3] if method == "call" else method
        self._may_interrupt(name, BEFORE)
        sent = asyncio.run_coroutine_threadsafe(self._call(method, *args), self._loop)
        self._may_interrupt(name, SENT)
        return name, sent

    def _answer(self, sent: Any) -> Any:
        name, future = sent
        self._may_interrupt(name, WAITING)
        answer = future.result(BOUND_S)
        self._may_interrupt(name, ANSWERED)
        return answer

    def _may_interrupt(self, name: str, moment: str) -> None:
        if (name, moment) in self._moments:
            self._moments.remove((name, moment))
            raise KeyboardInterrupt

    async def _call(self, method: str, *args: Any) -> Any:
        answer = getattr(self.board, method)(*args)
        return await answer if asyncio.iscoroutine(answer) else answer

    def _future(self, sent: Any) -> Future[Any]:
        future: Future[Any] = sent[1]
        return future

    def _enter(self, seat: Seat) -> None:
        self._answer(self._send("enter", seat))

    def pack(self, value: Any) -> Any:
        return value

    def size(self, payload: Any) -> int:
        return 1

    def unpack(self, payload: Any) -> Any:
        return payload() if isinstance(payload, Callable) else payload  # type: ignore[arg-type]

    def forget(self) -> None:
        """Let the board take this process for dead."""
        self._loop.call_soon_threadsafe(self.board.gone, self._seat, False)

    def end(self) -> None:
        """Stop the board's thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(BOUND_S)
        self._loop.close()


@contextmanager
def near_line() -> Iterator[NearLine]:
    """A line, and its end."""
    line = NearLine()
    try:
        yield line
    finally:
        line.end()
