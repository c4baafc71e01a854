"""What tasks and processes of these tests run."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

from interlock.errors import Empty, ShutDown
from interlock.pool import worker_state

BOUND_S = 20.0


def double(number: int) -> int:
    return 2 * number


def add(first: int, second: int = 0) -> int:
    return first + second


def where(_: object = None) -> int:
    return os.getpid()


def raising(number: int) -> int:
    try:
        raise KeyError("cause")
    except KeyError as cause:
        error = ValueError(f"bad {number}")
        error.add_note("a note")
        raise error from cause


def fail_first(counter: Any, until: int) -> int:
    """Raises OSError as long as it was called less than so often."""
    with counter.get_lock():
        counter.value += 1
        count: int = counter.value
    if count < until:
        raise OSError(f"attempt {count}")
    return count


def unsendable() -> Any:
    return threading.Lock()


def stay(started: Any) -> None:
    """Until it is interrupted."""
    started.set()
    while True:
        threading.Event().wait(0.01)


def stay_stubbornly(started: Any, survived: Any) -> None:
    """It takes two interrupts."""
    try:
        stay(started)
    except BaseException:
        survived.set()
        stay(started)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(count: Any, value: str) -> str:
    with count.get_lock():
        count.value += 1
    return value


def state(_: object) -> tuple[int, str]:
    return os.getpid(), worker_state()


def numbers(read: list[int]) -> Iterator[int]:
    """Without end; and those that were read."""
    for number in itertools.count():
        read.append(number)
        yield number


def meet(barrier: Any) -> int:
    index: int = barrier.wait(BOUND_S)
    return index


def array_of(size: int) -> Any:
    import numpy

    return numpy.full(size, 1.5)


def total(array: Any) -> tuple[float, int]:
    return float(array.sum()), os.getpid()


def echo(questions: Any, answers: Any) -> None:
    """Until the questions are shut down."""
    for question in questions:
        answers.put(("echo", question))


def hold(queue: Any, lock: Any, semaphore: Any, condition: Any, ready: Any, barrier: Any) -> None:
    """All of them, until it is killed."""
    lock.acquire()
    semaphore.acquire()
    condition.acquire()
    with queue.lease(BOUND_S):
        ready.set()
        barrier.wait()


def exit_with(code: object) -> None:
    raise SystemExit(code)


def note_and_wait(seen: Any, gate: Any, number: int) -> tuple[int, int]:
    """A task in the middle of a map."""
    seen.put((number, os.getpid()))
    assert gate.wait(BOUND_S)
    return number, os.getpid()


def nested(number: int) -> list[int]:
    """A pool within a task of a pool."""
    import interlock

    with interlock.get_context("dask").Pool() as pool:
        return pool.map(double, range(number))


def note_and_wait_for(gate: Any) -> bool:
    found: bool = gate.wait(BOUND_S)
    return found


def wait_for_message(queue: Any, started: Any) -> None:
    started.set()
    queue.get()


_adopted: list[Any] = []


def adopt(queue: Any) -> None:
    """Keep a queue in this worker."""
    _adopted[:] = [queue]


def look_at_adopted(_: object) -> int:
    """How many messages it has; -1 in a worker that keeps none."""
    return int(_adopted[0].qsize()) if _adopted else -1


def say(word: str) -> None:
    print(word, flush=True)


def take_all(queue: Any, lock: Any, places: Any, taken: Any, how: str) -> None:
    """And give nothing back."""
    assert queue.get(timeout=BOUND_S) == "had"
    lock.acquire()
    places.acquire()
    queue.lease(BOUND_S).__enter__()
    taken.set()
    if how == "stay":
        stay(taken)
    if how == "raise":
        raising(1)


def deep(number: int) -> int:
    return deep(number + 1)


class Odd(Exception):
    """Its constructor takes other arguments than it passes on."""

    def __init__(self, first: int, second: str) -> None:
        super().__init__(second)


def raise_odd() -> None:
    raise Odd(1, "odd")


def name_of_type(value: object) -> str:
    return type(value).__name__


def take_and_pass(queue: Any, done: Any, lock: Any, places: Any) -> None:
    """Messages, one by one, until there are no more; what it takes is in no ``with`` block."""
    while True:
        lock.acquire()
        places.acquire()
        places.release()
        lock.release()
        try:
            with queue.lease(0.01) as delivery:
                done.put(delivery.message)
        except Empty:
            continue
        except ShutDown:
            return
