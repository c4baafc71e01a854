"""Reads the byte map of a segment (docs/protocols/ring.md, "Data") to find what was left behind."""

from __future__ import annotations

import mmap
import os
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

CONSUMER_AT = PRODUCER_AT = 4096
CONSUMER_AT += 2048
PROCESSES_AT = 8192
PROCESS_SLOT = 64
PROCESS_SLOTS = 1024
BLOCKS_AT = PROCESSES_AT + PROCESS_SLOT * PROCESS_SLOTS + 8192
BLOCK_SLOT = 192
BLOCK_SLOTS = 65536
CONTROL_BYTES = BLOCKS_AT + BLOCK_SLOT * BLOCK_SLOTS
STATES = ("free", "filling", "chunk", "queued", "borrowed")


@dataclass(frozen=True)
class Remains:
    """What a segment has in it.

    Attributes:
        locks: The lock words of producers and consumers.
        blocks: How many blocks there are in each state.
        held: How many blocks have holders.
        bytes: How large the blocks are together.
        pids: Who has a place in the process table.
    """

    locks: tuple[int, int]
    blocks: Counter[str]
    held: int
    bytes: int
    pids: set[int]


def remains(fd: int) -> Remains:
    """What is in the segment behind a descriptor."""
    with mmap.mmap(fd, CONTROL_BYTES, prot=mmap.PROT_READ) as memory:
        (producers_lock,) = struct.unpack_from("<I", memory, PRODUCER_AT)
        (consumers_lock,) = struct.unpack_from("<I", memory, CONSUMER_AT)
        (count,) = struct.unpack_from("<I", memory, PRODUCER_AT + 192)
        blocks: Counter[str] = Counter()
        held = total = 0
        for index in range(count):
            at = BLOCKS_AT + index * BLOCK_SLOT
            state, _, capacity = struct.unpack_from("<QQQ", memory, at)
            blocks[STATES[state & 0xFF]] += 1
            held += any(struct.unpack_from("<16Q", memory, at + 64))
            total += capacity
        pids = set()
        for slot in range(PROCESS_SLOTS):
            (identity,) = struct.unpack_from("<Q", memory, PROCESSES_AT + slot * PROCESS_SLOT)
            pids.add(identity & 0xFFFF_FFFF)
    return Remains((producers_lock, consumers_lock), blocks, held, total, pids - {0})


def check_nothing_left(*descriptors: Any) -> None:
    """Hold the segments of an empty queue or pipe to what I3 says.

    Raises:
        AssertionError: A block is lost, a lock is taken, or a dead process has a place.
    """
    for fd in descriptors:
        found = remains(fd)
        assert found.locks == (0, 0), f"a lock is still taken: {found}"
        assert found.held == 0, f"a block has a holder: {found}"
        assert set(found.blocks) <= {"free", "chunk"}, f"a block is lost: {found}"
        assert found.blocks["chunk"] == 1, f"an empty ring has one chunk: {found}"
        assert found.pids <= {os.getpid()}, f"a dead process has a place: {found}"
