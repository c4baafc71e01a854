"""What the workers of these tests do."""

from __future__ import annotations

import ctypes
import gc
import itertools
import logging
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from interlock.pool import worker_state
from interlock.shared_memory import AtomicInt
from tests.pool.endless import for_ever


def closes_its_output() -> None:
    """As careless libraries do."""
    print("the last", flush=True)
    sys.stdout.close()


def square(number: int) -> int:
    return number * number


def add(left: int, right: int = 0) -> int:
    return left + right


def pid(_: object = None) -> int:
    return os.getpid()


def killed(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(_: object = None) -> None:
    ctypes.string_at(0)


def leave(_: object = None) -> None:
    os._exit(3)


def returns_a_lock(_: object = None) -> Any:
    return threading.Lock()


def raises_a_lock(_: object = None) -> None:
    raise ValueError("locked", threading.Lock())


def wait_a_while(seconds: float) -> float:
    select.select([], [], [], seconds)
    return seconds


gate = threading.Event()


class SlowToRead:
    """Read, it is 0; the process that reads it waits for the gate first."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _passed_the_gate, ()


def _passed_the_gate() -> int:
    gate.wait()
    return 0


def slow_to_read_then(number: int) -> object:
    """A result that is slow to read, a task without end, and one that takes a while."""
    if number == 0:
        return SlowToRead()
    if number == 1:
        for_ever()
    return wait_a_while(0.1)


def eats_memory(_: object = None) -> int:
    kept = []
    for _ in range(4096):
        kept.append(bytearray(b"x" * (1 << 20)))
    return len(kept)


def counted(counter: AtomicInt, number: int) -> int:
    counter.add(1)
    return number


def raises_with_all(_: object = None) -> None:
    try:
        raise KeyError("inner")
    except KeyError as inner:
        error = ValueError("outer")
        error.add_note("a note")
        raise error from inner


def fails_twice(counter: AtomicInt) -> int:
    attempt = int(counter.add(1))
    if attempt < 3:
        raise ConnectionError(attempt)
    return attempt


def ends_badly_twice(counter: AtomicInt, how: str) -> float:
    """Dies or takes for ever, twice; then when it began, by the clock that all processes have."""
    if counter.add(1) < 3:
        if how == "crash":
            killed()
        for_ever()
    return time.monotonic()


def dies_once(counter: AtomicInt) -> int:
    attempt = int(counter.add(1))
    if attempt == 1:
        killed()
    return attempt


def die_at(places: frozenset[int], number: int) -> int:
    if number in places:
        killed()
    return number


def first_waits(flag: AtomicInt, number: int) -> int:
    """Number 0 says that it runs, and waits until the flag is 2."""
    if number == 0:
        flag.store(1)
        while flag.load() != 2:
            flag.wait(1, 1.0)
    return number


def wait_until(flag: AtomicInt, number: int) -> int:
    while not flag.load():
        flag.wait(0, 1.0)
    return number


def hold_then(flag: AtomicInt, seen: AtomicInt, number: int) -> int:
    """The first task waits for the flag; the others are counted."""
    if number == 0:
        return wait_until(flag, number)
    seen.add(1)
    return number


def hold_first(number: int) -> int:
    """As `hold_then`, with what the initializer returned."""
    flag, seen = worker_state()
    return hold_then(flag, seen, number)


def made(value: object) -> object:
    return value


def state(_: object = None) -> Any:
    return worker_state()


def broken() -> None:
    raise LookupError("no such thing")


def exits() -> None:
    sys.stdout.flush()
    os._exit(5)


def call(function: Callable[[], Any]) -> Any:
    return function()


def nested(number: int) -> list[int]:
    from interlock.pool import Pool

    with Pool() as pool:
        return [len(pool._pool), *pool.map(square, range(number))]


def takes_timeout(timeout: int) -> int:
    return timeout


def takes_any(**keywords: int) -> dict[str, int]:
    return keywords


def value_from(queue: Any) -> Any:
    return queue.get().value


def says(number: int) -> None:
    log = logging.getLogger("tests.pool.said")
    log.debug("not %d", number)
    log.info("began %d", number, extra={"number": number})
    try:
        inverse(0)
    except ZeroDivisionError:
        log.exception("failed %d", number)


def inverse(number: int) -> float:
    return 1 / number


class InUse(NamedTuple):
    """What this process has: bytes of private memory, and numbers."""

    memory: int
    descriptors: int
    threads: int
    processes: int


def in_use() -> InUse:
    gc.collect()
    memory = Path("/proc/self/statm").read_text().split()
    return InUse(
        (int(memory[1]) - int(memory[2])) * 4096,
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(multiprocessing.active_children()),
    )


class Once:
    """Notes that a task ran, and takes half a millisecond."""

    def __init__(self, ran: Any) -> None:
        self._ran = ran

    def __call__(self, number: int) -> int:
        return once(self._ran, number)


def once(ran: Any, number: int) -> int:
    ran.array[number] += 1
    select.select([], [], [], 0.0005)
    return number


_times = itertools.count()


def is_first_time() -> bool:
    return next(_times) == 0


def kind_of(value: object) -> str:
    return type(value).__name__


CHILD_S = 20.0


def forks_and_dies() -> None:
    if os.fork() == 0:
        select.select([], [], [], CHILD_S)
        os._exit(0)
    killed()


def counts_and_fails(counter: AtomicInt) -> float:
    counter.add(1)
    return inverse(0)


def inverse_of_nothing(_: object) -> float:
    return inverse(0)


_left: list[Any] = []


def leave_open(wait_s: float) -> None:
    """End with an executor that is at work."""
    from interlock.pool import ProcessPoolExecutor

    _left.append(ProcessPoolExecutor(2))
    assert _left[0].submit(square, 3).result() == 9
    _left[0].submit(wait_a_while, wait_s)


def dies_at_sixty(number: int) -> int:
    """Counted by what the initializer returned."""
    if number == 60:
        worker_state().add(1)
        killed()
    return number


def threads_of_libraries() -> tuple[list[str | None], list[int]]:
    """What the environment says, and what the loaded ones use."""
    import numpy as np
    import threadpoolctl  # type: ignore[import-untyped]

    assert np.ones((2, 2)).dot(np.ones(2)).sum() == 4
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    used = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
    return [os.environ.get(name) for name in names], used


def first_only(number: int) -> int:
    if number:
        for_ever()
    return number


def sets(event: threading.Event, _: object = None) -> None:
    event.set()


def says_with(level: int, extra: object) -> None:
    """Not sendable, if it is a lock's maker."""
    value = extra() if callable(extra) else extra
    logging.getLogger("tests.pool.said").log(level, "said", extra={"thing": value})


def has_a_handler_of_its_own() -> None:
    logging.getLogger().addHandler(logging.NullHandler())


class Holder:
    """Something large, in reality."""

    def nothing(self, _: object = None) -> None:
        """A task that is a method: it travels with its object."""


def holders(_: object = None) -> int:
    return sum(isinstance(each, Holder) for each in gc.get_objects())


def wait_then_die(flag: AtomicInt) -> None:
    wait_until(flag, 0)
    killed()
