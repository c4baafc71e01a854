"""What strangers send, and what stays behind: damage is refused, and nothing is kept."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

from interlock.errors import DecodeError
from interlock.serialize import dumps, loads
from interlock.testing.contract import contract, must
from interlock.testing.registered_contracts.subject import Subject
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]

DAMAGED = 4000  # messages at most, of each kind of damage
SEED = 20261126
ROUNDS = 200
BLOCKS_KEPT_MAX = ROUNDS // 2  # of memory, where each round that kept one would make ROUNDS


@contract("damage")
def damage_is_refused(trial: Trial) -> None:
    """A message that is cut short, or changed, gives an object or DecodeError, and no crash."""
    trial.child(_read_damaged, trial.factory).result()


@contract("leaks")
def nothing_stays_behind(trial: Trial) -> None:
    """Objects that arrived and were dropped, or were refused, keep no memory."""
    trial.child(_drop_many, trial.factory).result()


def _read_damaged(subject: Subject) -> None:
    data = dumps(subject())
    for damaged, how in _damaged(data):
        try:
            loads(damaged)
        except DecodeError:
            continue
        except Exception as error:
            raise AssertionError(f"{how} (of {len(data)} bytes) raised {error!r}.") from error


def _damaged(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Cut at each byte, each bit turned; of long messages a seeded choice."""
    chosen = random.Random(SEED)
    for length in _some(range(len(data)), chosen):
        yield data[:length], f"A message cut to {length} bytes"
    for bit in _some(range(8 * len(data)), chosen):
        turned = bytearray(data)
        turned[bit // 8] ^= 1 << bit % 8
        yield bytes(turned), f"A message with bit {bit} turned"


def _some(places: range, chosen: random.Random) -> Any:
    return places if len(places) <= DAMAGED else sorted(chosen.sample(places, DAMAGED))


def _drop_many(subject: Subject) -> None:
    data = dumps(subject())
    rounds: tuple[Callable[[], object], ...] = (
        lambda: loads(dumps(subject())),
        lambda: _refused(data[:-1]),
    )
    for turn in rounds:
        blocks, held = _kept(subject, turn)
        must(blocks <= BLOCKS_KEPT_MAX, f"{ROUNDS} of them kept {blocks} blocks of memory.")
        must(held == 0, f"{ROUNDS} of them left {held} allocated by the type's own count.")


def _refused(data: bytes) -> None:
    try:
        loads(data)
    except DecodeError:
        return
    raise AssertionError("A message without its last byte was read.")


def _kept(subject: Subject, turn: Callable[[], object]) -> tuple[int, int]:
    """Blocks of memory, and the type's own count, that many rounds leave behind."""
    count = subject.allocated or (lambda: 0)
    for _ in range(ROUNDS):  # caches fill
        turn()
    gc.collect()
    blocks, held = sys.getallocatedblocks(), count()
    for _ in range(ROUNDS):
        turn()
    gc.collect()
    return sys.getallocatedblocks() - blocks, count() - held


CONTRACTS = (damage_is_refused, nothing_stays_behind)
