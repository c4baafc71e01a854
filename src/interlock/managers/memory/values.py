"""How values lie in a container's memory, and what becomes of proxies among them.

A value is the bytes of `interlock.serialize.dumps`. A proxy in it is a *reference*: the names of
its referent and of the server that keeps it, without a descriptor. The name, ``referent-`` and 24
hexadecimal digits, stands in the bytes as it is, so the server finds by a search which referents a
container still refers to, and keeps them (keeper.py). Before the first such value is stored
the server is told that the container is to be searched; so there is nothing to undo when the
process is killed before, between or after.

Proxies of objects that live in the server itself are the standard library's: the server is given
them once to keep, as it does with the standard library's containers.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from typing import Any

from interlock._native import SharedMap
from interlock._passed import Passed
from interlock.errors import OutOfSharedMemory
from interlock.serialize import dumps, loads
from interlock.shared_memory.room import available_bytes

__all__ = ["PLAIN", "Map", "Values", "decode", "embedding", "new_name", "put", "references_in"]

MAX_BYTES = 1 << 30
_NAME = re.compile(rb"referent-[0-9a-f]{24}")
_FOREIGN = b"RebuildProxy"  # the standard library's function, which its proxies name in a pickle
_NATIVE = 1  # the first byte of a value without objects
PLAIN = frozenset((bool, bytes, float, int, str, type(None)))


class Map(Passed, SharedMap):
    """From keys to bytes; see `interlock.SharedDict`."""

    @classmethod
    def new(cls) -> Map:
        """An empty one.

        Raises:
            OutOfSharedMemory: The kernel has not got the pages.
        """
        made = cls(None, MAX_BYTES)
        made._made()
        return made


class _Embedding(threading.local):
    names: list[str] | None = None  # of the references met, while a value is encoded
    parking: Callable[[str, str], str | None] | None = None  # while one is put into a queue


embedding = _Embedding()


def new_name() -> str:
    """A name for a referent, as no other one has it."""
    return f"referent-{secrets.token_hex(12)}"


def references_in(data: bytes) -> set[str]:
    """The names of all referents that a value may refer to."""
    return {found.decode() for found in _NAME.findall(data)}


class Values:
    """Encodes and decodes the values of one container.

    Attributes:
        told: Called before the first value with a reference is stored.
        gave: Called with each value that has proxies of the standard library.
        kept: In the server: such values, as long as there is the container.
        has_references: Whether a value with a reference was stored through this object.
    """

    def __init__(self) -> None:
        self.told: Callable[[], None] | None = None
        self.gave: Callable[[Any], None] | None = None
        self.kept: list[Any] = []
        self.has_references = False

    def encode(self, value: Any) -> bytes:
        """The bytes of a value that is about to be stored.

        Raises:
            SerializationError: It cannot travel.
        """
        if type(value) in PLAIN:
            return dumps(value, trust="process")
        before, embedding.names = embedding.names, []
        try:
            data = dumps(value, trust="process")
            names = embedding.names
        finally:
            embedding.names = before
        if names and not self.has_references:
            if self.told is not None:
                self.told()
            self.has_references = True
        if _FOREIGN in data:
            (self.kept.append if self.gave is None else self.gave)(value)
        return data


def decode(data: bytes) -> Any:
    """The value; its arrays may be written to, as those are that came through a socket."""
    if data[0] == _NATIVE:
        return loads(data, trust="process")
    return loads(data, trust="process", writable=True)


def put(its_map: SharedMap, key: Any, data: bytes, seen: tuple[int, int] | None, what: str) -> bool:
    """Store bytes. False: it is not as it was seen.

    Raises:
        OutOfSharedMemory: There is no room.

    If a process dies: the bytes were stored or were not.
    """
    allowed = 0
    while (wanted := its_map._set(key, data, allowed, seen)) > 1:
        if wanted > (there := available_bytes()):
            raise OutOfSharedMemory(
                f"The managed {what} would have to take {wanted:,} bytes, and about {there:,} are "
                "available; nothing was stored. Free memory, or keep less in it."
            )
        allowed = wanted
    return wanted == 0
