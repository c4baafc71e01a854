"""Damaged messages for the native decoder: `python -m tests.serialize.hostile KIND SEED [LEVEL]`.

Runs by itself, with a bound on its memory and its time, so that a crash or a hang is an exit
status. Ends with 0 and says how many messages it tried; or says which one did what.
"""

from __future__ import annotations

import faulthandler
import random
import resource
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from interlock import _native
from interlock.errors import DecodeError

MEMORY_MAX = 256 << 20  # beyond what the process has when it begins
TIME_MAX_S = 60
MESSAGE_MAX_S = 2.0
FLIPS_MAX = 6000  # bits of a message; of a longer one, a sample
CUTS_MAX = 2000


def samples() -> Iterator[bytes]:
    """Messages with every tag in them: short, long, shared, within themselves."""
    shared: list[Any] = ["shared"]
    text = "a text that is remembered, because it is long"
    loop: dict[str, Any] = {"list": shared, "again": shared}
    loop["self"] = loop
    messages: list[Any] = [
        None,
        [True, False, 0, 63, 64, -1, 2**31, -(2**40), 2**80, -(2**200), 1.5, 1 - 2j],
        ["", "a", "short", text, text, "\u00e9t\u00e9", "\u20ac" * 3, "\ud800", "\U0001f512" * 40],
        ["x" * 300, "\xff" * 300, "\u20ac" * 300, "\U0001f512" * 300],
        [b"", b"bytes", b"b" * 300, bytearray(b"array"), bytearray(300)],
        [(), (1,), tuple(range(20)), [[]], list(range(20)), {}, {"k": 1}],
        [dict.fromkeys(range(20)), {1, "two", (3,)}, frozenset({4, 5.5}), set(), frozenset()],
        [range(10), range(2**70, 5, -3), slice(None), slice(1, "two", (3,))],
        loop,
        [shared] * 300,
        [[number] for number in range(300)] * 2,
        {"user": {"id": 17, "tags": ["a", "b"]}, "at": 1.5e9, "key": ("k", None)},
    ]
    for message in messages:
        data = _native.encode(message)
        assert data is not None
        yield data


def truncated(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Every beginning of a message, but of a long one."""
    for data in known:
        ends = range(len(data))
        yield from (data[:end] for end in sample(ends, CUTS_MAX, chance))


def flipped(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Every message that differs in a single bit."""
    for data in known:
        for bit in sample(range(8 * len(data)), FLIPS_MAX, chance):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            yield bytes(damaged)


def spliced(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Parts of messages one after another, some bytes anything, some numbers huge."""
    for _ in range(20_000):
        parts = [chance.choice(known) for _ in range(chance.randint(1, 4))]
        cut = [part[chance.randrange(len(part)) :][: chance.randint(1, 60)] for part in parts]
        damaged = bytearray(b"".join(cut))
        for _ in range(chance.randint(0, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            at = chance.randrange(len(damaged))
            huge = chance.choice([2**63, 2**64 - 1, 2**32, 2**61, len(damaged), 1 << 40])
            damaged[at : at + 8] = struct.pack("<Q", huge)
        yield bytes(damaged)


def noise(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Bytes that were never a message; and each tag before each kind of thing."""
    for _ in range(20_000):
        yield chance.randbytes(chance.randint(0, 40))
    for first in range(256):
        for rest in (b"", b"\x00", b"\xff" * 9, bytes(9), b"\x01" + bytes(16), b"\x91" * 9):
            yield bytes([first]) + rest
        for second in range(256):
            yield bytes([first, second])
            yield bytes([first, second]) + chance.randbytes(12)


def nested(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Each tag again and again, deeper than any stack; alone and between others."""
    for first in range(256):
        for depth in (999, 1001, 100_000):
            yield bytes([first]) * depth
            yield bytes([first, chance.randrange(0x80, 0xE0)]) * depth
            yield bytes([first]) * depth + b"\x00" * depth


def greedy(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Containers in containers, each of which claims all the bytes that are left."""
    for tag in range(0xC3, 0xC8):  # dict, list, tuple, set, frozenset
        for depth in (10, 990):
            items = chance.randint(60_000, 70_000)
            left = range(9 * (depth - 1) + items, items - 1, -9)
            yield b"".join(struct.pack("<BQ", tag, count) for count in left) + bytes(items)


KINDS: dict[str, Callable[[list[bytes], random.Random], Iterator[bytes]]] = {
    made.__name__: made for made in (truncated, flipped, spliced, noise, nested, greedy)
}


def sample(all_of_them: range, most: int, chance: random.Random) -> list[int]:
    if len(all_of_them) <= most:
        return list(all_of_them)
    return chance.sample(all_of_them, most)


def level_of(name: str) -> tuple[list[bytes], Callable[[bytes], Any]]:
    """The messages of a level of trust, and what reads one of them."""
    if name == "plain":
        return list(samples()), _native.decode
    from tests.serialize.strangers.messages import messages, read

    return messages(), read


def main(kind: str, seed: int, level: str = "plain") -> None:
    faulthandler.enable()
    known, read = level_of(level)
    faulthandler.dump_traceback_later(TIME_MAX_S, exit=True)
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_MAX,) * 2)
    restored = refused = 0
    for data in KINDS[kind](known, random.Random(seed)):
        begun = time.monotonic()
        try:
            made = read(data)
        except DecodeError as error:
            assert error.offset is not None and 0 <= error.offset <= len(data), error
            assert error.path is not None and error.path.startswith("$"), error
            refused += 1
        except BaseException as error:
            sys.exit(f"{kind}, seed {seed}: {error!r} for {data[:200].hex()} ({len(data)} bytes)")
        else:
            restored += 1
            _native.encode(made)  # what was made is whole: all of it can be read
        if time.monotonic() - begun > MESSAGE_MAX_S:
            sys.exit(f"{kind}, seed {seed}: too long for {data[:200].hex()} ({len(data)} bytes)")
    print(restored, refused)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
