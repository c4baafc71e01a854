"""The kernel has no more memory, or no more descriptors: an error at the call, and nothing else.

P6: put() and send() say OutOfSharedMemory, and the message was not sent. It is not SIGBUS later, in
whoever writes or reads. What was put before is still there, and the queue goes on.

How: RLIMIT_FSIZE makes the kernel refuse to let a segment grow, or to write into it from some byte
on; RLIMIT_NOFILE leaves so many descriptors and no more.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.errors import OutOfSharedMemory
from tests.faults.chance.campaign import open_descriptors
from tests.faults.letters import Letter, read, write
from tests.faults.segment import CONTROL_BYTES, remains
from tests.faults.stage import Stage
from tests.faults.survivor import check_pipe_sound, check_sound

MAX_BYTES = 24 << 20
ROOM = 3 << 20  # that the kernel gives; an extent has 1 MiB, the next 2 MiB
SIZES = {"small": 100, "inline": 7_000, "large": 300_000, "array": 300_000}


@contextmanager
def limited(which: int, soft: int) -> Iterator[None]:
    """What is done within has a lower limit."""
    before = resource.getrlimit(which)
    resource.setrlimit(which, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(which, before)


def fill(put: Callable[[Any], object], kind: str) -> int:
    """Put until the kernel refuses. How many it took."""
    for number in range(1 << 20):
        try:
            put(write(Letter(kind, "writer", number), SIZES[kind]))
        except OutOfSharedMemory:
            return number
    raise AssertionError("the kernel never refused")


def growth_scenario(kind: str) -> None:
    """The file must not grow; what is there is used as long as it lasts, and again."""
    queue: Any = interlock.get_context("fork").Queue(max_bytes=MAX_BYTES)
    counts = []
    with limited(resource.RLIMIT_FSIZE, CONTROL_BYTES + ROOM):
        for _ in range(3):
            counts.append(fill(queue.put, kind))
            with pytest.raises(OutOfSharedMemory):
                queue.put_nowait(write(Letter("array", "writer", 0), ROOM))
            assert queue.qsize() == counts[-1]
            for number in range(counts[-1]):
                assert read(queue.get_nowait()) == Letter(kind, "writer", number)
    assert counts[0] * SIZES[kind] > ROOM // 3, f"{counts}: it had more room than it used"
    # The last chunk of an emptied ring stays in it, perhaps full.
    assert counts[2] == counts[1] > 0.9 * counts[0], f"{counts}: memory is lost by being refused"
    check_sound(queue)


def pages_scenario() -> None:
    """The file is long enough, and a message cannot be written into it from some byte on."""
    queue: Any = interlock.get_context("fork").Queue(max_bytes=MAX_BYTES)
    for number in range(5):  # each finds the ones before it in use, so that extents are made
        queue.put(write(Letter("large", "writer", number), 1_000_000))
    fd = queue._descriptors()[0]
    end, blocks = os.fstat(fd).st_size, remains(fd).blocks.total()
    late = write(Letter("large", "late", 0), 1_000_000)
    refused = 0
    for limit in range(CONTROL_BYTES, end, 100_000):  # up to: in the middle of the new block
        with limited(resource.RLIMIT_FSIZE, limit):
            with contextlib.suppress(OutOfSharedMemory):
                queue.put(late)
                break
        refused += 1
        assert remains(fd).blocks.total() <= blocks + 1, "each refusal costs a block"
    assert refused > (end - CONTROL_BYTES) / 100_000 / 2, "the kernel refused too little to tell"
    queue.put(late)
    for number in range(5):
        assert read(queue.get_nowait()) == Letter("large", "writer", number)
    while queue.qsize():
        assert read(queue.get_nowait()) == Letter("large", "late", 0)
    check_sound(queue)


def pipe_scenario(kind: str) -> None:
    """As a queue; the two directions have memory of their own."""
    here, there = interlock.get_context("fork").Pipe(max_bytes=MAX_BYTES)
    with limited(resource.RLIMIT_FSIZE, CONTROL_BYTES + ROOM):
        count = fill(there.send, kind)
        assert fill(here.send, kind) == count
        for end in (here, there):
            assert [read(end.recv()).number for _ in range(count)] == list(range(count))
    check_pipe_sound(here, there, max_bytes=MAX_BYTES)


MAKERS: dict[str, Callable[[], Any]] = {
    "Queue": lambda: interlock.Queue(),
    "SimpleQueue": lambda: interlock.SimpleQueue(),
    "JoinableQueue": lambda: interlock.JoinableQueue(),
    "Pipe": lambda: interlock.Pipe(),
    "one-way Pipe": lambda: interlock.Pipe(duplex=False),
}


def creation_scenario(maker: str) -> None:
    """There is no memory even for an empty one."""
    MAKERS[maker]()
    gc.collect()
    before = open_descriptors()
    for limit in (0, CONTROL_BYTES - 1, CONTROL_BYTES, CONTROL_BYTES + 1):
        with limited(resource.RLIMIT_FSIZE, limit), pytest.raises((OSError, OutOfSharedMemory)):
            MAKERS[maker]()
        gc.collect()
        assert open_descriptors() == before
    MAKERS[maker]()


def descriptors_scenario(maker: str) -> int:
    """How many descriptors it takes: with one fewer, it is refused and keeps none."""
    MAKERS[maker]()
    gc.collect()
    before = open_descriptors()
    first = os.open(os.devnull, os.O_RDONLY)
    fillers = [first]
    while fillers[-1] < max(map(int, before)):  # now there is no gap below
        fillers.append(os.open(os.devnull, os.O_RDONLY))
    needed = 0
    while True:
        with limited(resource.RLIMIT_NOFILE, fillers[-1] + 1 + needed):
            try:
                MAKERS[maker]()
                break
            except OSError as error:
                assert error.errno == errno.EMFILE, error
            needed += 1
    for filler in fillers:
        os.close(filler)
    gc.collect()
    assert open_descriptors() == before
    return needed


def addresses_scenario() -> None:
    """This process may not map more: neither what it puts nor what another has put."""
    queue: Any = interlock.get_context("fork").Queue(max_bytes=256 << 20)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    with limited(resource.RLIMIT_AS, pages * resource.getpagesize() + (192 << 20)):
        put = 0
        with pytest.raises(OutOfSharedMemory):
            while True:
                queue.put(bytes(16 << 20))
                put += 1
        assert put > 0
        assert queue.qsize() == put
    queue.put("late")
    for _ in range(put):
        assert len(queue.get_nowait()) == 16 << 20
    assert queue.get_nowait() == "late"
    check_sound(queue)


@pytest.mark.parametrize("kind", SIZES)
def test_put_says_that_the_segment_cannot_grow(kind: str, as_shipped: Stage) -> None:
    """P6, I3: what is refused costs nothing, however often."""
    as_shipped.run(growth_scenario, kind)


def test_put_says_that_the_kernel_has_no_pages(as_shipped: Stage) -> None:
    """P6, I3: at whatever byte of the message, and its block is used by the next."""
    as_shipped.run(pages_scenario)


def test_put_says_that_this_process_may_not_map_more(as_shipped: Stage) -> None:
    """P6: OutOfSharedMemory, not a bare OSError; what was put is there, and the queue goes on."""
    as_shipped.run(addresses_scenario)


@pytest.mark.parametrize("kind", ["inline", "large"])
def test_send_says_that_the_segment_cannot_grow(kind: str, as_shipped: Stage) -> None:
    """P6, I3: the pipe goes on."""
    as_shipped.run(pipe_scenario, kind)


@pytest.mark.parametrize("maker", MAKERS)
def test_none_is_made_without_memory(maker: str, as_shipped: Stage) -> None:
    """P5, P6: and no descriptor stays open."""
    as_shipped.run(creation_scenario, maker)


@pytest.mark.parametrize("maker", MAKERS)
def test_none_is_made_without_descriptors(maker: str, as_shipped: Stage) -> None:
    """P5, P6: OSError (EMFILE) at each of those it needs, and none of them stays open."""
    assert as_shipped.run(descriptors_scenario, maker) >= 3
