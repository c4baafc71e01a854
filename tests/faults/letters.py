"""Messages of every way through the core, each of which tells who wrote it and is checked whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

# What goes which way: small and inline lie in the ring, a note is pickled there, large and
# array lie in a block, and an array is read in place.
SIZES = {"small": 0, "inline": 7_000, "note": 30, "large": 100_000, "array": 120_000}


class Letter(NamedTuple):
    """What is known of a message: of which kind, whose, and its number."""

    kind: str
    writer: str
    number: int


@dataclass(frozen=True)
class Note:
    """A message that goes through pickle."""

    letter: Letter
    filler: bytes


def write(letter: Letter, size: int | None = None) -> object:
    """The message of a letter; of about `size` bytes, where it is not the kind's own."""
    filler = _filler(letter, SIZES[letter.kind] if size is None else size)
    if letter.kind == "note":
        return Note(letter, filler)
    if letter.kind == "array":
        return {"letter": tuple(letter), "data": numpy.frombuffer(filler, dtype=numpy.uint8)}
    return (*letter, filler)


def read(message: Any) -> Letter:
    """Which letter a message is.

    Raises:
        AssertionError: It is not whole.
    """
    if isinstance(message, Note):
        letter, filler = message.letter, message.filler
    elif isinstance(message, dict):
        letter, filler = Letter(*message["letter"]), message["data"].tobytes()
    else:
        letter, filler = Letter(*message[:3]), message[3]
    assert filler == _filler(letter, len(filler)), f"{letter} arrived damaged"
    return letter


def _filler(letter: Letter, size: int) -> bytes:
    seed = hashlib.sha256(repr(tuple(letter)).encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]
