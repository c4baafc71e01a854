"""Who turns an object into bytes and back: pickle, Interlock under each trust, msgspec, orjson."""

from __future__ import annotations

import functools
import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Encoder:
    """One way there and back, called as its documentation says is quickest."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


def of_pickle() -> Encoder:
    """The standard library's, protocol 5."""
    return Encoder(partial(pickle.dumps, protocol=5), pickle.loads)


def of_interlock(trust: str) -> Encoder:
    """Interlock's; imported here, so that the rest runs without it."""
    serialize = importlib.import_module("interlock.serialize")
    _register()
    return Encoder(partial(serialize.dumps, trust=trust), partial(serialize.loads, trust=trust))


@functools.cache
def _register() -> None:
    importlib.import_module("interlock").serializable(Reading)


def of_msgspec(kind: Any) -> Encoder:
    """MessagePack by an encoder and a decoder kept; ``kind`` is what it decodes to."""
    return Encoder(msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode)


def of_orjson() -> Encoder:
    """JSON, which has no dataclass to come back to: dicts come of them."""
    return Encoder(orjson.dumps, orjson.loads)
