"""ShareableList: a list of plain values in shared memory, of a length that does not change."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import partial
from multiprocessing import context
from multiprocessing import shared_memory as standard
from typing import Any

from interlock.shared_memory.block import SharedMemory

__all__ = ["ShareableList"]

Item = int | float | bool | str | bytes | None

WORD = 8  # bytes; a text or bytes takes a multiple of it
_CODES = {str: 1, bytes: 2, type(None): 3}  # how an item becomes a Python value again


class ShareableList(standard.ShareableList[Any]):
    """A list in shared memory, with `multiprocessing.shared_memory.ShareableList`'s interface.

    Each item is written whole or not at all for who reads it, as far as it fits into a word; there
    is no lock. Zero bytes at the end of a str or bytes are cut off, as in the standard library.

    Args:
        sequence: The items: int of 64 bits, float, bool, str, bytes or None.
        name: The name of the memory; None to have one generated. Without a sequence, the name of
            a list that is there.

    Raises:
        TypeError: An item is of another type.
        SegmentExists: With a sequence: there is memory of that name.
        SegmentNotFound: Without: there is none.
        OutOfSharedMemory: The kernel has not got so many pages.

    If a process dies: as in `SharedMemory`.
    """

    # What the standard library's methods work on.
    shm: SharedMemory
    _list_len: int
    _allocated_offsets: list[int]

    def __init__(self, sequence: Iterable[Item] | None = None, *, name: str | None = None) -> None:
        if sequence is None and name is not None:
            self._use(SharedMemory(name))
        else:
            self._make(list(sequence or ()), name)

    def _make(self, items: list[Item], name: str | None) -> None:
        values = [item.encode() if isinstance(item, str) else item for item in items]
        formats = [_format(item, value) for item, value in zip(items, values, strict=True)]
        self._list_len = len(items)
        self._allocated_offsets = [0]
        for each in formats:
            self._allocated_offsets.append(self._allocated_offsets[-1] + struct.calcsize(each))
        size = self._offset_back_transform_codes + len(items)
        self.shm = SharedMemory(name, create=True, size=size)
        buffer: Any = self.shm.buf
        lengths = (len(items), *self._allocated_offsets)
        struct.pack_into(f"{len(lengths)}q", buffer, 0, *lengths)
        for position, (item, value) in enumerate(zip(items, values, strict=True)):
            at = self._offset_data_start + self._allocated_offsets[position]
            struct.pack_into(formats[position], buffer, at, value)
            at = self._offset_packing_formats + position * WORD
            struct.pack_into("8s", buffer, at, formats[position].encode())
            at = self._offset_back_transform_codes + position
            struct.pack_into("b", buffer, at, _CODES.get(type(item), 0))

    def _use(self, shm: SharedMemory) -> None:
        self.shm = shm
        buffer: Any = shm.buf
        (self._list_len,) = struct.unpack_from("q", buffer, 0)
        offsets = struct.unpack_from(f"{self._list_len + 1}q", buffer, WORD)
        self._allocated_offsets = list(offsets)

    # The standard library's layout: length, the items' offsets, items, their formats, their codes.
    @property
    def _offset_data_start(self) -> int:
        return (self._list_len + 2) * WORD

    @property
    def _offset_packing_formats(self) -> int:
        return self._offset_data_start + self._allocated_offsets[-1]

    @property
    def _offset_back_transform_codes(self) -> int:
        return self._offset_packing_formats + self._list_len * WORD

    def __reduce__(self) -> tuple[Any, ...]:
        if context.get_spawning_popen() is not None:
            return _attached, (type(self), self.shm)
        return partial(type(self), name=self.shm.name), ()


def _format(item: Item, value: Any) -> str:
    """How struct writes an item; all formats are of whole words."""
    if isinstance(value, bytes) and isinstance(item, str | bytes):
        # As much as in the standard library, or as UTF-8 takes.
        words = max(len(item) // WORD + 1, -(-len(value) // WORD))
        return f"{WORD * words}s"
    formats = {int: "q", float: "d", bool: "xxxxxxx?", type(None): "xxxxxx?x"}
    try:
        return formats[type(item)]
    except KeyError:
        raise TypeError(
            f"{item!r} is a {type(item).__name__}: a ShareableList has int, float, bool, str, "
            "bytes and None."
        ) from None


def _attached(kind: type[ShareableList], shm: SharedMemory) -> ShareableList:
    """One whose memory came from another process."""
    one = kind.__new__(kind)
    one._use(shm)
    return one
