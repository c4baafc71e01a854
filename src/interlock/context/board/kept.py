"""An object on a board, whose methods are called from afar: a dict, a list, a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.context.board.locks import LockThing
from interlock.context.board.seats import Who
from interlock.context.board.thing import NOT_YET, Thing

__all__ = ["KeptThing"]


class KeptThing(Thing):
    """An object.

    Args:
        made: It.
        lock: Whose owner alone may use it, while there is one; None for anybody.
        pack: Makes of a value what travels.
        unpack: The reverse.
    """

    def __init__(
        self,
        made: Any,
        lock: LockThing | None,
        pack: Callable[[Any], Any],
        unpack: Callable[[Any], Any],
    ) -> None:
        super().__init__()
        self._made = made
        self._lock = lock
        self._pack, self._unpack = pack, unpack

    async def call(
        self, who: Who, timeout_s: float | None, open_: Any, method: str, payload: Any
    ) -> Any:
        """What the method returned, packed; one step, as far as others see.

        Raises:
            Exception: What it raised.

        If a process dies: the caller's: it was called, or not.
        """
        args, kwargs = self._unpack(payload)

        def called() -> Any:
            if self._lock is not None and not self._lock.is_open_to(who):
                return NOT_YET
            return self._pack(getattr(self._made, method)(*args, **kwargs))

        turns = self if self._lock is None else self._lock
        return await turns.until(who, called, timeout_s, open_)
