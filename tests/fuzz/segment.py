"""A queue's segment as an input: the bytes of its tables, chunk and block, and who reads them.

The input takes the place of those bytes in a queue that is new and full. The words that processes
sleep on and lock by are left alone: who writes there may stop a peer, and nothing else is promised.
"""

from __future__ import annotations

import functools
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from interlock import _native
from interlock.errors import InterlockError
from tests.faults.segment import (
    BLOCK_SLOT,
    BLOCKS_AT,
    CONSUMER_AT,
    CONTROL_BYTES,
    PRODUCER_AT,
)
from tests.serialize.strangers.messages import BOUNDS, messages

EXTENTS_AT = PRODUCER_AT + 192 + 16
BLOCKS = 3  # the chunk, the large message, and one that is not there
CHUNK_SHOWN, BLOCK_SHOWN = 4096, 256
GETS = 12
LARGE = bytes(range(256)) * 256
TABLES = (
    (PRODUCER_AT + 4, 44),  # the tail, what is published, what was seen settled
    (PRODUCER_AT + 192, 16 + 2 * 16),  # the blocks' and extents' numbers, the extents
    (CONSUMER_AT + 4, 52),  # the first chunk, the head, what is derived
    (CONSUMER_AT + 64, 48),  # what is settled, tasks
    (BLOCKS_AT, BLOCKS * BLOCK_SLOT),
)


def full_queue() -> _native.MessageQueue[Any]:
    """With short messages, one in a block, one in the hands of its consumer, one dead letter."""
    queue: _native.MessageQueue[Any] = _native.MessageQueue(100, 1 << 20, 4 << 20, 1, True)
    queue._set_terms(BOUNDS, False)
    queue.put("dead")
    queue.lease().give_back()
    for message in ("taken", [1, {"two": (3.0, None)}], LARGE, b"bytes", *_objects()):
        queue.put(message)
    return queue


@functools.cache
def _objects() -> tuple[Any, ...]:
    return tuple(_native.decode(data, BOUNDS) for data in messages()[:40])


def regions(memory: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the bytes of an input go: the place in the file, and how many."""
    for block, shown in ((0, CHUNK_SHOWN), (1, BLOCK_SHOWN)):
        (place,) = struct.unpack_from("<Q", memory, BLOCKS_AT + block * BLOCK_SLOT + 8)
        extent, offset = place >> 56, place & (1 << 56) - 1
        (start,) = struct.unpack_from("<Q", memory, EXTENTS_AT + 16 * extent)
        yield start + offset, shown
    yield from TABLES


@contextmanager
def mapped(queue: _native.MessageQueue[Any]) -> Iterator[mmap.mmap]:
    """All of the queue's memory, as any process that has its descriptor may map it."""
    descriptor = queue._descriptors()[0]
    with mmap.mmap(descriptor, os.fstat(descriptor).st_size) as memory:
        assert len(memory) > CONTROL_BYTES
        yield memory


def image() -> bytes:
    """The bytes of an honest queue."""
    queue = full_queue()
    with queue.lease(), mapped(queue) as memory:
        return b"".join(memory[at : at + size] for at, size in regions(memory))


def overwrite(queue: _native.MessageQueue[Any], data: bytes) -> None:
    """Put an image in the place of the queue's bytes, as far as it reaches."""
    with mapped(queue) as memory:
        for at, size in list(regions(memory)):
            part, data = data[:size], data[size:]
            memory[at : at + len(part)] = part


def used(queue: _native.MessageQueue[Any]) -> str:
    """Take, give back, put, and shut down; what came of each.

    Raises:
        Exception: What no damage may lead to: anything but an error of Interlock.
    """
    came = [_tried(queue.get_nowait) for _ in range(GETS)]
    came += [_tried(lambda: queue.lease(timeout=0).give_back()) for _ in range(2)]
    came += [_tried(lambda: queue.put("after", block=False))]
    came += [_tried(lambda: queue.put(LARGE, block=False))]
    came += [_tried(lambda: queue._get_dead(block=False)), _tried(queue.qsize)]
    came += [_tried(queue.get_nowait), _tried(queue._counts)]
    came += [_tried(lambda: queue._shut_down(True))]
    return " ".join(came)


def _tried(operation: Callable[[], Any]) -> str:
    try:
        _native.encode(operation())  # all of what was received can be read
    except InterlockError as error:
        return type(error).__name__
    return "done"


def read(data: bytes) -> str:
    """A queue that is overwritten under its own process, and one that is attached afterwards."""
    came = []
    for attach in (False, True):
        queue = full_queue()
        delivery = queue.lease()
        overwrite(queue, data)
        user = queue
        with suppress(InterlockError):  # who attaches may refuse it; its first handle goes on
            if attach:
                user = _native.MessageQueue(*map(os.dup, queue._descriptors()))
                user._set_terms(BOUNDS, False)
        came += [used(user), _tried(delivery.give_back)]
    return " ".join(came)
