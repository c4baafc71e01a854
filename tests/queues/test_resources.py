"""What a queue costs and what it leaves: descriptors, memory, names; and what it tells."""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.testing.trial import Trial
from tests.left_behind import names_in_shared_memory


def open_descriptors() -> int:
    """How many this process has, garbage aside."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def mapped() -> int:
    """How many parts of this process's memory are mapped from a segment."""
    return Path("/proc/self/maps").read_text().count("interlock")


@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue", "SimpleQueue"])
def test_ten_thousand_messages_leak_nothing(trial: Trial, kind: str) -> None:
    """Small and large, through a child and back: the descriptors are those from before."""
    there, back = (getattr(trial.context, kind)() for _ in range(2))
    child = trial.child(_return_all, there, back)
    chance = random.Random(7)
    sizes = [chance.choice((10, 1_000, 70_000)) for _ in range(97)] + [1 << 20, 4 << 20, 0]
    files = names_in_shared_memory()
    counts = []
    for number in range(10_000):
        body = bytes(sizes[number % 97]) if number % 500 else bytes(sizes[97 + number // 500 % 3])
        there.put((number, body))
        seen, returned = back.get()
        assert (seen, len(returned)) == (number, len(body))
        if number % 1_000 == 500:
            del returned
            counts.append(open_descriptors())
    there.put(None)
    assert child.result() == 0
    assert counts[-1] == counts[0]
    assert names_in_shared_memory() <= files
    there.close()
    back.close()


def test_a_queue_s_end_gives_everything_back() -> None:
    """Closed or collected, with messages inside, polled or not: no descriptor and no map."""
    interlock.Queue().close()
    before = open_descriptors(), mapped()
    for number in range(200):
        queue = interlock.Queue()
        queue.put(bytes(100_000))
        if number % 3 == 0:
            queue.fileno()
        if number % 2:
            queue.close()
        del queue
    assert (open_descriptors(), mapped()) == before


def test_a_view_outlives_its_queue() -> None:
    """An array's memory stays while the array does, and no longer."""
    numpy = pytest.importorskip("numpy")
    before = mapped()
    queue = interlock.Queue()
    queue.put(numpy.arange(100_000))
    array = queue.get()
    queue.close()
    del queue
    gc.collect()
    assert array.sum() == sum(range(100_000))
    del array
    gc.collect()
    assert mapped() == before


def test_nothing_has_a_name() -> None:
    """A segment is an anonymous file: there is nothing that could be left in /dev/shm."""
    before = names_in_shared_memory()
    queue = interlock.Queue()
    queue.put(bytes(1 << 20))
    assert names_in_shared_memory() <= before


def test_an_empty_queue_is_small() -> None:
    """Memory is committed when it is used: a hundred queues cost less than 100 MiB."""
    before = _shared_kib()
    queues = [interlock.Queue() for _ in range(100)]
    for queue in queues:
        queue.put(1)
    assert _shared_kib() - before < 100 * 1024


def test_memory_is_bounded_by_the_queue_s_bound() -> None:
    """Messages of all sizes, one after the other, do not each keep memory of their own."""
    before = _shared_kib()
    queue = interlock.Queue(max_bytes=64 << 20)
    chance = random.Random(3)
    for _ in range(300):
        size = chance.randrange(1 << 20, 32 << 20)
        queue.put(bytes(size))
        assert len(queue.get()) == size
    assert _shared_kib() - before < 160 * 1024


def test_statistics_are_exact(trial: Trial) -> None:
    """Counts of one moment, the limits, and who uses it."""
    queue = trial.make(maxsize=10, max_bytes=1 << 20, max_deliveries=1)
    queue.put_many("abcde")
    queue.get()
    with queue.lease(timeout=1) as delivery:
        delivery.give_back()
    with queue.lease(timeout=1):
        reading, writing = trial.pipe()
        child = trial.child(_put_one_and_wait, queue, reading)
        while queue.statistics().put < 6:
            os.sched_yield()
        now = queue.statistics()
    assert (now.ready, now.leased, now.dead, now.put) == (3, 1, 1, 6)
    assert len(now.processes) == 2
    assert (now.maxsize, now.max_bytes, now.max_deliveries) == (10, 1 << 20, 1)
    assert os.getpid() in now.processes
    assert not now.is_shut_down
    assert "ready=3" in repr(queue)
    writing.send_bytes(b"end")
    child.result()


BAD_LIMITS = [
    (0, ValueError),
    (-1, ValueError),
    ("1", TypeError),
    (1.5, TypeError),
    (float("nan"), TypeError),
]


@pytest.mark.parametrize("limit", ["max_bytes", "max_deliveries"])
@pytest.mark.parametrize(("value", "error"), BAD_LIMITS)
def test_a_limit_that_cannot_be_is_refused(limit: str, value: Any, error: type[Exception]) -> None:
    """Where the queue is made."""
    with pytest.raises(error, match=limit):
        interlock.Queue(**{limit: value})


@pytest.mark.parametrize("maxsize", [1.5, "3", None, float("nan"), -0.5])
def test_a_maxsize_that_is_no_integer_is_refused(maxsize: Any) -> None:
    """TypeError; none at all is 0."""
    with pytest.raises(TypeError, match="maxsize"):
        interlock.Queue(maxsize)


def test_sizes_are_exact_at_every_moment() -> None:
    """qsize, empty and full, with a bound."""
    queue = interlock.Queue(3)
    for count in range(4):
        assert (queue.qsize(), queue.empty(), queue.full()) == (count, count == 0, count == 3)
        if count < 3:
            queue.put(count)
    for count in (2, 1, 0):
        queue.get()
        assert (queue.qsize(), queue.empty(), queue.full()) == (count, count == 0, False)


def _shared_kib() -> int:
    """What this machine has in shared memory, in KiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Shmem:"))


def _return_all(there: Any, back: Any) -> int:
    """How many descriptors more it has after the last messages than after the first."""
    counts = []
    while (message := there.get()) is not None:
        back.put(message)
        if message[0] % 1_000 == 500:
            counts.append(open_descriptors())
    return counts[-1] - counts[0]


def _put_one_and_wait(queue: Any, told: Any) -> None:
    queue.put("f")
    told.recv_bytes()
