"""Opcodes that push what they say themselves, and those that only move values."""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable

from interlock.serialize.pickles.static.symbolic import Handler, Machine, Table
from interlock.serialize.pickles.static.values import Unknown, Value

__all__ = ["TABLE"]


def _constant(value: Value) -> Handler:
    return lambda machine: machine.push(value)


def _text(width: int) -> Handler:
    def push(machine: Machine) -> None:
        raw = machine.cursor.counted(width)
        try:
            machine.push(raw.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            raise machine.cursor.damaged("has a text that is no UTF-8") from None

    return push


def _text_line(machine: Machine) -> None:
    raw = machine.cursor.line()
    try:
        machine.push(raw.decode("raw-unicode-escape"))
    except UnicodeDecodeError:
        raise machine.cursor.damaged("has a text with a broken escape") from None


def _old_string(machine: Machine, raw: bytes) -> None:
    """A str of Python 2: text or bytes, as the loading program wants it."""
    machine.push(raw.decode("ascii") if raw.isascii() else raw)


def _string_line(machine: Machine) -> None:
    raw = machine.cursor.line().rstrip()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise machine.cursor.damaged("has a string without quotes around it")
    try:
        decoded = codecs.escape_decode(raw[1:-1])[0]
    except ValueError:
        raise machine.cursor.damaged("has a string with a broken escape") from None
    assert isinstance(decoded, bytes)
    _old_string(machine, decoded)


def _string(read: Callable[[Machine], bytes]) -> Handler:
    return lambda machine: _old_string(machine, read(machine))


def _long(width: int) -> Handler:
    def push(machine: Machine) -> None:
        count = machine.cursor.unsigned(1) if width == 1 else machine.cursor.signed(width)
        machine.push(int.from_bytes(machine.cursor.take(count), "little", signed=True))

    return push


def _int_line(machine: Machine) -> None:
    raw = machine.cursor.line()
    if raw in (b"00", b"01"):
        machine.push(raw == b"01")
    else:
        _number_line(machine, raw, lambda text: int(text, 0), "an int")


def _long_line(machine: Machine) -> None:
    _number_line(machine, machine.cursor.line().removesuffix(b"L"), int, "an int")


def _float_line(machine: Machine) -> None:
    _number_line(machine, machine.cursor.line(), float, "a float")


def _number_line(
    machine: Machine, raw: bytes, convert: Callable[[bytes], Value], kind: str
) -> None:
    try:
        machine.push(convert(raw))
    except ValueError:
        # Loaders differ in what they take for a number, so it may be one.
        machine.refused("has a line that is no number")
        machine.push(Unknown(f"<{kind}>"))


def _float(machine: Machine) -> None:
    machine.push(struct.unpack(">d", machine.cursor.take(8))[0])


def _proto(machine: Machine) -> None:
    machine.protocol = machine.cursor.unsigned(1)
    if machine.protocol > pickle.HIGHEST_PROTOCOL:
        machine.refused(f"names protocol {machine.protocol}, which does not exist")


def _frame(machine: Machine) -> None:
    length = machine.cursor.unsigned(8)
    left = machine.cursor.end - machine.cursor.at
    if length > left:
        machine.refused(f"wants a frame of {length} bytes where {left} are left")


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _forget(machine: Machine) -> None:
    machine.pop_mark()


def _put(number: Callable[[Machine], int]) -> Handler:
    def remember(machine: Machine) -> None:
        index = number(machine)
        if index < 0:
            raise machine.cursor.damaged(f"remembers as number {index}")
        machine.memo[index] = machine.peek()

    return remember


def _get(number: Callable[[Machine], int]) -> Handler:
    def recall(machine: Machine) -> None:
        index = number(machine)
        if index not in machine.memo:
            raise machine.cursor.damaged(f"recalls number {index}, which was not remembered")
        machine.push(machine.memo[index])

    return recall


def _line_number(machine: Machine) -> int:
    raw = machine.cursor.line()
    try:
        return int(raw)
    except ValueError:
        raise machine.cursor.damaged("has a line that is no number") from None


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.peek()


TABLE: Table = {
    ord("N"): ("NONE", _constant(None)),
    0x88: ("NEWTRUE", _constant(True)),
    0x89: ("NEWFALSE", _constant(False)),
    ord("I"): ("INT", _int_line),
    ord("J"): ("BININT", lambda m: m.push(m.cursor.signed(4))),
    ord("K"): ("BININT1", lambda m: m.push(m.cursor.unsigned(1))),
    ord("M"): ("BININT2", lambda m: m.push(m.cursor.unsigned(2))),
    ord("L"): ("LONG", _long_line),
    0x8A: ("LONG1", _long(1)),
    0x8B: ("LONG4", _long(4)),
    ord("F"): ("FLOAT", _float_line),
    ord("G"): ("BINFLOAT", _float),
    ord("S"): ("STRING", _string_line),
    ord("T"): ("BINSTRING", _string(lambda m: m.cursor.take(m.cursor.signed(4)))),
    ord("U"): ("SHORT_BINSTRING", _string(lambda m: m.cursor.counted(1))),
    ord("V"): ("UNICODE", _text_line),
    ord("X"): ("BINUNICODE", _text(4)),
    0x8C: ("SHORT_BINUNICODE", _text(1)),
    0x8D: ("BINUNICODE8", _text(8)),
    ord("B"): ("BINBYTES", lambda m: m.push(m.cursor.counted(4))),
    ord("C"): ("SHORT_BINBYTES", lambda m: m.push(m.cursor.counted(1))),
    0x8E: ("BINBYTES8", lambda m: m.push(m.cursor.counted(8))),
    0x96: ("BYTEARRAY8", lambda m: m.push(bytearray(m.cursor.counted(8)))),
    0x80: ("PROTO", _proto),
    0x95: ("FRAME", _frame),
    ord("("): ("MARK", lambda m: m.mark()),
    ord("0"): ("POP", _pop),
    ord("1"): ("POP_MARK", _forget),
    ord("2"): ("DUP", lambda m: m.push(m.top())),
    ord("p"): ("PUT", _put(_line_number)),
    ord("q"): ("BINPUT", _put(lambda m: m.cursor.unsigned(1))),
    ord("r"): ("LONG_BINPUT", _put(lambda m: m.cursor.unsigned(4))),
    0x94: ("MEMOIZE", _memoize),
    ord("g"): ("GET", _get(_line_number)),
    ord("h"): ("BINGET", _get(lambda m: m.cursor.unsigned(1))),
    ord("j"): ("LONG_BINGET", _get(lambda m: m.cursor.unsigned(4))),
}
