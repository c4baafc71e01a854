"""What pools, managers and locks of these tests are given to do."""

from __future__ import annotations

import os
import sys
from typing import Any

import interlock

# A worker of a pool has nothing better to wait for than its queue.
ROUNDS = 200


def square(number: int) -> int:
    return number * number


def fail(number: int) -> None:
    raise LookupError(number)


def die(_number: int) -> None:
    os._exit(9)


def my_class(_number: int = 0) -> str:
    """Which class runs the worker."""
    return type(interlock.current_process()).__name__


def squares_of(numbers: list[int]) -> list[int]:
    """A pool inside a worker of a pool: only a worker that is no daemon may have one."""
    with interlock.get_context("fork").Pool(2) as pool:
        return pool.map(square, numbers)


def count(lock: Any, counter: Any) -> None:
    """Adds ROUNDS to the counter, in steps that get lost where the lock does not hold."""
    for _ in range(ROUNDS):
        with lock:
            before = counter.value
            os.sched_yield()
            counter.value = before + 1


def meet(barrier: Any, event: Any, seen: Any) -> None:
    """Waits for everybody, then for the event, and fills its place."""
    place = barrier.wait()
    event.wait()
    seen[place] = place + 1


def announce(condition: Any, word: Any) -> None:
    with condition:
        word.value = b"said"
        condition.notify_all()


def main_with_a_pool(method: str) -> None:
    """A program that is killed beside its pool: it prints its workers, and waits."""
    pool = interlock.get_context(method).Pool(2)
    pids = pool.map(getpid, range(2), chunksize=1)
    children = [child.pid for child in interlock.active_children()]
    print(*children, flush=True)
    assert set(pids) <= set(children)
    sys.stdin.read()


def getpid(_number: int) -> int:
    return os.getpid()


def main() -> None:
    main_with_a_pool(sys.argv[1])


if __name__ == "__main__":
    main()
