"""Thing: what lies at the desk under a name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from interlock.context.dask.desk.answers import Answer
from interlock.context.dask.desk.turns import Caller, Turns

__all__ = ["Thing"]

# Of a caller and the ticket of a call; with an empty ticket, whether the caller is dead.
IsGone = Callable[[Caller, str], bool]


class Thing:
    """A queue, a lock ...: its state is here, and only here.

    What a program calls is a method whose name begins with ``do_``; it is given the caller, the
    ticket of the call and the time it may take, then the call's own arguments.

    Attributes:
        maker: The client that made it; with it the thing ends.
        turns: Those that wait for it.
    """

    def __init__(self, maker: str) -> None:
        self.maker = maker
        self.turns: tuple[Turns, ...] = ()

    def called(
        self, method: str, caller: Caller, ticket: str, wait_s: float | None, arguments: list[Any]
    ) -> Awaitable[Answer] | Answer:
        """Do what the call says."""
        do: Any = getattr(self, f"do_{method}")
        answer: Awaitable[Answer] | Answer = do(caller, ticket, wait_s, *arguments)
        return answer

    def forget(self, is_gone: IsGone) -> None:
        """These callers are dead, or these calls were given up: take back what they have."""
        for turns in self.turns:
            turns.forget(is_gone)

    def end(self, answer: Answer) -> None:
        """It is no more."""
        for turns in self.turns:
            turns.end(answer)
