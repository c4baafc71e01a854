"""Finds the part of an object that cannot be serialized, and the path to it (P6).

Goes through an object as `pickle` does, hook by hook, until a part refuses. The path begins at the
object given (``$``), and goes on as hooks.py calls the parts: ``$.handlers[2].lock``.
"""

from __future__ import annotations

import copyreg
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.serialize.inspection.hooks import ATOMS, Reducers, Refused, children, reduction

__all__ = ["Guilty", "find_guilty"]

PARTS_MAX = 200_000
TIME_MAX_S = 1.0


@dataclass(frozen=True)
class Guilty:
    """The part that cannot be serialized.

    Attributes:
        path: Where it is, from the object given (``$``).
        part: The part itself.
        reason: Why, in words.
        raised: What its hook raised; None where it raised nothing. The class only: the
            exception itself would keep the frames of the search, and so the part, in a cycle.
        around: What the part is in, from the object given to what has it as its own part.
    """

    path: str
    part: Any
    reason: str
    raised: type[Exception] | None = None
    around: tuple[Any, ...] = ()


def find_guilty(
    obj: Any,
    reducers: Reducers | None = None,
    *,
    parts_max: int = PARTS_MAX,
    time_max_s: float = TIME_MAX_S,
) -> Guilty | None:
    """Find the first part of an object that cannot be serialized. Raises nothing itself.

    The hooks (``__reduce_ex__``, ``__getstate__``, ...) of the parts are called.

    Args:
        obj: The object.
        reducers: Functions registered by type; `copyreg`'s by default.
        parts_max: How many parts to look at before giving up.
        time_max_s: How many seconds to look before giving up; a hook that has begun
            is not interrupted.

    Returns:
        None when every part can be serialized, or when it gave up.
    """
    table = copyreg.dispatch_table if reducers is None else reducers
    try:
        return _Search(table, parts_max, time.monotonic() + time_max_s).find(obj)
    except Exception:
        return None  # a stranger's hook misbehaved beyond what is foreseen here


class _Search:
    """Depth first, with a stack of its own: an object may be nested deeper than Python can be."""

    def __init__(self, reducers: Reducers, parts_max: int, deadline: float) -> None:
        self._reducers = reducers
        self._parts_left = parts_max
        self._deadline = deadline
        self._seen: dict[int, Any] = {}  # keeps them, so that no other takes the number

    def find(self, root: Any) -> Guilty | None:
        if type(root) in ATOMS:
            return None
        self._seen[id(root)] = root
        names = ["$"]
        parts = [root]
        stack: list[Iterator[tuple[str, Any]]] = []
        part = root
        while True:
            try:
                if part is not None:
                    stack.append(iter(children(part, reduction(part, self._reducers))))
                child = next(stack[-1], None)
            except Exception as error:
                raised = None if isinstance(error, Refused) else type(error)
                return Guilty("".join(names), parts[-1], str(error), raised, tuple(parts[:-1]))
            part = None
            if child is None:
                stack.pop(), names.pop(), parts.pop()
                if not stack:
                    return None
            elif type(child[1]) not in ATOMS and id(child[1]) not in self._seen:
                if self._exhausted():
                    return None
                part = child[1]
                self._seen[id(part)] = part
                names.append(child[0])
                parts.append(part)

    def _exhausted(self) -> bool:
        self._parts_left -= 1
        return self._parts_left < 0 or time.monotonic() > self._deadline
