"""Values of named objects as bytes: the server keeps them so, and knows none of their types."""

from __future__ import annotations

from typing import Any

from interlock import serialize
from interlock.serialize import Limits

__all__ = ["LIMITS", "dumps", "loads"]

_BYTES_MAX = Limits().max_bytes

LIMITS = Limits(max_string=_BYTES_MAX)
"""A value is one string of bytes for the server, however large."""


def dumps(value: Any) -> bytes:
    """A value as bytes.

    Raises:
        SerializationError: It cannot travel; with the path to what cannot.
    """
    return serialize.dumps(value, limits=LIMITS)


def loads(data: bytes) -> Any:
    """The value.

    Raises:
        DecodeError: It is of a type that is not registered here.
    """
    return serialize.loads(data, limits=LIMITS)
