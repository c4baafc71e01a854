"""How much a stranger's bytes may make of a receiver: bytes, depth, items, texts (P4)."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["DEPTH_MAX", "Limits"]

DEPTH_MAX = 1000
"""No limit on depth may be higher: each level takes a part of the C stack."""

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a message may contain, checked before memory is taken for it.

    A message beyond a limit is refused with `interlock.DecodeError` where it is read,
    and with `interlock.SerializationError` where it is written.

    Attributes:
        max_bytes: Bytes of a message with all its buffers; 256 MiB by default, so that
            large arrays pass.
        max_depth: Values within values; 500 by default, at most 1000.
        max_items: Items of all lists, tuples, sets and dicts (a key and its value are two),
            and fields of all objects; 10 million by default, which is some 400 MB of objects.
        max_string: Bytes of a single str, bytes, bytearray or int; 64 MiB by default.

    Raises:
        TypeError: A limit is not an int.
        ValueError: A limit is less than 1, or ``max_depth`` is more than 1000.
    """

    max_bytes: int = 256 * _MIB
    max_depth: int = 500
    max_items: int = 10_000_000
    max_string: int = 64 * _MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(
                    f"{field.name} is a number of {_UNITS[field.name]}, "
                    f"an int, not {type(value).__name__}"
                )
            if value < 1:
                raise ValueError(f"{field.name} must be at least 1, not {value}")
        if self.max_depth > DEPTH_MAX:
            raise ValueError(
                f"max_depth is at most {DEPTH_MAX}, not {self.max_depth}: "
                "each level takes a part of the C stack"
            )


_UNITS = {
    "max_bytes": "bytes",
    "max_depth": "levels",
    "max_items": "items",
    "max_string": "bytes",
}
