"""What the processes and tasks of the promises do; each context finds it by its name."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any

MEMORY: list[str] = []


def nothing(*_: Any) -> None:
    pass


def put(queue: Any, *messages: Any) -> None:
    for message in messages:
        queue.put(message)


def move(source: Any, target: Any, number: int) -> None:
    for _ in range(number):
        target.put(source.get())


def move_until_end(source: Any, target: Any) -> None:
    """Until a None, which it puts back for the others."""
    while (message := source.get()) is not None:
        target.put(message)
    source.put(None)


def echo(connection: Any, number: int) -> None:
    for _ in range(number):
        connection.send(connection.recv())


def echo_bytes(connection: Any) -> None:
    connection.send_bytes(connection.recv_bytes())


def send(connection: Any, *messages: Any) -> None:
    for message in messages:
        connection.send(message)


def exit_with(code: Any) -> None:
    sys.exit(code)


def fail() -> None:
    raise ValueError("it fails")


def fail_in_a_task(number: int = 0) -> None:
    raise KeyError("it fails", number)


def spin(said: Any = None) -> None:
    if said is not None:
        said.put("begun")
    while True:
        pass


def write_more_than_fits(path: str) -> None:
    """In one call, which cannot come back before somebody reads, or closes the other end."""
    with contextlib.suppress(BrokenPipeError):
        os.write(os.open(path, os.O_WRONLY), bytes(1 << 20))


def remember(said: Any) -> None:
    MEMORY.append("changed")
    said.put("done")


def wait_for_go(go: Any, said: Any) -> None:
    said.put("begun")
    go.get()


def lease_and_spin(queue: Any, said: Any) -> None:
    with queue.lease() as delivery:
        said.put(delivery.message)
        spin()


def hold_and_spin(lock: Any, said: Any) -> None:
    with lock:
        said.put("held")
        spin()


def hold(lock: Any, said: Any, go: Any) -> None:
    with lock:
        said.put("held")
        go.get()


def enter_and_leave(lock: Any, path: str, said: Any, go: Any, times: int) -> None:
    """Who is in it has a file; says how often another had it."""
    said.put("ready")
    go.get()
    met = 0
    for _ in range(times):
        with lock:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                met += 1
                continue
            threading.Event().wait(0.001)
            os.unlink(path)
    said.put(met)


def release(lock: Any, said: Any) -> None:
    try:
        lock.release()
    except (AssertionError, RuntimeError, ValueError) as error:
        said.put(type(error).__name__)
    else:
        said.put("released")


def try_lock(lock: Any, said: Any) -> None:
    got = lock.acquire(False)
    if got:
        lock.release()
    said.put(got)


def wait_for_event(event: Any, said: Any) -> None:
    said.put("begun")
    said.put(event.wait(20))


def wait_for_notice(condition: Any, said: Any) -> None:
    with condition:
        said.put("begun")
        said.put(condition.wait(20))


def meet(barrier: Any, said: Any) -> None:
    said.put("begun")
    said.put(barrier.wait(20))


def add(value: Any, times: int) -> None:
    for _ in range(times):
        with value.get_lock():
            value.value += 1


def fill(array: Any, first: int) -> None:
    for place in range(len(array)):
        array[place] = first + place


def count_in(shared: Any, times: int) -> None:
    for _ in range(times):
        shared.update_with("count", more)


def more(number: int) -> int:
    return number + 1


def note_in(shared: Any, key: str) -> None:
    shared[key] = key * 2


def append_to(shared: Any, what: Any) -> None:
    shared.append(what)


def read(lock: Any, said: Any, go: Any) -> None:
    with lock.reader:
        said.put("reading")
        go.get()


def square(number: int) -> int:
    return number * number


def square_slowly_first(number: int) -> int:
    if number == 0:
        threading.Event().wait(0.1)
    return number * number


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_tries = threading.local()


def fail_twice() -> int:
    """In a worker that is alone."""
    _tries.number = getattr(_tries, "number", 0) + 1
    if _tries.number < 3:
        raise OSError(_tries.number)
    return int(_tries.number)


def touch(path: str) -> None:
    open(path, "x").close()


def become(state: str) -> str:
    return state.upper()


def state() -> Any:
    from interlock.pool import worker_state

    return worker_state()


def give_lock() -> Any:
    return threading.Lock()


def spin_for(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass
