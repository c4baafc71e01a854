"""What all things on a board share: calls that wait, in order, until an attempt works.

All of it runs in one event loop: between two awaits nothing changes, so an attempt is one step.

T1. An attempt has done its work, or has done nothing and returned NOT_YET.
T2. A wait ends once: by an attempt that worked, by its time, by its caller, who withdraws it, or
    because its caller is gone.
T3. Whoever changes a thing calls `changed`, which tries all that wait, those first that came first.
T4. Between the end of a wait and the next step of its call its caller may go: the call ends there.
T5. What a call has got it may return as `Undoable`: until its caller asks for something else the
    caller may say that the answer never reached it, and then it is undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from interlock.context.board.seats import Seat, Who

__all__ = ["NOT_YET", "CallerGone", "Thing", "ThingGone", "Undoable", "Wait"]


class _NotYet:
    def __repr__(self) -> str:
        return "NOT_YET"


NOT_YET: Final[Any] = _NotYet()


class CallerGone(Exception):
    """Nobody waits for what this call would have returned."""


class ThingGone(Exception):
    """What the call waited at has ended."""


@dataclass(frozen=True)
class Undoable:
    """What a call returns, and how to undo what it did (T5).

    Attributes:
        value: What the caller gets.
        undo: Called in the event loop, once, if the caller never has it.
    """

    value: Any
    undo: Callable[[], object]


class Wait:
    """A call that waits."""

    def __init__(self, who: Who, attempt: Callable[[], Any]) -> None:
        self.who = who
        self._attempt = attempt
        self._is_looking = False
        self._outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._outcome.done()

    def look(self) -> bool:
        """Try; whether it is over (T1)."""
        if not self._outcome.done() and not self._is_looking:
            self._is_looking = True  # what it changes lets others try, and not itself again
            try:
                value = self._attempt()
            except Exception as error:
                self._outcome.set_exception(error)
            else:
                if value is not NOT_YET:
                    self._outcome.set_result(value)
            finally:
                self._is_looking = False
        return self.is_over

    def end(self, value: Any = NOT_YET) -> None:
        """It is over, without another attempt."""
        if not self._outcome.done():
            self._outcome.set_result(value)

    def fail(self, error: Exception) -> None:
        """It is over, by an error."""
        if not self._outcome.done():
            self._outcome.set_exception(error)

    async def outcome(self, timeout_s: float | None) -> Any:
        """What an attempt returned, or NOT_YET.

        Raises:
            CallerGone: Nobody is to be told.
            ThingGone: The thing has ended.

        If a process dies: the caller's: see Raises.
        """
        await asyncio.wait((self._outcome,), timeout=timeout_s)
        self.end()
        return self._outcome.result()


class Thing:
    """Something on a board; its methods without underscore are called from afar."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []
        self.seats: Mapping[str, Seat] = {}  # the board's: who is there

    async def until(
        self, who: Who, attempt: Callable[[], Any], timeout_s: float | None, open_: Any
    ) -> Any:
        """What the attempt returns when it works; NOT_YET when the time is over.

        Args:
            who: Whose call it is.
            attempt: As T1 has it.
            timeout_s: How long to try; None for as long as it takes.
            open_: Is told of the wait, so that it can be withdrawn.

        Raises:
            CallerGone: Nobody is to be told.
            ThingGone: The thing has ended.
            Exception: What the attempt raised.

        If a process dies: the caller's: see CallerGone.
        """
        value = attempt()
        if value is not NOT_YET or (timeout_s is not None and timeout_s <= 0):
            return value
        wait = Wait(who, attempt)
        self._waits.append(wait)
        return await self.waited(wait, timeout_s, open_)

    async def waited(self, wait: Wait, timeout_s: float | None, open_: Any) -> Any:
        """As `until`, of a wait that is entered already.

        Raises:
            CallerGone: As there.

        If a process dies: As there.
        """
        open_(wait)
        try:
            value = await wait.outcome(timeout_s)
        finally:
            if wait in self._waits:
                self._waits.remove(wait)
        if wait.who.seat not in self.seats:
            raise CallerGone  # T4
        return value

    def changed(self) -> None:
        """Let those that wait try (T3)."""
        again = True
        while again:
            again = False
            for wait in list(self._waits):
                if wait.look() and wait in self._waits:
                    self._waits.remove(wait)
                    again = True

    def gone(self, seat: Seat, orderly: bool) -> None:
        """A process is gone: it waits for nothing, and has nothing.

        Args:
            seat: Which.
            orderly: Whether it said so itself.
        """
        for wait in [each for each in self._waits if each.who.seat == seat.key]:
            self._waits.remove(wait)
            wait.fail(CallerGone())
        self._lost(seat, orderly)
        self.changed()

    def _lost(self, seat: Seat, orderly: bool) -> None:
        """Take back what it had."""

    def ended(self) -> None:
        """It is no more; who waits is told."""
        waits, self._waits = self._waits, []
        for wait in waits:
            wait.fail(ThingGone())
