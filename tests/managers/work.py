"""What children of these tests do, and how a test looks at what a manager keeps."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from interlock.managers import SyncManager

BOUND_S = 20.0


def started(context: Any) -> Any:
    """A manager of the context."""
    return context.Manager()


def number_of(manager: Any) -> int:
    """How many objects the server has."""
    return int(manager._number_of_objects())


def wait_for_number(manager: Any, wanted: int) -> None:
    """Until the server has so many; each question makes it look."""
    wait_until(lambda: number_of(manager) == wanted, lambda: manager._debug_info())


def wait_until(done: Callable[[], bool], story: Callable[[], object] = str) -> None:
    """Ask until it is so."""
    ends = time.monotonic() + BOUND_S
    while not done():
        assert time.monotonic() < ends, story()
        os.sched_yield()


def fill(shared: Any, numbers: Any, lock: Any, count: int) -> None:
    """Add to a dict and a list, in steps that get lost where the lock does not hold."""
    for number in range(count):
        with lock:
            shared["sum"] = shared["sum"] + 1
        numbers.append(number)


def serve_echo(requests: Any, answers: Any) -> None:
    """Send back what comes, until None."""
    while (item := requests.get(timeout=BOUND_S)) is not None:
        answers.put(item)


def hold_until_killed(proxies: Any, ready: Any) -> None:
    """Have them, say so, and wait for the end."""
    ready.put(len(proxies))
    signal.pause()


def put_and_end(queue: Any, what: Any) -> None:
    """Put it, and be gone before it is got."""
    queue.put(what)


def connect_and_use(address: Any, authkey: bytes, name: str) -> Any:
    """A client of its own: what kind of proxy it got, and what it made of it."""
    client: Any = SyncManager(address=address, authkey=authkey)
    client.connect()
    shared = client.dict(made=name)
    shared["list"] = client.list([1, 2])
    shared["list"].append(3)
    return type(shared).__module__, dict(shared.items(), list=list(shared["list"]))


def change_dict_for_ever(shared: Any) -> None:
    """Store pairs that belong together, and take them out; until killed."""
    number = 0
    while True:
        number += 1
        shared[number % 5] = (number, [number] * 50)
        shared.pop((number + 2) % 5, None)
        shared.update({"u": (number, [number] * 50)})


def change_list_for_ever(shared: Any, seed: int) -> None:
    """Every change keeps what `is_whole` says; until killed."""
    number = seed
    while True:
        number += 1
        shared.extend([number, -number])
        shared[0:2] = [number, -number] * 2
        shared.reverse()
        shared.sort(key=abs)  # stable: opposites stay together
        if len(shared) > 60:
            del shared[:40]
        shared *= 2
        del shared[len(shared) // 4 * 2 :]


def is_whole(numbers: list[int]) -> bool:
    """A number came and went with its opposite, whatever the moment."""
    return len(numbers) % 2 == 0 and sum(numbers) == 0
