"""Programs of `multiprocessing`'s documentation, and classes of a program's own."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import interlock
from interlock.errors import AccessDenied
from interlock.managers import BaseManager, SyncManager, serve

BOUND_S = 30.0
KEY = b"a key for tests"

# "Using a remote manager", with `multiprocessing` and the port put in.
SERVER = """
from {package}.managers import BaseManager
from queue import Queue
queue = Queue()
class QueueManager(BaseManager): pass
QueueManager.register('get_queue', callable=lambda:queue)
m = QueueManager(address=('', {port}), authkey=b'abracadabra')
s = m.get_server()
s.serve_forever()
"""
PUTS = """
from {package}.managers import BaseManager
class QueueManager(BaseManager): pass
QueueManager.register('get_queue')
m = QueueManager(address=('127.0.0.1', {port}), authkey=b'abracadabra')
m.connect()
queue = m.get_queue()
queue.put('hello')
"""
GETS = """
from {package}.managers import BaseManager
class QueueManager(BaseManager): pass
QueueManager.register('get_queue')
m = QueueManager(address=('127.0.0.1', {port}), authkey=b'abracadabra')
m.connect()
queue = m.get_queue()
print(queue.get())
"""
LOCAL = """
from {package} import Process, Queue
from {package}.managers import BaseManager
class Worker(Process):
    def __init__(self, q):
        self.q = q
        super().__init__()
    def run(self):
        self.q.put('local hello')

queue = Queue()
w = Worker(queue)
w.start()
class QueueManager(BaseManager): pass

QueueManager.register('get_queue', callable=lambda: queue)
m = QueueManager(address=('', {port}), authkey=b'abracadabra')
s = m.get_server()
s.serve_forever()
"""


class Counter:
    """What a program might serve."""

    def __init__(self, start: int = 0) -> None:
        self.value = start
        self.others: list[Any] = []

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    def rows(self, rows: dict[str, list[int]]) -> int:
        return sum(map(len, rows.values()))

    def plus(self, other: Counter) -> int:
        return self.value + other.value

    def fail(self) -> None:
        raise AccessDenied("for a test")

    def echo(self, value: Any) -> Any:
        return value

    async def soon(self) -> str:
        await asyncio.sleep(0)
        return "soon"

    def _private(self) -> None:
        raise AssertionError("a private method was called")


class Hub(BaseManager):
    counter = serve(Counter)


@Hub.serve
class Box:
    def get(self) -> int:
        return 3


def lock_and_wait(lock: Any, ready: Any) -> None:
    """Have the lock, say so, and wait for the end."""
    lock.acquire()
    ready.put(lock.token.number)
    signal.pause()


def fill(totals: Any, lock: Any, names: Any, number: int) -> None:
    """As the example of the guide."""
    for _ in range(number):
        with lock:
            totals["sum"] = totals["sum"] + 1
    names.append(number)


def use_later(shared: Any, queue: Any) -> None:
    """Wait for the parent, and use what it has dropped."""
    queue.get(timeout=BOUND_S)
    shared["used"] = True


def store_in(outer: Any, key: str) -> None:
    """Put a proxy of a new dict into a managed one: nobody else has it."""
    place = outer._line.place
    manager = SyncManager(address=place.address, authkey=place.key)
    manager.connect()
    inner = manager.dict(made=os.getpid())
    outer[key] = inner


def context_of(method: str) -> Any:
    return interlock.get_context(method)


class Pooling(SyncManager):
    pass


@Pooling.task
def squared(number: int) -> int:
    if number < 0:
        raise ValueError("negative", number)
    return number * number


@Pooling.task
def added(one: int, other: int = 0) -> int:
    return one + other


@Pooling.task
def killed(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@Pooling.task
def endless(number: int) -> None:
    signal.pause()


def unheard(number: int) -> int:
    return number


def wait_for(condition: Any, entered: Any) -> None:
    """Wait until notified."""
    with condition:
        entered.append(os.getpid())
        condition.wait()
