"""An object as bytes that only its receiver reads, which Ray carries: large buffers beside it.

Ray has the buffers in its object store, from where they are read in place; they arrive read-only.
Refs and handles of actors in the object travel as Ray's own, so that it counts them.
"""

# Of what it calls, Ray types a part.
# mypy: allow-untyped-calls, allow-subclassing-any

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import ray
from ray import cloudpickle

from interlock.errors import SerializationError
from interlock.serialize.functions import from_apart

__all__ = ["Payload", "pack", "unpack"]


class Payload:
    """An object, packed.

    Attributes:
        data: Its bytes.
        buffers: Its large buffers.
        own: What in it is Ray's.
    """

    __slots__ = ("buffers", "data", "own")

    def __init__(self, data: bytes, buffers: list[Any], own: list[Any]) -> None:
        self.data, self.buffers, self.own = data, buffers, own

    def __reduce__(self) -> tuple[Any, ...]:
        # What arrived from the object store is no buffer that pickle knows.
        return Payload, (self.data, list(map(pickle.PickleBuffer, self.buffers)), self.own)


class _Pickler(cloudpickle.CloudPickler):
    def __init__(self, file: io.BytesIO, buffer_callback: Callable[[Any], Any]) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.own: list[Any] = []

    def persistent_id(self, obj: Any) -> int | None:
        if isinstance(obj, (ray.ObjectRef, ray.actor.ActorHandle)):
            self.own.append(obj)
            return len(self.own) - 1
        return None


def pack(value: Any) -> Payload:
    """The object, packed.

    Raises:
        SerializationError: A part of it cannot be sent.
    """
    file = io.BytesIO()
    buffers: list[Any] = []
    pickler = _Pickler(file, buffers.append)
    try:
        pickler.dump(value)
    except SerializationError:
        raise
    except Exception as error:
        name = type(value).__qualname__
        raise SerializationError(
            f"An object of type {name} cannot be sent: {error}. Nothing was sent."
        ) from error
    return Payload(file.getvalue(), buffers, pickler.own)


def unpack(payload: Payload, writable: bool = False) -> Any:
    """The object.

    Args:
        payload: It, packed.
        writable: Whether its large buffers are copies, that may be written to; else they are Ray's.
    """
    buffers: list[Any] = payload.buffers
    if writable:
        buffers = [bytearray(each) for each in buffers]
    return from_apart(payload.data, buffers, payload.own)
