"""Whole objects by value, for a process of another program (trust="process" only).

Functions and classes of ``__main__``, lambdas and closures travel as they are: by cloudpickle.
"""

from __future__ import annotations

import pickle
from typing import Any

from interlock.errors import SerializationError
from interlock.serialize.codec import encode_all

__all__ = ["from_whole", "whole_by_value"]


def whole_by_value(obj: Any) -> bytes:
    """An object with the functions and classes of ``__main__`` in it by value.

    Raises:
        SerializationError: A part of it cannot be sent; with the path to it, where that is found.
        ImportError: cloudpickle is not installed.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        return bytes(cloudpickle.dumps(obj, 5))
    except Exception as error:
        encode_all(obj, None)  # says which part it is
        raise SerializationError(f"{obj!r:.200} cannot be sent: {error}") from error


def from_whole(data: bytes) -> Any:
    """What `whole_by_value` was given, in the process that is to use it."""
    return pickle.loads(data)
