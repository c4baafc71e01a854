"""Frames: a fixed header, sizes of large buffers, a small body (docs/protocols/managers.md).

A frame is never larger than FRAME_MAX: what is large goes beside it, cut into CHUNK frames, between
which frames of other calls may come.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BODY_MAX",
    "BUFFERS_MAX",
    "CHUNK_MAX",
    "FRAME_MAX",
    "HEADER",
    "KINDS",
    "Kind",
    "Message",
    "WireLimits",
    "pieces",
    "whole",
]

HEADER = struct.Struct("<BBHIQ")  # kind, flags, number of buffers, length of the body, call
BODY_MAX = 48 * 1024
CHUNK_MAX = 256 * 1024
BUFFERS_MAX = 1000
FRAME_MAX = HEADER.size + 8 * BUFFERS_MAX + BODY_MAX


class Kind(enum.IntEnum):
    """What a frame is. PREAMBLE has no header: it is what both sides send before all else."""

    PREAMBLE = 0
    CHALLENGE = 1
    PROOF = 2
    PROVEN = 3
    HELLO = 4
    WELCOME = 5
    REFUSED = 6
    CALLS = 7
    ANSWERS = 8
    CHUNK = 9
    PING = 10
    PONG = 11
    CANCEL = 12
    BYE = 13


KINDS = tuple(Kind)
"""By their numbers."""


@dataclass(frozen=True, kw_only=True)
class WireLimits:
    """What a reader takes from the other side of one connection.

    Attributes:
        body: Bytes of a body, at most BODY_MAX.
        buffers: Large buffers of one message, at most BUFFERS_MAX.
        buffer_bytes: Of all buffers that were announced and have not arrived.
        under_way: Messages whose buffers have not all arrived.
    """

    body: int = BODY_MAX
    buffers: int = BUFFERS_MAX
    buffer_bytes: int = 256 * 1024 * 1024
    under_way: int = 64


STRANGER = WireLimits(buffers=0, buffer_bytes=0, under_way=0)
"""For who has not proven who it is."""


@dataclass(slots=True)
class Message:
    """A frame with all its buffers.

    Attributes:
        kind: What it is.
        call: Which call it belongs to; 0 for none.
        body: MessagePack, unread.
        buffers: Memory of its own, filled.
    """

    kind: Kind
    call: int
    body: bytes
    buffers: list[memoryview]

    @property
    def nbytes(self) -> int:
        """Bytes of the body and all buffers."""
        if not self.buffers:
            return len(self.body)
        return len(self.body) + sum(buffer.nbytes for buffer in self.buffers)


def whole(kind: Kind, call: int, body: bytes) -> bytes:
    """A message without buffers, as what is to be written.

    Args:
        kind: What the frame is.
        call: Which call it belongs to.
        body: At most BODY_MAX bytes.
    """
    return HEADER.pack(kind, 0, 0, len(body), call) + body


def pieces(
    kind: Kind, call: int, body: bytes, buffers: Sequence[memoryview] = ()
) -> Iterator[list[Any]]:
    """A message as what is to be written, piece by piece.

    Each piece is one or two bytes-like objects that belong together. Between two pieces those of
    other messages may be written. The buffers are not copied.

    Args:
        kind: What the frame is.
        call: Which call it belongs to.
        body: At most BODY_MAX bytes.
        buffers: Flat views, none of them empty.
    """
    if not buffers:
        yield [whole(kind, call, body)]
        return
    sizes = [buffer.nbytes for buffer in buffers]
    head = HEADER.pack(kind, 0, len(sizes), len(body), call)
    yield [b"".join((head, struct.pack(f"<{len(sizes)}Q", *sizes), body))]
    for index, buffer in enumerate(buffers):
        for at in range(0, buffer.nbytes, CHUNK_MAX):
            part = buffer[at : at + CHUNK_MAX]
            yield [HEADER.pack(Kind.CHUNK, 0, index, part.nbytes, call), part]
