"""Messages of every way through the core, each of which tells who wrote it and is checked whole."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

# What goes which way: small and inline lie in the ring, a note is pickled there, large and
# array lie in a block, and an array is read in place. A raw one is bytes: for send_bytes, and
# as short as ten of them.
SIZES = {"small": 0, "inline": 7_000, "note": 30, "large": 100_000, "array": 120_000, "raw": 90_000}
RAW_HEAD = struct.Struct("<II")


class Letter(NamedTuple):
    """What is known of a message: of which kind, whose (a number, if it is raw), and its number."""

    kind: str
    writer: str
    number: int


@dataclass(frozen=True)
class Note:
    """A message that goes through pickle."""

    letter: Letter
    filler: bytes


def write(letter: Letter, size: int | None = None) -> Any:
    """The message of a letter; of about `size` bytes, where it is not the kind's own."""
    size = SIZES[letter.kind] if size is None else size
    if letter.kind == "raw":
        head = RAW_HEAD.pack(int(letter.writer), letter.number)
        return head + _filler(letter, size - len(head))
    filler = _filler(letter, size)
    if letter.kind == "note":
        return Note(letter, filler)
    if letter.kind == "array":
        import numpy  # not by all that are started anew and write none

        return {"letter": tuple(letter), "data": numpy.frombuffer(filler, dtype=numpy.uint8)}
    return (*letter, filler)


def read(message: Any) -> Letter:
    """Which letter a message is.

    Raises:
        AssertionError: It is not whole.
    """
    if isinstance(message, Note):
        letter, filler = message.letter, message.filler
    elif isinstance(message, bytes):
        writer, number = RAW_HEAD.unpack_from(message)
        letter, filler = Letter("raw", str(writer), number), message[RAW_HEAD.size :]
    elif isinstance(message, dict):
        letter, filler = Letter(*message["letter"]), message["data"].tobytes()
    else:
        letter, filler = Letter(*message[:3]), message[3]
    assert filler == _filler(letter, len(filler)), f"{letter} arrived damaged"
    return letter


def _filler(letter: Letter, size: int) -> bytes:
    seed = hashlib.sha256(repr(tuple(letter)).encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]
