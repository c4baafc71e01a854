"""Damages bytes by chance, as whoever looks for a fault would: lengths, parts, single bits."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

SIZE_MAX = 1 << 18
STEPS = (1, 1, 1, 2, 3, 6)  # how much damage at once; mostly little
NUMBERS = (0, 1, 7, 63, 127, 128, 255, 256, 1000, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1,
           2**40, 2**61, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
WRITTEN = (b"0", b"-1", b"4294967296", b"99999999999999999999", b"1e400", b"")  # in protocol 0
Step = Callable[[bytearray, bytes, random.Random], None]


def place(data: bytearray, chance: random.Random) -> int:
    """Where to damage it; the head, which has lengths and counts, more often than the rest."""
    return chance.randrange(min(len(data), chance.choice((16, SIZE_MAX))))


def flip(data: bytearray, other: bytes, chance: random.Random) -> None:
    data[place(data, chance)] ^= 1 << chance.randrange(8)


def exchange(data: bytearray, other: bytes, chance: random.Random) -> None:
    data[place(data, chance)] = chance.randrange(256)


def change_number(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A length, count or offset of any width becomes huge, small or near to what it was."""
    width = min(chance.choice((1, 2, 4, 8)), len(data))
    at = min(place(data, chance), len(data) - width)
    was = int.from_bytes(data[at : at + width], "little")
    near = was + chance.choice((-16, -8, -1, 1, 8, 16))
    number = chance.choice((near, len(data), *NUMBERS))
    data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")


def overwrite(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A part of another takes the same place in this one."""
    at = place(data, chance)
    part = other[at : at + chance.randint(1, 64)]
    data[at : at + len(part)] = part


def move(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A part is copied over another part."""
    start, at = place(data, chance), place(data, chance)
    part = data[start : start + chance.randint(1, 64)][: len(data) - at]
    data[at : at + len(part)] = part


def splice(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A part of another is put in."""
    start, at = chance.randrange(len(other) + 1), place(data, chance)
    data[at:at] = other[start : start + chance.randint(1, 200)]


def repeat(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A part is there again and again: deeper, longer."""
    start = place(data, chance)
    part = data[start : start + chance.randint(1, 32)]
    data[start:start] = part * min(chance.choice((1, 2, 10, 1200)), SIZE_MAX // len(part))


def leave_out(data: bytearray, other: bytes, chance: random.Random) -> None:
    start = place(data, chance)
    del data[start : start + chance.randint(1, 32)]


def truncate(data: bytearray, other: bytes, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def write_number(data: bytearray, other: bytes, chance: random.Random) -> None:
    """A number in digits, as the first protocol of pickle has it, becomes another."""
    digits = [at for at, byte in enumerate(data[:4096]) if 48 <= byte <= 57]
    if digits:
        at = chance.choice(digits)
        data[at : at + 1] = chance.choice(WRITTEN)


SAME_LENGTH: tuple[Step, ...] = (flip, exchange, change_number, change_number, overwrite, move)
ANY_LENGTH: tuple[Step, ...] = (
    *SAME_LENGTH, splice, splice, repeat, leave_out, truncate, write_number
)  # fmt: skip


def mutated(known: Sequence[bytes], chance: random.Random, steps: Sequence[Step]) -> bytes:
    """One of the known inputs, with a little damage or much.

    Args:
        known: What to begin with, and to take parts from.
        chance: All choices are its.
        steps: What may be done: `SAME_LENGTH` where each byte has its place, or `ANY_LENGTH`.
    """
    data = bytearray(chance.choice(known))
    for _ in range(chance.choice(STEPS)):
        if not data:
            data += chance.randbytes(8)
        chance.choice(steps)(data, chance.choice(known), chance)
    return bytes(data[:SIZE_MAX])
