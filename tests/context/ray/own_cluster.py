"""A program with a cluster of its own: what it has at its start, by Ctrl-C, and at its end.

The end is the context's, or by `--by-ray` one that Ray is asked for behind the context's back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import interlock
from interlock.errors import ServerGone
from interlock.pool import PoolClosed, PoolTerminated

BOUND_S = 40.0


def square(number: int) -> int:
    return number * number


def waits(_: object) -> None:
    threading.Event().wait(BOUND_S)


def interrupt_soon() -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()


def main() -> None:
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    assert handler == signal.SIG_DFL
    own = signal.getsignal(signal.SIGTERM)
    context: Any = interlock.get_context("ray", num_cpus=2, init={"logging_level": "ERROR"})
    assert signal.getsignal(signal.SIGTERM) is own and context.cpu_count() == 2
    with context.Pool() as pool:
        print(pool.map(square, range(4)))

    lock, queue = context.Lock(), context.Queue()
    lock.acquire()
    for wait in (lock.acquire, queue.get):
        interrupt_soon()
        try:
            wait()
        except KeyboardInterrupt:
            print("interrupted")
    lock.release()
    queue.put("whole")
    print(lock.acquire(timeout=BOUND_S), queue.get(timeout=BOUND_S))

    pool = context.Pool()
    in_a_fork(lambda: told(lock.release), lambda: told(lambda: pool.apply(square, (2,))))
    result = pool.map_async(waits, range(4))
    child = context.Process(target=waits, args=(0,))
    child.start()
    waiting = threading.Thread(target=told, args=(queue.get,))
    waiting.start()
    if "--by-ray" in sys.argv:
        import ray

        assert child.pid
        ray.shutdown()
    else:
        context.close()
    waiting.join(BOUND_S)
    child.join(BOUND_S)
    print(child.exitcode)
    for use in (lambda: result.get(BOUND_S), lock.release, context.Lock, context.Pool, child_again):
        told(use)


def in_a_fork(*calls: Callable[[], None]) -> None:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        for call in calls:
            call()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)


def told(use: Callable[[], object]) -> None:
    try:
        use()
    except (PoolClosed, PoolTerminated, ServerGone) as error:
        print(type(error).__name__)


def child_again() -> None:
    from interlock.context.ray.process import RayProcess

    RayProcess(target=square, args=(2,)).start()


if __name__ == "__main__":
    main()
