"""Makes pickles by hand: each helper gives the opcodes that leave one value on the stack."""

from __future__ import annotations

import pickle
import pickletools
import struct
from dataclasses import dataclass
from typing import Any

__all__ = [
    "MARK",
    "Payload",
    "by_global",
    "by_stack",
    "call",
    "dict_of",
    "item",
    "list_of",
    "new",
    "slots",
    "text",
    "tuple_of",
    "value",
    "whole",
]

MARK = b"("


@dataclass(frozen=True)
class Payload:
    """A hostile pickle.

    Attributes:
        name: What it tries, in words.
        data: The bytes.
    """

    name: str
    data: bytes


def whole(name: str, body: bytes, protocol: int | None = 4) -> Payload:
    """A pickle of what the body leaves on the stack; without PROTO, as protocol 0 has none."""
    head = b"" if protocol is None else b"\x80" + bytes([protocol])
    return Payload(name, head + body + b".")


def text(content: str) -> bytes:
    """A str."""
    raw = content.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def value(plain: Any) -> bytes:
    """Any plain value, as `pickle` writes it, without uses of the memo."""
    return pickletools.optimize(pickle.dumps(plain, 3))[2:-1]


def by_global(module: str, name: str) -> bytes:
    """What GLOBAL finds."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def by_stack(module: str, name: str) -> bytes:
    """What STACK_GLOBAL finds."""
    return text(module) + text(name) + b"\x93"


def tuple_of(*parts: bytes) -> bytes:
    """A tuple."""
    return MARK + b"".join(parts) + b"t"


def list_of(*parts: bytes) -> bytes:
    """A list."""
    return b"](" + b"".join(parts) + b"e"


def dict_of(**items: bytes) -> bytes:
    """A dict with names as its keys."""
    return b"}(" + b"".join(text(key) + part for key, part in items.items()) + b"u"


def item(key: bytes, part: bytes) -> bytes:
    """A dict of one key, which may be anything."""
    return b"}" + key + part + b"s"


def slots(**items: bytes) -> bytes:
    """A state of slots: ``(None, {...})``."""
    return b"N" + dict_of(**items) + b"\x86"


def call(callee: bytes, *parts: bytes) -> bytes:
    """What REDUCE makes."""
    return callee + tuple_of(*parts) + b"R"


def new(cls: bytes, *parts: bytes) -> bytes:
    """What NEWOBJ makes."""
    return cls + tuple_of(*parts) + b"\x81"
