"""An object on a board, whose methods are called from afar: a dict, a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.context.board.seats import Who
from interlock.context.board.thing import Thing

__all__ = ["KeptThing"]


class KeptThing(Thing):
    """An object.

    Args:
        made: It.
        pack: Makes of a value what travels.
        unpack: The reverse.
    """

    def __init__(self, made: Any, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        super().__init__()
        self._made = made
        self._pack, self._unpack = pack, unpack

    def call(self, who: Who, method: str, payload: Any) -> Any:
        """What the method returned, packed; one step, as far as others see.

        Raises:
            Exception: What it raised.

        If a process dies: the caller's: it was called, or not.
        """
        args, kwargs = self._unpack(payload)
        return self._pack(getattr(self._made, method)(*args, **kwargs))
