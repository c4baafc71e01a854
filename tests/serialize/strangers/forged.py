"""Messages that no honest sender writes: objects of registered types with any state."""

from __future__ import annotations

import dataclasses
from typing import Any

from interlock.serialize import dumps, registry

__all__ = ["doubled", "doubled_list", "forged", "one_hash"]

_MODULUS = 2**61 - 1  # integers that differ by it have one hash


def forged(example: Any, state: Any) -> bytes:
    """A message with an object of the type of ``example``, made of ``state``."""
    registration = registry.find(type(example))
    assert registration is not None, type(example)
    registry.add(dataclasses.replace(registration, encode=lambda _: state))
    try:
        return dumps(example)
    finally:
        registry.add(registration)


def doubled(levels: int = 100) -> Any:
    """A tuple that holds a tuple twice, that holds a tuple twice ...: 2**levels ways through it."""
    made: Any = ("innermost", 0)
    for _ in range(levels):
        made = (made, made)
    return made


def doubled_list(levels: int = 100) -> Any:
    """The same of lists."""
    made: Any = ["innermost"]
    for _ in range(levels):
        made = [made, made]
    return made


def one_hash(count: int) -> list[int]:
    """Integers that all have the same hash."""
    return [number * _MODULUS for number in range(1, count + 1)]
