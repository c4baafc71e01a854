"""The corpus: hundreds of hostile pickles by theme, and ordinary ones that were damaged."""

from __future__ import annotations

import collections
import datetime
import decimal
import pickle
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile import victims
from tests.hostile.corpus import building, calls, gadgets, names
from tests.hostile.corpus.assembler import Payload

__all__ = ["ORDINARY", "THEMES", "cut", "flipped"]

THEMES: dict[str, Callable[[], Iterator[Payload]]] = {
    "calls": calls.payloads,
    "gadgets": gadgets.payloads,
    "names": names.payloads,
    "building": building.payloads,
}


def _ordinary() -> Any:
    record = victims.Record("name", 17)
    return [
        record,
        [record, (1, 2.5, None, True, -(2**70))],
        {"text": "\u20ac" * 40, "bytes": b"\x00\xff" * 40, b"key": bytearray(b"array")},
        {1, 2, 3},
        frozenset({"a"}),
        victims.Colour.RED,
        datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC),
        decimal.Decimal("1.50"),
        uuid.UUID(int=17),
        collections.OrderedDict(a=1),
        ValueError("no", 1),
        victims.Str("text"),
    ]


ORDINARY: tuple[bytes, ...] = tuple(
    pickle.dumps(_ordinary(), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
)


def cut() -> Iterator[bytes]:
    """Every beginning of each ordinary pickle."""
    for data in ORDINARY:
        yield from (data[:end] for end in range(len(data)))


def flipped(chance: random.Random, count: int) -> Iterator[bytes]:
    """Ordinary pickles in which some bits differ, or bytes were exchanged, left out, doubled."""
    for _ in range(count):
        damaged = bytearray(chance.choice(ORDINARY))
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(len(damaged))
            match chance.randrange(5):
                case 0 | 1:
                    damaged[at] ^= 1 << chance.randrange(8)
                case 2:
                    damaged[at] = chance.randrange(256)
                case 3:
                    del damaged[at : at + chance.randint(1, 9)]
                case _:
                    damaged[at:at] = damaged[chance.randrange(len(damaged)) :][:9]
        yield bytes(damaged)
