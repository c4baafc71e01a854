"""The opcodes of a pickle, one after another: what each is, where, with which argument.

Nothing is done with them here. An argument is decoded only after its length was compared
with what is left of the data and with the limits, so that a length costs no memory. The
formats are those of Python's own ``pickletools``, protocols 0 to 5.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

from interlock.serialize.limits import Limits
from interlock.serialize.pickles.refused import Refused, damaged

__all__ = ["OPCODES", "PROTOCOL_MAX", "Opcode", "read_opcodes"]

PROTOCOL_MAX = 5
DIGITS_MAX = 4300  # of a number in decimal, whose conversion takes quadratic time
NAME_MAX = 1000  # bytes of a module's or an object's name
_INDEX_MAX = 2**32 - 1  # of the memo, as LONG_BINPUT has it
_NUMBER = re.compile(rb"[+-]?[0-9]{1,%d}" % DIGITS_MAX)
_FLOAT = re.compile(rb"[+-]?(?:[0-9.]{1,400}(?:[eE][+-]?[0-9]{1,6})?|inf|nan)")

Opcode = tuple[int, str, Any]
"""Offset, name as in ``pickletools``, argument or None."""


class _Source:
    """The data, and how far it was read."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data = data
        self.at = 0
        self.string_max = limits.max_string

    def take(self, count: int) -> bytes:
        """The next bytes, if there are so many."""
        end = self.at + count
        if end > len(self.data):
            missing = end - len(self.data)
            raise Refused(f"The pickle ends {missing} bytes too early, or a length is wrong")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, layout: str) -> Any:
        size = struct.calcsize(layout)
        return struct.unpack(layout, self.take(size))[0]

    def counted(self, layout: str) -> bytes:
        """Bytes after their number."""
        count = self.number(layout)
        if count < 0:
            raise Refused(f"A length is negative ({count})")
        if count > self.string_max:
            raise Refused(
                f"A value of {count} bytes is longer than {self.string_max} (max_string)",
                "If the sender is known to send such, give limits=Limits(max_string=...).",
            )
        return self.take(count)

    def line(self, most: int) -> bytes:
        """Bytes up to the next newline, which is read and left out."""
        end = self.data.find(b"\n", self.at, self.at + most + 1)
        if end < 0:
            if len(self.data) - self.at > most:
                raise Refused(f"A line is longer than {most} bytes")
            raise Refused("The pickle ends within a line")
        taken = self.data[self.at : end]
        self.at = end + 1
        return taken


def _nothing(source: _Source) -> None:
    return None


def _fixed(layout: str) -> Callable[[_Source], Any]:
    return lambda source: source.number(layout)


def _decimal(line: bytes) -> int:
    if not _NUMBER.fullmatch(line):
        raise Refused(f"{line[:20]!r} is no number, or one of more than {DIGITS_MAX} digits")
    return int(line)


def _text_int(source: _Source) -> int | bool:
    line = source.line(DIGITS_MAX + 1)
    if line in (b"00", b"01"):  # how protocol 0 writes False and True
        return line == b"01"
    return _decimal(line)


def _text_long(source: _Source) -> int:
    return _decimal(source.line(DIGITS_MAX + 2).removesuffix(b"L"))


def _text_index(source: _Source) -> int:
    index = _decimal(source.line(10))
    if not 0 <= index <= _INDEX_MAX:
        raise Refused(f"The memo has no index {index}")
    return index


def _text_float(source: _Source) -> float:
    line = source.line(500)
    if not _FLOAT.fullmatch(line):
        raise Refused(f"{line[:20]!r} is no floating-point number")
    return float(line)


def _long(layout: str) -> Callable[[_Source], int]:
    return lambda source: int.from_bytes(source.counted(layout), "little", signed=True)


def _bytes(layout: str) -> Callable[[_Source], bytes]:
    return lambda source: source.counted(layout)


def _bytearray(source: _Source) -> bytearray:
    return bytearray(source.counted("<Q"))


def _text(layout: str) -> Callable[[_Source], str]:
    return lambda source: source.counted(layout).decode("utf-8", "surrogatepass")


def _ascii(data: bytes) -> str:
    """A ``str`` of Python 2, as `pickle.loads` reads it by default."""
    return data.decode("ascii")


def _old_text(layout: str) -> Callable[[_Source], str]:
    return lambda source: _ascii(source.counted(layout))


def _quoted(source: _Source) -> str:
    line = source.line(source.string_max)
    if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
        raise Refused("A text has no quotes around it")
    return _ascii(codecs.escape_decode(line[1:-1])[0])


def _unicode(source: _Source) -> str:
    return source.line(source.string_max).decode("raw-unicode-escape")


def _names(source: _Source) -> tuple[str, str]:
    return source.line(NAME_MAX).decode("utf-8"), source.line(NAME_MAX).decode("utf-8")


def _persistent(source: _Source) -> bytes:
    return source.line(NAME_MAX)


def _protocol(source: _Source) -> int:
    protocol: int = source.number("<B")
    if protocol > PROTOCOL_MAX:
        raise Refused(
            f"Protocol {protocol} is not known here",
            f"Let the sender write protocol {PROTOCOL_MAX} or lower.",
        )
    return protocol


def _frame(source: _Source) -> int:
    """A frame only says how much can be read at once; all of it is here already."""
    size: int = source.number("<Q")
    left = len(source.data) - source.at
    if size > left:
        raise Refused(f"A frame of {size} bytes has only {left} left")
    return size


OPCODES: dict[int, tuple[str, Callable[[_Source], Any]]] = {
    0x28: ("MARK", _nothing),
    0x29: ("EMPTY_TUPLE", _nothing),
    0x2E: ("STOP", _nothing),
    0x30: ("POP", _nothing),
    0x31: ("POP_MARK", _nothing),
    0x32: ("DUP", _nothing),
    0x42: ("BINBYTES", _bytes("<I")),
    0x43: ("SHORT_BINBYTES", _bytes("<B")),
    0x46: ("FLOAT", _text_float),
    0x47: ("BINFLOAT", _fixed(">d")),
    0x49: ("INT", _text_int),
    0x4A: ("BININT", _fixed("<i")),
    0x4B: ("BININT1", _fixed("<B")),
    0x4C: ("LONG", _text_long),
    0x4D: ("BININT2", _fixed("<H")),
    0x4E: ("NONE", _nothing),
    0x50: ("PERSID", _persistent),
    0x51: ("BINPERSID", _nothing),
    0x52: ("REDUCE", _nothing),
    0x53: ("STRING", _quoted),
    0x54: ("BINSTRING", _old_text("<i")),
    0x55: ("SHORT_BINSTRING", _old_text("<B")),
    0x56: ("UNICODE", _unicode),
    0x58: ("BINUNICODE", _text("<I")),
    0x5D: ("EMPTY_LIST", _nothing),
    0x61: ("APPEND", _nothing),
    0x62: ("BUILD", _nothing),
    0x63: ("GLOBAL", _names),
    0x64: ("DICT", _nothing),
    0x65: ("APPENDS", _nothing),
    0x67: ("GET", _text_index),
    0x68: ("BINGET", _fixed("<B")),
    0x69: ("INST", _names),
    0x6A: ("LONG_BINGET", _fixed("<I")),
    0x6C: ("LIST", _nothing),
    0x6F: ("OBJ", _nothing),
    0x70: ("PUT", _text_index),
    0x71: ("BINPUT", _fixed("<B")),
    0x72: ("LONG_BINPUT", _fixed("<I")),
    0x73: ("SETITEM", _nothing),
    0x74: ("TUPLE", _nothing),
    0x75: ("SETITEMS", _nothing),
    0x7D: ("EMPTY_DICT", _nothing),
    0x80: ("PROTO", _protocol),
    0x81: ("NEWOBJ", _nothing),
    0x82: ("EXT1", _fixed("<B")),
    0x83: ("EXT2", _fixed("<H")),
    0x84: ("EXT4", _fixed("<i")),
    0x85: ("TUPLE1", _nothing),
    0x86: ("TUPLE2", _nothing),
    0x87: ("TUPLE3", _nothing),
    0x88: ("NEWTRUE", _nothing),
    0x89: ("NEWFALSE", _nothing),
    0x8A: ("LONG1", _long("<B")),
    0x8B: ("LONG4", _long("<i")),
    0x8C: ("SHORT_BINUNICODE", _text("<B")),
    0x8D: ("BINUNICODE8", _text("<Q")),
    0x8E: ("BINBYTES8", _bytes("<Q")),
    0x8F: ("EMPTY_SET", _nothing),
    0x90: ("ADDITEMS", _nothing),
    0x91: ("FROZENSET", _nothing),
    0x92: ("NEWOBJ_EX", _nothing),
    0x93: ("STACK_GLOBAL", _nothing),
    0x94: ("MEMOIZE", _nothing),
    0x95: ("FRAME", _frame),
    0x96: ("BYTEARRAY8", _bytearray),
    0x97: ("NEXT_BUFFER", _nothing),
    0x98: ("READONLY_BUFFER", _nothing),
}


def read_opcodes(data: bytes, limits: Limits) -> Iterator[Opcode]:
    """The opcodes of a pickle, up to and with its STOP.

    What follows STOP is not looked at, as `pickle.loads` does not look at it.

    Args:
        data: The pickle.
        limits: Its ``max_string`` bounds each argument.

    Yields:
        ``(offset, name, argument)``; the argument is None for an opcode without one, and
        ``(module, name)`` for GLOBAL and INST.

    Raises:
        DecodeError: The data ends early, is no opcode, or has an argument that is
            malformed or beyond a limit; ``.offset`` is where the opcode begins.
    """
    source = _Source(data, limits)
    name = ""
    while name != "STOP":
        offset = source.at
        if offset >= len(data):
            raise damaged(offset, "its end", Refused("The pickle ends without STOP"))
        known = OPCODES.get(data[offset])
        if known is None:
            raise damaged(
                offset, f"0x{data[offset]:02x}", Refused("A byte that is no opcode was found")
            )
        name, argument = known
        source.at = offset + 1
        if argument is _nothing:
            yield offset, name, None
            continue
        try:
            value = argument(source)
        except Refused as refused:
            raise damaged(offset, name, refused) from None
        except (ValueError, Warning) as error:  # of a decoding, as strict as warnings are
            raise damaged(offset, name, Refused(f"A text is damaged: {error}")) from error
        yield offset, name, value
