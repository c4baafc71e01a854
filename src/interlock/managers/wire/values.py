"""Values in messages: bytes at the registered level, small in the body, large beside it (P4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.errors import WireError
from interlock.managers.wire.bodies import INLINE_MAX, Answer, Call
from interlock.managers.wire.frames import BUFFERS_MAX
from interlock.serialize import Limits, dumps, loads

__all__ = ["Packed", "buffers_of_each", "pack", "unpack"]

Packed = tuple[bytes, list[memoryview]]
"""What stands in the body (empty if it is the first buffer), and the buffers."""


def pack(value: Any, limits: Limits | None = None, buffers_max: int = BUFFERS_MAX // 2) -> Packed:
    """A value as what a message has for it; large buffers are not copied.

    Args:
        value: Of plain and registered types.
        limits: What the reader allows.
        buffers_max: How many buffers the message has room for; where the value has more, all of
            it becomes one, which copies them.

    Raises:
        SerializationError: A part is neither plain nor registered; with the path to it.
    """
    lent: list[Any] = []
    data = dumps(value, limits=limits, buffers=lent)
    if not lent and len(data) <= INLINE_MAX:
        return data, []
    buffers = [view for each in lent if (view := memoryview(each).cast("B")).nbytes]
    if len(buffers) != len(lent) or len(buffers) >= buffers_max:
        data, buffers = dumps(value, limits=limits), []
    if len(data) > INLINE_MAX:
        return b"", [memoryview(data), *buffers]
    return data, buffers


def unpack(data: bytes, buffers: Sequence[memoryview], limits: Limits | None = None) -> Any:
    """What `pack` was given. Its large buffers are used where they lie, and may be written to.

    Raises:
        DecodeError: It is damaged, beyond a limit, or of a type that is not registered.
    """
    if data:
        return loads(data, limits=limits, buffers=buffers, writable=True)
    if not buffers:
        raise WireError("A value has no bytes, neither in its body nor beside it.")
    return loads(buffers[0], limits=limits, buffers=buffers[1:], writable=True)


def buffers_of_each(
    parts: Sequence[Call] | Sequence[Answer], buffers: Sequence[memoryview]
) -> Iterator[Sequence[memoryview]]:
    """The buffers of each part of a message, in order.

    Raises:
        WireError: The parts have fewer or more than came.
    """
    if not buffers and len(parts) == 1 and not parts[0].buffers:  # as most are
        yield buffers
        return
    if sum(part.buffers for part in parts) != len(buffers):
        raise WireError(
            f"A message came with {len(buffers)} buffers, and its parts speak of "
            f"{sum(part.buffers for part in parts)}; the connection was cut."
        )
    at = 0
    for part in parts:
        yield buffers[at : at + part.buffers]
        at += part.buffers
