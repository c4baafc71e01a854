"""The bytes of a Value or an Array on a board; what they mean its users know."""

from __future__ import annotations

from typing import Any

from interlock.context.board.locks import LockThing
from interlock.context.board.seats import Who
from interlock.context.board.thing import NOT_YET, Thing

__all__ = ["CellThing"]


class CellThing(Thing):
    """Bytes that are read and written in parts.

    Args:
        data: What they are at first.
        lock: Whose owner alone may use them, while there is one; None for anybody.
    """

    def __init__(self, data: bytes, lock: LockThing | None) -> None:
        super().__init__()
        self._data = bytearray(data)
        self._lock = lock

    async def read(
        self, who: Who, timeout_s: float | None, open_: Any, begin: int, end: int
    ) -> Any:
        """A part of them.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: one that changes them under the lock: what it wrote stays.
        """
        return await self._in_turn(who, timeout_s, open_, lambda: bytes(self._data[begin:end]))

    async def write(
        self, who: Who, timeout_s: float | None, open_: Any, parts: list[tuple[int, bytes]]
    ) -> Any:
        """Others in the place of these parts, in one step; each has its first byte's number.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: the caller's: all was written, or nothing.
        """

        def written() -> bool:
            for begin, data in parts:
                self._data[begin : begin + len(data)] = data
            return True

        return await self._in_turn(who, timeout_s, open_, written)

    async def _in_turn(self, who: Who, timeout_s: float | None, open_: Any, step: Any) -> Any:
        def attempt() -> Any:
            is_open = self._lock is None or self._lock.is_open_to(who)
            return step() if is_open else NOT_YET

        turns = self if self._lock is None else self._lock
        return await turns.until(who, attempt, timeout_s, open_)
