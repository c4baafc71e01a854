"""What a board answers on its way to a process: an exception in it goes as bytes."""

from __future__ import annotations

from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

from interlock.serialize.exceptions import pack_exception, unpack_exception

__all__ = ["LATE", "NO_SEAT", "NO_THING", "RAISED", "VALUE", "packed", "unpacked"]

VALUE, LATE, RAISED, NO_THING, NO_SEAT = "value", "late", "raised", "no thing", "no seat"


def packed(answer: tuple[str, Any]) -> tuple[str, Any]:
    """What `Board.call` returned, as it travels."""
    kind, value = answer
    return kind, pack_exception(value) if kind == RAISED else value


def unpacked(answer: tuple[str, Any]) -> tuple[str, Any]:
    """The reverse."""
    kind, value = answer
    return kind, unpack_exception(value, RemoteTraceback) if kind == RAISED else value
