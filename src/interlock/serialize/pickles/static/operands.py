"""Reads the operands of opcodes from bytes; never more than there are."""

from __future__ import annotations

from interlock.errors import DecodeError

__all__ = ["Cursor"]


class Cursor:
    """A place in a pickle.

    The standard library's `pickletools.genops` is not used: it refuses names and numbers that
    loaders accept (names beyond ASCII, hexadecimal numbers), and what it refuses it hides.

    Attributes:
        data: The bytes.
        at: The next byte.
        opcode_at: The byte of the opcode that is read.
        opcode: Its name.
    """

    __slots__ = ("at", "data", "end", "opcode", "opcode_at")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.end = len(data)
        self.at = self.opcode_at = 0
        self.opcode = ""

    def damaged(self, reason: str) -> DecodeError:
        """The error that says so at the present opcode."""
        return DecodeError(f"{self.opcode} {reason}", offset=self.opcode_at)

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            DecodeError: There are not so many.
        """
        start, stop = self.at, self.at + count
        if count < 0 or stop > self.end:
            raise self.damaged(f"wants {count} bytes where {self.end - start} are left")
        self.at = stop
        return self.data[start:stop]

    def unsigned(self, width: int) -> int:
        """A little-endian number."""
        return int.from_bytes(self.take(width), "little")

    def signed(self, width: int) -> int:
        """A little-endian number with a sign."""
        return int.from_bytes(self.take(width), "little", signed=True)

    def counted(self, width: int) -> bytes:
        """Bytes after their count."""
        return self.take(self.unsigned(width))

    def line(self) -> bytes:
        """The bytes to the end of the line, without it.

        Raises:
            DecodeError: No line ends.
        """
        stop = self.data.find(b"\n", self.at)
        if stop < 0:
            raise self.damaged("wants a line, and no line ends")
        text = self.data[self.at : stop]
        self.at = stop + 1
        return text
