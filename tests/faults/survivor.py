"""What the survivors of a death do, and hold it to: each operation within a second (P3)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from interlock.errors import Empty
from tests.faults.letters import Letter, read, write
from tests.faults.segment import check_nothing_left

STALL_S = 1.0
GLANCE_S = 0.05

R = TypeVar("R")


def promptly(operation: Callable[..., R], *args: Any, **options: Any) -> R:
    """Do it.

    Raises:
        AssertionError: It took more than a second.
    """
    begun = time.monotonic()
    try:
        return operation(*args, **options)
    finally:
        took_s = time.monotonic() - begun
        assert took_s < STALL_S, f"{operation.__name__}() took {took_s:.3f} s"


def drain(queue: Any) -> list[Letter]:
    """All that is left in a queue whose other users are dead, with what they had taken.

    Raises:
        AssertionError: Something arrived damaged, or nothing came for a second.
    """
    found: list[Letter] = []
    progress = time.monotonic()
    while not is_settled(queue):
        try:
            found.append(read(promptly(queue.get, timeout=GLANCE_S)))
            progress = time.monotonic()
        except Empty:
            assert time.monotonic() - progress < STALL_S, f"stalled: {queue.statistics()}"
    return found


def wait_swept(queue: Any) -> None:
    """Until an empty queue knows of no dead process; who looks, looks each 20 ms at most.

    Raises:
        AssertionError: It still does after a second.
    """
    begun = time.monotonic()
    while not is_settled(queue):
        assert time.monotonic() - begun < STALL_S, f"not swept: {queue.statistics()}"


def receive_all(end: Any) -> list[Letter]:
    """All that is left in one direction of a pipe whose other users are dead.

    Raises:
        AssertionError: Something arrived damaged.
    """
    found = []
    while promptly(end.poll, GLANCE_S):
        found.append(read(promptly(end.recv)))
    return found


def is_settled(queue: Any) -> bool:
    """Whether nothing is in the queue, and none of its users is dead or has anything."""
    now = promptly(queue.statistics)
    return bool(now.ready == 0 and now.leased == 0 and len(now.processes) <= 1)


def check_sound(queue: Any, letters: int = 3) -> None:
    """Hold an empty queue to its promises: order, counts, room for all it may hold, no block lost.

    Raises:
        AssertionError: It broke one.
    """
    check_empty(queue)
    most = queue.statistics().max_bytes
    large = [Letter("large", "survivor", number) for number in range(letters)]
    room = most // len(large) - 1000
    for letter in large:
        promptly(queue.put_nowait, write(letter, room))
    for letter in large:
        assert read(promptly(queue.get_nowait)) == letter
    small = [Letter("small", "survivor", number) for number in range(40)]
    for letter in small:
        promptly(queue.put_nowait, write(letter))
    assert [read(promptly(queue.get_nowait)) for _ in small] == small
    check_empty(queue)


def check_pipe_sound(*ends: Any, max_bytes: int, letters: int = 3) -> None:
    """Hold an empty pipe to its promises, each way that it goes: order, room, no block lost.

    Raises:
        AssertionError: It broke one.
    """
    one, other = ends
    room = max_bytes // letters - 1000
    for sender, receiver in ((one, other), (other, one)):
        if not (sender.writable and receiver.readable):
            continue
        assert not promptly(receiver.poll), "it is not empty"
        sent = [Letter("large", "survivor", number) for number in range(letters)]
        for letter in sent:
            promptly(sender._send_nowait, write(letter, room))
        assert [read(promptly(receiver.recv)) for _ in sent] == sent
        assert not promptly(receiver.poll), "it is not empty"
        check_nothing_left(receiver._descriptors()[0][0])


def check_empty(queue: Any) -> None:
    """Hold the counts of an empty queue to zero, and its memory to nothing lost.

    Raises:
        AssertionError: They are not.
    """
    with contextlib.suppress(Empty):
        raise AssertionError(f"it is not empty: {promptly(queue.get_nowait)!r}")
    assert promptly(queue.qsize) == 0
    assert promptly(queue.empty)
    assert promptly(queue._counts)[:4] == (0, 0, 0, 0), f"ready, leased, dead, in queue: {queue}"
    check_nothing_left(queue._descriptors()[0])
