"""A pickle and its large buffers as one piece of bytes, so that nothing is copied to read it.

head (1 byte), number of buffers, length of the pickle, lengths of the buffers (8 bytes each),
the pickle, and each buffer at a multiple of ALIGN
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from interlock.errors import DecodeError

__all__ = ["put_together", "take_apart"]

ALIGN = 16  # the contents of a bytes object lie at a multiple of it


def put_together(head: bytes, pickled: bytes, buffers: Sequence[Any]) -> bytes:
    """The bytes of a pickle and the buffers that it refers to, in order."""
    views = [memoryview(each).cast("B") for each in buffers]
    sizes = [len(pickled), *(view.nbytes for view in views)]
    start = head + struct.pack(f"<Q{len(sizes)}Q", len(views), *sizes)
    pieces: list[Any] = [start, pickled]
    at = len(start) + len(pickled)
    for view in views:
        padding = -at % ALIGN
        pieces += (bytes(padding), view)
        at += padding + view.nbytes
    return b"".join(pieces)


def take_apart(data: bytes, writable: bool) -> tuple[memoryview, list[Any]]:
    """Undo `put_together`; what it gives lies in ``data``, or is a copy of it if writable.

    Raises:
        DecodeError: The lengths are not those of the data.
    """
    view = memoryview(data)
    try:
        (count,) = struct.unpack_from("<Q", view, 1)
        first, *sizes = struct.unpack_from(f"<{min(count, len(data)) + 1}Q", view, 9)
    except struct.error as error:
        raise _damaged(data, len(data)) from error
    at = 9 + 8 * (count + 1)
    pickled, at = view[at : at + first], at + first
    buffers: list[Any] = []
    for size in sizes:
        at += -at % ALIGN
        part = view[at : at + size]
        buffers.append(bytearray(part) if writable else part)
        at += size
    if at != len(data):
        raise _damaged(data, min(at, len(data)))
    return pickled, buffers


def _damaged(data: bytes, offset: int) -> DecodeError:
    return DecodeError(
        f"{len(data)} bytes were not made by interlock.serialize.dumps(), or are not all of them; "
        "nothing was made of them.",
        offset=offset,
    )
