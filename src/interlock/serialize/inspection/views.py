"""How each carrier of a message looks at an object: what a walk over it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.serialize.inspection.hooks import Children

__all__ = ["Looked", "View", "Weight"]

Weight = tuple[int, int]
"""Bytes in the message, and bytes of large buffers beside it."""


@dataclass(frozen=True)
class Looked:
    """What a view sees of one part.

    Attributes:
        hook: What decides how it becomes bytes.
        detail: More of that.
        children: Its parts, by name.
    """

    hook: str
    detail: str = ""
    children: Children = ()


class View(Protocol):
    """One carrier's way of looking."""

    carrier: str

    def look(self, part: Any) -> Looked:
        """What becomes of a part.

        Raises:
            Exception: It is refused; the text says why.
        """
        ...

    def weigh_first(self, obj: Any) -> Weight | None:
        """What the whole takes, if that is told best before anything was looked at."""
        ...

    def weigh(self, part: Any) -> Weight:
        """What it takes if it is sent alone.

        Raises:
            Exception: It cannot be.
        """
        ...

    def advise(self, path: str, around: Sequence[Any], part: Any, error: Exception) -> str | None:
        """What to do about a part that was refused; None where the error says it."""
        ...
