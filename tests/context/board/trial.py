"""A board alone, in an event loop, for tests of what a death or a time leaves at each moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from interlock.context.board.board import Board
from interlock.context.board.seats import Seat, Who

ANN, BOB, CAT = (Who(name, "thread 1") for name in ("ann", "bob", "cat"))


class Trial:
    """A board with three processes, and calls by name."""

    def __init__(self) -> None:
        self.board = Board(lambda value: value, lambda payload: payload)
        for number, who in enumerate((ANN, BOB, CAT)):
            self.board.enter(Seat(who.seat, 100 + number, who.seat, "here"))
        self._numbers = iter(range(1, 1000))

    def make(self, name: str, kind: str, *args: Any) -> None:
        self.board.make(name, kind, args)

    async def ask(
        self, who: Who, name: str, method: str, *args: Any, timeout_s: float | None = 0.0
    ) -> tuple[str, Any]:
        number = next(self._numbers)
        return await self.board.call(who, number, name, method, args, timeout_s)

    def begin(
        self, who: Who, name: str, method: str, *args: Any, timeout_s: float | None = None
    ) -> asyncio.Task[tuple[str, Any]]:
        """A call that waits; it has begun to when this returns to the loop."""
        return asyncio.create_task(self.ask(who, name, method, *args, timeout_s=timeout_s))


def test(body: Callable[[Trial], Awaitable[None]]) -> Callable[[], None]:
    """A test in an event loop of its own."""

    def run() -> None:
        async def bounded() -> None:
            async with asyncio.timeout(10):
                await body(Trial())

        asyncio.run(bounded())

    run.__name__, run.__doc__ = body.__name__, body.__doc__
    return run


test.__test__ = False  # type: ignore[attr-defined]


async def settled() -> None:
    """Let every task of the loop go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)
