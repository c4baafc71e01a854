"""What the tests of this folder run on Ray."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from interlock.pool import worker_state

BOUND_S = 30.0


def square(number: int) -> int:
    return number * number


def fails_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three", number)
    return number


def killed_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_once(folder: str, number: int) -> int:
    """Each number's first worker dies."""
    mark = Path(folder) / str(number)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refused_once(mark: str) -> str:
    if not Path(mark).exists():
        Path(mark).touch()
        raise OSError("the first time")
    return "the second time"


def pid(_: object = None) -> int:
    return os.getpid()


def waits(_: object = None) -> None:
    threading.Event().wait(BOUND_S)


def waits_deaf(_: object = None) -> None:
    """Code that takes no notice of a signal, as code in C may be."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGINT})
    threading.Event().wait(BOUND_S)


def interrupted() -> None:
    raise KeyboardInterrupt


def counted_from(start: int) -> int:
    return start + 1


def state(number: int) -> tuple[Any, int]:
    return worker_state(), number


def refuses() -> None:
    raise RuntimeError("this worker is not fit")


def ones(length: int) -> Any:
    import numpy

    return numpy.ones(length)


def asks_for(num_cpus: int) -> int:
    return num_cpus


def total(handle: Any) -> tuple[float, bool]:
    array = handle.get()
    return float(array.sum()), bool(array.flags.writeable)


def doubled(array: Any) -> Any:
    return array * 2


def unsendable(_: object = None) -> Any:
    return threading.Lock()


def node(_: object = None) -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


# ---- of processes --------------------------------------------------------------------


def ends_with(status: Any) -> None:
    if status == "raise":
        raise RuntimeError("a fault of the test's")
    if status == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(status)


def told(queue: Any, event: Any) -> None:
    """Say who this is, and wait to be told to end."""
    queue.put(os.getpid())
    event.wait(BOUND_S)


def dies_with(queue: Any, *locks: Any) -> None:
    for lock in locks:
        lock.acquire()
    queue.put(os.getpid())
    threading.Event().wait(BOUND_S)


def leaves_work(kind: str, there: Any, back: Any) -> None:
    import interlock

    context: Any = interlock.get_context("ray")
    begun = threading.Thread if kind == "thread" else context.Process
    begun(target=passes_on, args=(there, back)).start()
    begun(target=waits, daemon=True).start()
    back.put("left")


def passes_on(there: Any, back: Any) -> None:
    back.put(there.get(timeout=BOUND_S))


def dies_elsewhere_with(queue: Any, lock: Any) -> None:
    """As from another machine: by no pidfd, but by what Ray says."""
    from interlock.context.ray import line

    line._place = lambda: "another machine"
    dies_with(queue, lock)


def notifies(condition: Any, queue: Any) -> None:
    with condition:
        queue.put("about to")
        condition.notify_all()


def ends_with_lock(lock: Any) -> None:
    lock.acquire()


def puts_arrays(queue: Any, told: Any) -> None:
    import numpy

    for number in range(3):
        queue.put(numpy.full(100_000, number))
    told.put(os.getpid())
    threading.Event().wait(BOUND_S)


def leases(queue: Any, told: Any) -> None:
    with queue.lease(timeout=BOUND_S) as delivery:
        told.put((delivery.message, delivery.attempt))
        threading.Event().wait(BOUND_S)


def adds(value: Any, lock: Any, times: int) -> None:
    for _ in range(times):
        with lock:
            value.value += 1


def passes(barrier: Any, queue: Any) -> None:
    queue.put(barrier.wait(BOUND_S))


def echoes(there: Any, back: Any) -> None:
    while (message := there.get()) is not None:
        back.put(message)


def answers(carrier: Any) -> None:
    carrier.get().put("from afar")
