"""A handle of an object on a board."""

from __future__ import annotations

from typing import Any

from interlock.context.far.handle import Handle
from interlock.context.far.line import Line

__all__ = ["Kept"]


class Kept(Handle):
    """An object on a board, whose methods are called there; values are copies, both ways."""

    _kind = "kept"

    def __init__(self, line: Line, *made: Any) -> None:
        super().__init__(line, line.pack(made))

    def _do(self, method: str, *args: Any, **kwargs: Any) -> Any:
        line = self._line
        return line.unpack(self._ask("call", method, line.pack((args, kwargs))))
