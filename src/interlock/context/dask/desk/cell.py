"""The bytes of a Value or an Array at the desk."""

from __future__ import annotations

from interlock.context.dask.desk.answers import OK, Answer
from interlock.context.dask.desk.thing import Thing
from interlock.context.dask.desk.turns import Caller

__all__ = ["CellThing"]


class CellThing(Thing):
    """Bytes that are read and written in parts.

    Args:
        maker: As in `Thing`.
        data: What they are at first.
    """

    def __init__(self, maker: str, data: bytes) -> None:
        super().__init__(maker)
        self._data = bytearray(data)

    def do_read(self, caller: Caller, ticket: str, wait_s: object, begin: int, end: int) -> Answer:
        """A part of them."""
        return OK, bytes(self._data[begin:end])

    def do_write(
        self, caller: Caller, ticket: str, wait_s: object, begin: int, data: bytes
    ) -> Answer:
        """Others in the place of a part."""
        self._data[begin : begin + len(data)] = data
        return OK, None
