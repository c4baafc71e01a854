"""Who turns an object into bytes and back: pickle, Interlock under each trust, msgspec, orjson."""

from __future__ import annotations

import functools
import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import msgspec
import orjson

PICKLE = "pickle"
PROCESS, REGISTERED = "interlock, process", "interlock, registered"
MSGSPEC, ORJSON = "msgspec", "orjson"


@dataclass
class Reading:
    """The dataclass of the workload; everybody's encoder takes it as it is."""

    id: int
    name: str
    value: float
    valid: bool


# An object and a count: so many round trips, and what came of the last one. Each writes its calls
# out as a program would: functools.partial with a keyword costs as much as a small message.
Encoder = Callable[[Any, int], Any]


def plain(dumps: Callable[[Any], bytes], loads: Callable[[bytes], Any]) -> Encoder:
    """Two functions of one argument each."""

    def round_trips(value: Any, count: int) -> Any:
        for _ in repeat(None, count):
            made = loads(dumps(value))
        return made

    return round_trips


def of_pickle() -> Encoder:
    """The standard library's, protocol 5."""
    dumps, loads = pickle.dumps, pickle.loads

    def round_trips(value: Any, count: int) -> Any:
        for _ in repeat(None, count):
            made = loads(dumps(value, 5))
        return made

    return round_trips


def of_interlock(trust: str) -> Encoder:
    """Interlock's; imported here, so that the rest runs without it."""
    serialize = importlib.import_module("interlock.serialize")
    _register()
    dumps, loads = serialize.dumps, serialize.loads
    if trust == "registered":  # the default
        return plain(dumps, loads)

    def round_trips(value: Any, count: int) -> Any:
        for _ in repeat(None, count):
            made = loads(dumps(value, trust="process"), trust="process")
        return made

    return round_trips


@functools.cache
def _register() -> None:
    importlib.import_module("interlock").serializable(Reading)


def of_msgspec(kind: Any) -> Encoder:
    """MessagePack by an encoder and a decoder kept; ``kind`` is what it decodes to."""
    return plain(msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode)


def of_orjson() -> Encoder:
    """JSON, which has no dataclass to come back to: dicts come of them."""
    return plain(orjson.dumps, orjson.loads)
